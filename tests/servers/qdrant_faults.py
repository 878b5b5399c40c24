"""What can go wrong with a Qdrant server, as switches that a test turns on."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

__all__ = ["LOGIN_PAGE", "Fault", "FaultBoard"]

LOGIN_PAGE = b"<!DOCTYPE html><html><body><form action='/login'>Sign in</form></body></html>"
_KINDS = {
    "drop_after",  # the write is applied, then the connection is reset: the acknowledgement is lost
    "drop_before",  # the connection is reset before anything is applied
    "html",  # status 200 and a sign-in page, nothing applied
    "partial",  # the first half of an upsert is applied, then status 500
    "run",  # calls `action` first, then answers as ever
    "slow",  # the answer comes after `seconds`; the write is applied first
    "status",  # status `code`, error text `error` (or raw `body`), `headers`; nothing applied
    "truncate",  # the write is applied, the JSON of the answer is cut in the middle
    "wait_timeout",  # status 200 that says wait_timeout; the write is applied later
}


@dataclass
class Fault:
    """One fault on requests whose ``METHOD /path?query`` matches, ``times`` times; -1 is for ever."""

    kind: str
    match: str
    times: int
    skip: int  # that many matching requests are answered well first
    when: Callable[[dict[str, Any]], bool] | None  # asked with the request's JSON body
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        assert self.kind in _KINDS, self.kind


class FaultBoard:
    """The faults that are switched on, consulted once a request."""

    def __init__(self) -> None:
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
        **options: Any,
    ) -> None:
        with self._lock:
            self._faults.append(Fault(kind, match, times, skip, when, options))

    def disk_full(self, match: str = "PUT .*/points", *, times: int = -1) -> None:
        said = "Service internal error: No space left on device: WAL buffer size exceeds available disk space"
        self.add("status", match, times=times, code=500, error=said)

    def rate_limit(self, match: str = "PUT .*/points", *, times: int = 1, retry_after: int = 0) -> None:
        said = f"Rate limiting exceeded: Write rate limit exceeded: 600. Retry after {retry_after}s"
        headers = {"Retry-After": str(retry_after)} if retry_after else {}
        self.add("status", match, times=times, code=429, error=said, headers=headers)

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def take(self, target: str, body: dict[str, Any]) -> Fault | None:
        with self._lock:
            for fault in self._faults:
                if not fault.times or not re.search(fault.match, target):
                    continue
                if fault.when is not None and not fault.when(body):
                    continue
                if fault.skip:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                return fault
        return None
