"""Reads the embedded store: a reader's words put into those of the engine, without qdrant-client."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

import numpy as np
import qdrant_edge as edge

from stagekit.storage.embedded.engine import EmbeddedEngine, some
from stagekit.storage.embedded.ids import edge_id, plain_id
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


class EmbeddedReader:
    """A :class:`~stagekit.storage.reading.reader.StoreReader` of a folder.

    Args:
        engine: of the folder; it is closed with the reader.
    """

    def __init__(self, engine: EmbeddedEngine) -> None:
        self._engine = engine

    def close(self) -> None:
        """Let others open the folder; a second call does nothing."""
        self._engine.close()

    def exists(self, collection: str) -> bool:
        """Tell whether there is a collection or alias of that name."""
        return self._engine.collection_exists(collection)

    def facts(self, collection: str) -> CollectionFacts:
        """Return what a collection is."""
        request = self._engine.entry(collection)["request"]
        return CollectionFacts(
            {name: int(one["size"]) for name, one in request["vectors"].items()},
            frozenset(request.get("sparse_vectors") or ()),
            request.get("metadata") or {},
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
        request = edge.QueryRequest(
            limit=limit,
            query=edge.Query.Nearest(_query(query), using=using),
            filter=self._filter(where),
            with_payload=self._engine.sealer.fields(fields),
        )
        found = self._engine.ask(collection, "query", request)
        return [Point(plain_id(one.id), float(one.score), self._payload(one, fields)) for one in found]

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
        return [
            self.nearest(collection, one, using, where=where, limit=limit, fields=fields) for one in queries
        ]

    def points(
        self,
        collection: str,
        ids: Sequence[PointId],
        *,
        fields: bool | Sequence[str] = True,
        weights_of: str = "",
    ) -> list[Point]:
        """Return the points of the ids that there are, with the weights of the sparse vector of that name."""
        wanted = [edge_id(identity) for identity in ids]
        vectors = some([weights_of]) if weights_of else False
        found = self._engine.ask(collection, "retrieve", wanted, self._engine.sealer.fields(fields), vectors)
        return [
            Point(
                plain_id(record.id),
                payload=self._payload(record, fields),
                weights=weights_of_terms(record.vector, weights_of),
            )
            for record in found
        ]

    def page(
        self, collection: str, where: Where | None, *, limit: int, offset: PointId | None = None
    ) -> tuple[list[Point], PointId | None]:
        """Return points with all fields in the order of their ids, and where the next page starts."""
        request = edge.ScrollRequest(
            offset=None if offset is None else edge_id(offset),
            limit=limit,
            filter=self._filter(where),
            with_payload=True,
            with_vector=False,
        )
        found, following = self._engine.ask(collection, "scroll", request)
        points = [Point(plain_id(one.id), payload=self._payload(one, True)) for one in found]
        return points, None if following is None else plain_id(following)

    def count(self, collection: str, where: Where | None) -> int:
        """Return the exact number of points."""
        found: int = self._engine.ask(
            collection, "count", edge.CountRequest(filter=self._filter(where), exact=True)
        )
        return found

    def values(self, collection: str, field: str, most: int) -> list[str]:
        """Return the texts that a field has, the most frequent first."""
        return [str(value) for value, _ in self._engine.counted_values(collection, field, most)]

    def filters_by(self, field: str) -> bool:
        """Tell whether points can be found by a field: most of those of an encrypted store are sealed."""
        return self._engine.sealer.filters_by(field)

    def _payload(self, found: Any, fields: bool | Sequence[str]) -> Mapping[str, Any]:
        return self._engine.sealer.opened(plain_id(found.id), found.payload, fields) or {}

    def _filter(self, where: Where | None) -> edge.Filter | None:
        """Return the engine's filter; raise StageError if it looks at a field that is sealed."""
        if where is None:
            return None
        self._engine.sealer.check(_filtered_fields(where))
        return _edge_filter(where)


def _filtered_fields(where: Where) -> set[str]:
    found: set[str] = set()
    for condition in (*where.must, *where.should, *where.must_not):
        if isinstance(condition, Where):
            found |= _filtered_fields(condition)
        elif not isinstance(condition, WithId):
            found.add(condition.field)
    return found


def _query(query: Sequence[float] | Terms) -> Any:
    if isinstance(query, Terms):
        return edge.SparseVector(list(query.indices), list(query.values))
    return list(query)


def _edge_filter(where: Where) -> edge.Filter:
    def made(some: Sequence[Condition]) -> list[Any] | None:
        return [_condition(one) for one in some] or None

    return edge.Filter(must=made(where.must), should=made(where.should), must_not=made(where.must_not))


def _condition(condition: Condition) -> Any:
    match condition:
        case Where():
            return _edge_filter(condition)
        case AnyOf(field=field, values=values):
            return edge.FieldCondition(field, match=edge.MatchAny(list(values)))
        case Flag(field=field, value=value):
            # A Python bool arrives as the number 1 and matches nothing (qdrant-edge-py 0.9); NumPy's works.
            return edge.FieldCondition(field, match=edge.MatchValue(cast("bool", np.bool_(value))))
        case Empty(field=field):
            return edge.IsEmptyCondition(field)
        case WithId(ids=ids):
            return edge.HasIdCondition({edge_id(one) for one in ids})
        case Within(field=field):
            return edge.FieldCondition(field, range=_range(condition))


def _range(span: Within) -> Any:
    bounds = {name: getattr(span, name) for name in ("gte", "gt", "lte", "lt")}
    if not any(isinstance(bound, datetime) for bound in bounds.values()):
        return edge.RangeFloat(**bounds)
    texts = {name: None if bound is None else bound.isoformat() for name, bound in bounds.items()}
    return edge.RangeDateTime(**texts)
