"""Promises of the progress display: lines for a log, bars for a terminal, and the screen left in order."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from rich.console import Console

from runner.cli import progress_tracker
from runner.cli.progress_tracker import LiveReporter, PlainReporter, Reporter, describe, make_reporter
from runner.events import Event

STARTED = Event("run_started", data={"execution_id": "r1", "mode": "full", "stages": ["a", "b"]})
COUNTS = {"status": "success", "seconds": 2.04, "ok": 3, "rejected": 1, "failed": 0, "unchanged": 2}


def documents(done: int, total: int = 9, current: str = "x.md") -> Event:
    return Event("documents", "a", {"done": done, "total": total, "unit": "document", "current": current})


def pipe() -> Console:
    return Console(file=io.StringIO(), width=100)


def terminal() -> Console:
    return Console(file=io.StringIO(), width=160, force_terminal=True, color_system=None)


def text(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (STARTED, "Run r1 (full)"),
        (Event("stage_started", "a"), "  a: started"),
        (Event("stage_started", "a", {"reasons": ["x 1 → 2", "y"]}), "  a: started (x 1 → 2; y)"),
        (documents(4), "  a: 4 of 9 documents"),
        (
            Event("stage_retried", "a", {"attempt": 1, "wait": 1.5, "error": "Away."}),
            "  a: Away. Trying again in 1.5 s.",
        ),
        (Event("stage_carried_over", "a", {"from": "r0"}), "  a: nothing changed, carried over from r0"),
        (Event("stage_finished", "a", COUNTS), "  a: 3 ok, 1 rejected, 2 unchanged in 2.0 s"),
        (Event("stage_finished", "a", {"seconds": 0.5}), "  a: done in 0.5 s"),
        (Event("stage_finished", "a", {"status": "failed", "error": "No."}), "  a: failed: No."),
        (Event("run_finished", data={"status": "partial"}), "Run partial"),
        (Event("cell", "a", {"number": 1, "of": 9}), ""),
    ],
)
def test_an_event_is_one_line_of_plain_words(event: Event, line: str) -> None:
    assert describe(event) == line


def test_in_a_pipe_there_is_a_line_for_each_beginning_and_end() -> None:
    console = pipe()
    with make_reporter(console) as reporter:
        assert isinstance(reporter, PlainReporter)
        for event in (
            STARTED,
            Event("stage_started", "a"),
            Event("cell", "a"),
            Event("stage_finished", "a", COUNTS),
        ):
            reporter(event)
    assert len(text(console).splitlines()) == 3
    assert "\x1b" not in text(console)


def test_in_a_pipe_progress_is_told_every_ten_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(progress_tracker.time, "monotonic", lambda: clock[0])
    console = pipe()
    reporter = PlainReporter(console)
    for second in range(0, 26, 5):
        clock[0] = float(second)
        reporter(documents(second))
    assert text(console).splitlines() == ["  a: 10 of 9 documents", "  a: 20 of 9 documents"]


def test_names_that_look_like_markup_are_shown_as_they_are() -> None:
    for make in (pipe, terminal):
        console = make()
        with make_reporter(console) as reporter:
            reporter(Event("stage_finished", "a", {"error": "[red]no[/red] [x"}))
        assert "[red]no[/red] [x" in text(console)


def test_at_a_terminal_bars_show_the_pipeline_and_the_document_in_work() -> None:
    console = terminal()
    with make_reporter(console) as reporter:
        assert isinstance(reporter, LiveReporter)
        reporter(STARTED)
        reporter(Event("stage_started", "a"))
        reporter(documents(4, current="long/" * 20 + "end.md"))
        reporter._progress.refresh()
        shown = text(console)
        reporter(Event("stage_finished", "a", COUNTS))
        reporter(Event("stage_carried_over", "b", {"from": "r0"}))
        reporter(Event("run_finished", data={"status": "success"}))
        assert reporter._progress.tasks[0].completed == 2
        assert len(reporter._progress.tasks) == 1  # the bars of the stages are gone
    for said in ("pipeline", "0/2", "4/9", "end.md", "r1"):
        assert said in shown
    assert "long/" * 20 not in shown
    for said in ("a: 3 ok", "b: nothing changed", "Run success"):
        assert said in text(console)


@pytest.mark.parametrize(
    "event",
    [
        documents(1),
        Event("stage_finished", "a", COUNTS),
        Event("cell", "a"),
        Event("output", "a", {"text": "x"}),
    ],
)
@pytest.mark.parametrize("make", [pipe, terminal])
def test_an_event_that_comes_out_of_turn_breaks_nothing(event: Event, make: Callable[[], Console]) -> None:
    with make_reporter(make()) as reporter:
        reporter(event)


def test_quiet_means_nothing_at_all() -> None:
    console = terminal()
    with make_reporter(console, quiet=True) as reporter:
        assert type(reporter) is Reporter
        reporter(STARTED)
    assert text(console) == ""


def test_an_error_leaves_the_screen_in_order() -> None:
    console = terminal()

    def run() -> None:
        with make_reporter(console) as reporter:
            reporter(STARTED)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        run()
    assert text(console).count("\x1b[?25l") == text(console).count("\x1b[?25h") == 1  # the cursor is back
