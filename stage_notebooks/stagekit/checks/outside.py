"""What lies outside ``outputs/``, in one line: whether a stage that looks there would find it as it was.

These looks start no kernel and import no heavy library: a run with nothing to do takes a second.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from stagekit.checks.store_state import store_state

__all__ = [
    "expiry_day",
    "local_source_state",
    "outside_state",
    "source_changes",
    "source_state",
    "store_state",
]

Settings = dict[str, Any]


def outside_state(kind: str, settings: Settings, outputs: Path) -> str | None:
    """Return the state of ``source`` or ``store``; None where only the stage itself can tell."""
    if kind == "source":
        return source_state(settings, outputs)
    return store_state(settings, outputs) if kind == "store" else None


def source_state(settings: Settings, outputs: Path) -> str | None:
    """Return what the source holds now: a commit, or a digest of what lies in a plain folder.

    None for GitLab, which stage 01 asks in a constant number of requests, and where there is no answer.
    """
    from stagekit.errors import StageError

    if settings["source"] != "git":
        return None
    try:
        return local_source_state(settings, outputs)
    except (OSError, StageError):
        return None  # stage 01 says what is wrong, in its notebook


def expiry_day(settings: Settings) -> str:
    """Return the day as part of a source's state, where expired documents are left out; else nothing."""
    from stagekit.declared.in_force import resolve_day

    return "" if settings.get("include_expired", True) else f" on {resolve_day(settings['today'])}"


def local_source_state(settings: Settings, outputs: Path) -> str:
    """Return the commit of a local repository, or the digest of a plain folder's approved folders.

    Where expired documents are left out the day belongs to it: on another one others have expired.

    Raises:
        OSError: if the folder cannot be read.
        StageError: if there is none, or it is no usable repository.
    """
    from stagekit.ingestion.folder_state import folder_state
    from stagekit.ingestion.git_source import is_git_repository
    from stagekit.ingestion.opening import open_source, source_folder

    path = source_folder(settings["source_path"])
    day = expiry_day(settings)
    if not is_git_repository(path):
        return f"files {folder_state(path, settings['target_folder'], outputs)}{day}"
    source = open_source(
        "git", str(path), folders=settings["target_folder"], target_branch=settings["target_branch"]
    )
    try:
        return f"commit {source.snapshot().commit}{day}"
    finally:
        source.close()


def source_changes(
    settings: Settings, outputs: Path, known: Mapping[str, str], set_aside: Collection[str]
) -> list[str]:
    """Say how a local source differs from what was read of it; nothing for GitLab.

    Args:
        settings: every setting of the pipeline by name.
        outputs: the outputs folder, which never counts.
        known: git blob id by path of the documents that were read.
        set_aside: paths that were read and left out, drafts for example.

    Returns:
        one word a document, for example ``a.md``, ``b.md (new)``, ``c.md (gone)``.
    """
    from stagekit.errors import StageError
    from stagekit.ingestion import SelectionRules, open_source, select

    if settings["source"] != "git":
        return []
    names = ("target_folder", "include_extensions", "max_file_size_mb", "include_paths", "exclude_paths")
    try:
        rules = SelectionRules.from_settings(*(settings[name] for name in names))
        branch = settings["target_branch"]
        place = settings["source_path"]
        source = open_source("git", place, folders=rules.folders, target_branch=branch, outputs=outputs)
        try:
            found = select(source.files(), rules, source.read, rules.folders).documents
        finally:
            source.close()
    except (OSError, StageError):
        return []
    now = {document.entry.path: document.content.blob_id for document in found}
    new = [f"{path} (new)" for path in now if path not in known and path not in set_aside]
    gone = [f"{path} (gone)" for path in known if path not in now]
    changed = [path for path, blob in now.items() if known.get(path, blob) != blob]
    return sorted([*changed, *new, *gone])
