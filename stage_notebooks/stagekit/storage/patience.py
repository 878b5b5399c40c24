"""Requests to a Qdrant server that failed for a reason that may pass are sent again, within one budget.

Everything that is asked of a server here may be asked twice: reads, upserts and deletes by id, payload
indexes, aliases. So a lost acknowledgement needs no special care.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Final, TypeVar
from weakref import WeakKeyDictionary

import grpc
import httpx
from pydantic_core import from_json
from qdrant_client import QdrantClient
from qdrant_client.common.client_exceptions import ResourceExhaustedResponse
from qdrant_client.http.exceptions import ResponseHandlingException

from stagekit.base.network.patience import Patience, Transient, asked_wait_s
from stagekit.errors import StageError
from stagekit.storage.refusals import disk_full, error_text, is_untrusted

T = TypeVar("T")
Send = Callable[[httpx.Request], httpx.Response]
_FEW: Final = 5  # tries where a fault is as likely to stay
_GRPC_MAY_PASS: Final = {
    grpc.StatusCode.UNAVAILABLE: "is not available",
    grpc.StatusCode.DEADLINE_EXCEEDED: "did not answer in time",
    grpc.StatusCode.RESOURCE_EXHAUSTED: "has too much to do",
}
# Reads over gRPC are repeated by the channel itself, https://github.com/grpc/proposal/blob/master/A6-client-retries.md
GRPC_RETRY_POLICY: Final = (
    '{"methodConfig": [{"name": [{}], "retryPolicy": {"maxAttempts": 5, "initialBackoff": "0.5s", '
    '"maxBackoff": "30s", "backoffMultiplier": 3, "retryableStatusCodes": ["UNAVAILABLE"]}}]}'
)


class QdrantFails(StageError):  # noqa: N818 - what it does
    """A fault that came again with each try, though there is time left: the stage may be tried again."""


class QdrantPatience(Patience):
    """Repeats requests to a Qdrant server; tries that failed count against the budget as waiting does.

    Args:
        where: the server, for sentences.
        budget_s: seconds that a run may lose in all.
    """

    longest_pause_s = 60.0

    def __init__(self, where: str, budget_s: float = 300) -> None:
        super().__init__(budget_s)
        self.where = where

    def call(self, function: Callable[[], T]) -> T:
        """Return what ``function`` returns, which may raise :class:`Transient` to be called again.

        Raises:
            QdrantFails: if the fault came again with each try.
            StageError: if it did not pass in the time that there is, or the server has never answered.
        """
        return super().call(partial(self._timed, function))

    def _timed(self, function: Callable[[], T]) -> T:
        begin = time.monotonic()
        try:
            return function()
        except Transient:
            self.charge(begin, time.monotonic())
            raise

    def announcement(self, fault: Transient, seconds: float) -> str:
        """Return why the run waits."""
        del fault, seconds
        return f"waiting for Qdrant at {self.where}"

    def verdict(self, fault: Transient) -> StageError:
        """Return what to raise for a fault that did not pass."""
        if not self._reached:
            return StageError(f"Qdrant at {self.where} {fault}: check qdrant_url and that the server is up.")
        kind = QdrantFails if fault.tries is not None and fault.wait_s is None else StageError
        return kind(
            f"Qdrant at {self.where} {fault}, and it did not pass ({self.retries} retries, "
            f"{self.lost_s:.0f} s): look at the server, then run again, it continues where it stopped; "
            "retry_budget_s says how long a run waits."
        )


_patience: WeakKeyDictionary[QdrantClient, QdrantPatience] = WeakKeyDictionary()


def with_patience(client: QdrantClient, own: QdrantPatience) -> QdrantClient:
    """Let a client send each of its REST requests until it is answered for good; return the client.

    What lies at the root of the address is no request of the work: it is sent once, and taken as it comes.
    """
    _patience[client] = own
    client.http.client.add_middleware(_resend(own))
    return client


def patience_of(client: QdrantClient) -> QdrantPatience | None:
    """Return how long the requests of this client are tried; None for the embedded store."""
    return _patience.get(client)


def _resend(own: QdrantPatience) -> Callable[[httpx.Request, Send], httpx.Response]:
    root = httpx.URL(f"{own.where}/")

    def middleware(request: httpx.Request, send: Send) -> httpx.Response:
        if request.url == root:
            return send(request)
        sent = 0

        def once() -> httpx.Response:
            nonlocal sent
            sent += 1
            try:
                response = send(request)
            except ResponseHandlingException as error:
                raise _of_transport(error) from error
            if fault := _of_response(response):
                raise fault
            return response

        response = own.call(once)
        created = request.method == "PUT" and response.status_code == 409
        if created and sent > 1:  # by an earlier try of this request, whose answer was lost
            return httpx.Response(200, json={"result": True, "status": "ok", "time": 0.0}, request=request)
        return response

    return middleware


def _of_transport(error: ResponseHandlingException) -> Exception:
    cause = error.source
    if not isinstance(cause, httpx.TransportError) or is_untrusted(cause):
        return error
    if isinstance(cause, httpx.ConnectError | httpx.ConnectTimeout):
        return Transient(f"cannot be reached ({cause})")
    if isinstance(cause, httpx.TimeoutException):
        return Transient("did not answer in request_timeout_s")
    return Transient(f"broke the connection off ({cause})")


def _of_response(response: httpx.Response) -> Transient | None:
    status = response.status_code
    if status < 300:
        return _of_success(response)
    detail = error_text(response.content)
    said = f"answered HTTP {status}: {detail}"
    if status in {408, 502, 503, 504}:
        return Transient(said, asked_wait_s(response.headers))
    if status == 429:
        return Transient(said, asked_wait_s(response.headers), tries=_FEW)
    if status == 500 and not disk_full(status, detail):
        return Transient(said, tries=_FEW)
    return None


def _of_success(response: httpx.Response) -> Transient | None:
    try:
        answer = from_json(response.content)
    except ValueError:
        return _strange()
    result = answer.get("result") if isinstance(answer, dict) else None
    if result is None:
        return _strange()
    if isinstance(result, dict) and result.get("status") == "wait_timeout":
        return Transient("took a write but did not finish it in time")
    return None


def _strange() -> Transient:
    said = "did not answer as Qdrant does (a login page may be in between)"
    return Transient(said, tries=QdrantPatience.until_reached)


def over_grpc(function: Callable[[], T]) -> T:
    """Call what may go over gRPC, and say of its faults whether they may pass; raise Transient if so."""
    try:
        return function()
    except ResourceExhaustedResponse as error:
        raise Transient(f"has too much to do ({error})", float(error.retry_after_s)) from error
    except grpc.RpcError as error:
        said = _GRPC_MAY_PASS.get(error.code())
        if said is None:
            raise
        raise Transient(f"{said} over gRPC ({error.details()})") from error
