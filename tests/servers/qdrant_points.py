"""The client's own in-memory collection, with the three things that are too slow there done with arrays."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np
from qdrant_client.local.local_collection import LocalCollection
from qdrant_client.models import (
    CreateCollection,
    Distance,
    FieldCondition,
    Filter,
    MatchAny,
    MatchValue,
    Modifier,
    Record,
    ScoredPoint,
    SparseVector,
)

Array = np.ndarray[Any, np.dtype[Any]]


class PointStore(LocalCollection):
    """Adds memory to the engine: masks of filters, the order of ids, postings of sparse vectors.

    What it remembers is dropped by :meth:`changed`, to be called after each write.
    """

    LARGE_DATA_THRESHOLD = 1_000_000  # its warning is for those who use it as a database

    def __init__(self, config: CreateCollection) -> None:
        self._kept: dict[Any, Any] = {}
        super().__init__(config)

    def changed(self) -> None:
        """Forget what was derived from the points."""
        self._kept.clear()

    def _payload_and_non_deleted_mask(
        self, payload_filter: Filter | None, vector_name: str | None = None
    ) -> Array:
        key = ("mask", payload_filter.model_dump_json() if payload_filter else None)
        if key not in self._kept:
            quick = self._keyword_mask(payload_filter)
            if quick is None:
                quick = super()._payload_and_non_deleted_mask(payload_filter)
            self._kept[key] = quick
        mask: Array = self._kept[key]
        return mask if vector_name is None else mask & ~self.deleted_per_vector[vector_name].astype(bool)

    def _keyword_mask(self, given: Filter | None) -> Array | None:
        """Answer the most frequent kind of filter, text that must match; None for any other."""
        mask = ~self.deleted.astype(bool)
        for field, wanted in _keywords(given):
            if field is None:
                return None
            values = (payload.get(field) for payload in self.payload)
            hits = (
                any(
                    isinstance(item, str) and item in wanted
                    for item in (value if isinstance(value, list) else [value])
                )
                for value in values
            )
            mask &= np.fromiter(hits, dtype=bool, count=len(self.payload))
        return mask

    def search(self, query_vector: Any, *args: Any, **options: Any) -> list[ScoredPoint]:
        """Answer dense cosine and sparse queries; leave the others to the client's engine."""
        name, vector = self._resolve_query_vector_name(query_vector)
        if isinstance(vector, SparseVector) and name in self.sparse_vectors:
            config = (self.config.sparse_vectors or {})[name]
            weighted = self._rescore_idf(vector, name) if config.modifier == Modifier.IDF else vector
            scores = self._sparse_scores(name, weighted)
        elif isinstance(vector, np.ndarray) and vector.ndim == 1 and self._is_cosine(name):
            norm = float(np.linalg.norm(vector)) or 1.0
            scores = self.vectors[name][: len(self.payload)] @ np.asarray(
                vector / np.float64(norm), dtype=np.float32
            )
        else:
            return super().search(query_vector, *args, **options)
        return self._best(name, scores, *args, **options)

    def _is_cosine(self, name: str) -> bool:
        return name in self.vectors and self.get_vector_params(name).distance == Distance.COSINE

    def _sparse_scores(self, name: str, query: SparseVector) -> Array:
        postings = self._kept.get(("postings", name))
        if postings is None:
            postings = self._kept["postings", name] = _postings(self.sparse_vectors[name])
        scores = np.zeros(len(self.payload), dtype=np.float32)
        met = np.zeros(len(self.payload), dtype=bool)
        for index, value in zip(query.indices, query.values, strict=True):
            rows, values = postings.get(index, ((), ()))
            scores[np.asarray(rows, dtype=int)] += value * np.asarray(values, dtype=np.float32)
            met[np.asarray(rows, dtype=int)] = True
        scores[~met] = -np.inf
        return scores

    def _best(
        self,
        name: str,
        scores: Array,
        query_filter: Filter | None = None,
        limit: int = 10,
        offset: int | None = None,
        with_payload: Any = True,
        with_vectors: Any = False,
        score_threshold: float | None = None,
        **_: Any,
    ) -> list[ScoredPoint]:
        allowed = self._payload_and_non_deleted_mask(query_filter, name) & np.isfinite(scores)
        if score_threshold is not None:
            allowed &= scores > score_threshold
        rows = np.flatnonzero(allowed)
        first = offset or 0
        best = rows[np.argsort(-scores[rows], kind="stable")][first : first + limit]
        return [
            ScoredPoint(
                id=self.ids_inv[row],
                version=0,
                score=float(scores[row]),
                payload=self._get_payload(row, with_payload),
                vector=self._shown(row, with_vectors),
            )
            for row in best
        ]

    def _shown(self, row: int, with_vectors: Any) -> Any:
        return self._get_vectors(row, with_vectors)

    def _scroll_by_id(
        self,
        scroll_filter: Filter | None = None,
        limit: int = 10,
        offset: Any = None,
        with_payload: Any = True,
        with_vectors: Any = False,
    ) -> tuple[list[Record], Any]:
        if "order" not in self._kept:
            self._kept["order"] = sorted(self.ids.items(), key=lambda item: self._universal_id(item[0]))
        mask = self._payload_and_non_deleted_mask(scroll_filter)
        start = None if offset is None else self._universal_id(offset)
        found = [
            (point_id, row)
            for point_id, row in self._kept["order"]
            if mask[row] and (start is None or self._universal_id(point_id) >= start)
        ]
        records = [
            Record(
                id=point_id,
                payload=self._get_payload(row, with_payload),
                vector=self._shown(row, with_vectors),
            )
            for point_id, row in found[:limit]
        ]
        return records, found[limit][0] if len(found) > limit else None


def _keywords(given: Filter | None) -> Iterator[tuple[str | None, set[str]]]:
    """Yield the fields that must hold one of some texts; a field of None where there is more to a filter."""
    if given is None:
        return
    if given.should or given.must_not or given.min_should:
        yield None, set()
    for condition in given.must if isinstance(given.must, list) else [given.must]:
        match = condition.match if isinstance(condition, FieldCondition) else None
        values = match.any if isinstance(match, MatchAny) else [getattr(match, "value", None)]
        texts = {value for value in values if isinstance(value, str)}
        plain = isinstance(match, MatchValue | MatchAny) and len(texts) == len(values)
        simple = plain and "." not in condition.key and "[" not in condition.key  # type: ignore[union-attr]
        yield (condition.key if simple else None), texts  # type: ignore[union-attr]


def _postings(vectors: list[SparseVector]) -> dict[int, tuple[list[int], list[float]]]:
    postings: dict[int, tuple[list[int], list[float]]] = defaultdict(lambda: ([], []))
    for row, vector in enumerate(vectors):
        for index, value in zip(vector.indices, vector.values, strict=True):
            rows, values = postings[index]
            rows.append(row)
            values.append(value)
    return dict(postings)
