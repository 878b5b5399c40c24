"""What can go wrong with a server, as switches that a test turns on: one engine for GitLab's and Qdrant's."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

LOGIN_PAGE = b"<!DOCTYPE html><html><body><form action='/users/sign_in'>Sign in</form></body></html>"
_BOTH = {
    "run",  # calls `action` first, then answers as ever
    "status",  # status `code` with raw `body`; Qdrant's also `error` text and `headers`; nothing is applied
}
GITLAB = _BOTH | {
    "corrupt",  # other bytes of the same length
    "endless",  # a body without a length that never ends
    "expire_tokens",  # every token expires with this request
    "html_login",  # status 200 and a sign-in page
    "rate_limit",  # 429; retry_after, json
    "redirect",  # 302 to the address in `to`
    "reset",  # the connection is reset
    "shorten",  # a shorter body that claims to be whole
    "slow",  # a body that drips: one byte every `seconds`
    "stall",  # nothing at all for `seconds`, then the answer
    "strip_link",  # the answer without its Link header
    "truncate",  # a body that ends before its Content-Length
}
QDRANT = _BOTH | {
    "drop_after",  # the write is applied, then the connection is reset: the acknowledgement is lost
    "drop_before",  # the connection is reset before anything is applied
    "html",  # status 200 and a sign-in page, nothing applied
    "partial",  # the first half of an upsert is applied, then status 500
    "slow",  # the answer comes after `seconds`; the write is applied first
    "truncate",  # the write is applied, the JSON of the answer is cut in the middle
    "wait_timeout",  # status 200 that says wait_timeout; the write is applied later
}


@dataclass
class Fault:
    """One fault on the requests that match, ``times`` times; -1 is for ever."""

    kind: str
    match: str
    times: int
    skip: int  # that many matching requests are answered well first
    when: Callable[[dict[str, Any]], bool] | None  # asked with the request's JSON body
    action: Callable[[], object] | None
    options: dict[str, Any] = field(default_factory=dict)


class FaultBoard:
    """The faults that are switched on, consulted once a request."""

    def __init__(self, kinds: Collection[str]) -> None:
        self._kinds = kinds
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(
        self,
        kind: str,
        match: str = "",
        *,
        times: int = -1,
        skip: int = 0,
        when: Callable[[dict[str, Any]], bool] | None = None,
        action: Callable[[], object] | None = None,
        **options: Any,
    ) -> None:
        assert kind in self._kinds, kind
        with self._lock:
            self._faults.append(Fault(kind, match, times, skip, when, action, options))

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def take(self, target: str, body: dict[str, Any] | None = None) -> Fault | None:
        """Return the fault that a request meets; its action has been called."""
        with self._lock:
            fault = next((one for one in self._faults if self._strikes(one, target, body or {})), None)
        if fault is not None and fault.action is not None:
            fault.action()
        return fault

    @staticmethod
    def _strikes(fault: Fault, target: str, body: dict[str, Any]) -> bool:
        if not fault.times or not re.search(fault.match, target):
            return False
        if fault.when is not None and not fault.when(body):
            return False
        if fault.skip:
            fault.skip -= 1
            return False
        fault.times -= 1
        return True


class QdrantFaults(FaultBoard):
    """The faults of a Qdrant server, two of them in its own words."""

    def __init__(self) -> None:
        super().__init__(QDRANT)

    def disk_full(self, match: str = "PUT .*/points", *, times: int = -1) -> None:
        said = "Service internal error: No space left on device: WAL buffer size exceeds available disk space"
        self.add("status", match, times=times, code=500, error=said)

    def rate_limit(self, match: str = "PUT .*/points", *, times: int = 1, retry_after: int = 0) -> None:
        said = f"Rate limiting exceeded: Write rate limit exceeded: 600. Retry after {retry_after}s"
        headers = {"Retry-After": str(retry_after)} if retry_after else {}
        self.add("status", match, times=times, code=429, error=said, headers=headers)
