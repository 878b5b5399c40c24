"""What a search asks of a store, whichever it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from stagekit.storage.reading.conditions import PointId, Terms, Where


@dataclass(frozen=True, slots=True)
class CollectionFacts:
    """What a collection is."""

    # length of its dense vectors by their name; None where its vectors have no names
    dense: Mapping[str, int] | None
    sparse: frozenset[str]  # names of its sparse vectors
    metadata: Mapping[str, Any]  # what was written with it
    most: int | None = None  # points that one request may ask for, where the server's strict mode says so


@dataclass(frozen=True, slots=True)
class Point:
    """A point as it was found."""

    id: PointId  # an unsigned integer or a UUID
    score: float = 0.0  # of the query that found it; 0 where none did
    payload: Mapping[str, Any] = field(default_factory=dict)  # the fields that were asked for
    # of the terms of its sparse vector, where that was asked for
    weights: Mapping[int, float] = field(default_factory=dict)


def weights_of_terms(vectors: Any, name: str) -> dict[int, float]:
    """Return the weights of a point's sparse vector of that name by term; none where it has none."""
    vector = vectors.get(name) if isinstance(vectors, Mapping) else None
    return {} if vector is None else dict(zip(vector.indices, vector.values, strict=True))


class StoreReader(Protocol):
    """Reads points; may be used by several threads, and is closed by whoever opened it.

    ``fields`` are those of the payload that a point is to have: True for all, False for none.
    """

    def close(self) -> None:
        """Let others open what this reader had open; a second call does nothing."""

    def exists(self, collection: str) -> bool:
        """Tell whether there is a collection or alias of that name."""

    def facts(self, collection: str) -> CollectionFacts:
        """Return what a collection is."""

    def nearest(
        self,
        collection: str,
        query: Sequence[float] | Terms,
        using: str,
        *,
        where: Where | None,
        limit: int,
        fields: bool | Sequence[str] = False,
    ) -> list[Point]:
        """Return the points nearest to a dense or sparse vector, the nearest first."""

    def nearest_to_each(
        self,
        collection: str,
        queries: Sequence[Terms],
        using: str,
        *,
        where: Where | None,
        limit: int,
        fields: bool | Sequence[str] = False,
    ) -> list[list[Point]]:
        """Return what :meth:`nearest` returns for each of several queries."""

    def points(
        self,
        collection: str,
        ids: Sequence[PointId],
        *,
        fields: bool | Sequence[str] = True,
        weights_of: str = "",
    ) -> list[Point]:
        """Return the points of the ids that there are, with the weights of the sparse vector of that name."""

    def page(
        self, collection: str, where: Where | None, *, limit: int, offset: PointId | None = None
    ) -> tuple[list[Point], PointId | None]:
        """Return points with all fields in the order of their ids, and where the next page starts."""

    def count(self, collection: str, where: Where | None) -> int:
        """Return the exact number of points."""

    def values(self, collection: str, field: str, most: int) -> list[str]:
        """Return the texts that a field has, the most frequent first."""

    def filters_by(self, field: str) -> bool:
        """Tell whether points can be found by a field."""
