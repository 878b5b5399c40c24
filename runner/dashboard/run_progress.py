"""How far a run is, from its events: each stage's documents, its rate, and the time that remains."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field

from runner.events import Event
from runner.models import PipelineState
from runner.record.follow import follow
from runner.record.state_manager import StateManager

__all__ = ["RunFollower", "RunProgress", "StageProgress"]

_WINDOW = 60.0  # seconds over which the rate is measured
_ENDED = {"done", "carried over", "failed", "cancelled", "interrupted"}


@dataclass
class StageProgress:
    """One stage: ``state`` is waiting, running, done, carried over, failed, cancelled or interrupted."""

    name: str
    state: str = "waiting"
    done: int = 0
    total: int = 0
    current: str = ""
    note: str = ""
    seconds: float = 0.0
    began: float = 0.0
    left_s: float | None = None
    samples: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=400))

    @property
    def ended(self) -> bool:
        """Tell whether it goes on no more."""
        return self.state in _ENDED

    def rate(self) -> float | None:
        """Return documents a second over the last minute of its work; None where nothing can be said yet."""
        if len(self.samples) < 2:
            return None
        (first, before), (last, after) = self.samples[0], self.samples[-1]
        return (after - before) / (last - first) if last > first and after > before else None

    def remaining(self, at: float) -> float | None:
        """Return the seconds that the stage will still take, seen from a moment.

        As the stage itself reckons, which knows what documents take; else at the present rate.
        """
        rate = self.rate()
        if rate is None or self.state != "running" or self.done >= self.total:
            return None
        left = (self.total - self.done) / rate if self.left_s is None else self.left_s
        return max(0.0, left - max(0.0, at - self.samples[-1][0]))

    def advance(self, at: float, done: int, total: int, current: str, left_s: float | None = None) -> None:
        """Take how many documents are done."""
        self.done, self.total, self.current, self.left_s = done, total, current, left_s
        self.samples.append((at, done))
        while len(self.samples) > 2 and at - self.samples[0][0] > _WINDOW:
            self.samples.popleft()


@dataclass
class RunProgress:
    """A run, as far as its events tell."""

    execution_id: str = ""
    mode: str = ""
    began: float = 0.0
    stages: dict[str, StageProgress] = field(default_factory=dict)

    def apply(self, event: Event) -> None:
        """Take one event."""
        data = event.data
        if event.kind == "run_started":
            self.began, self.mode = event.at, str(data.get("mode", ""))
            self.stages = {name: StageProgress(name) for name in data.get("stages", [])}
        if not event.stage:
            return
        stage = self.stages.setdefault(event.stage, StageProgress(event.stage))
        if event.kind == "stage_started":
            self.stages[event.stage] = StageProgress(event.stage, "running", began=event.at)
        elif event.kind == "documents":
            current = str(data.get("current") or "")
            done, total = int(data.get("done") or 0), int(data.get("total") or 0)
            left = data.get("left_s")
            stage.advance(
                event.at, done, total, current, float(left) if isinstance(left, int | float) else None
            )
        elif event.kind == "stage_retried":
            stage.note = f"{data.get('error', '')} Trying again in {float(data.get('wait') or 0):g} s."
        elif event.kind == "stage_carried_over":
            stage.state, stage.note = "carried over", "nothing changed"
        elif event.kind == "stage_finished":
            stage.state = "failed" if data.get("error") else "done"
            stage.note = str(data.get("error") or "")
            stage.seconds = float(data.get("seconds") or max(0.0, event.at - stage.began))

    def settle(self, state: PipelineState, status: str) -> None:
        """Take what the run's record says, where its events stop short: it was killed, or has none."""
        words = {"success": "done", "partial": "done", "skipped": "carried over"}
        for name, checkpoint in state.stages.items():
            stage = self.stages.setdefault(name, StageProgress(name))
            if not stage.ended or checkpoint.status == "cancelled":
                found = words.get(checkpoint.status, str(checkpoint.status))
                stage.state = status if found == "running" else found
                stage.note = stage.note or checkpoint.error
                stage.seconds = stage.seconds or checkpoint.seconds

    @property
    def finished(self) -> int:
        """Number of stages that have come to an end."""
        return sum(stage.ended for stage in self.stages.values())

    @property
    def running(self) -> list[StageProgress]:
        """The stages that are being executed."""
        return [stage for stage in self.stages.values() if stage.state == "running"]


class RunFollower:
    """Keeps the progress of the newest run (or a named one) up to date, whoever has started it."""

    def __init__(self, manager: StateManager, execution_id: str = "") -> None:
        self._manager, self._named = manager, execution_id
        self._thread: threading.Thread | None = None
        self._over = threading.Event()
        self._settled: tuple[object, ...] = ()  # what the record said when its run went on no more
        self.progress = RunProgress()

    def look(self) -> RunProgress:
        """Return the progress; begins to follow a run that was started or resumed since the last look."""
        run = self._named or (self._manager.execution_ids() or [""])[-1]
        if not run or (self._thread is not None and self._thread.is_alive()):
            return self.progress
        state = self._manager.load_checkpoint(run)
        status = self._manager.effective_status(state)
        record = (status, state.end_timestamp, len(state.stages))
        if run != self.progress.execution_id or (self._settled and record != self._settled):
            self._follow(run)
        elif not self._settled and status != "running":
            self.progress.settle(state, status)
            self._settled = record
        return self.progress

    def join(self, timeout: float = 30.0) -> RunProgress:
        """Wait until the run goes on no more, and return its progress."""
        if self._thread is not None:
            self._thread.join(timeout)
        return self.look()

    def close(self) -> None:
        """Follow no longer."""
        self._over.set()
        if self._thread is not None:
            self._thread.join(5)

    def _follow(self, run: str) -> None:
        progress = RunProgress(run, began=time.time())
        self.progress, self._settled = progress, ()

        def read() -> None:
            for event in follow(self._manager, run):
                progress.apply(event)
                if self._over.is_set():
                    return

        self._thread = threading.Thread(target=read, daemon=True, name=f"follow {run}")
        self._thread.start()
        self._thread.join(0.3)  # a run that has ended is read as a whole before it is drawn
