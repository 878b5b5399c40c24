"""Says how rare the words of a question are in a collection, and which of them one document alone holds.

Counted anew for each question: Qdrant's own inverse document frequencies go on counting deleted points until
it cleans up (the embedded engine until the store is opened again), and do not heed filters.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from stagekit.storage.reading.conditions import PointId, Terms, Where

if TYPE_CHECKING:
    from stagekit.storage.reading.reader import Point, StoreReader

COUNTED: Final = 256
"""Points up to which the holders of a word are counted one by one."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a question that some points of a collection hold."""

    index: int  # of its term in sparse vectors
    rarity: float  # its inverse document frequency, as in BM25
    # the points that hold it, best first, where all are of one document and its copies; else none
    sole: tuple[PointId, ...]


def words_of(
    store: StoreReader,
    collection: str,
    using: str,
    indices: Sequence[int],
    where: Where | None = None,
    most: int | None = None,
) -> list[Word]:
    """Return those of a question's words (as indices) that are among the points that meet a condition."""
    if not indices:
        return []
    counted = min(COUNTED, most - 1) if most else COUNTED
    queries = [Terms([index], [1.0]) for index in indices]
    points = store.count(collection, where)
    holders = store.nearest_to_each(
        collection, queries, using, where=where, limit=counted + 1, fields=["document_id", "file_hash"]
    )
    words = []
    for index, found in zip(indices, holders, strict=True):
        if found:
            rarity = _inverse_frequency(points, len(found))
            if len(found) > counted:
                rarity = min(rarity, _of_the_engine(store, collection, using, index, found[0]))
            whole = len(found) <= counted  # else nobody has seen who else holds it
            sole = whole and len({_document(point) for point in found}) == 1
            words.append(Word(index, rarity, tuple(point.id for point in found) if sole else ()))
    return words


def _inverse_frequency(points: int, holders: int) -> float:
    return math.log((points - holders + 0.5) / (holders + 0.5) + 1)


def _of_the_engine(store: StoreReader, collection: str, using: str, index: int, holder: Point) -> float:
    """Return Qdrant's own inverse document frequency of a frequent word: its score over the stored weight."""
    (found,) = store.points(collection, [holder.id], fields=False, weights_of=using)
    return holder.score / found.weights[index]


def _document(point: Point) -> str:
    """Return what tells a document from others, but not from its copies."""
    return str(point.payload.get("file_hash") or point.payload.get("document_id"))
