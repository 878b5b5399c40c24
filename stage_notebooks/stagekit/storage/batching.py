"""Points as requests carry them, and pages of ids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final, TypeVar

from qdrant_client.models import PointStruct, SparseVector

from stagekit.storage.collection import DENSE, SPARSE
from stagekit.storage.desired import DesiredPoint

__all__ = ["BYTES_PER_NUMBER", "MAX_REQUEST_BYTES", "pages", "point_struct"]

MAX_REQUEST_BYTES: Final = 8 * 1024 * 1024  # a server refuses more than 32 MiB unless told otherwise
BYTES_PER_NUMBER: Final = 22  # of a float32 in JSON, measured

T = TypeVar("T")


def pages(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield the items in lists of at most ``size``."""
    iterator = iter(items)
    while page := list(islice(iterator, size)):
        yield page


def point_struct(point: DesiredPoint) -> PointStruct:
    """Return a point with its named vectors; a text without words has no sparse one."""
    vectors: dict[str, Any] = {DENSE: point.vector}
    if point.sparse is not None and point.sparse[0]:
        indices, values = point.sparse
        vectors[SPARSE] = SparseVector(indices=indices, values=values)
    return PointStruct(id=point.id, vector=vectors, payload=point.payload)
