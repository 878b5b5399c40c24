"""The embedded store: Qdrant's engine in this process, behind the methods of QdrantClient that are used here.

One folder a collection below ``collections/``: ``collection.json``, written last when it is made and removed
first when it is dropped, says what it is; ``shard/`` is the engine's. ``aliases.json`` is replaced as a
whole. What a method has written when it returns survives the end of the process (the engine has a
write-ahead log). Processes take turns with the engine's files, see :mod:`stagekit.storage.embedded.turns`;
of those that may write there is one at a time.
"""

from __future__ import annotations

import atexit
import functools
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import qdrant_edge as edge
from qdrant_client import models
from qdrant_client.http import models as http

from stagekit.base.paths import make_private_dir
from stagekit.errors import StageError
from stagekit.storage.embedded import edge_models as translate
from stagekit.storage.embedded.engine import (
    ALIASES_FILE,
    COLLECTION_FILE,
    EmbeddedEngine,
    one_request,
    some,
)
from stagekit.storage.embedded.files import write_json
from stagekit.storage.embedded.ids import edge_id, plain_id
from stagekit.storage.embedded.info import collection_info, first_graph_kilobytes

_open_stores: dict[Path, EmbeddedQdrant] = {}
_COMPLETED: Final = models.UpdateResult(operation_id=None, status=models.UpdateStatus.COMPLETED)

F = TypeVar("F", bound=Callable[..., Any])
P = TypeVar("P", models.Record, models.ScoredPoint)


def open_embedded(path: Path, *, read_only: bool = False) -> EmbeddedQdrant:
    """Open the embedded store in a folder; the caller closes it.

    Opened to be read it stands beside any other process, else beside such readers only.

    Raises:
        StageError: if another process may write there, no turn comes, or it cannot be read.
    """
    # A notebook cell that is run again must not be locked out by its own earlier store.
    earlier = _open_stores.pop(path, None)
    if earlier is not None:
        earlier.close()
    _open_stores[path] = store = EmbeddedQdrant(path, read_only=read_only)
    return store


@atexit.register
def _close_all() -> None:
    for store in list(_open_stores.values()):
        store.close()


def _writes(method: F) -> F:
    """Make a method one request that a store opened to be read refuses."""

    @functools.wraps(method)
    def request(self: EmbeddedQdrant, *arguments: Any, **named: Any) -> Any:
        if self._writer is None:
            raise StageError(f"The embedded store {self._path} was opened to be read, not to be written.")
        with self._turns.request():
            return method(self, *arguments, **named)

    return cast("F", request)


class EmbeddedQdrant(EmbeddedEngine):
    """A store in a folder; methods, arguments and answers are those of :class:`qdrant_client.QdrantClient`.

    Its methods may be called from several threads. What they are given beyond the arguments named here
    (``timeout``, ``ordering``) concerns servers only.
    """

    # Collections

    @_writes
    def create_collection(
        self,
        collection_name: str,
        vectors_config: Mapping[str, models.VectorParams],
        sparse_vectors_config: Mapping[str, models.SparseVectorParams] | None = None,
        *,
        metadata: dict[str, Any] | None = None,
        **settings: Any,
    ) -> bool:
        """Make a collection with named vectors; ``settings`` are those of the request to a server."""
        with self._guard:
            if self.collection_exists(collection_name):
                raise StageError(f"The embedded store has a collection or alias {collection_name} already.")
            request = models.CreateCollection(
                vectors=dict(vectors_config),
                sparse_vectors=dict(sparse_vectors_config) if sparse_vectors_config else None,
                metadata=metadata or {},
                **{name: value for name, value in settings.items() if name != "timeout"},
            )
            folder = self._folder(collection_name)
            make_private_dir(make_private_dir(folder) / "shard")
            config = translate.edge_config(request, first_graph_kilobytes(request))
            shard = self._do(collection_name, edge.EdgeShard.create, str(folder / "shard"), config)
            self._shards[collection_name] = shard
            key = {"key_id": self._cipher.key_id} if self._cipher.key_id else {}
            self._save(collection_name, {"request": request.model_dump(mode="json", exclude_none=True)} | key)
            self._remove_local_mode()
        return True

    @_writes
    def update_collection(
        self,
        collection_name: str,
        optimizers_config: models.OptimizersConfigDiff | None = None,
        *,
        metadata: dict[str, Any] | None = None,
        **_: Any,
    ) -> bool:
        """Merge metadata (None removes a key); with ``optimizers_config``, reclaim room and build the graph.

        The engine has no background: it does that here and now, a minute for 50,000 points, else nothing.
        """
        with self._guard:
            name = self._real(collection_name)
            entry = self._collections[name]
            if metadata is not None:
                merged = entry["request"].get("metadata", {}) | metadata
                entry["request"]["metadata"] = {key: one for key, one in merged.items() if one is not None}
            if optimizers_config is not None:
                diff = optimizers_config.model_dump(mode="json", exclude_none=True)
                entry["request"]["optimizers_config"] = entry["request"].get("optimizers_config", {}) | diff
            self._save(name, entry)
            shard = self._shard(name)
        if optimizers_config is not None:
            self._do(name, shard.optimize)
        return True

    @_writes
    def delete_collection(self, collection_name: str, **_: Any) -> bool:
        """Remove a collection and its aliases; False if there is none."""
        with self._guard:
            if self._collections.pop(collection_name, None) is None:
                return False
            (self._folder(collection_name) / COLLECTION_FILE).unlink()
            kept = {alias: name for alias, name in self._aliases.items() if name != collection_name}
            if kept != self._aliases:
                self._save_aliases(kept)
            # Not closed: a thread that is reading ends its query on the files, which live until then.
            self._shards.pop(collection_name, None)
            shutil.rmtree(self._folder(collection_name), ignore_errors=True)
        return True

    @one_request
    def get_collections(self, **_: Any) -> models.CollectionsResponse:
        """Return the names of the collections."""
        names = [models.CollectionDescription(name=name) for name in sorted(self._collections)]
        return models.CollectionsResponse(collections=names)

    @one_request
    def get_collection(self, collection_name: str, **_: Any) -> models.CollectionInfo:
        """Return what a collection is."""
        with self._guard:
            name = self._real(collection_name)
            return collection_info(self._collections[name]["request"], self._shard(name).info())

    @one_request
    def request(self, collection_name: str) -> models.CreateCollection:
        """Return the request that made a collection, with what has been changed of it since."""
        with self._guard:
            entry = self._collections[self._real(collection_name)]
        return models.CreateCollection.model_validate(entry["request"])

    @_writes
    def create_payload_index(
        self, collection_name: str, field_name: str, field_schema: models.PayloadSchemaType, **_: Any
    ) -> models.UpdateResult:
        """Index a payload field; one that exists is left as it is."""
        with self._guard:
            shard = self._shard(self._real(collection_name))
            if field_name in shard.info().payload_schema:
                return _COMPLETED
            operation = edge.UpdateOperation.create_field_index(
                field_name, translate.payload_schema(field_schema)
            )
        return self._update(collection_name, operation)

    # Points

    @_writes
    def upsert(
        self, collection_name: str, points: Sequence[models.PointStruct], **_: Any
    ) -> models.UpdateResult:
        """Write points, all of them or none; they are visible and safe when this returns."""
        made = [
            translate.edge_point(point, self.sealer.sealed(point.id, point.payload or {})) for point in points
        ]
        return self._update(collection_name, edge.UpdateOperation.upsert_points(made))

    @_writes
    def delete(self, collection_name: str, points_selector: Any, **_: Any) -> models.UpdateResult:
        """Delete points by id (``PointIdsList``, list) or filter (``FilterSelector``, ``Filter``)."""
        chosen = getattr(points_selector, "filter", points_selector)
        if isinstance(chosen, models.Filter):
            self.sealer.check(translate.filtered_fields(chosen))
            found = translate.edge_filter(chosen)
            assert found is not None
            operation = edge.UpdateOperation.delete_points_by_filter(found)
        else:
            ids = getattr(points_selector, "points", points_selector)
            operation = edge.UpdateOperation.delete_points([edge_id(one) for one in ids])
        return self._update(collection_name, operation)

    @one_request
    def retrieve(
        self,
        collection_name: str,
        ids: Sequence[Any],
        with_payload: bool | Sequence[str] = True,
        with_vectors: bool | Sequence[str] = False,
        **_: Any,
    ) -> list[models.Record]:
        """Return the points of the ids that there are."""
        wanted = [edge_id(one) for one in ids]
        fields = self.sealer.fields(with_payload)
        found = self.ask(collection_name, "retrieve", wanted, fields, some(with_vectors))
        return [self._opened(translate.record(one), with_payload) for one in found]

    @one_request
    def scroll(
        self,
        collection_name: str,
        scroll_filter: models.Filter | None = None,
        limit: int = 10,
        offset: Any = None,
        with_payload: bool | Sequence[str] = True,
        with_vectors: bool | Sequence[str] = False,
        **_: Any,
    ) -> tuple[list[models.Record], int | str | None]:
        """Return a page of points in the order of their ids, and where the next one starts."""
        self.sealer.check(translate.filtered_fields(scroll_filter))
        request = edge.ScrollRequest(
            offset=None if offset is None else edge_id(offset),
            limit=limit,
            filter=translate.edge_filter(scroll_filter),
            with_payload=self.sealer.fields(with_payload),
            with_vector=some(with_vectors),
        )
        found, following = self.ask(collection_name, "scroll", request)
        opened = [self._opened(translate.record(one), with_payload) for one in found]
        return opened, following and plain_id(following)

    @one_request
    def count(
        self, collection_name: str, count_filter: models.Filter | None = None, exact: bool = True, **_: Any
    ) -> models.CountResult:
        """Return the number of points."""
        self.sealer.check(translate.filtered_fields(count_filter))
        request = edge.CountRequest(filter=translate.edge_filter(count_filter), exact=exact)
        return models.CountResult(count=self.ask(collection_name, "count", request))

    def facet(self, collection_name: str, key: str, limit: int = 10, **_: Any) -> models.FacetResponse:
        """Return the values of a field and of how many points each is one, the most frequent first.

        Without an index, on which a server insists, every point is looked at.
        """
        found = self.counted_values(collection_name, key, limit)
        return models.FacetResponse(
            hits=[models.FacetValueHit(value=value, count=count) for value, count in found]
        )

    @one_request
    def query_points(
        self,
        collection_name: str,
        query: Any = None,
        using: str | None = None,
        prefetch: models.Prefetch | Sequence[models.Prefetch] | None = None,
        query_filter: models.Filter | None = None,
        search_params: models.SearchParams | None = None,
        limit: int = 10,
        offset: int | None = None,
        with_payload: bool | Sequence[str] = True,
        with_vectors: bool | Sequence[str] = False,
        score_threshold: float | None = None,
        **_: Any,
    ) -> http.QueryResponse:
        """Return the best points: nearest to a dense or sparse vector, or fused from several searches."""
        self.sealer.check(translate.filtered_fields(query_filter, prefetch))
        request = edge.QueryRequest(
            limit=limit,
            offset=offset,
            query=translate.edge_query(query, using),
            prefetches=translate.prefetches(prefetch),
            with_vector=some(with_vectors),
            with_payload=self.sealer.fields(with_payload),
            filter=translate.edge_filter(query_filter),
            score_threshold=score_threshold,
            params=translate.search_params(search_params),
        )
        found = self.ask(collection_name, "query", request)
        opened = [self._opened(translate.scored_point(one), with_payload) for one in found]
        return http.QueryResponse(points=opened)

    @one_request
    def query_batch_points(
        self, collection_name: str, requests: Sequence[models.QueryRequest], **_: Any
    ) -> list[http.QueryResponse]:
        """Return what :meth:`query_points` returns for each of several requests."""
        payloads: list[Any] = [request.with_payload or False for request in requests]
        return [
            self.query_points(
                collection_name,
                query=request.query,
                using=request.using,
                prefetch=request.prefetch,
                query_filter=request.filter,
                search_params=request.params,
                limit=10 if request.limit is None else request.limit,
                offset=request.offset,
                with_payload=payload,
                with_vectors=request.with_vector or False,
                score_threshold=request.score_threshold,
            )
            for request, payload in zip(requests, payloads, strict=True)
        ]

    def _opened(self, point: P, wanted: bool | Sequence[str]) -> P:
        point.payload = self.sealer.opened(point.id, point.payload, wanted)
        return point

    # Aliases

    @one_request
    def get_aliases(self, **_: Any) -> models.CollectionsAliasesResponse:
        """Return all aliases."""
        return models.CollectionsAliasesResponse(
            aliases=[
                models.AliasDescription(alias_name=alias, collection_name=name)
                for alias, name in sorted(self._aliases.items())
            ]
        )

    @_writes
    def update_collection_aliases(self, change_aliases_operations: Sequence[Any], **_: Any) -> bool:
        """Change aliases, all in one step or none of them."""
        with self._guard:
            aliases = dict(self._aliases)
            for operation in change_aliases_operations:
                match operation:
                    case models.CreateAliasOperation(create_alias=made):
                        if made.collection_name not in self._collections:
                            raise StageError(f"There is no collection {made.collection_name} to name.")
                        if made.alias_name in self._collections:
                            raise StageError(f"{made.alias_name} is a collection and cannot be an alias.")
                        aliases[made.alias_name] = made.collection_name
                    case models.DeleteAliasOperation(delete_alias=gone):
                        aliases.pop(gone.alias_name, None)
                    case _:
                        raise StageError(f"The embedded store knows no {type(operation).__name__}.")
            self._save_aliases(aliases)
        return True

    def close(self, **_: Any) -> None:
        """Write what is in memory to disk, and let others open the folder; a second call does nothing."""
        super().close()
        if _open_stores.get(self._path) is self:
            del _open_stores[self._path]

    def _update(self, collection_name: str, operation: edge.UpdateOperation) -> models.UpdateResult:
        with self._guard:
            name = self._real(collection_name)
            shard = self._shard(name)
            if name not in self._written:
                # Marks the collection as another one than the last run left, before it is.
                entry = self._collections[name]
                self._save(name, entry | {"sessions": entry.get("sessions", 0) + 1})
                self._written.add(name)
        self._do(name, shard.update, operation)
        return _COMPLETED

    def _check_request(self, request: Any) -> None:
        models.CreateCollection.model_validate(request)

    def _save(self, name: str, entry: dict[str, Any]) -> None:
        write_json(self._folder(name) / COLLECTION_FILE, entry)
        self._collections[name] = entry

    def _save_aliases(self, aliases: dict[str, str]) -> None:
        write_json(self._path / ALIASES_FILE, aliases)
        self._aliases = aliases

    def _remove_local_mode(self) -> None:
        """Remove what qdrant-client's own local mode left here: the new collection takes its place."""
        if (self._path / "meta.json").is_file():
            shutil.rmtree(self._path / "collection", ignore_errors=True)
            (self._path / "meta.json").unlink()
