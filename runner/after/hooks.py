"""What is due when a run has ended: metrics, a notification, a trace; none of them can fail the run."""

from __future__ import annotations

from runner.after.metrics import write_metrics
from runner.after.notifications import notify_after_run
from runner.after.tracing import send_trace, tracing_wanted
from runner.events import Event, Listener
from runner.models import PipelineState
from runner.record.report_generator import RunRows, summarize
from runner.record.state_manager import StateManager

__all__ = ["FollowUp", "follow_up"]

Row = dict[str, object]


def follow_up(manager: StateManager, state: PipelineState, summary: Row | None = None) -> list[str]:
    """Write the metrics of a run that has ended, notify, send its trace; return a warning for what failed.

    Args:
        manager: of the outputs folder.
        state: the run.
        summary: of the run, as :func:`runner.record.report_generator.summarize` returns it, if it is there.
    """
    rows = RunRows(manager, state)
    known = summary or summarize(manager, state, rows)
    warnings = [_metrics(manager, state, known), notify_after_run(manager, state, known, rows)]
    if tracing_wanted():
        warnings.append(send_trace(manager, state, rows))
    return [warning for warning in warnings if warning]


def _metrics(manager: StateManager, state: PipelineState, summary: Row) -> str:
    try:
        write_metrics(manager, state, summary)
    except Exception as error:  # metrics tell of the run, and must never be what fails it
        return (
            f"The metrics of {state.execution_id} could not be written ({error}); the run is not affected. "
            "See to the setting metrics_file."
        )
    return ""


class FollowUp:
    """Listens to a run, so that the follow-up knows which one it was, however it ended.

    Args:
        manager: of the outputs folder.
        listener: is told every event.
    """

    def __init__(self, manager: StateManager, listener: Listener) -> None:
        self._manager = manager
        self._listener = listener
        self._run = ""

    def __call__(self, event: Event) -> None:
        """Pass an event on."""
        if event.kind == "run_started":
            self._run = str(event.data["execution_id"])
        self._listener(event)

    def finish(self, summary: Row | None = None) -> list[str]:
        """Do what is due and return the warnings; nothing is due if no run has begun."""
        if not self._run:
            return []
        try:
            return follow_up(self._manager, self._manager.load_checkpoint(self._run), summary)
        except Exception as error:  # it must not hide what the run itself came to
            return [f"What is due after {self._run} could not be done ({error}); the run is not affected."]
