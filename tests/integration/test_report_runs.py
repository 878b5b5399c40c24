"""Promises of the report of real runs: each run leaves one, and none fails for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runner.config_manager import PipelineConfig, load_config
from runner.errors import PipelineOrchestrationError
from runner.events import Event
from runner.models import ExecutionStatus
from runner.pipeline.orchestrator import PipelineOrchestrator
from runner.results import PipelineResult
from tests.toy_chain import toy_chain

pytestmark = pytest.mark.slow


@pytest.fixture
def config(outputs: Path) -> PipelineConfig:
    return load_config(None, {"outputs_dir": str(outputs)}).config


def run(folder: Path, config: PipelineConfig, listener: Any = lambda _: None) -> PipelineResult:
    """Run the first two stages of the toy chain, in real kernels."""
    stages = toy_chain(folder / "notebooks")[:2]
    return PipelineOrchestrator(config=config, stages=stages, listener=listener).execute_full_pipeline()


def report_of(result: PipelineResult) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((result.run_dir / "report.json").read_text())
    return found


def test_every_run_leaves_a_report_also_one_that_failed_or_had_nothing_to_do(
    tmp_path: Path, config: PipelineConfig
) -> None:
    first = run(tmp_path, config)
    told = report_of(first)
    assert (told["status"], told["gaps"]) == ("success", [])
    assert [stage["reasons"] for stage in told["stages"]] == [["it has not been executed yet"]] * 2
    assert "<svg" in (first.run_dir / "report.html").read_text()

    failed = run(tmp_path, config.model_copy(update={"organization": "wrong setting"}))
    cell = report_of(failed)["stages"][1]["failed_cell"]
    assert failed.overall_status is ExecutionStatus.FAILED
    assert 'raise StageError("organization' not in cell["error"]
    assert "this setting is wrong; choose another." in cell["error"]
    assert "#papermill-error-cell" in (failed.run_dir / "report.html").read_text()


def test_a_report_that_cannot_be_written_never_fails_a_run(tmp_path: Path, config: PipelineConfig) -> None:
    warnings: list[str] = []

    def listen(event: Event) -> None:
        if event.kind == "run_started":  # something is in the way of the report
            (config.outputs / "runs" / event.data["execution_id"] / "report.html").mkdir()
        if event.kind == "warning":
            warnings.append(event.data["message"])

    result = run(tmp_path, config, listen)
    assert result.overall_status is ExecutionStatus.SUCCESS
    assert result.summary["warnings"] == warnings
    assert "the run is not affected" in warnings[0]


def test_an_error_of_ours_is_raised_after_the_report_is_written(
    tmp_path: Path, config: PipelineConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a fault of the runner")

    monkeypatch.setattr("runner.pipeline.stage_manager.StageManager.execute_stage_with_retry", break_down)
    with pytest.raises(ZeroDivisionError):
        run(tmp_path, config)
    reports = list((config.outputs / "runs").glob("*/report.json"))
    assert len(reports) == 1
    assert json.loads(reports[0].read_text())["status"] == "failed"
    assert not isinstance(ZeroDivisionError(), PipelineOrchestrationError)
