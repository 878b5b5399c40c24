"""What can go wrong with a GitLab server, as switches that a test turns on."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

LOGIN_PAGE = b"<!DOCTYPE html><html><body><form action='/users/sign_in'>Sign in</form></body></html>"
KINDS = {
    "corrupt",  # other bytes of the same length
    "endless",  # a body without a length that never ends
    "expire_tokens",  # every token expires with this request
    "html_login",  # status 200 and a sign-in page
    "rate_limit",  # 429; retry_after, json
    "redirect",  # 302 to the address in `to`
    "reset",  # the connection is reset
    "run",  # calls `action` first, then answers as ever
    "shorten",  # a shorter body that claims to be whole
    "slow",  # a body that drips: one byte every `seconds`
    "stall",  # nothing at all for `seconds`, then the answer
    "status",  # status `code`, body `body`
    "strip_link",  # the answer without its Link header
    "truncate",  # a body that ends before its Content-Length
}


@dataclass
class Fault:
    """One fault: ``kind`` of :data:`KINDS`, on requests whose path and query match, ``times`` times."""

    kind: str
    match: str
    times: int = -1  # -1 is for ever
    skip: int = 0  # that many matching requests are answered well first
    options: dict[str, Any] = field(default_factory=dict)
    action: Callable[[], None] | None = None

    def __post_init__(self) -> None:
        assert self.kind in KINDS, self.kind


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
        action: Callable[[], None] | None = None,
        **options: Any,
    ) -> None:
        with self._lock:
            self._faults.append(Fault(kind, match, times, skip, options, action))

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def take(self, target: str) -> Fault | None:
        with self._lock:
            for fault in self._faults:
                if fault.times and re.search(fault.match, target):
                    if fault.skip:
                        fault.skip -= 1
                        continue
                    fault.times -= 1
                    return fault
        return None
