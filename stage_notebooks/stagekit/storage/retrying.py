"""Requests to a Qdrant server that failed for a reason that may pass are sent again, within one budget.

Everything that is asked of a server here may be asked twice: reads, upserts and deletes by id, payload
indexes, aliases. So a lost acknowledgement needs no special care.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, TypeVar
from weakref import WeakKeyDictionary

import grpc
import httpx
import tenacity
from pydantic_core import from_json
from qdrant_client import QdrantClient
from qdrant_client.common.client_exceptions import ResourceExhaustedResponse
from qdrant_client.http.exceptions import ResponseHandlingException

from stagekit.errors import StageError
from stagekit.storage.answers import disk_full, error_text, is_untrusted

__all__ = [
    "GRPC_RETRY_POLICY",
    "Patience",
    "QdrantFails",
    "Transient",
    "over_grpc",
    "patience_of",
    "with_patience",
]

T = TypeVar("T")
Send = Callable[[httpx.Request], httpx.Response]
_FIRST_WAIT_S: Final = 0.25
_LONGEST_WAIT_S: Final = 30.0
_LONGEST_RETRY_AFTER_S: Final = 60.0
_UNTIL_REACHED: Final = 3  # tries before the server has answered once: the address may be wrong
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


class Transient(Exception):  # noqa: N818 - a reason to try again
    """A fault that may pass.

    Args:
        said: what happened, as the end of a sentence about the server.
        wait_s: for how long the server asks to be left alone, in seconds; None where it does not say.
        tries: how often to ask in all; None for as long as the budget lasts.
    """

    def __init__(self, said: str, wait_s: float | None = None, tries: int | None = None) -> None:
        super().__init__(said)
        self.wait_s = wait_s
        self.tries = tries


class QdrantFails(StageError):  # noqa: N818 - what it does
    """A fault that came again with each try, though there is time left: the stage may be tried again."""


class Patience:
    """Repeats what failed for a reason that may pass.

    What counts against the budget is the time that the run loses as a whole: four requests that fail and wait
    side by side for ten seconds use ten seconds.

    Args:
        where: the server, for sentences.
        budget_s: seconds that a run may lose in all.
    """

    def __init__(self, where: str, budget_s: float = 300) -> None:
        self.where = where
        self.retries = 0
        self.lost_s = 0.0
        self.message = ""  # why the run waits; empty while it does not
        self._budget_s = budget_s
        self._reached = False
        self._counted_until = 0.0
        self._lock = threading.Lock()
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Wake whoever waits: the run is given up."""
        self._stopped.set()

    def resume(self) -> None:
        """Take :meth:`stop` back."""
        self._stopped.clear()

    def call(self, function: Callable[[], T]) -> T:
        """Return what ``function`` returns, which may raise :class:`Transient` to be called again.

        Raises:
            QdrantFails: if the fault came again with each try.
            StageError: if it did not pass in the time that there is, or the server has never answered.
        """
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(Transient),
            wait=self._wait,
            stop=self._give_up,
            sleep=self._sleep,
            reraise=True,
        )
        try:
            result: T = retrying(self._timed, function)
        except Transient as fault:
            failing = self._reached and fault.tries is not None and fault.wait_s is None
            raise (QdrantFails if failing else StageError)(self._verdict(fault)) from None
        self._reached = True
        return result

    def _timed(self, function: Callable[[], T]) -> T:
        begin = time.monotonic()
        try:
            return function()
        except Transient:
            self._charge(begin, time.monotonic())
            raise

    def _charge(self, begin: float, end: float) -> None:
        with self._lock:  # only what no other request has lost already
            self.lost_s += max(0.0, end - max(begin, self._counted_until))
            self._counted_until = max(self._counted_until, end)

    def _wait(self, state: tenacity.RetryCallState) -> float:
        fault = _fault(state)
        if fault.wait_s is not None:
            return min(fault.wait_s, _LONGEST_RETRY_AFTER_S)
        backoff = min(_FIRST_WAIT_S * 2.0 ** (state.attempt_number - 1), _LONGEST_WAIT_S)
        return backoff * random.uniform(0.75, 1.25)  # so that requests do not come back in step

    def _give_up(self, state: tenacity.RetryCallState) -> bool:
        fault = _fault(state)
        tries = fault.tries if self._reached else min(fault.tries or _UNTIL_REACHED, _UNTIL_REACHED)
        if fault.wait_s is not None:
            tries = None  # a server that asks for a pause is there
        used_up = tries is not None and state.attempt_number >= tries
        return used_up or self.lost_s + state.upcoming_sleep > self._budget_s or self._stopped.is_set()

    def _sleep(self, seconds: float) -> None:
        now = time.monotonic()
        self._charge(now, now + seconds)
        with self._lock:
            self.retries += 1
        self.message = f"waiting for Qdrant at {self.where}"
        self._stopped.wait(seconds)
        self.message = ""

    def _verdict(self, fault: Transient) -> str:
        if not self._reached:
            return f"Qdrant at {self.where} {fault}: check qdrant_url and that the server is up."
        return (
            f"Qdrant at {self.where} {fault}, and it did not pass ({self.retries} retries, "
            f"{self.lost_s:.0f} s): look at the server, then run again, it continues where it stopped; "
            "retry_budget_s says how long a run waits."
        )


def _fault(state: tenacity.RetryCallState) -> Transient:
    assert state.outcome is not None
    fault = state.outcome.exception()
    assert isinstance(fault, Transient)
    return fault


_patience: WeakKeyDictionary[QdrantClient, Patience] = WeakKeyDictionary()


def with_patience(client: QdrantClient, patience: Patience) -> QdrantClient:
    """Let a client send each of its REST requests until it is answered for good; return the client.

    What lies at the root of the address is no request of the work: it is sent once, and taken as it comes.
    """
    _patience[client] = patience
    client.http.client.add_middleware(_resend(patience))
    return client


def patience_of(client: QdrantClient) -> Patience | None:
    """Return how long the requests of this client are tried; None for the embedded store."""
    return _patience.get(client)


def _resend(patience: Patience) -> Callable[[httpx.Request, Send], httpx.Response]:
    root = httpx.URL(f"{patience.where}/")

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

        response = patience.call(once)
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
        return Transient(said, _retry_after(response))
    if status == 429:
        return Transient(said, _retry_after(response), tries=_FEW)
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
    return Transient(said, tries=_UNTIL_REACHED)


def _retry_after(response: httpx.Response) -> float | None:
    """Return for how many seconds an answer asks to wait: ``Retry-After`` as seconds or as a date."""
    asked = response.headers.get("Retry-After", "").strip()
    try:
        return max(0.05, float(asked))
    except ValueError:
        pass
    try:
        return max(0.05, (parsedate_to_datetime(asked) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def over_grpc(function: Callable[[], T]) -> T:
    """Call what may go over gRPC, and say of its faults whether they may pass.

    Raises:
        Transient: if so.
    """
    try:
        return function()
    except ResourceExhaustedResponse as error:
        raise Transient(f"has too much to do ({error})", float(error.retry_after_s)) from error
    except grpc.RpcError as error:
        said = _GRPC_MAY_PASS.get(error.code())
        if said is None:
            raise
        raise Transient(f"{said} over gRPC ({error.details()})") from error
