"""Whose documents are read: the source that this one was before, a new one, or evidently another one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from stagekit.artifacts.known_sources import KnownSource
from stagekit.artifacts.rows import Rows
from stagekit.errors import StageError
from stagekit.ingestion.source import FileKind, Snapshot, Source, SourceFile, SourceTraits

DocumentsOf = Callable[[KnownSource], Rows | None]
_ID_DIGITS = 16
_KINDRED = 0.5  # share of the documents that must recur where nothing else tells that it is the same source


def source_id(project: str) -> str:
    """Return the id (16 hexadecimal digits) of a source that is new."""
    text = json.dumps(["source", project], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:_ID_DIGITS]


@dataclass(frozen=True)
class Identity:
    """Who a source is, whatever its address, place, branch and approved folders are now."""

    source_id: str  # owner of its points
    project: str  # name that its document ids derive from
    known: KnownSource | None = None  # as it was when a run last stored it; None if none has

    @property
    def folders(self) -> tuple[str, ...]:
        """The approved folders that have held documents, and so may be empty now."""
        return self.known.folders if self.known else ()


class _Likeness(Enum):
    SAME = "same"
    UNCLEAR = "unclear"
    OTHER = "other"


def identify(source: Source, project: str, known: Sequence[KnownSource], documents: DocumentsOf) -> Identity:
    """Return who an open source is.

    A source that is named is the one of that name. Without a name an outputs folder has one source, which
    stays the same whatever its host, its path, its branches and its folders become.

    Args:
        source: as it is now.
        project: the setting; empty for the folder's one source.
        known: the sources of the outputs folder, see :func:`stagekit.artifacts.known_sources.known_sources`.
        documents: returns the documents of a known source as they were stored, if they are known.

    Raises:
        StageError: if it is evidently another source, or one of several; the sentence names ``project``.
    """
    if project:
        return _of(next((recorded for recorded in known if recorded.project == project), None), project)
    if not known:
        return _of(None, source.snapshot().project)
    traits, now = source.traits(), _Contents(source)
    found = [(_likeness(recorded, traits, now, documents), recorded) for recorded in known]
    same = [recorded for likeness, recorded in found if likeness is _Likeness.SAME]
    same.sort(key=lambda recorded: recorded.named)
    if same:
        return _of(same[0], same[0].project)
    if len(known) == 1 and found[0][0] is _Likeness.UNCLEAR:
        return _of(known[0], known[0].project)
    raise StageError(_refusal(source.snapshot(), [recorded.project for recorded in known]))


def identified(snapshot: Snapshot, identity: Identity) -> Snapshot:
    """Return a snapshot under the name that lasts."""
    if snapshot.project == identity.project:
        return snapshot
    url = snapshot.repository_url
    local = url == f"file:{snapshot.project}"
    return replace(
        snapshot, project=identity.project, repository_url=f"file:{identity.project}" if local else url
    )


def newcomers(
    rows: Sequence[Mapping[str, Any]], known: KnownSource | None, documents: DocumentsOf
) -> list[str]:
    """Return the ids of documents that the source did not hold when it was last stored.

    What is remembered of them is from before they left, if it is anything, and holds no more. Where no
    earlier state is known, nobody has left.
    """
    before = documents(known) if known else None
    if before is None:
        return []
    there = set(before.column("document_id"))
    return [str(row["document_id"]) for row in rows if row["document_id"] not in there]


def _of(known: KnownSource | None, project: str) -> Identity:
    return Identity(known.source_id if known else source_id(project), project, known)


class _Contents:
    """Which contents and paths a source has now, looked up when first asked for."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._files: list[SourceFile] | None = None

    def recurring(self, then: Rows) -> tuple[float, float]:
        """Return the shares of documents whose content, and whose path, the source has now."""
        if self._files is None:
            self._files = [file for file in self._source.files() if file.kind == FileKind.FILE]
        blobs = {file.blob_id for file in self._files} - {""}
        paths = {file.path for file in self._files}
        return _share(then.column("blob_id"), blobs), _share(then.column("path"), paths)

    @property
    def empty(self) -> bool:
        """Whether the source has no file that could be compared."""
        return not any(file.blob_id for file in self._files or ())


def _likeness(
    recorded: KnownSource, traits: SourceTraits, now: _Contents, documents: DocumentsOf
) -> _Likeness:
    address = bool(_path(recorded.address)) and _path(recorded.address) == _path(traits.address)
    histories = bool(recorded.roots and traits.roots)
    if histories and set(recorded.roots) & set(traits.roots):
        return _Likeness.SAME
    if address:  # on whatever host
        return _Likeness.SAME
    if recorded.gitlab_id and traits.gitlab_id:
        if recorded.gitlab_id != traits.gitlab_id:
            return _Likeness.OTHER
        if _host(recorded.address) == _host(traits.address):
            return _Likeness.SAME  # it was moved
    elif not histories and set(recorded.places) & set(traits.places):
        return _Likeness.SAME
    then = documents(recorded)
    if not then:
        return _Likeness.OTHER if histories else _Likeness.UNCLEAR
    contents, paths = now.recurring(then)
    if histories:  # begun anew, from the same documents
        return _Likeness.SAME if contents >= _KINDRED else _Likeness.OTHER
    if contents or paths >= _KINDRED:
        return _Likeness.SAME
    return _Likeness.UNCLEAR if now.empty else _Likeness.OTHER


def _share(then: Sequence[object], now: set[str]) -> float:
    return sum(value in now for value in then) / len(then)


def _host(address: str) -> str:
    return address.partition("/")[0]


def _path(address: str) -> str:
    return address.partition("/")[2]


def _refusal(snapshot: Snapshot, projects: Sequence[str]) -> str:
    setting = "gitlab_project" if snapshot.source == "gitlab" else "source_path"
    kept = ", ".join(projects)
    return (
        f"{setting} leads to another source ({snapshot.project}) than the one that this outputs folder keeps "
        f"({kept}), and nothing was written: give each source a name of its own in the setting project (that "
        f"of a known one is {kept}), or choose another outputs_dir for this one."
    )
