"""Turns the settings of the stage into an open source: the one place that knows which kinds there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stagekit.base.paths import config_dir
from stagekit.errors import StageError
from stagekit.ingestion.folder_source import FolderSource
from stagekit.ingestion.git_source import GitSource, is_git_repository
from stagekit.ingestion.gitlab.settings import GitLabSettings
from stagekit.ingestion.source import Source

if TYPE_CHECKING:
    from stagekit.ingestion.gitlab.clients import Connect, ProgressBar
    from stagekit.ingestion.gitlab.contents import Workplace


def sample_repository() -> Path:
    """Return the folder of the bundled sample."""
    return config_dir() / "sample_repository"


def source_folder(source_path: str) -> Path:
    """Return the repository or folder that the setting ``source_path`` names; empty is the bundled sample.

    Raises:
        StageError: if there is no such folder.
    """
    path = Path(source_path).expanduser() if source_path else sample_repository()
    if not path.is_dir():
        state = "is a file, not a folder" if path.exists() else "does not exist"
        raise StageError(f"source_path {path} {state}; set it to a git repository or a plain folder.")
    return path


def open_source(
    source: str,
    source_path: str,
    *,
    folders: Sequence[str],
    target_branch: str = "",
    project: str = "",
    outputs: Path | None = None,
    gitlab: Mapping[str, Any] | None = None,
    connect: Connect | None = None,
    workplace: Workplace | None = None,
    progress: ProgressBar | None = None,
) -> Source:
    """Open the source that the settings name.

    Args:
        source: kind of source: ``gitlab``, or ``git``, which covers plain folders too.
        source_path: a clone, a bare repository or a plain folder; empty means the bundled sample.
        folders: approved folders, in the form of :class:`~stagekit.ingestion.selection.SelectionRules`.
        target_branch: branch or tag; empty means the commit that is checked out, or GitLab's default branch.
        project: name of the source; empty means a first guess: that of the remote ``origin``, else the
            folder's, for GitLab the host and the path.
        outputs: the outputs folder: where it lies in the plain folder that is read, it is no part of it.
        gitlab: the values of :class:`~stagekit.ingestion.gitlab.settings.GitLabSettings`.
        connect: makes a python-gitlab client on the session that it is given.
        workplace: the stage, in whose folder downloads from GitLab and the access log lie.
        progress: shows downloads from GitLab, and why the stage waits.

    Raises:
        StageError: if it cannot be read; the sentence says what to change.
    """
    if source == "gitlab" and connect and workplace:
        from stagekit.ingestion.gitlab.source import GitLabSource  # python-gitlab takes long to import

        settings = GitLabSettings(**(gitlab or {}))
        return GitLabSource(settings, connect, target_branch, folders, project, workplace, progress)
    if source != "git":
        raise StageError(
            f"source is {source!r}: give 'gitlab', or 'git' for a local repository or a plain folder."
        )
    path = source_folder(source_path)
    if is_git_repository(path):
        return GitSource(path, target_branch, folders, project)
    return FolderSource(path, target_branch, folders, project, outputs)
