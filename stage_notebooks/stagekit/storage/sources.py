"""The sources of a collection: what is recorded of them, and how their points change hands."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qdrant_client import QdrantClient
from qdrant_client.models import FilterSelector, PointStruct

from stagekit.artifacts.known_sources import KnownSource, documents_of, known_sources, remember_source
from stagekit.artifacts.rows import Rows
from stagekit.artifacts.store import ArtifactStore
from stagekit.contract import ArtifactRef
from stagekit.storage.carried import forget_carried
from stagekit.storage.collections import physical_collections, served_collection
from stagekit.storage.limits import PAGE, largest_page, largest_upsert
from stagekit.storage.stored import of_source


def known_source(outputs: Path, source_id: str) -> KnownSource | None:
    """Return what is recorded of a source; None if no run has stored it."""
    return next((one for one in known_sources(outputs) if one.source_id == source_id), None)


def staying(documents: Rows, known: KnownSource | None, store: ArtifactStore) -> set[str]:
    """Return the ids of documents that the source holds now and held when it was last stored.

    Only these may keep what is stored of them without a result of today: what left came back as something
    new, and whatever a collection still has of it is from before it was withdrawn.
    """
    now = set(documents.column("document_id"))
    before = documents_of(known, store) if known else None
    return now if before is None else now & set(before.column("document_id"))


def record_source(outputs: Path, snapshot: Mapping[str, Any], documents: ArtifactRef) -> None:
    """Record the source that a run has stored, by the snapshot and reference of the documents of stage 01."""
    known = known_source(outputs, snapshot["source_id"])
    folders = dict.fromkeys([*(known.folders if known else ()), *snapshot["target_folder"]])
    now = {
        "kind": snapshot["source"],
        "folders": list(folders),
        "documents": documents.model_dump(mode="json"),
    }
    now |= {name: snapshot[name] for name in ("source_id", "project", "named")}
    now["former"] = []  # their points are its own since
    before = known.plain() if known else {}
    traits = {name: value for name, value in snapshot["traits"].items() if value}
    remember_source(outputs, KnownSource.from_plain(before | traits | now))


def collections_of(client: QdrantClient, collection_name: str) -> list[str]:
    """Return the physical collections of an alias, the one that readers see first."""
    served = served_collection(client, collection_name)
    if not served and client.collection_exists(collection_name):
        served = collection_name  # of an early version, without an alias
    others = [one.name for one in physical_collections(client, collection_name)]
    return list(dict.fromkeys([served, *others] if served else others))


def adopt_former(client: QdrantClient, collection_name: str, known: KnownSource | None) -> int:
    """Make points that a source has under former ids its own, in all its collections, and return how many."""
    if known is None or not known.former:
        return 0
    names = collections_of(client, collection_name)
    return sum(take_over(client, name, old, known.source_id) for name in names for old in known.former)


def take_over(client: QdrantClient, collection_name: str, old: str, new: str) -> int:
    """Make the points of one source those of another in a physical collection, and return how many.

    Their fingerprints are taken away: the next run compares each of them with what it should be.
    """
    forget_carried(client, collection_name, old)
    forget_carried(client, collection_name, new)
    moved = 0
    while page := _first_points(client, collection_name, old):
        points = [
            PointStruct(
                id=record.id,
                vector=record.vector,
                payload=(record.payload or {}) | {"source_id": new, "point_fingerprint": ""},
            )
            for record in page
        ]
        client.upsert(collection_name, points=points, wait=True)
        moved += len(points)
    return moved


def drop_points(client: QdrantClient, collection_name: str, source_id: str) -> None:
    """Delete the points of a source from a physical collection."""
    forget_carried(client, collection_name, source_id)
    client.delete(collection_name, points_selector=FilterSelector(filter=of_source(source_id)), wait=True)


def _first_points(client: QdrantClient, collection_name: str, source_id: str) -> list[Any]:
    found, _ = client.scroll(
        collection_name,
        scroll_filter=of_source(source_id),
        limit=largest_page(client, collection_name, largest_upsert(client, collection_name, PAGE)),
        with_payload=True,
        with_vectors=True,
    )
    return list(found)
