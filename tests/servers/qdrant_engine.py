"""What a Qdrant server does with a request that it admits: collections, aliases, points."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from qdrant_client.local.qdrant_local import QdrantLocal
from qdrant_client.models import (
    CountRequest,
    FacetRequest,
    Filter,
    PointRequest,
    PointStruct,
    QueryRequest,
    ScrollRequest,
    SparseVector,
)

from tests.servers.qdrant_collection import Collection, check_id
from tests.servers.qdrant_errors import Refused, bad_input, bad_json, bad_request, no_collection

Json = dict[str, Any]


class Engine:
    """The data of the server; it survives a restart. One request at a time."""

    def __init__(self) -> None:
        self.collections: dict[str, Collection] = {}
        self.aliases: dict[str, str] = {}
        self.lock = threading.RLock()
        self.version = "1.19.0"
        self.keeps_metadata = True  # of collections: from 1.16 on
        self.strict_mode: Json = {}  # of new collections
        self._operation = 0
        self._local = QdrantLocal(":memory:")  # answers queries over the points of the collections

    def collection(self, name: str) -> Collection:
        """Return the collection of that name or alias."""
        found = self.collections.get(self.aliases.get(name, name))
        if found is None:
            raise no_collection(name)
        found.settle()
        return found

    def about(self) -> Json:
        return {"title": "qdrant - vector search engine", "version": self.version}

    # Collections and aliases

    def list_collections(self) -> Json:
        return {"collections": [{"name": name} for name in self.collections]}

    def exists(self, name: str) -> Json:
        return {"exists": name in self.collections or name in self.aliases}

    def info(self, name: str) -> Json:
        return self.collection(name).info()

    def create(self, name: str, body: Json) -> bool:
        if name in self.collections:
            raise Refused(409, f"Wrong input: Collection `{name}` already exists!")
        if name in self.aliases:
            raise bad_input(
                f"Can't create collection with name {name}. Alias with the same name already exists"
            )
        strict = {"strict_mode_config": self.strict_mode} if self.strict_mode else {}
        self.collections[name] = made = Collection(self._known(strict | body))
        self._local.collections[name] = made.points
        return True

    def update(self, name: str, body: Json) -> bool:
        self.collection(name).update(self._known(body))
        return True

    def _known(self, body: Json) -> Json:
        """Return a request without what an earlier version does not know, and so passes over."""
        return body if self.keeps_metadata else {k: v for k, v in body.items() if k != "metadata"}

    def drop(self, name: str) -> bool:
        found = self.collections.pop(name, None)
        self._local.collections.pop(name, None)
        self.aliases = {alias: target for alias, target in self.aliases.items() if target != name}
        return found is not None

    def list_aliases(self, name: str = "") -> Json:
        pairs = [(alias, target) for alias, target in self.aliases.items() if name in ("", target)]
        return {"aliases": [{"alias_name": alias, "collection_name": target} for alias, target in pairs]}

    def change_aliases(self, body: Json) -> bool:
        """Carry out the actions in their order, under one lock; those before a wrong one stay."""
        for action in body["actions"]:
            (kind, details) = next(iter(action.items()))
            if kind == "create_alias":
                self._alias(details["alias_name"], details["collection_name"])
            elif kind == "delete_alias":
                self.aliases.pop(details["alias_name"], None)
            else:
                raise bad_json(f"unknown alias operation {kind}")
        return True

    def _alias(self, alias: str, target: str) -> None:
        if target not in self.collections:
            raise no_collection(target)
        if alias in self.collections:
            raise Refused(409, f"Wrong input: Collection `{alias}` already exists!")
        self.aliases[alias] = target

    def create_index(self, name: str, body: Json) -> Json:
        self.collection(name).schema[body["field_name"]] = body["field_schema"]
        return self._result("completed")

    def drop_index(self, name: str, field: str) -> Json:
        self.collection(name).schema.pop(field, None)
        return self._result("completed")

    # Writing points

    def upsert(self, name: str, body: Json, *, wait: bool, half: bool = False) -> Json:
        collection = self.collection(name)
        points = body["points"]
        if not points:
            raise bad_input("Empty update request")
        collection.check_limit(len(points), "upsert_max_batchsize")
        for point in points:
            collection.check_point(point)
        made = [_point(point) for point in points]
        kept = made[: len(made) // 2] if half else made
        return self._write(collection, lambda: collection.points.upsert(kept), wait)

    def delete(self, name: str, body: Json, *, wait: bool) -> Json:
        collection = self.collection(name)
        selector: Any = body.get("points")
        if selector is None:
            selector = Filter(**body["filter"])
            collection.check_filter(selector, update=True)
        elif not selector:
            raise bad_input("Empty update request")
        for point_id in selector if isinstance(selector, list) else []:
            check_id(point_id)
        return self._write(collection, lambda: collection.points.delete(selector), wait)

    def _write(self, collection: Collection, change: Callable[[], None], wait: bool) -> Json:
        return self._result(collection.write(change, wait=wait))

    def _result(self, status: str) -> Json:
        self._operation += 1
        return {"operation_id": self._operation, "status": status}

    # Reading points

    def retrieve(self, name: str, body: Json) -> list[Json]:
        request = PointRequest(**body)
        self.collection(name).check_limit(len(request.ids))
        payload = True if request.with_payload is None else request.with_payload
        found = self.collection(name).points.retrieve(request.ids, payload, request.with_vector or False)
        return [_shown(record) for record in found]

    def scroll(self, name: str, body: Json) -> Json:
        collection, request = self.collection(name), ScrollRequest(**body)
        collection.check_filter(request.filter)
        collection.check_limit(request.limit or 10)
        payload = True if request.with_payload is None else request.with_payload
        records, following = collection.points.scroll(
            request.filter,
            request.limit or 10,
            request.order_by,
            request.offset,
            payload,
            request.with_vector or False,
        )
        return {"points": [_shown(record) for record in records], "next_page_offset": following}

    def count(self, name: str, body: Json) -> Json:
        collection, request = self.collection(name), CountRequest(**body)
        collection.check_filter(request.filter)
        return {"count": int(collection.points.count(request.filter).count)}

    def facet(self, name: str, body: Json) -> Json:
        collection, request = self.collection(name), FacetRequest(**body)
        if request.key not in collection.info()["payload_schema"]:
            raise bad_request(f"No appropriate index for faceting: `{request.key}`.")
        found = collection.points.facet(request.key, request.filter, request.limit or 10)
        return {"hits": [{"value": hit.value, "count": hit.count} for hit in found.hits]}

    def query(self, name: str, body: Json) -> Json:
        collection, request = self.collection(name), QueryRequest(**body)
        limit = 10 if request.limit is None else request.limit
        collection.check_limit(limit)
        self._check_query(collection, request)
        question: Any = request.query
        answer = self._local.query_points(
            self.aliases.get(name, name),
            query=question,
            using=request.using,
            prefetch=request.prefetch,
            query_filter=request.filter,
            limit=limit,
            offset=request.offset,
            with_payload=request.with_payload or False,
            with_vectors=request.with_vector or False,
            score_threshold=request.score_threshold,
        )
        return {"points": [_shown(point) for point in answer.points]}

    def query_batch(self, name: str, body: Json) -> list[Json]:
        return [self.query(name, one) for one in body["searches"]]

    def _check_query(self, collection: Collection, request: Any) -> None:
        collection.check_filter(request.filter)
        prefetch = request.prefetch or []
        for part in prefetch if isinstance(prefetch, list) else [prefetch]:
            self._check_query(collection, part)


def _point(point: Json) -> PointStruct:
    """Return the client's model of a checked point, made without its slow validation of every number."""
    vectors = point["vector"]
    if isinstance(vectors, dict):
        vectors = {
            name: SparseVector(**vector) if isinstance(vector, dict) else vector
            for name, vector in vectors.items()
        }
    return PointStruct.model_construct(id=point["id"], vector=vectors, payload=point.get("payload") or {})


def _shown(record: Any) -> Json:
    """Return a record or scored point as JSON."""
    shown = {"id": record.id, "payload": record.payload}
    if record.vector is not None:
        shown["vector"] = _numbers(record.vector)
    if hasattr(record, "score"):
        shown |= {"score": float(record.score), "version": 0}
    return shown


def _numbers(vector: Any) -> Any:
    if isinstance(vector, dict):
        return {name: _numbers(value) for name, value in vector.items()}
    if isinstance(vector, SparseVector):
        return {"indices": list(vector.indices), "values": [float(value) for value in vector.values]}
    return np.asarray(vector, dtype=np.float64).tolist()
