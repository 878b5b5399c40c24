"""Promises about state that was altered: it is told as damaged, or passed over where it is a note only."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner.errors import StateManagementError
from runner.events import read_events
from runner.models import PipelineState
from runner.record.audit import AuditLog
from runner.record.environment import environment_report
from runner.record.kernels import reap_orphans
from runner.record.state_manager import StateManager
from runner.stages.differences import differences
from tests.unit.core_notebooks import record_run, record_stage

Record = dict[str, Any]


@pytest.fixture
def manager(outputs: Path) -> StateManager:
    return StateManager(outputs)


@pytest.fixture
def state(manager: StateManager) -> PipelineState:
    state = record_run(manager)
    record_stage(manager, state, "shout", products={"rows": [{"path": "a.md", "status": "ok"}]})
    return state


def altered(manager: StateManager, state: PipelineState, alter: Callable[[Record], object]) -> None:
    path = manager.run_dir(state.execution_id) / "run.json"
    record = json.loads(path.read_text())
    alter(record)
    path.write_text(json.dumps(record))


@pytest.mark.parametrize(
    "alter",
    [
        lambda record: record.update(execution_id="../../elsewhere"),
        lambda record: record["stages"]["shout"].update(seconds=float("nan")),
        lambda record: record.update(start_timestamp="2026-03-01T12:00:00"),
        lambda record: record.update(pipeline_config=json.loads("[" * 900 + "]" * 900)),
    ],
)
def test_a_record_of_another_run_or_of_no_moment_is_damaged(
    manager: StateManager, state: PipelineState, alter: Callable[[Record], object]
) -> None:
    altered(manager, state, alter)

    with pytest.raises(StateManagementError, match=r"run\.json is damaged"):
        manager.load_checkpoint(state.execution_id)
    assert [record.status for record in manager.get_execution_history()] == ["damaged"]


@pytest.mark.parametrize("note", ["[" * 100_000, "[1]", '"text"', "{"])
def test_a_note_of_the_lock_that_says_nothing_is_no_owner(manager: StateManager, note: str) -> None:
    with manager.lock() as held:
        held._replace(note)
        assert not (manager.lock_owner() or {}).get("execution_id")
        with (
            pytest.raises(StateManagementError, match="Another run holds"),
            StateManager(manager.outputs).lock(),
        ):
            pytest.fail("two hold it")


def test_lines_of_the_audit_log_that_no_reader_can_use_are_left_out(outputs: Path) -> None:
    log = AuditLog(StateManager(outputs).outputs)
    log.append("run_started", {})
    with (outputs / "audit.jsonl").open("ab") as file:
        for line in (b"[" * 100_000, b'{"at": 3}', b'{"at": "2026-03-01T12:00:00"}', b'{"at": "x"}'):
            file.write(line + b"\n")

    assert [entry["what"] for entry in log.entries()] == ["run_started"]
    assert log.verify().fault


def test_notes_beside_a_run_that_are_damaged_are_passed_over(
    manager: StateManager, state: PipelineState, tmp_path: Path
) -> None:
    folder = manager.run_dir(state.execution_id)
    (folder / "events.jsonl").write_text("[" * 100_000 + '\n{"kind": "x"}\n')
    (folder / "environment.json").write_text('[{"code": 3, "libraries": ["a"], "system": {"python": []}}]')
    kernels = tmp_path / "kernels"
    kernels.mkdir()
    for number, note in enumerate(("[" * 100_000, '{"owner": {"pid": 1e400}, "pid": 1}', "3")):
        (kernels / f"{number}.json").write_text(note)

    assert read_events(folder / "events.jsonl") == [{"kind": "x"}]
    report = environment_report(manager, state)
    assert [row["name"] for row in report["differences"] if row["group"] == "system"] == [
        "platform",
        "python",
    ]
    assert reap_orphans(kernels) == []
    assert list(kernels.iterdir()) == []


def test_a_parameter_that_was_recorded_as_no_json_is_told_as_it_is() -> None:
    assert differences({"parameter:size": "[["}, {"parameter:size": "3"}) == ["size [[ → 3"]
