"""Which sources an outputs folder keeps in its collections: recorded once, so that their identity lasts.

``sources.json`` is written when a run has stored a source. Where it is missing or damaged it is told from the
executed notebooks, so that folders of earlier versions and restored ones keep the ids that they have.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from stagekit.artifacts.memo import MAP_KEY, Memo
from stagekit.artifacts.rows import Rows
from stagekit.artifacts.store import ArtifactStore, outputs_store
from stagekit.base.files import atomic_write
from stagekit.base.paths import latest_dir
from stagekit.base.plain_json import parse_json
from stagekit.contract import STAGE_RESULT, ArtifactRef, artifact_refs, read_scraps
from stagekit.errors import ArtifactError, StageError

SOURCES_FILE: Final = "sources.json"
_VERSION: Final = 1
_INGESTION: Final = "[0-9][0-9]_gitlab_ingestion.ipynb"
_STORAGE: Final = "[0-9][0-9]_qdrant_storage.ipynb"
_POINTS: Final = f"{MAP_KEY}qdrant_storage/"


@dataclass(frozen=True, kw_only=True)
class KnownSource:
    """A source as it was when a run last stored it."""

    source_id: str  # owner of its points
    project: str  # name that its document ids derive from
    named: bool = False  # whether the setting ``project`` gave it that name
    kind: str = ""  # ``gitlab``, ``git`` or ``folder``
    # digests of the paths that it was read from; see :class:`~stagekit.ingestion.source.SourceTraits`
    # for this and the next three
    places: tuple[str, ...] = ()
    address: str = ""  # host and path of its repository, empty if it has none
    gitlab_id: int = 0  # number of its GitLab project, 0 if it is none
    roots: tuple[str, ...] = ()  # ids of the commits without parents
    folders: tuple[str, ...] = ()  # approved folders that have held documents
    documents: ArtifactRef | None = None  # the product of stage 01 that was stored; None if it is not known
    # further ids under which an earlier version stored it from this outputs folder, for another branch
    # or other folders; their points are not its own yet
    former: tuple[str, ...] = ()

    def plain(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        ref = self.documents.model_dump(mode="json") if self.documents else None
        return asdict(self) | {"documents": ref}

    @classmethod
    def from_plain(cls, value: Mapping[str, Any]) -> KnownSource:
        """Return what :meth:`plain` made; what a later version adds is left out.

        Raises:
            KeyError, TypeError, ValueError: if it is damaged.
        """
        ref = value.get("documents")
        return cls(
            source_id=str(value["source_id"]),
            project=str(value["project"]),
            named=bool(value.get("named")),
            kind=str(value.get("kind") or ""),
            places=_texts(value.get("places")),
            address=str(value.get("address") or ""),
            gitlab_id=int(value.get("gitlab_id") or 0),
            roots=_texts(value.get("roots")),
            folders=_texts(value.get("folders")),
            documents=ArtifactRef.model_validate(ref) if ref else None,
            former=_texts(value.get("former")),
        )


def _texts(values: Any) -> tuple[str, ...]:
    return tuple(str(value) for value in values or ())


def recorded_sources(outputs: Path) -> list[KnownSource] | None:
    """Return the sources in ``sources.json``, the last stored first; None if it is missing or damaged."""
    try:
        content = parse_json((outputs / SOURCES_FILE).read_bytes())
        if content["version"] != _VERSION:
            raise ValueError(content["version"])
        return [KnownSource.from_plain(value) for value in content["sources"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def known_sources(outputs: Path) -> list[KnownSource]:
    """Return the sources of an outputs folder, the last stored first, told from its runs if need be."""
    found = recorded_sources(outputs)
    return _from_runs(outputs) if found is None else found


def newest_source(outputs: Path) -> KnownSource | None:
    """Return the source that was read last, stored or not; None if none was."""
    notebook = next(latest_dir(outputs).glob(_INGESTION), None)
    return next(_told(notebook, outputs_store(outputs)), None) if notebook else None


def remember_source(outputs: Path, source: KnownSource) -> None:
    """Record that a run stored a source."""
    others = [known for known in known_sources(outputs) if known.source_id != source.source_id]
    _write(outputs, [source, *others])


def forget_source(outputs: Path, source_id: str) -> None:
    """Take a source out of the record."""
    _write(outputs, [known for known in known_sources(outputs) if known.source_id != source_id])


def documents_of(source: KnownSource, store: ArtifactStore) -> Rows | None:
    """Return the documents of a source as it was last stored; None if they are not known any more."""
    if source.documents is None:
        return None
    try:
        return Rows(store.open_table(source.documents))
    except (ArtifactError, OSError):
        return None  # pruned, or a folder of another encryption key


def _write(outputs: Path, sources: list[KnownSource]) -> None:
    content = {"version": _VERSION, "sources": [source.plain() for source in sources]}
    text = json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True)
    atomic_write(outputs / SOURCES_FILE, f"{text}\n".encode())


def _from_runs(outputs: Path) -> list[KnownSource]:
    """Return a source for each project that the executed notebooks of stage 01 name, the newest first.

    An attempt that was refused by the collection left no mark in the memo, and is passed over. An earlier
    version gave a project another id for each branch and set of folders: they are one source.
    """
    if not any(latest_dir(outputs).glob(_STORAGE)):
        return []  # nothing was ever stored
    runs = sorted((outputs / "runs").glob(f"*/{_INGESTION}"), reverse=True)
    notebooks = [*latest_dir(outputs).glob(_INGESTION), *runs]
    stored = _stored_ids(outputs)
    store = outputs_store(outputs)
    found: dict[str, KnownSource] = {}
    former: dict[str, dict[str, None]] = {}
    for notebook in notebooks:
        for source in _told(notebook, store):
            if not stored or source.source_id in stored:
                newest = found.setdefault(source.project, source)
                if stored and source.source_id != newest.source_id:
                    former.setdefault(source.project, {})[source.source_id] = None
    return [replace(one, former=tuple(former.get(one.project, ()))) for one in found.values()]


def _told(notebook: Path, store: ArtifactStore) -> Iterator[KnownSource]:
    """Yield what an executed notebook of stage 01 says of its source, if it can be read."""
    try:
        scraps = read_scraps(notebook)
        given = scraps[STAGE_RESULT]["parameters"]
        if given.get("document_limit"):
            return  # a trial
        snapshot = parse_json(store.read(artifact_refs(scraps["source_snapshot"])[0]))
        now = {"kind": snapshot["source"], "named": bool(given.get("project"))}
        now |= {"folders": snapshot["target_folder"], "documents": scraps["documents"]}
        now |= {"address": str(snapshot["repository_url"]).partition("://")[2]}  # none for a local one
        yield KnownSource.from_plain(snapshot | now | snapshot.get("traits", {}))
    except (StageError, OSError, ValueError, KeyError, TypeError, AttributeError, IndexError):
        return


def _stored_ids(outputs: Path) -> set[str]:
    """Return the ids of the sources whose points were seen to be in step with the artifacts."""
    path = outputs / "memo.sqlite"
    if not path.exists():
        return set()
    with Memo(path) as memo:
        return {key.rpartition("/")[2] for key in memo.keys_beginning(_POINTS)}
