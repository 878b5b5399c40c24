"""What a person sees of a run while it goes on: live bars at a terminal, plain lines in a pipe."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from runner.events import Event
from runner.terminal import say
from runner.wording import _, counted, decimal, number, spoken, term, worded

_QUIET_SECONDS = 10.0  # a line in a pipe is for a log: one every ten seconds tells enough


class Reporter(AbstractContextManager["Reporter"]):
    """Shows the events of a run, around which it is a context manager; this one shows nothing."""

    def __call__(self, event: Event) -> None:
        """Show one event."""

    def __exit__(self, *_ended: object) -> None:
        """Leave the screen in order."""


class PlainReporter(Reporter):
    """One line for what begins and ends, and now and then one in between."""

    def __init__(self, console: Console, *, verbose: bool = False) -> None:
        self._console = console
        self._verbose = verbose
        self._spoken: dict[str, float] = {}
        self._pace = _Pace()

    def __call__(self, event: Event) -> None:
        """Print a line for the event, if it is worth one."""
        pace = ""
        if event.kind == "documents":
            pace = self._pace(event)
            last = self._spoken.setdefault(event.stage, time.monotonic())
            if time.monotonic() - last < _QUIET_SECONDS:
                return
        if text := describe(event, verbose=self._verbose):
            self._spoken[event.stage] = time.monotonic()
            say(self._console, f"{text}, {pace}" if pace else text)


class LiveReporter(Reporter):
    """A bar for the pipeline and one for each stage that runs, with the document in work."""

    def __init__(self, console: Console, *, verbose: bool = False) -> None:
        self._verbose = verbose
        self._pace = _Pace()
        self._progress = Progress(
            SpinnerColumn(finished_text="·"),
            TextColumn("{task.description:<22}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[pace]}"),
            TextColumn("{task.fields[note]}", markup=False),
            console=console,
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}
        self._pipeline: TaskID | None = None

    def __enter__(self) -> LiveReporter:
        self._progress.start()
        return self

    def __exit__(self, *_ended: object) -> None:
        self._progress.stop()

    def __call__(self, event: Event) -> None:
        """Draw the event, or say it where it is no matter of bars."""
        bars, data = self._progress, event.data
        if event.kind == "run_started":
            run, total = data["execution_id"], len(data["stages"])
            self._pipeline = bars.add_task(_("pipeline"), total=total, pace="", note=run)
        elif event.kind == "stage_started":
            self._tasks[event.stage] = bars.add_task(event.stage, total=None, pace="", note="")
        elif event.kind == "documents":
            if event.stage in self._tasks:
                note = str(data.get("current", ""))[-48:]
                task, pace = self._tasks[event.stage], self._pace(event)
                bars.update(task, completed=data["done"], total=data["total"], pace=pace, note=note)
        else:
            if event.kind in {"stage_finished", "stage_carried_over"}:
                self._end(event.stage)
            if text := describe(event, verbose=self._verbose):
                say(bars.console, text)

    def _end(self, stage: str) -> None:
        if stage in self._tasks:
            self._progress.remove_task(self._tasks.pop(stage))
        if self._pipeline is not None:
            self._progress.advance(self._pipeline)


class _Pace:
    """How fast documents are finished, by the times of the events: a run may be followed long after them."""

    def __init__(self) -> None:
        self._begin: dict[str, tuple[float, int, bool]] = {}

    def __call__(self, event: Event) -> str:
        """Return rate and remaining time in words; empty where it is too early to tell."""
        data = event.data
        at, before, in_work = self._begin.get(event.stage, (0.0, 0, False))
        if not in_work:  # what is counted before a document is in work was known from earlier runs
            self._begin[event.stage] = (event.at, data["done"], bool(data.get("current")))
            return ""
        seconds, done = event.at - at, data["done"] - before
        if seconds < 1 or done < 1:
            return ""
        rate = done / seconds
        unit = term(f"{data['unit']}s")
        words = f"{number(rate, 1)} {unit}/s"
        if rate < 1:
            words = _("{rate} {unit} a minute", rate=number(60 * rate, 1), unit=unit)
        # A stage that knows which documents take long begins with those: their rate says little.
        left = data.get("left_s", (data["total"] - data["done"]) / rate)
        known = isinstance(left, int | float) and left > 0
        return _("{words}, about {left} left", words=words, left=spoken(left)) if known else words


def make_reporter(console: Console, *, quiet: bool = False, verbose: bool = False) -> Reporter:
    """Return the reporter that suits the place where the output goes.

    Args:
        console: where it goes.
        quiet: show nothing.
        verbose: show what the stages print, too.
    """
    if quiet:
        return Reporter()
    kind = LiveReporter if console.is_terminal else PlainReporter
    return kind(console, verbose=verbose)


def describe(event: Event, *, verbose: bool = False) -> str:
    """Return an event as one line (as several, what a stage printed), empty where it is not worth one."""
    data = event.data
    if event.kind == "run_started":
        return _("Run {run} ({mode})", run=data["execution_id"], mode=term(data["mode"]))
    if event.kind == "stage_started":
        reasons = "; ".join(map(worded, data.get("reasons", [])))
        if not reasons:
            return _("  {stage}: started", stage=event.stage)
        return _("  {stage}: started ({reasons})", stage=event.stage, reasons=reasons)
    if event.kind == "documents":
        figures = {"done": data["done"], "total": data["total"], "unit": term(f"{data['unit']}s")}
        return _("  {stage}: {done} of {total} {unit}", stage=event.stage, **figures)
    if event.kind == "stage_retried":
        wait = decimal(f"{data['wait']:g}")
        error = worded(data["error"])
        return _("  {stage}: {error} Trying again in {wait} s.", stage=event.stage, error=error, wait=wait)
    if event.kind == "stage_carried_over":
        return _("  {stage}: nothing changed, carried over from {run}", stage=event.stage, run=data["from"])
    if event.kind == "stage_finished":
        return f"  {event.stage}: {_stage_words(data)}"
    if event.kind == "run_finished":
        return _("Run {status}", status=term(data["status"]))
    if event.kind == "output" and verbose:
        lines = (line.rstrip() for line in data["text"].splitlines())
        return "\n".join(f"  {event.stage} | {line}" for line in lines if line)
    return ""


def _stage_words(data: dict[str, Any]) -> str:
    if data.get("error"):
        return _("failed: {error}", error=worded(data["error"]))
    counts = [counted(name, data[name]) for name in ("ok", "rejected", "failed") if data.get(name)]
    if data.get("unchanged"):
        counts.append(counted("unchanged", data["unchanged"]))
    took = number(data["seconds"], 1)
    if not counts:
        return _("done in {seconds} s", seconds=took)
    return _("{counts} in {seconds} s", counts=", ".join(counts), seconds=took)
