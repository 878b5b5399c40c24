"""How long a run waits for GitLab, and what it says when GitLab has not come back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from stagekit.base.network.patience import Patience, Transient
from stagekit.errors import StageError

_TICK_S = 1.0


class GitLabUnavailable(StageError):  # noqa: N818 - like the status 503
    """A fault that did not pass in the time that the settings allow for it."""


class GitLabFails(GitLabUnavailable):
    """A fault that came again with each try, though there is time left: the stage may be tried again."""


class GitLabPatience(Patience):
    """Repeats requests to GitLab; when the server asks for a pause, all of them wait.

    Args:
        budget_s: seconds that a run may spend waiting in all.
        first_wait_s: pause before the second try; it doubles with each further one, with jitter.
        notify: is told, at least once a second, why the run is waiting; in the thread that made this object.
    """

    until_reached = 4

    def __init__(
        self,
        budget_s: float = 300,
        first_wait_s: float = 0.25,
        notify: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__(budget_s, first_wait_s)
        self._notify = notify
        self._owner = threading.get_ident()
        self._pause_until = 0.0

    def hold(self) -> None:
        """Wait until a pause that the server asked for is over.

        Raises:
            GitLabUnavailable: if the run was given up meanwhile.
        """
        remaining = self._pause_until - time.monotonic()
        if remaining > 0:
            self.sleep(remaining)
        if self.stopped:
            raise GitLabUnavailable("The run was stopped while it read from GitLab.")

    def announcement(self, fault: Transient, seconds: float) -> str:
        """Return why the run waits, and let the other requests wait too where GitLab asks for it."""
        if fault.wait_s is None:
            return f"{fault}; trying again in {_seconds(seconds)}"
        with self._lock:
            self._pause_until = max(self._pause_until, time.monotonic() + seconds)
        return f"GitLab asks to wait {_seconds(seconds)}"

    def pass_time(self, seconds: float) -> None:
        """Let the time go by, and tell why."""
        end = time.monotonic() + seconds
        while (remaining := end - time.monotonic()) > 0 and not self.stopped:
            if self._notify and threading.get_ident() == self._owner:
                self._notify(self.message)
            self._stopped.wait(min(remaining, _TICK_S))

    def verdict(self, fault: Transient) -> StageError:
        """Return what to raise for a fault that did not pass."""
        if fault.wait_s is not None:
            return GitLabUnavailable(
                f"{fault}, which is more than retry_budget_s leaves ({_seconds(self.left_s)} of "
                f"{_seconds(self._budget_s)}); run again later, or raise retry_budget_s."
            )
        said = (
            f"{fault}, and it did not pass ({self.retries} retries, {_seconds(self.lost_s)} of waiting); "
            "check gitlab_url, the network and the state of the GitLab server, then run again."
        )
        if not self._reached and not fault.answered:
            return StageError(said)
        return GitLabUnavailable(said) if fault.tries is None else GitLabFails(said)


def _seconds(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds >= 1 else f"{seconds:.1f} s"
