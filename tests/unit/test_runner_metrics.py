"""Promises of the metrics file: Prometheus reads it, an operator can alert on it, and it costs nothing."""

from __future__ import annotations

import stat
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from runner.after.metrics import Metrics, metrics_text, write_metrics
from runner.models import ExecutionMode, ExecutionStatus, PipelineState
from runner.record.hooks import EndedRun
from runner.record.report_generator import RunRows, summarize
from runner.record.state_manager import StateManager
from tests.unit.core_notebooks import ended, record_run, record_stage

CONFIG = {"collection_name": "nic", "source": "git", "source_path": "/srv/docs"}


@pytest.fixture
def manager(outputs: Path) -> StateManager:
    return StateManager(outputs)


def recorded(manager: StateManager, **changes: Any) -> PipelineState:
    """A run whose first stage was carried over and whose second one has worked."""
    state = record_run(
        manager, changes.pop("status", ExecutionStatus.PARTIAL), pipeline_config=CONFIG, **changes
    )
    rows = [{"path": f"{name}.md", "status": status} for name, status in [("a", "ok"), ("b", "failed")]]
    record_stage(manager, state, "gitlab_ingestion", products={"documents": rows})
    points = {"total": 7, "upserted": 2, "unchanged": 5, "deleted": 0}
    stored = record_stage(manager, state, "qdrant_storage", metrics={"points": points}, failure_count=1)
    state.stages["gitlab_ingestion"].carried_from = "an earlier run"
    state.stages["gitlab_ingestion"].seconds = 0.0
    stored.peak_memory_mb, stored.attempts = 128.0, 2
    manager.save_checkpoint(state)
    return state


def samples(text: str) -> dict[tuple[str, ...], float]:
    """Value by metric and distinguishing label, as Prometheus' own parser reads them."""
    found = {}
    for family in text_string_to_metric_families(text):
        assert family.type == "gauge"
        assert family.documentation
        for sample in family.samples:
            own = [v for k, v in sample.labels.items() if k not in {"collection", "source"}]
            found[sample.name.removeprefix("nic_etl_"), *own] = sample.value
            assert (sample.labels["collection"], sample.labels["source"]) == ("nic", "/srv/docs")
    return found


def written(manager: StateManager, state: PipelineState) -> dict[tuple[str, ...], float]:
    path = write_metrics(manager, state, summarize(manager, state))
    assert path is not None
    return samples(path.read_text())


def test_prometheus_reads_what_the_last_run_came_to(manager: StateManager) -> None:
    state = recorded(manager)
    found = written(manager, state)
    assert found["run_status", "partial"] == 1
    assert found["run_status", "success"] == found["run_status", "failed"] == 0
    assert found["run_start_timestamp_seconds",] == pytest.approx(state.start_timestamp.timestamp())
    assert found["run_end_timestamp_seconds",] == pytest.approx(state.start_timestamp.timestamp())
    assert found["documents", "ok"] == found["documents", "failed"] == 1
    assert found["points",] == 7
    assert found["points_changed", "upserted"] == 2
    assert found["failed_stages",] == 0


def test_each_stage_has_its_figures_and_one_that_did_nothing_says_so(manager: StateManager) -> None:
    found = written(manager, recorded(manager))
    assert found["stage_carried_over", "gitlab_ingestion"] == 1
    assert found["stage_attempts", "gitlab_ingestion"] == 0
    assert found["stage_duration_seconds", "gitlab_ingestion"] == 0
    assert found["stage_carried_over", "qdrant_storage"] == 0
    assert found["stage_duration_seconds", "qdrant_storage"] == 1.5
    assert found["stage_attempts", "qdrant_storage"] == 2
    assert found["stage_peak_memory_bytes", "qdrant_storage"] == 128 * 2**20
    assert found["stage_failed_documents", "qdrant_storage"] == 1
    assert ("stage_peak_memory_bytes", "gitlab_ingestion") not in found


def test_the_age_of_the_knowledge_outlives_failures(manager: StateManager) -> None:
    assert ("last_success_timestamp_seconds",) not in written(manager, recorded(manager))
    good = recorded(manager, status=ExecutionStatus.SUCCESS)
    bad = recorded(manager, status=ExecutionStatus.FAILED)
    found = written(manager, bad)
    assert found["last_success_timestamp_seconds",] == pytest.approx(good.start_timestamp.timestamp())
    assert found["run_status", "failed"] == 1


def test_a_run_that_did_not_reach_the_store_says_nothing_of_its_points(manager: StateManager) -> None:
    state = recorded(manager, status=ExecutionStatus.FAILED)
    state.stages["qdrant_storage"].status = ExecutionStatus.FAILED
    found = written(manager, state)
    assert found["failed_stages",] == 1
    assert not {name for name, *_ in found if name.startswith("points")}


def test_any_name_survives_as_a_label(manager: StateManager) -> None:
    odd = 'a "b" \\ c\nd'
    state = PipelineState(execution_id="r1", pipeline_config={"source": "git", "source_path": odd})
    state.end_timestamp = datetime.now(UTC)
    text = metrics_text(state, summarize(manager, state), None)
    assert {s.labels["source"] for f in text_string_to_metric_families(text) for s in f.samples} == {odd}


def test_a_gitlab_project_is_named_by_its_address(manager: StateManager) -> None:
    settings = {"source": "gitlab", "gitlab_url": "https://git.example.org/", "gitlab_project": "nic/docs"}
    state = PipelineState(execution_id="r1", pipeline_config=settings)
    text = metrics_text(state, summarize(manager, state), None)
    assert 'source="https://git.example.org/nic/docs"' in text
    assert 'source="sample"' in metrics_text(
        PipelineState(execution_id="r2"), summarize(manager, state), None
    )


def test_the_file_is_its_owners_unless_it_is_named_for_another_program(
    manager: StateManager, tmp_path: Path
) -> None:
    state = recorded(manager)
    own = write_metrics(manager, state, summarize(manager, state))
    assert own == manager.outputs / "metrics.prom"
    assert stat.S_IMODE(own.stat().st_mode) == 0o600
    state.pipeline_config = CONFIG | {"metrics_file": str(tmp_path / "collector" / "nic.prom")}
    named = write_metrics(manager, state, summarize(manager, state))
    assert named == tmp_path / "collector" / "nic.prom"
    assert stat.S_IMODE(named.stat().st_mode) == 0o644


@pytest.mark.parametrize("mode", [ExecutionMode.TEST, ExecutionMode.RERUN])
def test_a_trial_or_a_rerun_leaves_the_figures_of_the_last_whole_run(
    manager: StateManager, mode: ExecutionMode
) -> None:
    state = recorded(manager, mode=mode)
    assert write_metrics(manager, state, summarize(manager, state)) is None
    assert not (manager.outputs / "metrics.prom").exists()


def test_a_file_that_cannot_be_written_is_a_warning_that_names_the_setting(
    manager: StateManager, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    state = recorded(manager)
    state.pipeline_config = CONFIG | {"metrics_file": str(tmp_path / "file" / "nic.prom")}
    [warning] = Metrics().finish(ended(manager, state))
    assert "metrics_file" in warning
    assert "the run is not affected" in warning


def test_the_metrics_of_a_run_cost_a_no_op_nothing_measurable(manager: StateManager) -> None:
    state = recorded(manager, status=ExecutionStatus.SUCCESS)
    summary = summarize(manager, state)
    best = 1.0
    for _ in range(5):
        begin = time.process_time()
        assert Metrics().finish(EndedRun(manager, state, RunRows(manager, state), summary)) == []
        best = min(best, time.process_time() - begin)
    assert best < 0.02
