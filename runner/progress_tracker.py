"""What a person sees of a run while it goes on: live bars at a terminal, plain lines in a pipe."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any, Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from runner.events import Event

__all__ = ["LiveReporter", "NullReporter", "PlainReporter", "Reporter", "make_reporter"]

_QUIET_SECONDS = 10.0  # a line in a pipe is for a log: one every ten seconds tells enough


class Reporter(Protocol):
    """Shows events; used as a context manager around a run."""

    def __call__(self, event: Event) -> None:
        """Show one event."""

    def __enter__(self) -> Reporter:
        """Begin to show."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the screen in order."""


class NullReporter:
    """Shows nothing."""

    def __call__(self, event: Event) -> None:
        """Ignore the event."""

    def __enter__(self) -> NullReporter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


class PlainReporter(NullReporter):
    """One line for what begins and ends, and now and then one in between."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._spoken: dict[str, float] = {}

    def __call__(self, event: Event) -> None:
        """Print a line for the event, if it is worth one."""
        if event.kind == "documents":
            last = self._spoken.setdefault(event.stage, time.monotonic())
            if time.monotonic() - last < _QUIET_SECONDS:
                return
        text = describe(event)
        if text:
            self._spoken[event.stage] = time.monotonic()
            self._console.print(text, markup=False, highlight=False, soft_wrap=True)


class LiveReporter:
    """A bar for the pipeline and one for each stage that runs, with the document in work."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            SpinnerColumn(finished_text="·"),
            TextColumn("{task.description:<22}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=console,
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}
        self._pipeline: TaskID | None = None

    def __enter__(self) -> LiveReporter:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def __call__(self, event: Event) -> None:
        """Draw the event."""
        show = {
            "run_started": self._run_started,
            "stage_started": self._stage_started,
            "documents": self._documents,
            "stage_finished": self._stage_ended,
            "stage_carried_over": self._stage_ended,
            "stage_retried": self._say,
            "run_finished": self._say,
        }.get(event.kind)
        if show is not None:
            show(event)

    def _run_started(self, event: Event) -> None:
        total = len(event.data["stages"])
        self._pipeline = self._progress.add_task("pipeline", total=total, note=event.data["execution_id"])

    def _stage_started(self, event: Event) -> None:
        self._tasks[event.stage] = self._progress.add_task(event.stage, total=None, note="")

    def _documents(self, event: Event) -> None:
        task = self._tasks.get(event.stage)
        if task is not None:
            data = event.data
            note = str(data.get("current", ""))[-48:]
            self._progress.update(task, completed=data["done"], total=data["total"], note=note)

    def _stage_ended(self, event: Event) -> None:
        task = self._tasks.pop(event.stage, None)
        if task is not None:
            self._progress.remove_task(task)
        if self._pipeline is not None:
            self._progress.advance(self._pipeline)
        self._say(event)

    def _say(self, event: Event) -> None:
        self._progress.console.print(describe(event), markup=False, highlight=False, soft_wrap=True)


def make_reporter(console: Console, *, quiet: bool = False) -> Reporter:
    """Return the reporter that suits the place where the output goes."""
    if quiet:
        return NullReporter()
    return LiveReporter(console) if console.is_terminal else PlainReporter(console)


def describe(event: Event) -> str:
    """Return an event as one line, or an empty string where it is not worth one."""
    data = event.data
    if event.kind == "run_started":
        return f"Run {data['execution_id']} ({data['mode']})"
    if event.kind == "stage_started":
        reasons = "; ".join(data.get("reasons", []))
        return f"  {event.stage}: started{f' ({reasons})' if reasons else ''}"
    if event.kind == "documents":
        return f"  {event.stage}: {data['done']} of {data['total']} {data['unit']}s"
    if event.kind == "stage_retried":
        return f"  {event.stage}: {data['error']} Trying again in {data['wait']:g} s."
    if event.kind == "stage_carried_over":
        return f"  {event.stage}: nothing changed, carried over from {data['from']}"
    if event.kind == "stage_finished":
        return f"  {event.stage}: {_stage_words(data)}"
    if event.kind == "run_finished":
        return f"Run {data['status']}"
    return ""


def _stage_words(data: dict[str, Any]) -> str:
    if data.get("error"):
        return f"failed: {data['error']}"
    counts = [f"{data[name]} {name}" for name in ("ok", "rejected", "failed") if data.get(name)]
    if data.get("unchanged"):
        counts.append(f"{data['unchanged']} unchanged")
    return f"{', '.join(counts) or 'done'} in {data['seconds']:.1f} s"
