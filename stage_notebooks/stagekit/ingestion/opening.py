"""Turns the settings of the stage into an open source: the one place that knows which kinds there are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from stagekit.errors import StageError
from stagekit.ingestion.folder_source import FolderSource
from stagekit.ingestion.git_source import GitSource, is_git_repository
from stagekit.ingestion.model import Source
from stagekit.paths import project_root

__all__ = ["open_source", "sample_repository"]


def sample_repository() -> Path:
    """Return the folder of the bundled sample."""
    return project_root() / "config" / "sample_repository"


def open_source(
    source: str, source_path: str, *, folders: Sequence[str], target_branch: str = "", project: str = ""
) -> Source:
    """Open the source that the settings name.

    Args:
        source: kind of source: ``git``, which covers plain folders too.
        source_path: a clone, a bare repository or a plain folder; empty means the bundled sample.
        folders: approved folders, in the form of :class:`~stagekit.ingestion.selection.SelectionRules`.
        target_branch: branch or tag; empty means the one that is checked out.
        project: stable name of the project; empty means that of the remote ``origin``, else the folder's.

    Raises:
        StageError: if it cannot be read; the sentence says what to change.
    """
    if source != "git":
        raise StageError(
            f"source is {source!r}: this version reads 'git', a local repository or a plain folder."
        )
    path = Path(source_path).expanduser() if source_path else sample_repository()
    if not path.is_dir():
        state = "is a file, not a folder" if path.exists() else "does not exist"
        raise StageError(f"source_path {path} {state}; set it to a git repository or a plain folder.")
    kind = GitSource if is_git_repository(path) else FolderSource
    return kind(path, target_branch, folders, project)
