"""Live progress: rate, remaining time, and a run that was started, killed or resumed by somebody else."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ipywidgets", reason="needs the extra dashboard")

from runner.dashboard import Workspace, display_execution_progress
from runner.dashboard.background import stop_tickers
from runner.dashboard.progress_view import progress_html, stage_words
from runner.dashboard.run_progress import RunFollower, RunProgress, StageProgress
from runner.events import Event, EventLog
from runner.models import Checkpoint, ExecutionMode, PipelineState
from runner.record.state_manager import StateManager
from runner.wording import spoken
from stagekit.contract import ExecutionStatus
from tests.unit.report_runs import record_chain

STAGES = ["listing", "shout"]


@pytest.fixture
def manager(outputs: Path) -> StateManager:
    return StateManager(outputs)


def documents(done: int, at: float, total: int = 100, current: str = "a.md") -> Event:
    return Event("documents", "shout", {"done": done, "total": total, "current": current}, at=at)


def begun() -> RunProgress:
    progress = RunProgress("run")
    progress.apply(Event("run_started", data={"stages": STAGES, "mode": "full"}, at=0.0))
    progress.apply(Event("stage_started", "shout", at=1.0))
    return progress


def begin_run(manager: StateManager, *events: Event) -> PipelineState:
    state = manager.new_run(ExecutionMode.FULL, {}, "")
    state.stages["listing"] = Checkpoint(stage="listing", status=ExecutionStatus.SUCCESS, seconds=2.0)
    state.stages["shout"] = Checkpoint(stage="shout", status=ExecutionStatus.RUNNING)
    manager.save_checkpoint(state)
    log = EventLog(manager.run_dir(state.execution_id) / "events.jsonl")
    log(Event("run_started", data={"execution_id": state.execution_id, "mode": "full", "stages": STAGES}))
    for event in events:
        log(event)
    log.close()
    return state


def wait_until(true: Any) -> None:
    end = time.monotonic() + 20
    while not true() and time.monotonic() < end:
        time.sleep(0.05)
    assert true()


def test_rate_and_remaining_time_are_those_of_the_last_minute() -> None:
    progress = begun()
    for second in range(200):
        progress.apply(
            documents(second if second < 100 else 100 + 2 * (second - 100), at=float(second), total=500)
        )
    stage = progress.stages["shout"]
    assert stage.rate() == pytest.approx(2.0)
    assert stage.remaining(199.0) == pytest.approx((500 - 298) / 2)
    assert stage.remaining(209.0) == pytest.approx((500 - 298) / 2 - 10)
    words = stage_words(stage, 199.0)
    assert "298 of 500 documents · 2.0 a second · about 2 min left" in words


def test_a_stage_that_knows_what_documents_take_is_believed() -> None:
    progress = begun()
    for second in range(20):
        event = documents(second, at=float(second), total=500)
        event.data["left_s"] = 33.0 - second
        progress.apply(event)
    assert progress.stages["shout"].remaining(19.0) == pytest.approx(14.0)
    assert progress.stages["shout"].remaining(21.0) == pytest.approx(12.0)


def test_nothing_is_claimed_before_it_is_known() -> None:
    stage = StageProgress("shout", "running")
    assert stage.rate() is None
    assert stage.remaining(0.0) is None
    stage.advance(1.0, 0, 10, "")
    stage.advance(2.0, 0, 10, "")
    assert stage.rate() is None


def test_a_slow_stage_is_told_by_the_minute() -> None:
    stage = StageProgress("shout", "running")
    stage.advance(0.0, 0, 10, "")
    stage.advance(30.0, 2, 10, "big.pdf")
    assert "4.0 a minute · about 2 min left" in stage_words(stage, 30.0)
    stage.advance(31.0, 3, 10, "folder/" * 30 + "end.pdf")
    assert "…" in stage_words(stage, 31.0)
    assert "/end.pdf<" in stage_words(stage, 31.0)


def test_each_stage_tells_how_it_ended() -> None:
    progress = begun()
    progress.apply(Event("stage_retried", "shout", {"error": "the service is away.", "wait": 2}, at=2.0))
    assert "Trying again in 2 s." in stage_words(progress.stages["shout"], 2.0)
    progress.apply(documents(100, at=3.0))
    progress.apply(Event("stage_finished", "shout", {"seconds": 4.0}, at=5.0))
    progress.apply(Event("stage_carried_over", "listing", {"from": "x"}, at=5.0))
    assert progress.finished == 2
    assert "✔ ok" in stage_words(progress.stages["shout"], 5.0)
    assert "100 of 100 documents in 4 s" in stage_words(progress.stages["shout"], 5.0)
    assert "nothing changed" in stage_words(progress.stages["listing"], 5.0)
    progress.apply(Event("stage_finished", "shout", {"error": "<b>broken</b>"}, at=6.0))
    assert "&lt;b&gt;broken" in stage_words(progress.stages["shout"], 6.0)


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "0 s"), (99, "99 s"), (150, "2 min"), (7500, "2 h 05 min"), (-3, "0 s")]
)
def test_time_is_told_as_people_say_it(seconds: float, words: str) -> None:
    assert spoken(seconds) == words


def test_a_run_of_another_process_is_followed_while_it_goes_on(manager: StateManager) -> None:
    state = begin_run(manager, Event("stage_started", "shout"))
    follower = RunFollower(manager)
    with manager.lock(state.execution_id) as note:
        note.update(execution_id=state.execution_id)
        assert [stage.name for stage in follower.look().running] == ["shout"]
        log = EventLog(manager.run_dir(state.execution_id) / "events.jsonl")
        log(documents(7, at=time.time()))
        log.close()
        assert follower.look().stages["shout"].done == 7


def test_a_killed_run_is_seen_as_interrupted_and_its_resumption_is_followed(manager: StateManager) -> None:
    state = begin_run(manager, Event("stage_started", "shout"))
    follower = RunFollower(manager)
    progress = follower.look()
    assert progress.stages["shout"].state == "interrupted"
    assert progress.stages["listing"].state == "done"
    with manager.lock(state.execution_id) as note:
        note.update(execution_id=state.execution_id)
        log = EventLog(manager.run_dir(state.execution_id) / "events.jsonl")
        log(Event("run_started", data={"stages": STAGES}))
        log(Event("stage_carried_over", "listing", {"from": "x"}))
        log(Event("stage_started", "shout"))
        log.close()
        states = [stage.state for stage in follower.look().stages.values()]
        assert states == ["carried over", "running"]


def test_a_new_run_takes_the_place_of_the_last_one(manager: StateManager) -> None:
    first = record_chain(manager, {"a.md": "1"})
    newest, named = RunFollower(manager), RunFollower(manager, first.execution_id)
    assert newest.look().execution_id == first.execution_id
    second = begin_run(manager)
    assert newest.look().execution_id == second.execution_id
    assert list(newest.progress.stages) == STAGES
    assert named.look().execution_id == first.execution_id


def test_without_a_run_there_is_nothing_to_follow(manager: StateManager) -> None:
    assert RunFollower(manager).look().execution_id == ""


def test_the_view_draws_a_bar_for_each_stage(manager: StateManager) -> None:
    state = record_chain(manager, {"a.md": "1", "b.md": "2"})
    progress = RunFollower(manager).look()
    assert "No run yet" in progress_html(RunProgress(), "")
    shown = progress_html(progress, "success")
    assert "6 of 6 stages ended" in shown
    assert shown.count("<progress") == 6
    assert state.execution_id in shown
    assert "2 of 2 documents" in shown
    assert "so far" not in shown
    assert '<progress max="100" value="7" aria-label="shout">' in progress_html(half_way(), "running")


def half_way() -> RunProgress:
    progress = begun()
    progress.apply(documents(7, at=2.0))
    return progress


def test_the_widget_follows_a_new_run_by_itself(manager: StateManager, outputs: Path) -> None:
    workspace = Workspace.open("local", {"outputs_dir": outputs})
    widget = display_execution_progress(workspace, refresh_seconds=0.05)
    try:
        assert "No run yet" in widget.children[1].value
        state = record_chain(manager, {"a.md": "1"})
        wait_until(lambda: "6 of 6 stages ended" in widget.children[1].value)
        other = display_execution_progress(workspace, state.execution_id[:-1], refresh_seconds=0.05)
        assert state.execution_id in other.children[1].value
    finally:
        stop_tickers()
