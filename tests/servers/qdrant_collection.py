"""One collection of the test server: its configuration as a Qdrant server keeps and shows it."""

from __future__ import annotations

import copy
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from qdrant_client.models import CreateCollection, Filter

from tests.servers.qdrant_errors import bad_input, bad_json, bad_request
from tests.servers.qdrant_points import PointStore

Json = dict[str, Any]
_HNSW = {"m": 16, "ef_construct": 100, "full_scan_threshold": 10000, "max_indexing_threads": 0}
_OPTIMIZERS = {
    "deleted_threshold": 0.2,
    "vacuum_min_vector_number": 1000,
    "default_segment_number": 0,
    "indexing_threshold": 10000,
    "flush_interval_sec": 5,
}
_NUMBERS = {"shard_number": 1, "replication_factor": 1, "write_consistency_factor": 1}
_CLAUSES = ("must", "should", "must_not")


class Collection:
    """Points in the client's own in-memory engine, behind the checks that a server makes."""

    def __init__(self, body: Json) -> None:
        request = CreateCollection(**body)
        self.points = PointStore(request)
        self.schema: dict[str, Any] = {}
        self.lag_s = 0.05  # for how long a write with wait=false stays invisible
        self.applied = 0  # writes
        self._later: deque[tuple[float, Callable[[], None]]] = deque()
        self._params: Json = {name: body.get(name) or default for name, default in _NUMBERS.items()}
        self._params["on_disk_payload"] = body.get("on_disk_payload", True)
        for name in ("vectors", "sparse_vectors"):
            if body.get(name):
                self._params[name] = body[name]
        self._parts: Json = {
            "hnsw_config": _HNSW | _given(body.get("hnsw_config")),
            "optimizer_config": _OPTIMIZERS | _given(body.get("optimizers_config")),
            "quantization_config": body.get("quantization_config"),
            "strict_mode_config": body.get("strict_mode_config"),
            "metadata": body.get("metadata"),
        }

    def update(self, body: Json) -> None:
        """Change the configuration as ``PATCH`` does: named parts are merged into what is there."""
        parts = self._parts
        for name in ("hnsw_config", "optimizer_config", "strict_mode_config", "metadata"):
            changes = body.get("optimizers_config" if name == "optimizer_config" else name)
            if changes is not None:
                parts[name] = (parts[name] or {}) | _given(changes)
        for name, value in (body.get("metadata") or {}).items():
            if value is None:  # takes the key away
                parts["metadata"].pop(name, None)
        if body.get("quantization_config") is not None:
            wanted = body["quantization_config"]
            parts["quantization_config"] = None if wanted == "Disabled" else wanted
        self._params |= _given(body.get("params"))
        for name, changes in (body.get("vectors") or {}).items():
            target = self._params["vectors"] if name == "" else self._params["vectors"][name]
            target.update(_given(changes))

    def info(self) -> Json:
        """Return what ``GET /collections/{name}`` shows."""
        return {
            "status": "green",
            "optimizer_status": "ok",
            "indexed_vectors_count": 0,
            "points_count": self.points.count().count,
            "segments_count": 1,
            "config": {
                "params": copy.deepcopy(self._params),
                "wal_config": {"wal_capacity_mb": 32, "wal_segments_ahead": 0},
                **copy.deepcopy(self._parts),
            },
            "payload_schema": {
                field: {
                    "data_type": kind["type"] if isinstance(kind, dict) else kind,
                    **({"params": kind} if isinstance(kind, dict) else {}),
                    "points": 0,
                }
                for field, kind in self.schema.items()
            },
        }

    def write(self, change: Callable[[], None], *, wait: bool) -> str:
        """Apply a change now, or soon after; return the status that the answer gives."""
        self.applied += 1
        if not wait:
            self._later.append((time.monotonic() + self.lag_s, change))
            return "acknowledged"
        self.settle(everything=True)
        change()
        self.points.changed()
        return "completed"

    def settle(self, *, everything: bool = False) -> None:
        """Apply the accepted writes whose time has come, in their order."""
        while self._later and (everything or self._later[0][0] <= time.monotonic()):
            self._later.popleft()[1]()
            self.points.changed()

    def check_filter(self, given: Filter | None, *, update: bool = False) -> None:
        """Refuse a filter on a field without index where strict mode says so."""
        strict = self._parts["strict_mode_config"] or {}
        name = "unindexed_filtering_update" if update else "unindexed_filtering_retrieve"
        if not strict.get("enabled") or strict.get(name, True) or given is None:
            return
        for field in _fields(given):
            if field not in self.schema:
                raise bad_request(
                    f'Index required but not found for "{field}" of one of the following types: [keyword]. '
                    "Help: Create an index for this key or use a different filter."
                )

    def check_limit(self, wanted: int, setting: str = "max_query_limit") -> None:
        """Refuse more points than strict mode allows."""
        strict = self._parts["strict_mode_config"] or {}
        limit = strict.get(setting)
        if strict.get("enabled") and limit and wanted > limit:
            raise bad_request(f'Limit exceeded {wanted} > {limit} for "{setting}". Help: Reduce it.')

    def check_point(self, point: Json) -> None:
        """Refuse ids that are neither unsigned integers nor UUIDs, and vectors of other sizes or names."""
        check_id(point.get("id"))
        vectors = point.get("vector")
        named = vectors if isinstance(vectors, dict) else {"": vectors}
        dense = self._params.get("vectors") or {}
        sizes = (
            {"": dense["size"]} if "size" in dense else {name: kind["size"] for name, kind in dense.items()}
        )
        for name, vector in named.items():
            if name in (self._params.get("sparse_vectors") or {}):
                continue
            if name not in sizes:
                raise bad_input(f"Not existing vector name error: {name}")
            if vector is None or None in vector:
                raise bad_json("data did not match any variant of untagged enum BatchVectorStruct")
            if len(vector) != sizes[name]:
                said = f"Vector dimension error: expected dim: {sizes[name]}, got {len(vector)}"
                raise bad_input(said)


def check_id(value: Any) -> None:
    """Refuse what is no point id."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**64:
        return
    try:
        uuid.UUID(value)
    except (ValueError, AttributeError, TypeError):
        raise bad_json(
            f'value "{value}" is not a valid point ID, valid values are either an unsigned integer or a UUID'
        ) from None


def _fields(given: Any) -> Iterator[str]:
    """Yield the payload fields that a filter looks at."""
    if key := getattr(given, "key", None):
        yield key
    for clause in _CLAUSES:
        conditions = getattr(given, clause, None) or []
        for condition in conditions if isinstance(conditions, list) else [conditions]:
            yield from _fields(condition)


def _given(values: Json | None) -> Json:
    return {name: value for name, value in (values or {}).items() if value is not None}
