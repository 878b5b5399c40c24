"""Reads a Qdrant server: a reader's words put into those of qdrant-client."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from qdrant_client import QdrantClient, models

from stagekit.storage.reading.conditions import (
    AnyOf,
    Condition,
    Empty,
    Flag,
    PointId,
    Terms,
    Where,
    WithId,
    Within,
)
from stagekit.storage.reading.reader import CollectionFacts, Point, weights_of_terms

_PAGE: Final = 1000


class ServerReader:
    """A :class:`~stagekit.storage.reading.reader.StoreReader` of a server.

    Args:
        client: of the server; it is closed with the reader.
    """

    def __init__(self, client: QdrantClient) -> None:
        self._client = client

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def exists(self, collection: str) -> bool:
        """Tell whether there is a collection or alias of that name."""
        return self._client.collection_exists(collection)

    def facts(self, collection: str) -> CollectionFacts:
        """Return what a collection is."""
        config = self._client.get_collection(collection).config
        vectors, strict = config.params.vectors, config.strict_mode_config
        return CollectionFacts(
            {name: one.size for name, one in vectors.items()} if isinstance(vectors, Mapping) else None,
            frozenset(config.params.sparse_vectors or ()),
            config.metadata or {},
            strict.max_query_limit if strict and strict.enabled else None,
        )

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
        found = self._client.query_points(
            collection,
            query=_query(query),
            using=using,
            query_filter=_filter(where),
            limit=limit,
            with_payload=_fields(fields),
        )
        return [_scored(one) for one in found.points]

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
        """Return what :meth:`nearest` returns for each of several queries, which are sent as one request."""
        condition = _filter(where)
        requests = [
            models.QueryRequest(
                query=_query(one), using=using, filter=condition, limit=limit, with_payload=_fields(fields)
            )
            for one in queries
        ]
        answers = self._client.query_batch_points(collection, requests=requests)
        return [[_scored(one) for one in answer.points] for answer in answers]

    def points(
        self,
        collection: str,
        ids: Sequence[PointId],
        *,
        fields: bool | Sequence[str] = True,
        weights_of: str = "",
    ) -> list[Point]:
        """Return the points of the ids that there are, with the weights of the sparse vector of that name."""
        found = self._client.retrieve(
            collection,
            list(ids),
            with_payload=_fields(fields),
            with_vectors=[weights_of] if weights_of else False,
        )
        return [
            Point(_id(one), payload=one.payload or {}, weights=weights_of_terms(one.vector, weights_of))
            for one in found
        ]

    def page(
        self, collection: str, where: Where | None, *, limit: int, offset: PointId | None = None
    ) -> tuple[list[Point], PointId | None]:
        """Return points with all fields in the order of their ids, and where the next page starts."""
        found, following = self._client.scroll(
            collection, scroll_filter=_filter(where), limit=limit, offset=offset, with_payload=True
        )
        next_one = None if following is None else following if isinstance(following, int) else str(following)
        return [Point(_id(one), payload=one.payload or {}) for one in found], next_one

    def count(self, collection: str, where: Where | None) -> int:
        """Return the exact number of points."""
        return self._client.count(collection, count_filter=_filter(where), exact=True).count

    def values(self, collection: str, field: str, most: int) -> list[str]:
        """Return the texts that a field has, the most frequent first.

        The server counts them in the field's index; without one every point is looked at.
        """
        if field in self._client.get_collection(collection).payload_schema:
            hits = self._client.facet(collection, key=field, limit=most, exact=True).hits
            return [str(hit.value) for hit in hits]
        counted: Counter[str] = Counter()
        following: Any = None
        while True:
            points, following = self._client.scroll(
                collection, limit=_PAGE, offset=following, with_payload=[field], with_vectors=False
            )
            for point in points:
                value = (point.payload or {}).get(field)
                counted.update(
                    map(str, value if isinstance(value, list) else [] if value is None else [value])
                )
            if following is None:
                return [value for value, _ in counted.most_common(most)]

    def filters_by(self, field: str) -> bool:  # noqa: ARG002 - a server sees all of them
        """Tell whether points can be found by a field."""
        return True


def _id(found: models.Record | models.ScoredPoint) -> PointId:
    return found.id if isinstance(found.id, int) else str(found.id)


def _scored(found: models.ScoredPoint) -> Point:
    return Point(_id(found), float(found.score), found.payload or {})


def _fields(fields: bool | Sequence[str]) -> bool | list[str]:
    return fields if isinstance(fields, bool) else list(fields)


def _query(query: Sequence[float] | Terms) -> Any:
    if isinstance(query, Terms):
        return models.SparseVector(indices=list(query.indices), values=list(query.values))
    return list(query)


def _filter(where: Where | None) -> models.Filter | None:
    if where is None:
        return None

    def made(some: Sequence[Condition]) -> list[Any] | None:
        return [_condition(one) for one in some] or None

    return models.Filter(must=made(where.must), should=made(where.should), must_not=made(where.must_not))


def _condition(condition: Condition) -> Any:
    match condition:
        case Where():
            return _filter(condition)
        case AnyOf(field=field, values=values):
            return models.FieldCondition(key=field, match=models.MatchAny(any=list(values)))
        case Flag(field=field, value=value):
            return models.FieldCondition(key=field, match=models.MatchValue(value=value))
        case Empty(field=field):
            return models.IsEmptyCondition(is_empty=models.PayloadField(key=field))
        case WithId(ids=ids):
            return models.HasIdCondition(has_id=list(ids))
        case Within(field=field):
            bounds = {name: getattr(condition, name) for name in ("gte", "gt", "lte", "lt")}
            moments = any(isinstance(bound, datetime) for bound in bounds.values())
            span = models.DatetimeRange(**bounds) if moments else models.Range(**bounds)
            return models.FieldCondition(key=field, range=span)
