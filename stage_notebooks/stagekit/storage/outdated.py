"""Marks points that stay although their document has a newer version that could not be used."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from qdrant_client import QdrantClient
from qdrant_client.models import PointStruct

from stagekit.enrichment.canonical import point_fingerprint
from stagekit.storage.batching import pages
from stagekit.storage.limits import largest_page
from stagekit.storage.reconcile import Plan
from stagekit.storage.stored import StoredPoint

__all__ = ["mark_outdated", "outdated_points"]

_FINGERPRINT = "point_fingerprint"


def outdated_points(plan: Plan, stored: Mapping[str, StoredPoint]) -> list[str]:
    """Return the ids of points that a plan keeps without a result of today, though they say to be new."""
    touched = {change.document_id for change in plan.changes}
    return sorted(
        point_id
        for point_id, point in stored.items()
        if point.is_latest and (point.document_id or "") not in touched
    )


def mark_outdated(
    client: QdrantClient,
    collection_name: str,
    ids: Sequence[str],
    stored: Mapping[str, StoredPoint],
    *,
    upsert: Callable[[Iterable[PointStruct]], Any],
) -> dict[str, StoredPoint]:
    """Write ``is_latest: false`` to points, and return the stored ones as they are then.

    The fingerprint changes with it, so that the points are written again when the document is good again.

    Args:
        client: of the store.
        collection_name: of the collection.
        ids: of the points.
        stored: the points of the source, see :func:`stagekit.storage.stored.stored_points`.
        upsert: writes points, see :class:`stagekit.storage.writing.PointWriter`.
    """
    after = dict(stored)
    for page in pages(ids, largest_page(client, collection_name)):
        marked = []
        for record in client.retrieve(collection_name, ids=page, with_payload=True, with_vectors=True):
            payload = {name: value for name, value in (record.payload or {}).items() if name != _FINGERPRINT}
            payload["is_latest"] = False
            payload[_FINGERPRINT] = point_fingerprint(payload)
            vectors: Any = record.vector
            marked.append(PointStruct(id=record.id, vector=vectors, payload=payload))
            after[str(record.id)] = replace(
                stored[str(record.id)], fingerprint=payload[_FINGERPRINT], is_latest=False
            )
        upsert(marked)
    return after
