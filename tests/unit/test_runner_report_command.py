"""Promises of `nic-etl report` and of the notebook's summary; a run and its report never part."""

from __future__ import annotations

import json
import sys
import webbrowser
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.cli import app as cli
from runner.models import ExecutionStatus
from runner.record.state_manager import StateManager
from runner.report.notebook import display_stage_metrics, generate_execution_summary
from stagekit.contract import StageResult
from tests.unit.core_notebooks import START, front_end
from tests.unit.report_runs import record_chain

Command = Callable[..., str]


@pytest.fixture
def manager(outputs: Path) -> StateManager:
    return StateManager(outputs)


@pytest.fixture
def nic_etl(outputs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """The command in this process; returns what it printed."""
    monkeypatch.setenv("NIC_ETL_OUTPUTS_DIR", str(outputs))

    def run(*words: str) -> str:
        monkeypatch.setattr(sys, "argv", ["nic-etl", *words])
        capsys.readouterr()
        cli.app(list(words), standalone_mode=False)
        return capsys.readouterr().out

    return run


def test_the_last_run_is_reported_and_the_place_told(manager: StateManager, nic_etl: Command) -> None:
    state = record_chain(manager, {"a.md": "1"})
    said = nic_etl("report")
    page = manager.run_dir(state.execution_id) / "report.html"
    assert f"Report: {page}" in said
    assert "holds 1 document as 2 points" in said
    assert page.is_file()


def test_the_report_of_any_run_opens_in_the_browser(
    manager: StateManager, nic_etl: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    state = record_chain(manager, {"a.md": "1"})
    record_chain(manager, {"a.md": "2"})
    nic_etl("report", state.execution_id, "--open")
    assert opened == [(manager.run_dir(state.execution_id) / "report.html").as_uri()]


def test_scripts_get_the_report_and_its_schema_as_json(manager: StateManager, nic_etl: Command) -> None:
    state = record_chain(manager, {"a.md": "1"})
    printed = json.loads(nic_etl("report", "--json"))
    assert printed == json.loads((manager.run_dir(state.execution_id) / "report.json").read_text())
    assert printed["schema_version"] == "1"
    schema = json.loads(nic_etl("report", "--schema"))
    assert set(printed) == set(schema["properties"])


def test_a_notebook_shows_the_summary_that_the_report_has(
    manager: StateManager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes = {"a.md": {"status": "rejected"}}
    state = record_chain(manager, {"a.md": "1", "<b>.md": "2"}, outcomes=outcomes)
    monkeypatch.setenv("NIC_ETL_OUTPUTS_DIR", str(manager.outputs))
    with front_end(tmp_path) as shown:
        report = generate_execution_summary()
        assert generate_execution_summary(state.execution_id, outputs_dir=manager.outputs) == report
    text, page = shown[0]["data"]["text/plain"], shown[0]["data"]["text/html"]
    assert report.headline in text
    assert "documents rejected: 1" in text
    assert "points total: 2" in text
    assert "qdrant_storage: 1.5 s" in text
    assert "<td style='text-align:left'>1.5 s</td>" in page


def test_a_notebook_shows_an_error_and_a_stages_figures(manager: StateManager, tmp_path: Path) -> None:
    state = record_chain(manager, {"a.md": "1"}, status=ExecutionStatus.FAILED, upto="text_chunking")
    state.error = "<b>it</b> broke"
    manager.save_checkpoint(state)
    result = StageResult(
        stage_name="text_chunking", status=ExecutionStatus.PARTIAL, start_time=START, input_count=3,
        failure_count=1, metrics={"chunk_count": 7}, warnings=["odd"], errors=["<i>"],
    )  # fmt: skip
    with front_end(tmp_path) as shown:
        generate_execution_summary(outputs_dir=manager.outputs)
        figures = display_stage_metrics(result)
    assert "&lt;b&gt;it&lt;/b&gt; broke" in shown[0]["data"]["text/html"]
    assert (figures["documents read"], figures["failed"], figures["chunk count"]) == (3, 1, 7)
    assert (figures["warnings"], figures["errors"]) == (["odd"], ["<i>"])
    assert "&lt;i&gt;" in shown[1]["data"]["text/html"]
    assert "text_chunking: partial" in shown[1]["data"]["text/plain"]
