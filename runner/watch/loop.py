"""The loop of ``nic-etl watch``: looks at the source, runs the chain when something changed, and goes on."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from runner.config_manager import config_hash
from runner.errors import ConfigurationError
from runner.models import now
from runner.record.state_manager import StateManager
from runner.settings.pipeline_config import PipelineConfig
from runner.watch.code import code_state, settled_code_state
from runner.watch.note import WatchNote
from runner.watch.runs import WatchRuns
from stagekit.checks.source_head import SourceHead
from stagekit.errors import StageError

Row = dict[str, Any]
_LOOK_SHARE = 20  # looking takes at most a twentieth of the time, however large the folder is
_LOCK_POLL_S = 0.5


class Restart(Exception):  # noqa: N818 - a reason, no fault
    """What this process has loaded is no longer what is on disk; the message says what changed."""


@dataclass(frozen=True)
class WatchPlan:
    """When a watch does what, in seconds; 0 is never.

    Attributes:
        every_s: between two looks at the source.
        run_every_s: after which the chain runs although nothing changed: it looks at the collection, too.
        idle_release_s: without a run after which the warm kernels are ended.
        first_retry_s: before a run that failed is tried again; doubles up to ``last_retry_s``.
        last_retry_s: see above.
        document_retry_s: before documents that failed are tried again; doubles up to six hours.
    """

    every_s: float = 60.0
    run_every_s: float = 12 * 3600.0
    idle_release_s: float = 0.0
    first_retry_s: float = 30.0
    last_retry_s: float = 1800.0
    document_retry_s: float = 600.0


@dataclass
class Backoff:
    """A pause that doubles with each failure, up to a limit; in seconds."""

    first: float
    longest: float
    failures: int = 0

    def fail(self) -> float:
        """Count a failure and return how long to wait."""
        pause = min(self.longest, self.first * 2.0 ** min(self.failures, 30))
        self.failures += 1
        return pause

    def reset(self) -> None:
        """Forget the failures."""
        self.failures = 0


class Watch:
    """One watch, in the thread that calls :meth:`run`.

    Args:
        config: of the runs.
        plan: when it does what.
        runs: executes them.
        tell: is told what happens: a word for the kind of event, and its details by name.
        note: tells other processes.
        code: of :func:`runner.watch.code.code_state`, before anything else was loaded.
        reload: reads the configuration anew.
        sleep: waits so many seconds; may end earlier.
    """

    def __init__(
        self,
        config: PipelineConfig,
        plan: WatchPlan,
        runs: WatchRuns,
        tell: Callable[..., None],
        note: WatchNote,
        code: str,
        reload: Callable[[], PipelineConfig],
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._config, self._plan, self._runs, self._tell, self._note = config, plan, runs, tell, note
        self._code, self._reload, self._sleep = code, reload, sleep
        self._manager = StateManager(config.outputs)
        self._head = SourceHead(config.model_dump(mode="json"), config.outputs)
        self._failures = Backoff(plan.first_retry_s, plan.last_retry_s)
        self._unreachable = Backoff(plan.every_s, max(plan.every_s, 900.0))
        self._documents = Backoff(plan.document_retry_s, 6 * 3600.0)
        self._seen = self._found = ""
        self._look_at = self._retry_at = self._run_at = self._release_at = math.inf
        self._looked = 0.0
        self._complaint = ""
        self._last_id = ""

    def run(self) -> None:
        """Run the chain once, then whenever there is a reason; ends only by an exception.

        Raises:
            Restart: when code or configuration on disk changed.
            KeyboardInterrupt: when it is ended.
        """
        reason = "start"
        try:
            while True:
                self._execute(reason)
                reason = self._wait()
        finally:
            self._head.close()

    # Waiting

    def _wait(self) -> str:
        while True:
            self._show("idle")
            due = min(self._look_at, self._retry_at, self._run_at, self._release_at)
            self._sleep(max(0.0, due - time.monotonic()))
            self._require_current()
            self._note_other_runs()
            if reason := self._reason():
                return reason
            if self._release_at <= time.monotonic():
                self._release_at = math.inf
                self._release()

    def _reason(self) -> str:
        if self._retry_at <= time.monotonic():
            return "retry"
        if self._run_at <= time.monotonic():
            return "interval"
        if self._look_at <= time.monotonic() and self._look() and self._found != self._seen:
            return "change"
        return ""

    def _look(self) -> bool:
        """Look at the source; return whether it could be reached."""
        self._looked = begin = time.monotonic()
        try:
            self._found = self._head.look()
        except StageError as error:
            pause = self._unreachable.fail()
            self._look_at = time.monotonic() + pause
            if self._unreachable.failures == 1:
                self._tell("source_unreachable", error=str(error), retry_s=round(pause))
            return False
        if self._unreachable.failures:
            self._unreachable.reset()
            self._tell("source_reachable")
        took = time.monotonic() - begin
        self._look_at = time.monotonic() + max(self._plan.every_s, _LOOK_SHARE * took)
        return True

    def _require_current(self) -> None:
        if code_state() != self._code:
            settled_code_state()
            raise Restart("the code changed")
        try:
            config = self._reload()
        except (ConfigurationError, StageError) as error:
            if str(error) != self._complaint:
                self._complaint = str(error)
                self._tell("configuration_invalid", error=str(error))
            return
        if config_hash(config) != config_hash(self._config):
            raise Restart("the configuration changed")

    def _note_other_runs(self) -> None:
        for execution_id in self._manager.execution_ids():
            if execution_id > self._last_id:
                self._last_id = execution_id
                self._tell("other_run", run=execution_id)

    def _release(self) -> None:
        if self._runs.alive:
            self._runs.close()
            self._tell("released", idle_s=round(self._plan.idle_release_s))

    # Running

    def _execute(self, reason: str) -> None:
        while True:
            self._wait_for_others()
            self._require_current()
            self._retry_at = self._run_at = self._release_at = math.inf
            if reason != "change" and not self._look():
                self._seen = ""  # whatever is found when it is reached again is a reason to run
                return None
            self._seen = self._found
            self._show("running")
            self._tell("run_begins", reason=reason)
            outcome = self._runs.run()
            if outcome["status"] != "busy":
                return self._ended(outcome)
            reason = "waited"

    def _ended(self, outcome: Row) -> None:
        at = time.monotonic()
        self._last_id = max([self._last_id, *self._manager.execution_ids()[-1:]])
        retry = self._retry_pause(outcome)
        self._retry_at = at + retry
        self._run_at = at + (self._plan.run_every_s or math.inf)
        self._release_at = at + (self._plan.idle_release_s or math.inf)
        self._tell("run_ended", **outcome, retry_s=None if math.isinf(retry) else round(retry))

    def _retry_pause(self, outcome: Row) -> float:
        """Return in how many seconds to try again, infinity for not before something changed."""
        if outcome["status"] == "failed":
            return self._failures.fail()
        if outcome["status"] == "cancelled":  # somebody wanted it
            return math.inf
        self._failures.reset()
        if outcome.get("retry"):
            return self._documents.fail()
        self._documents.reset()
        return math.inf

    def _wait_for_others(self) -> None:
        owner = self._manager.lock_owner()
        if owner is None:
            return
        self._show("waiting")
        self._tell("waiting", run=owner.get("execution_id", ""), pid=owner.get("pid"))
        while self._manager.lock_owner() is not None:
            time.sleep(_LOCK_POLL_S)
        self._note_other_runs()

    def _show(self, state: str) -> None:
        next_look = min(self._look_at, self._retry_at, self._run_at) - time.monotonic()
        self._note.update(
            state=state,
            every_s=self._plan.every_s,
            last_check=_moment(self._looked - time.monotonic()) if self._looked else "",
            next_check=_moment(next_look) if state == "idle" and not math.isinf(next_look) else "",
        )


def _moment(seconds: float) -> str:
    """Return a moment that is so many seconds away, in UTC."""
    return (now() + timedelta(seconds=seconds)).isoformat(timespec="seconds")
