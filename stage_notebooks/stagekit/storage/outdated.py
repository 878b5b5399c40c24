"""Marks points that stay although their document has a newer version that could not be used."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from qdrant_client import QdrantClient
from qdrant_client.models import PointStruct

from stagekit.enrichment.canonical import point_fingerprint
from stagekit.storage.limits import largest_page, pages

_FINGERPRINT = "point_fingerprint"


def mark_outdated(
    client: QdrantClient,
    collection_name: str,
    ids: Sequence[str],
    *,
    upsert: Callable[[Iterable[PointStruct]], Any],
) -> None:
    """Write ``is_latest: false`` to points by id.

    The fingerprint changes with it, so that the points are written again when the document is good again.
    """
    for page in pages(ids, largest_page(client, collection_name)):
        marked = []
        for record in client.retrieve(collection_name, ids=page, with_payload=True, with_vectors=True):
            payload = {name: value for name, value in (record.payload or {}).items() if name != _FINGERPRINT}
            payload["is_latest"] = False
            payload[_FINGERPRINT] = point_fingerprint(payload)
            vectors: Any = record.vector
            marked.append(PointStruct(id=record.id, vector=vectors, payload=payload))
        upsert(marked)
