"""How long a run waits for a server: what failed for a reason that may pass is tried again, within a budget.

GitLab and Qdrant differ in what may pass and in the words for what did not; both are told by subclasses.
"""

from __future__ import annotations

import random
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import TypeVar

import tenacity

from stagekit.errors import StageError

T = TypeVar("T")
_LONGEST_BACKOFF_S = 30.0
_NO_PAUSE_S = 0.05  # Retry-After: 0, or a date that has passed; a server that goes on so would be hammered


class Transient(Exception):  # noqa: N818 - a reason to try again
    """A fault that may pass.

    Args:
        said: what happened, as a part of a sentence.
        wait_s: for how long the server asks to be left alone, in seconds; None where it does not say.
        tries: how often to ask in all, where it is as likely to stay; None for as long as the budget lasts.
        otherwise: what it is, if it stays; None for a server that is down.
        answered: somebody is there and asks for time, so that the address is no question.
    """

    def __init__(
        self,
        said: str,
        wait_s: float | None = None,
        tries: int | None = None,
        otherwise: StageError | None = None,
        answered: bool = False,
    ) -> None:
        super().__init__(said)
        self.wait_s = wait_s
        self.tries = tries
        self.otherwise = otherwise
        self.answered = answered


class Patience(ABC):
    """Repeats what failed for a reason that may pass.

    What counts against the budget is the time that the run loses as a whole: five requests that wait side by
    side for ten seconds use ten seconds.

    Args:
        budget_s: seconds that a run may lose in all.
        first_wait_s: pause before the second try; it doubles with each further one, with jitter.
    """

    until_reached = 3  # tries before the server has answered once: the address may be wrong
    longest_pause_s = float("inf")  # the longest that a server may ask for

    def __init__(self, budget_s: float = 300, first_wait_s: float = 0.25) -> None:
        self.lost_s = 0.0  # seconds lost so far
        self.retries = 0  # tries that were not the first
        self.message = ""  # why the run waits; empty while it does not
        self._budget_s = budget_s
        self._first_wait_s = first_wait_s
        self._reached = False
        self._counted_until = 0.0
        self._lock = threading.Lock()
        self._stopped = threading.Event()

    @property
    def left_s(self) -> float:
        """Seconds of the budget that are left."""
        return max(0.0, self._budget_s - self.lost_s)

    @property
    def stopped(self) -> bool:
        """Whether the run was given up."""
        return self._stopped.is_set()

    def stop(self) -> None:
        """Wake whoever waits: the run is given up."""
        self._stopped.set()

    def resume(self) -> None:
        """Take :meth:`stop` back."""
        self._stopped.clear()

    def reached(self) -> None:
        """Note that the server has answered: the address is right, and what fails now may pass."""
        self._reached = True

    def call(self, function: Callable[[], T]) -> T:
        """Return what ``function`` returns, which may raise :class:`Transient` to be called again.

        Raises:
            StageError: if the fault did not pass, or it turned out to be another one.
        """
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(Transient),
            wait=self._wait,
            stop=self._give_up,
            before_sleep=self._announce,
            sleep=self.sleep,
            reraise=True,
        )
        try:
            result: T = retrying(function)
        except Transient as fault:
            raise fault.otherwise or self.verdict(fault) from fault
        self.reached()
        return result

    @abstractmethod
    def verdict(self, fault: Transient) -> StageError:
        """Return what to raise for a fault that did not pass."""

    @abstractmethod
    def announcement(self, fault: Transient, seconds: float) -> str:
        """Return why the run waits, before it does so for some seconds."""

    def sleep(self, seconds: float) -> None:
        """Wait, unless the run is given up meanwhile."""
        now = time.monotonic()
        self.charge(now, now + seconds)
        self.pass_time(seconds)
        self.message = ""

    def pass_time(self, seconds: float) -> None:
        """Let the time go by; wakes when the run is given up."""
        self._stopped.wait(seconds)

    def charge(self, begin: float, end: float) -> None:
        """Count a time, by ``time.monotonic``, as lost: what of it no other request has lost already."""
        with self._lock:
            self.lost_s += max(0.0, end - max(begin, self._counted_until))
            self._counted_until = max(self._counted_until, end)

    def _wait(self, state: tenacity.RetryCallState) -> float:
        fault = _fault(state)
        if fault.wait_s is not None and fault.wait_s > _NO_PAUSE_S:
            return min(fault.wait_s, self.longest_pause_s)
        backoff = min(self._first_wait_s * 2.0 ** (state.attempt_number - 1), _LONGEST_BACKOFF_S)
        return backoff * random.uniform(0.75, 1.25)  # so that requests do not come back in step

    def _give_up(self, state: tenacity.RetryCallState) -> bool:
        fault = _fault(state)
        known = self._reached or fault.answered
        tries = fault.tries if known else min(fault.tries or self.until_reached, self.until_reached)
        if fault.wait_s is not None:
            tries = None  # a server that asks for a pause is there
        used_up = tries is not None and state.attempt_number >= tries
        return used_up or state.upcoming_sleep > self.left_s or self.stopped

    def _announce(self, state: tenacity.RetryCallState) -> None:
        with self._lock:
            self.retries += 1
        self.message = self.announcement(_fault(state), state.upcoming_sleep)


def _fault(state: tenacity.RetryCallState) -> Transient:
    assert state.outcome is not None
    fault = state.outcome.exception()
    assert isinstance(fault, Transient)
    return fault


def asked_wait_s(headers: Mapping[str, str]) -> float | None:
    """Return for how many seconds an answer asks to be left alone (``Retry-After``); None where it does not.

    A date means the server's clock, which its own ``Date`` tells.
    """
    asked = headers.get("Retry-After", "").strip()
    if asked.replace(".", "", 1).isdigit():
        return float(asked)
    until = _timestamp(asked)
    return None if until is None else max(0.0, until - server_time(headers))


def server_time(headers: Mapping[str, str]) -> float:
    """Return what the clock of a server said when it answered, in seconds since 1970; else what ours says."""
    return _timestamp(headers.get("Date", "")) or time.time()


def _timestamp(date: str) -> float | None:
    """Return a date of a header in seconds since 1970; None where it is none."""
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError):
        return None
