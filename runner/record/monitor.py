"""Follows and ends a run from outside: from another terminal, a dashboard, a script."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from dataclasses import dataclass, field
from typing import Any

from runner.errors import StateManagementError
from runner.events import read_events
from runner.record.state_manager import StateManager
from runner.results import PerformanceReport, PipelineMetrics

_GRACE = 10.0


@dataclass(frozen=True)
class PipelineStatus:
    """Where the last run stands.

    ``stages`` maps each stage to its status; ``progress`` maps the stages that run to documents done and
    in all; ``owner`` says who runs it.
    """

    execution_id: str
    status: str
    started: str
    stages: dict[str, str]
    progress: dict[str, dict[str, Any]] = field(default_factory=dict)
    owner: dict[str, Any] = field(default_factory=dict)
    error: str = ""


@dataclass(frozen=True)
class CancellationResult:
    """Whether a run was ended, and in how many seconds."""

    execution_id: str
    cancelled: bool
    seconds: float


class PipelineMonitor:
    """Looks at the runs below one outputs folder."""

    def __init__(self, manager: StateManager) -> None:
        self._manager = manager

    def get_real_time_status(self, execution_id: str = "") -> PipelineStatus:
        """Return where a run (by default the last one) stands.

        Raises:
            StateManagementError: if there is no such run.
        """
        state = self._manager.load_checkpoint(execution_id)
        owner = self._manager.lock_owner() or {}
        progress: dict[str, dict[str, Any]] = {}
        for event in read_events(self._manager.run_dir(state.execution_id) / "events.jsonl"):
            if event.get("kind") == "documents":
                names = ("done", "total", "current")
                progress[event["stage"]] = {name: event.get(name) for name in names}
            elif event.get("kind") in {"stage_finished", "stage_started"}:
                progress.pop(event["stage"], None)
        return PipelineStatus(
            execution_id=state.execution_id,
            status=self._manager.effective_status(state),
            started=state.start_timestamp.isoformat(timespec="seconds"),
            stages={name: str(checkpoint.status) for name, checkpoint in state.stages.items()},
            progress=progress,
            owner=owner,
            error=state.error,
        )

    def cancel_execution(self, reason: str = "", grace: float = _GRACE) -> CancellationResult:
        """End the run that goes on: it keeps finished documents, and is marked as cancelled.

        Raises:
            StateManagementError: if no run goes on.
        """
        owner = self._manager.lock_owner()
        if not owner or not owner.get("pid"):
            raise StateManagementError("No run is going on.", exit_code=2)
        self._manager.audit("cancel_requested", {"execution_id": owner["execution_id"], "reason": reason})
        begin = time.monotonic()
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(owner["pid"]), signal.SIGTERM)
        while not (ended := self._manager.lock_owner() is None) and time.monotonic() - begin < grace:
            time.sleep(0.1)
        return CancellationResult(owner["execution_id"], ended, round(time.monotonic() - begin, 1))

    def get_performance_metrics(self, execution_id: str = "") -> PerformanceReport:
        """Return seconds, peak memory (MB), attempts and documents a second for each stage of a run.

        Raises:
            StateManagementError: if there is no such run.
        """
        state = self._manager.load_checkpoint(execution_id)
        stages = {}
        for name, checkpoint in state.stages.items():
            documents = checkpoint.result.input_count if checkpoint.result else 0
            rate = round(documents / checkpoint.seconds, 2) if checkpoint.seconds else None
            stages[name] = {
                "seconds": checkpoint.seconds,
                "peak_memory_mb": checkpoint.peak_memory_mb,
                "attempts": checkpoint.attempts,
                "documents_per_second": rate,
            }
        return PerformanceReport(state.execution_id, stages, PipelineMetrics.of(state))
