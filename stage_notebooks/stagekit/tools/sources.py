"""Lists the sources of an outputs folder and lets points change hands; ``nic-etl sources`` starts it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from stagekit.artifacts.known_sources import KnownSource, forget_source, known_sources, newest_source
from stagekit.base.paths import outputs_path
from stagekit.errors import StageError
from stagekit.tools.existing_store import existing_store

if TYPE_CHECKING:
    from qdrant_client import QdrantClient

Row = dict[str, Any]


def sources(
    *,
    outputs_dir: str = "",
    qdrant_url: str = "embedded",
    collection_name: str = "nic_documents",
    project: str = "",
    adopt: str = "",
    drop: str = "",
    settings: Row | None = None,
) -> Row:
    """Return the sources that are recorded or have points, after one changed hands or was dropped.

    The source of ``project``, by default the one that was read last, takes over the points of the source_id
    or project ``adopt``; points and record of the source_id or project ``drop`` are removed. The other
    arguments are those of :func:`stagekit.search.query.search`.

    Returns:
        ``sources`` (rows with source_id, project, named, kind, recorded, and the ``documents`` and ``points``
        that readers see), and ``points``: how many changed hands or were removed, of what readers see.

    Raises:
        StageError: if there is no store or no such source, or it is not told which one takes over.
    """
    outputs = outputs_path(outputs_dir)
    with existing_store(qdrant_url, outputs, settings, writing=bool(adopt or drop)) as client:
        known = known_sources(outputs)
        rows = _rows(client, collection_name, known)
        changed = 0
        if adopt:
            taker = _taker(known, newest_source(outputs), project)
            changed = _adopt(client, collection_name, outputs, _named(rows, adopt), taker)
        if drop:
            changed = _drop(client, collection_name, outputs, _named(rows, drop))
        if adopt or drop:
            rows = _rows(client, collection_name, known_sources(outputs))
    return {"sources": rows, "points": changed}


def _rows(client: QdrantClient, collection_name: str, known: list[KnownSource]) -> list[Row]:
    from stagekit.storage import collections_of, sources_of, stored_points

    names = collections_of(client, collection_name)
    recorded = {recorded_as.source_id: recorded_as for recorded_as in known}
    there = dict.fromkeys(source for name in names for source in sorted(sources_of(client, name)))
    rows = []
    for source_id in dict.fromkeys([*recorded, *there]):
        points = stored_points(client, names[0], source_id) if names else {}
        recorded_as = recorded.get(source_id) or KnownSource(source_id=source_id, project="")
        facts = {
            "source_id": source_id,
            "project": recorded_as.project,
            "named": recorded_as.named,
            "kind": recorded_as.kind,
        }
        counts = {
            "documents": len({point.document_id for point in points.values()}),
            "points": len(points),
        }
        rows.append(facts | {"recorded": source_id in recorded} | counts)
    return rows


def _named(rows: list[Row], name: str) -> Row:
    found = [row for row in rows if name in {row["source_id"], row["project"]}]
    if len(found) == 1:
        return found[0]
    there = ", ".join(f"{row['source_id']} ({row['project'] or 'not recorded'})" for row in rows) or "none"
    said = "more than one source is called" if found else "there is no source"
    raise StageError(f"{said[0].upper()}{said[1:]} {name}: name one by its id; there are {there}.")


def _taker(known: list[KnownSource], newest: KnownSource | None, project: str) -> KnownSource:
    """Return the source that takes over: the one of that name, else the one that was read last."""
    if not project and newest:
        return newest
    found = [one for one in [*known, *([newest] if newest else [])] if project in {"", one.project}]
    if not found:
        what = f"of {project}" if project else "at all"
        raise StageError(f"No source {what} was read yet that could take them over: run `nic-etl run` first.")
    return found[0]


def _adopt(client: QdrantClient, collection_name: str, outputs: Path, old: Row, new: KnownSource) -> int:
    from stagekit.storage import collections_of, take_over

    if old["source_id"] == new.source_id:
        raise StageError(f"{new.project} is that source already: there is nothing to take over.")
    for name in collections_of(client, collection_name):
        take_over(client, name, old["source_id"], new.source_id)
    forget_source(outputs, old["source_id"])
    return int(old["points"])


def _drop(client: QdrantClient, collection_name: str, outputs: Path, old: Row) -> int:
    from stagekit.storage import collections_of, drop_points

    for name in collections_of(client, collection_name):
        drop_points(client, name, old["source_id"])
    forget_source(outputs, old["source_id"])
    return int(old["points"])


tool = sources
