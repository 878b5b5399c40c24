"""Promises of the bars below a cell: of the pipeline and of each stage at work, and none is left over."""

from __future__ import annotations

import sys
import types
from typing import Any

import pytest
import tqdm as tqdm_package
import tqdm.notebook

from runner.events import Event
from runner.record.notebook_progress import ProgressTracker, in_notebook

BARS: dict[str, Bar] = {}


class Bar(tqdm_package.tqdm):  # type: ignore[type-arg]
    """A bar of tqdm that tells what was done with it."""

    def __init__(self, **more: Any) -> None:
        self.drawn, self.closed = 0, False
        super().__init__(**more)
        BARS[str(more["desc"])] = self

    def refresh(self, *args: Any, **more: Any) -> Any:
        self.drawn += 1
        return super().refresh(*args, **more)

    def close(self) -> None:
        self.closed = True
        super().close()


@pytest.fixture(autouse=True)
def bars(monkeypatch: pytest.MonkeyPatch) -> None:
    BARS.clear()
    monkeypatch.setattr(tqdm_package, "tqdm", Bar)
    monkeypatch.setitem(sys.modules, "IPython", None)


def documents(done: int, current: str = "a.md", **more: Any) -> Event:
    return Event("documents", "a", {"done": done, "total": 9, "current": current} | more)


def test_bars_follow_the_run_and_say_how_it_ended(capsys: pytest.CaptureFixture[str]) -> None:
    tracker = ProgressTracker()
    tracker(Event("run_started", data={"stages": ["a", "b", "c"]}))
    pipeline = BARS["pipeline"]
    assert (pipeline.total, pipeline.unit, pipeline.leave, pipeline.n) == (3, "stage", True, 0)
    tracker(Event("stage_started", "a"))
    bar = BARS["a"]
    assert (bar.total, bar.unit, bar.leave) == (None, "document", False)

    drawn = bar.drawn
    tracker(documents(0, unit="page"))
    assert (bar.total, bar.n, bar.unit, bar.drawn) == (9, 0, "page", drawn + 1)  # at once
    tracker(documents(4, "x" * 100 + "end.md"))
    tracker(documents(7, None))  # type: ignore[arg-type]
    assert (bar.n, bar.unit, bar.drawn) == (7, "document", drawn + 1)
    assert bar.postfix == ""
    tracker(documents(8, "x" * 100 + "end.md"))
    assert (len(str(bar.postfix)), str(bar.postfix)[-6:]) == (48, "end.md")
    tracker(Event("stage_finished", "a"))
    assert (bar.closed, pipeline.n) == (True, 1)
    tracker(Event("stage_carried_over", "b"))
    assert pipeline.n == 2

    tracker(Event("stage_started", "c"))
    tracker(Event("stage_finished", "c", {"error": "No."}))
    assert (BARS["c"].closed, pipeline.n, pipeline.closed) == (True, 2, False)
    tracker(Event("stage_started", "d"))
    tracker(Event("run_finished", data={"status": "failed"}))
    assert (BARS["d"].closed, pipeline.closed, pipeline.postfix) == (True, True, "failed")
    assert "pipeline" in capsys.readouterr().out


def test_an_event_that_comes_out_of_turn_breaks_nothing() -> None:
    tracker = ProgressTracker()
    kinds = ("cell", "stage_finished", "stage_carried_over")
    for event in (
        documents(1),
        *(Event(kind, "a") for kind in kinds),
        Event("run_finished", data={"status": "x"}),
    ):
        tracker(event)
    assert BARS == {}


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        (None, False),
        (types.SimpleNamespace(get_ipython=lambda: None), False),
        (types.SimpleNamespace(get_ipython=types.SimpleNamespace), False),
        (types.SimpleNamespace(get_ipython=lambda: types.SimpleNamespace(kernel="one")), True),
    ],
    ids=["no IPython", "no shell", "a terminal", "a kernel"],
)
def test_only_a_kernel_is_a_notebook_and_its_bars_are_widgets_where_there_are_any(
    monkeypatch: pytest.MonkeyPatch, module: Any, expected: bool
) -> None:
    monkeypatch.setitem(sys.modules, "IPython", module)
    assert in_notebook() is expected

    class Widget(Bar):
        pass

    monkeypatch.setattr(tqdm.notebook, "tqdm", Widget)
    for found, kind in (("one", Widget if expected else Bar), (None, Bar)):
        monkeypatch.setattr("runner.record.notebook_progress.find_spec", lambda _, found=found: found)
        ProgressTracker()(Event("run_started", data={"stages": []}))
        assert type(BARS["pipeline"]) is kind
