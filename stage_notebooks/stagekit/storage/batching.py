"""Requests of a size that a server takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final, TypeVar

from qdrant_client.models import PointStruct

from stagekit.enrichment.canonical import canonical_json
from stagekit.storage.desired import DesiredPoint

__all__ = ["MAX_REQUEST_BYTES", "batches", "pages"]

MAX_REQUEST_BYTES: Final = 8 * 1024 * 1024  # a server refuses more than 32 MiB unless told otherwise
BYTES_PER_NUMBER: Final = 22  # of a float32 in JSON, measured

T = TypeVar("T")


def pages(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield the items in lists of at most ``size``."""
    iterator = iter(items)
    while page := list(islice(iterator, size)):
        yield page


def batches(
    points: Iterable[DesiredPoint], batch_size: int, max_bytes: int = MAX_REQUEST_BYTES
) -> Iterator[list[PointStruct]]:
    """Group points into requests of at most ``batch_size`` points and about ``max_bytes`` bytes of JSON."""
    batch: list[PointStruct] = []
    used = 0
    for point in points:
        size = len(canonical_json(point.payload).encode()) + BYTES_PER_NUMBER * len(point.vector)
        if batch and (len(batch) >= batch_size or used + size > max_bytes):
            yield batch
            batch, used = [], 0
        batch.append(PointStruct(id=point.id, vector=point.vector, payload=point.payload))
        used += size
    if batch:
        yield batch
