"""Writes points so that whatever happens in between, the next run completes what this one began.

Requests are filled across documents, up to a number of points and of bytes, and several are in flight at
once. Points that replace others are confirmed before those are deleted. Whatever went wrong before, no point
is written whose status is not served: the last line of that defence stands here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial
from types import TracebackType
from typing import Any, Final, Self

from qdrant_client import QdrantClient
from qdrant_client.models import PointIdsList, PointStruct, SparseVector, UpdateResult

from stagekit.base.plain_json import canonical_json
from stagekit.errors import StageError
from stagekit.storage.limits import pages
from stagekit.storage.patience import over_grpc, patience_of
from stagekit.storage.refusals import qdrant_errors, require_completed

_PARALLEL_REQUESTS: Final = 4
_MAX_REQUEST_BYTES: Final = 8 * 1024 * 1024  # a server refuses more than 32 MiB unless told otherwise
_BYTES_PER_NUMBER: Final = 22  # of a float32 in JSON, measured
_BYTES_PER_INDEX: Final = 10
_TICK_S: Final = 1.0
_HELD_BATCHES: Final = 16  # deletions wait for so many requests' worth: before them, all must be confirmed
_Answer = Future[tuple[str, int]]


class PointWriter:
    """Writes and deletes points of one collection; to be used in a ``with`` statement.

    What :meth:`upsert` and :meth:`delete` are given may be under way or still waiting for its request to fill
    when they return; after :meth:`finish`, which the end of the ``with`` statement calls, all is confirmed.

    Args:
        client: see :func:`stagekit.storage.client.connect`.
        collection_name: of the collection, or an alias of it.
        qdrant_url: the setting, for messages.
        statuses: which a point may have, see :meth:`stagekit.declared.StatusWords.statuses`.
        batch_size: most points in one request.
        max_bytes: most bytes in one request, estimated.
        parallel_requests: how many requests may be in flight; the embedded store gets one after the other.
        notify: is told about once a second why the writer waits for the server.
    """

    def __init__(
        self,
        client: QdrantClient,
        collection_name: str,
        qdrant_url: str,
        *,
        statuses: Collection[str],
        batch_size: int = 256,
        max_bytes: int = _MAX_REQUEST_BYTES,
        parallel_requests: int = _PARALLEL_REQUESTS,
        notify: Callable[[str], None] | None = None,
    ) -> None:
        self._confirmed: Counter[str] = Counter()
        self._client = client
        self._collection_name = collection_name
        self._qdrant_url = qdrant_url
        self._statuses = frozenset(statuses)
        self._batch_size = batch_size
        self._max_bytes = max_bytes
        self._parallel = parallel_requests
        self._notify = notify
        self._patience = patience_of(client)
        self._points: list[PointStruct] = []
        self._bytes = 0
        self._surplus: list[str | int] = []
        self._under_way: set[_Answer] = set()
        server = self._patience is not None
        self._pool = ThreadPoolExecutor(parallel_requests, "qdrant") if server else None

    @property
    def written(self) -> int:
        """Points that are confirmed to be stored."""
        return self._confirmed["written"]

    @property
    def deleted(self) -> int:
        """Points that are confirmed to be deleted."""
        return self._confirmed["deleted"]

    def upsert(self, points: Iterable[PointStruct]) -> None:
        """Write points; one that is there is replaced.

        Raises:
            StageError: if an earlier request failed; it says what is stored. Or if a point's status is not
                among those that are served: it is not written.
        """
        for point in points:
            self._refuse_unserved(point)
            size = point_bytes(point)
            if self._points and (
                len(self._points) >= self._batch_size or self._bytes + size > self._max_bytes
            ):
                self._send_points()
            self._points.append(point)
            self._bytes += size

    def delete(self, ids: Iterable[str | int]) -> None:
        """Delete points by id, not before all points given to :meth:`upsert` so far are confirmed.

        Raises:
            StageError: if an earlier request failed; it says what is stored.
        """
        self._surplus.extend(ids)
        if len(self._surplus) >= _HELD_BATCHES * self._batch_size:
            self._send_deletions()

    def finish(self) -> None:
        """Send what is left and wait until everything is confirmed.

        Raises:
            StageError: if a request failed; it says what is stored.
        """
        self._send_points()
        self._send_deletions()
        self._drain()

    def __enter__(self) -> Self:
        """Return the writer."""
        if self._patience is not None:
            self._patience.resume()  # a notebook's cell may be run again after an error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish, or after an error give up what is not under way yet."""
        try:
            if error is None:
                self.finish()
            else:
                self._stop_waiting()
        finally:
            if self._pool is not None:
                self._pool.shutdown(cancel_futures=True)

    def _refuse_unserved(self, point: PointStruct) -> None:
        payload = point.payload or {}
        if payload.get("status") not in self._statuses:
            raise StageError(
                f"{payload.get('file_path', point.id)} has status {payload.get('status')!r}, which is not in "
                "include_statuses: its points are not written; run gitlab_ingestion and metadata_enrichment "
                "again (`nic-etl run --force`)."
            )

    def _send_points(self) -> None:
        points, self._points, self._bytes = self._points, [], 0
        if points:
            self._submit("written", len(points), partial(self._upsert, points))

    def _send_deletions(self) -> None:
        surplus, self._surplus = self._surplus, []
        if surplus:
            self._send_points()
            self._drain()
        for ids in pages(surplus, self._batch_size):
            self._submit("deleted", len(ids), partial(self._delete, ids))

    def _drain(self) -> None:
        self._collect(room_for=self._parallel)

    def _upsert(self, points: list[PointStruct]) -> UpdateResult:
        return self._client.upsert(self._collection_name, points=points, wait=True)

    def _delete(self, ids: list[str | int]) -> UpdateResult:
        selector = PointIdsList(points=[*ids])
        return self._client.delete(self._collection_name, points_selector=selector, wait=True)

    def _submit(self, what: str, count: int, request: Callable[[], UpdateResult]) -> None:
        def confirmed() -> tuple[str, int]:
            with qdrant_errors(self._qdrant_url):
                require_completed(self._request(request))
            return what, count

        if self._pool is None:
            confirmed()
            self._confirmed[what] += count
            return
        self._collect(room_for=1)
        self._under_way.add(self._pool.submit(confirmed))

    def _request(self, request: Callable[[], UpdateResult]) -> UpdateResult:
        if self._patience is None:
            return request()
        return self._patience.call(lambda: over_grpc(request))

    def _collect(self, *, room_for: int) -> None:
        """Wait until so many further requests may be sent, and count what is confirmed."""
        while len(self._under_way) > self._parallel - room_for:
            done, self._under_way = wait(self._under_way, _TICK_S, FIRST_COMPLETED)
            self._take(done)
            if not done and self._notify and self._patience and self._patience.message:
                self._notify(self._patience.message)

    def _take(self, done: set[_Answer]) -> None:
        failed = self._count(done)
        if failed is None:
            return
        self._stop_waiting()
        under_way, self._under_way = self._under_way, set()
        self._count(wait(under_way).done)
        if isinstance(failed, StageError):
            raise StageError(
                f"{failed} Of this run, {self.written} points are stored and {self.deleted} deleted."
            ) from None
        raise failed

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.stop()

    def _count(self, done: set[_Answer]) -> BaseException | None:
        """Count what is confirmed; return an error, if there is one."""
        failed = None
        for answer in done:
            if error := answer.exception():
                failed = error
                continue
            what, count = answer.result()
            self._confirmed[what] += count
        return failed


def point_bytes(point: PointStruct) -> int:
    """Estimate the bytes of a point in a JSON request."""
    vectors: Any = point.vector
    named = vectors.values() if isinstance(vectors, dict) else [vectors]
    numbers = 0
    for vector in named:
        if isinstance(vector, SparseVector):
            numbers += len(vector.indices) * (_BYTES_PER_NUMBER + _BYTES_PER_INDEX)
        else:
            numbers += len(vector) * _BYTES_PER_NUMBER
    return numbers + len(canonical_json(point.payload or {}).encode())
