"""How far a run is, from its events: each stage's documents, its rate, and the time that remains."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner.record.follow import events_after

if TYPE_CHECKING:
    from runner.events import Event
    from runner.models import PipelineState
    from runner.record.state_manager import StateManager

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
    began: float = 0.0
    stages: dict[str, StageProgress] = field(default_factory=dict)

    def apply(self, event: Event) -> None:
        """Take one event."""
        data = event.data
        if event.kind == "run_started":  # once more where a run was resumed
            self.began = event.at
            self.stages = {name: StageProgress(name) for name in data.get("stages", [])}
        if not event.stage:
            return
        stage = self.stages.setdefault(event.stage, StageProgress(event.stage))
        if event.kind == "stage_started":
            self.stages[event.stage] = StageProgress(event.stage, "running", began=event.at)
        elif event.kind == "documents":
            left = data.get("left_s")
            stage.advance(
                event.at, int(data.get("done") or 0), int(data.get("total") or 0),
                str(data.get("current") or ""), float(left) if isinstance(left, int | float) else None,
            )  # fmt: skip
        elif event.kind == "stage_retried":
            error, wait = data.get("error", ""), float(data.get("wait") or 0)
            stage.note = f"{error} Trying again in {wait:g} s."
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
        self._place = 0  # in the file of events: what stands before it is in the progress already
        self.progress = RunProgress()

    def look(self) -> RunProgress:
        """Return the progress, with what was written since the last look; empty where there is no run.

        Raises:
            StateManagementError: if the run's record is damaged.
        """
        run = self._named or next(reversed(self._manager.execution_ids()), "")
        if not run:
            return self.progress
        if run != self.progress.execution_id:
            self.progress, self._place = RunProgress(run), 0
        state = self._manager.load_checkpoint(run)
        status = self._manager.effective_status(state)  # asked before the last read
        events, self._place = events_after(self._manager.run_dir(run) / "events.jsonl", self._place)
        for event in events:
            self.progress.apply(event)
        if status != "running":
            self.progress.settle(state, status)
        return self.progress
