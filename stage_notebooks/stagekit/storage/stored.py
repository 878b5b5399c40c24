"""What a collection holds of one source: ids and fingerprints, never vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qdrant_client import QdrantClient
from qdrant_client.models import FieldCondition, Filter, MatchValue

from stagekit.errors import StageError
from stagekit.storage.limits import largest_page, pages


@dataclass(frozen=True, slots=True)
class StoredPoint:
    """What reconciliation needs to know of a stored point; None where the payload lacks the field."""

    document_id: str | None  # of its document
    path: str | None  # of the document's file
    fingerprint: str | None  # of payload and vector
    content: str = ""  # git blob id of the file; empty if unknown
    is_latest: bool = False  # whether it says to be of the document's newest version


def of_source(source_id: str) -> Filter:
    """Return the filter for the points that one source owns."""
    return Filter(must=[FieldCondition(key="source_id", match=MatchValue(value=source_id))])


def count_points(client: QdrantClient, collection_name: str, source_id: str | None = None) -> int:
    """Return the exact number of points, of one source or of all."""
    query = of_source(source_id) if source_id is not None else None
    return client.count(collection_name, count_filter=query, exact=True).count


def stored_points(client: QdrantClient, collection_name: str, source_id: str) -> dict[str, StoredPoint]:
    """Return the points of a source by id."""
    points: dict[str, StoredPoint] = {}
    page, offset = largest_page(client, collection_name), None
    while True:
        records, offset = client.scroll(
            collection_name,
            scroll_filter=of_source(source_id),
            limit=page,
            offset=offset,
            with_payload=["document_id", "file_path", "point_fingerprint", "file_hash", "is_latest"],
            with_vectors=False,
        )
        for record in records:
            payload = record.payload or {}
            points[str(record.id)] = StoredPoint(
                payload.get("document_id"),
                payload.get("file_path"),
                payload.get("point_fingerprint"),
                str(payload.get("file_hash") or ""),
                bool(payload.get("is_latest")),
            )
        if offset is None:
            return points


def foreign_points(
    client: QdrantClient, collection_name: str, ids: Sequence[str], source_id: str
) -> dict[str, str]:
    """Return those of the ids that another source owns, with its source_id."""
    found: dict[str, str] = {}
    for batch in pages(ids, largest_page(client, collection_name)):
        for record in client.retrieve(collection_name, ids=batch, with_payload=["source_id"]):
            owner = (record.payload or {}).get("source_id")
            if owner is not None and owner != source_id:
                found[str(record.id)] = str(owner)
    return found


def refuse_foreign(client: QdrantClient, collection_name: str, ids: Sequence[str], source_id: str) -> None:
    """Refuse to overwrite points that another source owns; raise StageError if there are such points."""
    foreign = foreign_points(client, collection_name, ids, source_id)
    if foreign:
        owner = sorted(set(foreign.values()))[0]
        raise StageError(
            f"{len(foreign)} points of {collection_name} that this source would write belong to the source "
            f"{owner}: if that is this source under an earlier identity, take them over with "
            f"`nic-etl sources adopt {owner}`; else give this one its own collection_name, or a name of its "
            "own in project."
        )
