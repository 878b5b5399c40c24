"""Says how rare the words of a question are in a collection, and which of them one document alone holds.

Counted anew for each question: Qdrant's own inverse document frequencies go on counting deleted points until
it cleans up (the embedded engine until the store is opened again), and do not heed filters.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from qdrant_client import QdrantClient
    from qdrant_client.models import ExtendedPointId, Filter, ScoredPoint

__all__ = ["COUNTED", "Word", "words_of"]

COUNTED: Final = 256
"""Points up to which the holders of a word are counted one by one."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a question that some points of a collection hold.

    Attributes:
        index: of its term in sparse vectors.
        rarity: its inverse document frequency, as in BM25.
        sole: the points that hold it, best first, where all are of one document and its copies; else none.
    """

    index: int
    rarity: float
    sole: tuple[ExtendedPointId, ...]


def words_of(
    client: QdrantClient,
    collection: str,
    using: str,
    indices: Sequence[int],
    query_filter: Filter | None = None,
    most: int | None = None,
) -> list[Word]:
    """Return those of a question's words that there are among the points that pass a filter.

    Args:
        client: of the store.
        collection: its name or alias.
        using: the name of the sparse vectors.
        indices: of the words' terms.
        query_filter: Qdrant's filter, or None.
        most: points that the server gives in one answer; None for no limit.
    """
    from qdrant_client.models import QueryRequest, SparseVector

    if not indices:
        return []
    counted = min(COUNTED, most - 1) if most else COUNTED
    requests = [
        QueryRequest(
            query=SparseVector(indices=[index], values=[1.0]),
            using=using,
            filter=query_filter,
            limit=counted + 1,
            with_payload=["document_id", "file_hash"],
        )
        for index in indices
    ]
    points = client.count(collection, count_filter=query_filter, exact=True).count
    answers = client.query_batch_points(collection, requests=requests)
    words = []
    for index, answer in zip(indices, answers, strict=True):
        if found := answer.points:
            rarity = _inverse_frequency(points, len(found))
            if len(found) > counted:
                rarity = min(rarity, _of_the_engine(client, collection, using, index, found[0]))
            whole = len(found) <= counted  # else nobody has seen who else holds it
            sole = whole and len({_document(point) for point in found}) == 1
            words.append(Word(index, rarity, tuple(point.id for point in found) if sole else ()))
    return words


def _inverse_frequency(points: int, holders: int) -> float:
    return math.log((points - holders + 0.5) / (holders + 0.5) + 1)


def _of_the_engine(
    client: QdrantClient, collection: str, using: str, index: int, holder: ScoredPoint
) -> float:
    """Return Qdrant's own inverse document frequency of a frequent word: its score over the stored weight."""
    vectors: Any = client.retrieve(collection, [holder.id], with_payload=False, with_vectors=[using])[
        0
    ].vector
    weights: dict[int, float] = dict(zip(vectors[using].indices, vectors[using].values, strict=True))
    return holder.score / weights[index]


def _document(point: ScoredPoint) -> str:
    """Return what tells a document from others, but not from its copies."""
    payload = point.payload or {}
    return str(payload.get("file_hash") or payload.get("document_id"))
