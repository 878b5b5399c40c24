"""Translates between qdrant-client's models and those of qdrant-edge, whose engine is the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

import numpy as np
import qdrant_edge as edge
from qdrant_client import models

from stagekit.errors import StageError
from stagekit.storage.embedded.ids import edge_id, plain_id

RRF_K: Final = (
    2  # the server's default: score = sum of 1 / (k + rank), rank from 0 (qdrant.tech, Hybrid Queries)
)
_DISTANCES: Final = {
    models.Distance.COSINE: edge.Distance.Cosine,
    models.Distance.DOT: edge.Distance.Dot,
    models.Distance.EUCLID: edge.Distance.Euclid,
    models.Distance.MANHATTAN: edge.Distance.Manhattan,
}
_SCHEMAS: Final = {
    models.PayloadSchemaType.KEYWORD: edge.PayloadSchemaType.Keyword,
    models.PayloadSchemaType.INTEGER: edge.PayloadSchemaType.Integer,
    models.PayloadSchemaType.FLOAT: edge.PayloadSchemaType.Float,
    models.PayloadSchemaType.BOOL: edge.PayloadSchemaType.Bool,
    models.PayloadSchemaType.DATETIME: edge.PayloadSchemaType.Datetime,
    models.PayloadSchemaType.UUID: edge.PayloadSchemaType.Uuid,
}


def edge_config(request: models.CreateCollection, indexing_threshold: int | None) -> edge.EdgeConfig:
    """Return the configuration of a shard from the request that made the collection.

    From `indexing_threshold` kB of vectors on a graph is built.
    """
    dense = {name: _vector_params(params) for name, params in _named(request.vectors).items()}
    sparse = {
        name: edge.EdgeSparseVectorParams(modifier=edge.Modifier.Idf if params.modifier else None)
        for name, params in (request.sparse_vectors or {}).items()
    }
    hnsw = request.hnsw_config or models.HnswConfigDiff()
    return edge.EdgeConfig(
        vectors=dense,
        sparse_vectors=sparse,
        hnsw_config=edge.HnswIndexConfig(
            m=hnsw.m if hnsw.m is not None else 16,
            ef_construct=hnsw.ef_construct or 100,
            full_scan_threshold=hnsw.full_scan_threshold or 10_000,
        ),
        quantization_config=_quantization(request.quantization_config),
        optimizers=edge.EdgeOptimizersConfig(indexing_threshold=indexing_threshold),
        payload_memory=edge.Memory.Cached if request.on_disk_payload is False else edge.Memory.Cold,
    )


def _named(vectors: Any) -> Mapping[str, models.VectorParams]:
    if not isinstance(vectors, Mapping):
        raise StageError("The embedded store keeps named vectors only: give vectors_config a name a vector.")
    return vectors


def _vector_params(params: models.VectorParams) -> edge.EdgeVectorParams:
    memory = edge.Memory.Cold if params.on_disk else None
    return edge.EdgeVectorParams(size=params.size, distance=_DISTANCES[params.distance], memory=memory)


def _quantization(config: Any) -> edge.ScalarQuantizationConfig | None:
    if config is None:
        return None
    scalar = config.scalar
    memory = edge.Memory.Pinned if scalar.always_ram else None
    return edge.ScalarQuantizationConfig(edge.ScalarType.Int8, quantile=scalar.quantile, memory=memory)


def payload_schema(kind: models.PayloadSchemaType) -> edge.PayloadSchemaType:
    """Return the kind of a payload index."""
    return _SCHEMAS[kind]


def edge_point(point: models.PointStruct, payload: dict[str, Any]) -> edge.Point:
    """Return a point with its named vectors and the payload that is stored."""
    if not isinstance(point.vector, Mapping):
        raise StageError(f"The vectors of point {point.id} have no names: give them as a dict.")
    vectors = {name: _edge_vector(vector) for name, vector in point.vector.items()}
    return edge.Point(edge_id(point.id), vectors, payload)


def _edge_vector(vector: Any) -> Any:
    if isinstance(vector, models.SparseVector):
        return edge.SparseVector(vector.indices, vector.values)
    return vector


def _plain_vector(vector: Any) -> Any:
    if isinstance(vector, Mapping):
        return {name: _plain_vector(one) for name, one in vector.items()}
    if isinstance(vector, edge.SparseVector):
        return models.SparseVector(indices=vector.indices, values=vector.values)
    return vector


def record(found: edge.Record) -> models.Record:
    """Return a stored point."""
    return models.Record(id=plain_id(found.id), payload=found.payload, vector=_plain_vector(found.vector))


def scored_point(found: edge.ScoredPoint) -> models.ScoredPoint:
    """Return a point that a query found."""
    return models.ScoredPoint(
        id=plain_id(found.id),
        version=found.version,
        score=found.score,
        payload=found.payload,
        vector=_plain_vector(found.vector),
    )


def edge_query(query: Any, using: str | None) -> Any:
    """Return what orders the points: a dense or sparse vector, or the fusion of what was prefetched."""
    if isinstance(query, models.FusionQuery):
        return edge.Fusion.Rrf(RRF_K) if query.fusion == models.Fusion.RRF else edge.Fusion.Dbsf()
    if isinstance(query, models.RrfQuery):
        return edge.Fusion.Rrf(query.rrf.k or RRF_K, query.rrf.weights)
    if isinstance(query, models.NearestQuery):
        query = query.nearest
    return None if query is None else edge.Query.Nearest(_edge_vector(query), using=using)


def edge_filter(query: models.Filter | None) -> edge.Filter | None:
    """Return a filter; conditions may be nested filters.

    Raises:
        StageError: for a condition that the embedded store is not asked here.
    """
    if query is None:
        return None
    return edge.Filter(
        must=_conditions(query.must), should=_conditions(query.should), must_not=_conditions(query.must_not)
    )


def filtered_fields(query: models.Filter | None, prefetch: Any = None) -> set[str]:
    """Return the payload fields that a filter looks at, and those of the searches that a query fuses."""
    searches = prefetch if isinstance(prefetch, list | tuple) else [prefetch]
    filters = [query, *(one.filter for one in searches if one is not None)]
    return {key for one in filters if one is not None for key in _keys(one)}


def _keys(query: models.Filter) -> set[str]:
    found: set[str] = set()
    for given in (query.must, query.should, query.must_not):
        for part in given if isinstance(given, list | tuple) else [given]:
            if isinstance(part, models.Filter):
                found |= _keys(part)
            else:
                place = getattr(part, "is_empty", None) or getattr(part, "is_null", None) or part
                key = getattr(place, "key", None)
                found |= {key} if key else set()
    return found


def _conditions(given: Any) -> list[Any] | None:
    if given is None:
        return None
    return [_condition(one) for one in (given if isinstance(given, list | tuple) else [given])]


def _condition(condition: Any) -> Any:
    match condition:
        case models.Filter():
            return edge_filter(condition)
        case models.HasIdCondition():
            return edge.HasIdCondition({edge_id(one) for one in condition.has_id})
        case models.IsEmptyCondition():
            return edge.IsEmptyCondition(condition.is_empty.key)
        case models.IsNullCondition():
            return edge.IsNullCondition(condition.is_null.key)
        case models.FieldCondition(key=key, match=wanted) if wanted is not None:
            return edge.FieldCondition(key, match=_match(wanted))
        case models.FieldCondition(key=key, range=wanted) if wanted is not None:
            return edge.FieldCondition(key, range=_range(wanted))
    raise StageError(f"The embedded store knows no filter condition {type(condition).__name__}.")


def _match(wanted: Any) -> Any:
    match wanted:
        case models.MatchValue(value=bool() as value):
            # A Python bool arrives as the number 1 and matches nothing (qdrant-edge-py 0.9); NumPy's works.
            return edge.MatchValue(cast("bool", np.bool_(value)))
        case models.MatchValue(value=value):
            return edge.MatchValue(value)
        case models.MatchAny(any=values):
            return edge.MatchAny(cast("list[str]", list(values)))
        case models.MatchExcept():
            return edge.MatchExcept(cast("list[str]", list(wanted.except_)))
    raise StageError(f"The embedded store knows no match {type(wanted).__name__}.")


def _range(wanted: Any) -> Any:
    bounds = {name: getattr(wanted, name) for name in ("gte", "gt", "lte", "lt")}
    if not isinstance(wanted, models.DatetimeRange):
        return edge.RangeFloat(**bounds)
    texts = {name: value.isoformat() if value is not None else None for name, value in bounds.items()}
    return edge.RangeDateTime(**texts)


def prefetches(given: Any) -> list[edge.Prefetch]:
    """Return the searches whose results a query fuses or orders anew."""
    if given is None:
        return []
    searches = [given] if isinstance(given, models.Prefetch) else given
    return [
        edge.Prefetch(
            limit=search.limit or 10,
            query=edge_query(search.query, search.using),
            prefetches=prefetches(search.prefetch),
            params=search_params(search.params),
            filter=edge_filter(search.filter),
            score_threshold=search.score_threshold,
        )
        for search in searches
    ]


def search_params(params: models.SearchParams | None) -> edge.SearchParams | None:
    """Return how exactly to search."""
    return None if params is None else edge.SearchParams(hnsw_ef=params.hnsw_ef, exact=bool(params.exact))
