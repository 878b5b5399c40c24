"""``nic-etl status``: a run is followed from another terminal, and cron learns how old the knowledge is."""

from __future__ import annotations

import json
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from runner.cli.app import app
from runner.cli.common import parse_duration
from runner.errors import ConfigurationError
from runner.events import Event, EventLog
from runner.models import Checkpoint, ExecutionMode, PipelineState, now
from runner.record.follow import events_after, follow
from runner.record.freshness import Freshness, freshness, in_words, outdated_stages
from runner.record.state_manager import StateManager
from stagekit.contract import ExecutionStatus
from tests.unit.core_notebooks import record_run, record_stage


@pytest.fixture
def manager(outputs: Path) -> StateManager:
    return StateManager(outputs)


def begun(manager: StateManager) -> PipelineState:
    state = manager.new_run(ExecutionMode.FULL, {}, "")
    state.status = ExecutionStatus.RUNNING
    manager.save_checkpoint(state)
    return state


def ended(
    manager: StateManager,
    hours_ago: float,
    status: ExecutionStatus = ExecutionStatus.SUCCESS,
    mode: ExecutionMode = ExecutionMode.FULL,
    stage: str = "qdrant_storage",
) -> PipelineState:
    state = manager.new_run(mode, {}, "")
    state.status = status
    state.start_timestamp = now() - timedelta(hours=hours_ago)
    state.end_timestamp = state.start_timestamp + timedelta(minutes=5)
    state.stages[stage] = Checkpoint(stage=stage, status=status)
    manager.save_checkpoint(state)
    return state


def call(outputs: Path, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["status", *words, "-p", f"outputs_dir={outputs}"])
    return done.exit_code, done.output


# Following


def test_a_run_is_followed_until_it_ends_and_lines_in_the_making_are_waited_for(
    manager: StateManager, outputs: Path
) -> None:
    state = begun(manager)
    path = manager.run_dir(state.execution_id) / "events.jsonl"
    seen: list[str] = []
    with manager.lock(state.execution_id):
        log = EventLog(path)
        log(Event("run_started", data={"execution_id": state.execution_id, "mode": "full", "stages": []}))
        watcher = threading.Thread(
            target=lambda: seen.extend(event.kind for event in follow(StateManager(outputs), poll=0.02))
        )
        watcher.start()
        with path.open("a") as file:
            file.write('{"at": 1.0, "kind": "stage_sta')
            file.flush()
            time.sleep(0.1)
            file.write('rted", "stage": "x"}\n')
        log(Event("run_finished", data={"status": "success", "error": ""}))
        log.close()
        state.status = ExecutionStatus.SUCCESS
        manager.save_checkpoint(state)
    watcher.join(20)
    assert seen == ["run_started", "stage_started", "run_finished"]


def test_of_a_run_that_was_resumed_only_the_last_start_is_told(manager: StateManager) -> None:
    state = ended(manager, 0)
    path = manager.run_dir(state.execution_id) / "events.jsonl"
    lines = [{"at": 1, "kind": kind, "stage": ""} for kind in ("run_started", "run_finished")] * 2
    torn = ['{"at": 1, "kind"', "[1]", '{"kind": "x"}']
    path.write_text("\n".join([*map(json.dumps, lines), *torn, ""]))
    assert [event.kind for event in follow(manager)] == ["run_started", "run_finished"]


def test_events_behind_a_place_are_read_once_and_the_place_is_behind_the_last_whole_line(
    manager: StateManager,
) -> None:
    path = manager.outputs / "events.jsonl"
    assert events_after(path, 0) == ([], 0)
    line = '{"at": 2.5, "kind": "documents", "stage": "x", "done": 1, "current": "ação"}\n'
    path.write_text(line + "{torn\n" + line[:20])
    [event], place = events_after(path, 0)
    assert (event.kind, event.stage, event.at) == ("documents", "x", 2.5)
    assert event.data == {"done": 1, "current": "ação"}
    assert events_after(path, place) == ([], place)
    path.write_text(line + "{torn\n" + line)
    assert events_after(path, place) == ([event], place + len(line.encode()))
    assert len(events_after(path, 0)[0]) == 2


def test_a_run_without_events_is_followed_to_its_end(manager: StateManager) -> None:
    ended(manager, 0)
    assert list(follow(manager)) == []


def test_the_command_follows_and_then_says_where_the_run_stands(manager: StateManager, outputs: Path) -> None:
    state = ended(manager, 0)
    log = EventLog(manager.run_dir(state.execution_id) / "events.jsonl")
    log(Event("run_started", data={"execution_id": state.execution_id, "mode": "full", "stages": ["x"]}))
    log.close()
    code, said = call(outputs, "--watch")
    assert code == 0
    assert said.index(f"Run {state.execution_id} (full)") < said.index(f"Run {state.execution_id}: success")


# How old the knowledge is


@pytest.mark.parametrize(("text", "hours"), [("90m", 1.5), ("26h", 26), (" 2d ", 48), ("1.5h", 1.5)])
def test_a_limit_is_given_in_minutes_hours_or_days(text: str, hours: float) -> None:
    assert parse_duration(text, "--max-age") == hours * 3600


def test_a_number_alone_has_the_unit_that_the_command_gave_it() -> None:
    assert parse_duration("90", "--max-age", bare="d") == 90 * 86400
    assert parse_duration("36h", "--max-age", bare="d") == 36 * 3600


@pytest.mark.parametrize("text", ["26", "h", "2w", "-1h", "1h30"])
def test_any_other_limit_is_refused_with_the_ways_to_give_it(text: str) -> None:
    with pytest.raises(ConfigurationError, match="--max-age.*90m, 26h or 2d") as refusal:
        parse_duration(text, "--max-age")
    assert refusal.value.exit_code == 2


def test_a_run_that_began_after_now_is_not_fresh_for_ever(manager: StateManager) -> None:
    ended(manager, 1)
    ahead = ended(manager, -24 * 365)
    limit = timedelta(hours=26)
    found = freshness(manager, limit)
    assert (found.execution_id, found.age, found.fresh) == (ahead.execution_id, None, False)
    assert f"by the clock, run {ahead.execution_id} begins at" in found.sentence(limit)
    ended(manager, -0.09)  # five and a half minutes
    assert freshness(manager, limit).age is None
    ended(manager, -0.08)  # less: clocks are put right by as much
    assert freshness(manager, limit).age == timedelta(0)
    ended(manager, 1)
    assert freshness(manager, limit).fresh


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (timedelta(seconds=89), "1 min"),
        (timedelta(minutes=119), "119 min"),
        (timedelta(hours=2), "2 h"),
        (timedelta(hours=71), "71 h"),
        (timedelta(hours=72), "3 days"),
        (timedelta(days=9, hours=13), "10 days"),
    ],
)
def test_an_age_is_told_in_its_largest_fitting_unit(age: timedelta, words: str) -> None:
    assert in_words(age) == words
    said = Freshness("r1", now(), age, fresh=True).sentence(timedelta(hours=1))
    assert said == f"The collection was last in step {words} ago (run r1)."


def test_what_was_made_from_an_earlier_result_and_all_that_reads_it_is_out_of_date(
    manager: StateManager,
) -> None:
    readers = {"b": ("a",), "c": ("b",), "d": ("a",), "e": ("x",), "f": ("c", "e")}
    assert outdated_stages(manager, "a", readers) == []
    state = record_run(manager)
    made = record_stage(manager, state, "a", products={"rows": [{"n": 1}], "more": [{"n": 2}]})
    assert made.result is not None
    now_made = {f"input:a.{name}": ref.sha256 for name, ref in made.result.artifacts.items()}
    used = {
        "b": now_made | {"input:a.rows": "0" * 64},
        "c": {},
        "d": now_made,
        "e": {"input:x.rows": "1"},
        "f": {},
    }
    for name, fingerprint in used.items():
        record_stage(manager, state, name, notebook=f"{name}.ipynb", fingerprint=fingerprint)
    assert outdated_stages(manager, "a", readers) == ["b", "c", "f"]
    record_stage(manager, state, "b", notebook="b.ipynb", fingerprint=now_made)
    assert outdated_stages(manager, "a", readers) == []


def test_only_a_whole_run_into_the_real_collection_counts(manager: StateManager) -> None:
    good = ended(manager, 30)
    ended(manager, 5, ExecutionStatus.PARTIAL)
    ended(manager, 4, ExecutionStatus.FAILED)
    ended(manager, 3, mode=ExecutionMode.TEST)
    ended(manager, 2, stage="text_chunking")
    damaged = ended(manager, 1)
    (manager.run_dir(damaged.execution_id) / "run.json").write_text("{")

    found = freshness(manager, timedelta(hours=26))

    assert (found.execution_id, found.fresh) == (good.execution_id, False)
    assert (found.since, found.age) == (
        good.start_timestamp,
        pytest.approx(timedelta(hours=30), abs=timedelta(minutes=1)),
    )
    assert freshness(manager, timedelta(hours=31)).fresh


def test_cron_gets_exit_code_1_and_a_sentence_when_the_knowledge_is_old(
    manager: StateManager, outputs: Path
) -> None:
    code, said = call(outputs, "--max-age", "26h")
    assert code == 1
    assert "never in step" in said
    state = ended(manager, 30)
    code, said = call(outputs, "--max-age", "26h")
    assert code == 1
    assert f"last in step 30 h ago (run {state.execution_id}), longer than the 26 h allowed." in said
    code, said = call(outputs, "--max-age", "2d")
    assert code == 0
    assert said == f"The collection was last in step 30 h ago (run {state.execution_id}).\n"
    assert call(outputs, "--max-age", "2d", "--quiet") == (0, "")
    assert "longer than the 26 h" in call(outputs, "--max-age", "26h", "--quiet")[1]


def test_monitoring_gets_the_age_in_seconds(manager: StateManager, outputs: Path) -> None:
    code, said = call(outputs, "--max-age", "2d", "--json")
    assert (code, json.loads(said)["age"]) == (1, None)
    ended(manager, 100)
    code, said = call(outputs, "--max-age", "4d", "--json")
    assert (code, json.loads(said)["fresh"]) == (1, False)
    assert json.loads(said)["age"] == pytest.approx(360_000, abs=60)
    assert "4 days" in call(outputs, "--max-age", "2d")[1]
    ended(manager, 0.5)
    assert "30 min ago" in call(outputs, "--max-age", "2d")[1]
