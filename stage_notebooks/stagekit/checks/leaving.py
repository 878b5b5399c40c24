"""Which of the stored documents the next run leaves out under the rules of today, and why."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stagekit.artifacts.known_sources import KnownSource
    from stagekit.artifacts.rows import Rows
    from stagekit.artifacts.store import ArtifactStore
    from stagekit.ingestion import Approval, SelectionRules, Source, SourceFile

_SILENT = frozenset({"pdf", "png", "jpg", "jpeg"})  # nothing in such a file says whether it is approved
_RULES = ("target_folder", "include_extensions", "max_file_size_mb", "include_paths", "exclude_paths")
_APPROVAL = ("include_statuses", "status_words", "include_expired", "today")


def leaving(settings: dict[str, Any], outputs: Path, *, rules_hold: bool = False) -> list[tuple[str, str]]:
    """Return path and reason of each document that was stored and that a run would leave out now.

    What a local source holds is looked at; of GitLab's documents what was read last is judged. A file that
    was moved does not leave.

    Args:
        settings: every setting of the pipeline by name.
        outputs: the outputs folder.
        rules_hold: nothing but the source and the day has changed, so that a document whose content is the
            same is judged by what is known of it, without being read.
    """
    from stagekit.artifacts.known_sources import documents_of, known_sources
    from stagekit.artifacts.store import outputs_store
    from stagekit.errors import StageError
    from stagekit.ingestion import Approval, SelectionRules

    try:
        rules = SelectionRules.from_settings(*(settings[name] for name in _RULES))
        approval = Approval.from_settings(*(settings[name] for name in _APPROVAL))
        store = outputs_store(outputs)
        local = _opened(settings, rules, outputs)
        try:
            stored = partial(documents_of, store=store)
            known = _known(known_sources(outputs), settings["project"], local, stored)
            documents = stored(known) if known else None
            if not documents:
                return []
            judge = _Judge(rules, approval, store, rules_hold=rules_hold)
            if local is not None:
                judge.look(local, documents.column("blob_id"))
            verdicts = ((str(row["path"]), judge.reason(row)) for row in documents)
            return [(path, reason) for path, reason in verdicts if reason]
        finally:
            if local is not None:
                local.close()
    except (OSError, StageError):
        return []  # stage 01 says what is wrong, in its notebook


def _opened(settings: dict[str, Any], rules: SelectionRules, outputs: Path) -> Source | None:
    """Open a local source; None for GitLab."""
    from stagekit.ingestion import open_source

    if settings["source"] != "git":
        return None
    branch = settings["target_branch"]
    place = settings["source_path"]
    return open_source("git", place, folders=rules.folders, target_branch=branch, outputs=outputs)


def _known(
    known: list[KnownSource],
    project: str,
    local: Source | None,
    documents: Callable[[KnownSource], Rows | None],
) -> KnownSource | None:
    """Return the source of the settings as it was stored; None if that is not known."""
    from stagekit.ingestion import identify

    if project:
        return next((one for one in known if one.project == project), None)
    if local is not None:
        return identify(local, project, known, documents).known
    return known[0] if len(known) == 1 else None


class _Judge:
    """Says why stored documents are left out now, by the rules and approval, from what was read before."""

    def __init__(
        self, rules: SelectionRules, approval: Approval, store: ArtifactStore, *, rules_hold: bool
    ) -> None:
        self._rules, self._approval, self._store, self._rules_hold = rules, approval, store, rules_hold
        self._source: Source | None = None
        self._now: dict[str, SourceFile] = {}
        self._ignored: dict[str, str] = {}
        self._moved: set[str] = set()

    def look(self, source: Source, stored: Collection[str]) -> None:
        """Look at what a source holds now, beside the git blob ids of the documents that were stored."""
        from stagekit.ingestion import select

        found = select(source.files(), self._rules, source.read, self._rules.folders)
        self._source = source
        self._now = {document.entry.path: document.content for document in found.documents}
        self._ignored = {str(row["path"]): str(row["reason"]) for row in found.ignored}
        self._moved = {file.blob_id for file in self._now.values()} & set(stored)

    def reason(self, row: Mapping[str, Any]) -> str:
        """Return why a document is left out now; empty if it stays."""
        from stagekit.ingestion import FileKind, SourceFile, left_out

        path = str(row["path"])
        if self._source is None:
            stored = SourceFile(path, FileKind.FILE, row["blob_id"], row["size_bytes"])
            return left_out(stored, self._rules) or self._unapproved(row, None)
        file = self._now.get(path)
        if file is None:
            moved = row["blob_id"] in self._moved and path not in self._ignored
            return "" if moved else self._ignored.get(path, "it is not in the source any more")
        return self._unapproved(row, file if file.blob_id != row["blob_id"] else None)

    def _unapproved(self, row: Mapping[str, Any], changed: SourceFile | None) -> str:
        """Return why a document is not approved, by its new content or by that which was stored."""
        from stagekit.declared import declared_format, read_declaration
        from stagekit.errors import ArtifactError
        from stagekit.ingestion import approval_fields

        if changed is None and (self._rules_hold or row["file_extension"] in _SILENT):
            verdict = self._approval.reason(row)
            return verdict[1] if verdict else ""
        try:
            if self._source is not None and changed is not None:
                data = self._source.read(changed)
            else:
                data = self._store.read(row["content"])
        except ArtifactError:
            return ""  # it is read again first
        name = str(row["file_name"])
        verdict = self._approval.reason(approval_fields(data, name, self._approval.words))
        if verdict:
            return verdict[1]
        fault = "" if changed else read_declaration(data, declared_format(data, name)).fault
        return (
            f"its front matter cannot be read: {fault}" if fault else ""
        )  # of a new content the last one stays
