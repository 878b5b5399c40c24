"""How long a run waits for GitLab: each request is tried again, within one budget of waiting for all."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import TypeVar

import tenacity

from stagekit.errors import StageError

__all__ = ["GitLabFails", "GitLabUnavailable", "Patience", "Transient"]

T = TypeVar("T")
_LONGEST_BACKOFF_S = 30.0
_TICK_S = 1.0
_UNTIL_REACHED = 4  # tries before GitLab has answered once: the address may be wrong


class Transient(Exception):  # noqa: N818 - a reason to try again
    """A fault that may pass.

    Args:
        said: what happened, as the beginning of a sentence.
        wait_s: for how long the server asks to be left alone, in seconds; None where it does not say.
        tries: how often to ask in all, where it is as likely to stay; None for as long as the budget lasts.
        otherwise: what it is, if it stays; None for a server that is down.
    """

    def __init__(
        self,
        said: str,
        wait_s: float | None = None,
        tries: int | None = None,
        otherwise: StageError | None = None,
    ) -> None:
        super().__init__(said)
        self.wait_s = wait_s
        self.tries = tries
        self.otherwise = otherwise


class GitLabUnavailable(StageError):  # noqa: N818 - like the status 503
    """A fault that did not pass in the time that the settings allow for it."""


class GitLabFails(GitLabUnavailable):
    """A fault that came again with each try, though there is time left: the stage may be tried again."""


class Patience:
    """Repeats requests that failed for a reason that may pass.

    What counts against the budget is the time during which the run as a whole stands waiting: five workers
    that wait side by side for ten seconds use ten seconds. When the server asks for a pause, all wait.

    Args:
        budget_s: seconds that a run may spend waiting in all.
        first_wait_s: pause before the second try; it doubles with each further one, with jitter.
        notify: is told, at least once a second, why the run is waiting; in the thread that made this object.
    """

    def __init__(
        self,
        budget_s: float = 300,
        first_wait_s: float = 0.25,
        notify: Callable[[str], None] | None = None,
    ) -> None:
        self.waited_s = 0.0
        self.retries = 0
        self.message = ""
        self._budget_s = budget_s
        self._reached = False
        self._first_wait_s = first_wait_s
        self._notify = notify
        self._owner = threading.get_ident()
        self._lock = threading.Lock()
        self._pause_until = 0.0
        self._counted_until = 0.0
        self._stopped = threading.Event()

    @property
    def left_s(self) -> float:
        """Seconds of the budget that are left."""
        return max(0.0, self._budget_s - self.waited_s)

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

    def hold(self) -> None:
        """Wait until a pause that the server asked for is over.

        Raises:
            GitLabUnavailable: if the run was given up meanwhile.
        """
        remaining = self._pause_until - time.monotonic()
        if remaining > 0:
            self._sleep(remaining)
        if self.stopped:
            raise GitLabUnavailable("The run was stopped while it read from GitLab.")

    def call(self, function: Callable[[], T]) -> T:
        """Return what ``function`` returns, which may raise :class:`Transient` to be called again.

        Raises:
            GitLabUnavailable: if the fault did not pass.
            StageError: if it turned out to be another one.
        """
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(Transient),
            wait=self._wait,
            stop=self._give_up,
            before_sleep=self._announce,
            sleep=self._sleep,
            reraise=True,
        )
        try:
            result: T = retrying(function)
        except Transient as fault:
            if fault.otherwise is not None:
                raise fault.otherwise from fault
            raise self._kind(fault)(self._verdict(fault)) from fault
        self.reached()
        return result

    def reached(self) -> None:
        """Note that GitLab has answered: the address is right, and what fails now may pass."""
        self._reached = True

    def _wait(self, state: tenacity.RetryCallState) -> float:
        fault = _fault(state)
        if fault.wait_s is not None:
            return max(fault.wait_s, 0.05)
        backoff = min(self._first_wait_s * 2.0 ** (state.attempt_number - 1), _LONGEST_BACKOFF_S)
        return backoff * random.uniform(0.75, 1.25)  # so that workers do not come back in step

    def _give_up(self, state: tenacity.RetryCallState) -> bool:
        fault = _fault(state)
        tries = fault.tries if self._reached else min(fault.tries or _UNTIL_REACHED, _UNTIL_REACHED)
        if fault.wait_s is not None:
            tries = None  # a server that asks for a pause is there
        used_up = tries is not None and state.attempt_number >= tries
        return used_up or state.upcoming_sleep > self.left_s or self.stopped

    def _announce(self, state: tenacity.RetryCallState) -> None:
        fault = _fault(state)
        with self._lock:
            self.retries += 1
            if fault.wait_s is not None:
                self._pause_until = max(self._pause_until, time.monotonic() + state.upcoming_sleep)
        asked = f"GitLab asks to wait {_seconds(state.upcoming_sleep)}"
        tried = f"{fault}; trying again in {_seconds(state.upcoming_sleep)}"
        self.message = tried if fault.wait_s is None else asked

    def _sleep(self, seconds: float) -> None:
        now = time.monotonic()
        end = now + seconds
        with self._lock:  # only the part that no other worker waits through already
            self.waited_s += max(0.0, end - max(now, self._counted_until))
            self._counted_until = max(self._counted_until, end)
        while (remaining := end - time.monotonic()) > 0 and not self.stopped:
            if self._notify and threading.get_ident() == self._owner:
                self._notify(self.message)
            self._stopped.wait(min(remaining, _TICK_S))
        self.message = ""

    def _kind(self, fault: Transient) -> type[StageError]:
        if fault.wait_s is None and not self._reached:
            return StageError
        return GitLabFails if fault.wait_s is None and fault.tries is not None else GitLabUnavailable

    def _verdict(self, fault: Transient) -> str:
        if fault.wait_s is not None:
            return (
                f"{fault}, which is more than retry_budget_s leaves ({_seconds(self.left_s)} of "
                f"{_seconds(self._budget_s)}); run again later, or raise retry_budget_s."
            )
        return (
            f"{fault}, and it did not pass ({self.retries} retries, {_seconds(self.waited_s)} of waiting); "
            "check gitlab_url, the network and the state of the GitLab server, then run again."
        )


def _fault(state: tenacity.RetryCallState) -> Transient:
    assert state.outcome is not None
    fault = state.outcome.exception()
    assert isinstance(fault, Transient)
    return fault


def _seconds(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds >= 1 else f"{seconds:.1f} s"
