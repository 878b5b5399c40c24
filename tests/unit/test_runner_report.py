"""Promises of the report: every document and file is accounted for, from the artifacts themselves."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from runner.models import Checkpoint, ExecutionStatus, PipelineState
from runner.record.report_generator import (
    DOCUMENT_COUNTS,
    RunRows,
    carried_counts,
    compare_stage,
    document_counts,
    document_outcomes,
    ignored_files,
    known_figures,
    manifest_columns,
    manifest_rows,
    run_before,
    summarize,
    summary_text,
)
from runner.record.state_manager import StateManager
from tests.unit.core_notebooks import record_run, record_stage


@pytest.fixture
def manager(outputs: Path) -> StateManager:
    return StateManager(outputs)


def row(path: str, status: str, message: str = "") -> dict[str, Any]:
    why = {"category": "x", "message": message, "remedy": "y"} if message else {}
    return {"path": path, "status": status, "category": None, "message": None, "remedy": None} | why


@pytest.fixture
def state(manager: StateManager) -> PipelineState:
    """A run in which documents end in each way."""
    state = record_run(manager)
    names = ("a", "b", "c", "d")
    ignored = [{"path": "z.exe", "reason": "type"}, {"path": "y.tmp", "reason": "hidden"}]
    record_stage(
        manager,
        state,
        "gitlab_ingestion",
        products={"documents": [row(name, "ok") for name in names], "ignored": ignored},
    )
    processed = [row("a", "ok"), row("b", "rejected", "locked"), row("c", "ok"), row("d", "stale", "odd")]
    record_stage(manager, state, "document_processing", products={"processed": processed}, unchanged_count=1)
    chunks = [row("a", "ok"), row("c", "failed", "crash"), row("d", "ok")]
    record_stage(manager, state, "text_chunking", products={"chunks": chunks})
    points = {"total": 9, "upserted": 4, "unchanged": 5, "deleted": 1}
    record_stage(manager, state, "qdrant_storage", metrics={"points": points, "documents_deleted": 2})
    return state


def test_each_document_has_one_outcome_the_worst_of_its_stages_with_the_reason(
    manager: StateManager, state: PipelineState
) -> None:
    said = [(r["path"], r["status"], r["stage"], r["message"]) for r in document_outcomes(manager, state)]
    assert said == [
        ("c", "failed", "text_chunking", "crash"),
        ("b", "rejected", "document_processing", "locked"),
        ("d", "stale", "document_processing", "odd"),
        ("a", "ok", "gitlab_ingestion", None),
    ]
    assert [r["path"] for r in document_outcomes(manager, state, only_bad=True)] == ["c", "b", "d"]
    assert [r["path"] for r in ignored_files(manager, state)] == ["y.tmp", "z.exe"]
    counts = {"ok": 1, "rejected": 1, "failed": 1, "stale": 1, "ignored": 2}
    assert (
        document_counts(manager, state) == document_counts(manager, state, RunRows(manager, state)) == counts
    )


def test_the_summary_accounts_for_every_document_and_point(
    manager: StateManager, state: PipelineState
) -> None:
    summary = summarize(manager, state)
    assert summary["documents"] == {
        "ok": 1, "rejected": 1, "failed": 1, "stale": 1, "ignored": 2, "unchanged": 1, "deleted": 2,
    }  # fmt: skip
    assert summary["points"] == {"total": 9, "upserted": 4, "unchanged": 5, "deleted": 1}
    assert (summary["status"], summary["duration_seconds"]) == ("success", 0.0)
    stages = summary["stages"]
    assert [stage["name"] for stage in stages] == list(state.stages)
    assert all(Path(stage["executed_notebook"]).is_file() for stage in stages)


def test_of_a_run_of_some_stages_nothing_is_told_that_the_others_would_tell(
    manager: StateManager, state: PipelineState
) -> None:
    assert known_figures(summarize(manager, state), state) == summarize(manager, state)
    unknown = {
        "gitlab_ingestion": {"unchanged", "deleted"},
        "document_processing": {"ignored", "deleted"},
        "qdrant_storage": {"ok", "rejected", "failed", "stale", "ignored", "unchanged"},
    }
    whole = dict(state.stages)
    for stage, without in unknown.items():
        state.stages = {stage: whole[stage]}
        told = known_figures(summarize(manager, state), state)
        assert {name for name, count in told["documents"].items() if count is None} == without
        assert (None in told["points"].values()) is (stage != "qdrant_storage")


def test_a_summary_is_a_few_lines_of_text(manager: StateManager, state: PipelineState) -> None:
    del state.stages["text_chunking"], state.stages["document_processing"]
    summary = summarize(manager, state)
    assert summary_text(summary | {"duration_seconds": 1234.56, "warnings": ["w1", "w2"]}, "it broke") == (
        f"Run {state.execution_id}: success in 1234.6 s\n"
        "Documents: 4 ok, 2 ignored, 2 deleted\n"
        "Points: 9 total, 4 upserted, 5 unchanged, 1 deleted\n"
        "  gitlab_ingestion: success, 1.5 s\n  qdrant_storage: success, 1.5 s\n"
        "Warning: w1\nWarning: w2\nError: it broke"
    )
    nothing = {"documents": {"ok": 0}, "points": {"total": 0}, "stages": [], "duration_seconds": None}
    assert summary_text(summary | nothing) == (
        f"Run {state.execution_id}: success\nDocuments: none\nPoints: none"
    )


def carried(manager: StateManager, state: PipelineState, **changes: Any) -> PipelineState:
    """Record a run that has carried over all that another one had."""
    later = record_run(manager, **changes)
    for name, done in state.stages.items():
        later.stages[name] = done.model_copy(update={"carried_from": done.carried_from or state.execution_id})
    manager.save_checkpoint(later)
    return later


def test_a_run_with_nothing_to_do_has_the_counts_of_the_run_before(
    manager: StateManager, state: PipelineState
) -> None:
    assert (run_before(manager, state), carried_counts(manager, state)) == (None, None)
    later = carried(manager, state)
    assert (run_before(manager, later), carried_counts(manager, later)) == (
        state,
        None,
    )  # of a former version
    state.documents = dict.fromkeys(DOCUMENT_COUNTS, 7)
    manager.save_checkpoint(state)
    last = carried(manager, state)
    assert run_before(manager, last) == later  # the run right before it, and no earlier one
    later.documents = state.documents | {"ok": 8}
    manager.save_checkpoint(later)
    assert carried_counts(manager, last) == later.documents
    assert summarize(manager, last, counts=later.documents)["documents"]["ok"] == 8

    last.stages["text_chunking"].notebook_sha256 = "another"
    assert run_before(manager, last) is None
    last = carried(manager, state)
    last.stages["text_chunking"].carried_from = ""  # executed by itself
    assert run_before(manager, last) is None
    assert run_before(manager, record_run(manager)) is None
    last = carried(manager, state)
    (manager.run_dir(last.execution_id) / "run.json").write_text("{")
    assert run_before(manager, carried(manager, state)) is None


def test_of_what_was_carried_over_all_is_unchanged(manager: StateManager, state: PipelineState) -> None:
    for checkpoint in state.stages.values():
        checkpoint.carried_from = "an earlier run"
    summary = summarize(manager, state)
    assert summary["documents"]["unchanged"] == summary["documents"]["ok"] == 1
    assert summary["documents"]["deleted"] == 0
    assert summary["points"] == {"total": 9, "upserted": 0, "unchanged": 9, "deleted": 0}


def test_a_run_that_broke_off_has_a_summary_of_what_there_is(manager: StateManager) -> None:
    state = record_run(manager, ExecutionStatus.RUNNING)
    assert summarize(manager, state)["documents"]["ok"] == 0
    assert summarize(manager, state)["duration_seconds"] is None

    record_stage(manager, state, "gitlab_ingestion", products={"documents": [row("a", "ok")]})
    record_stage(manager, state, "document_processing")  # glued no manifest
    state.stages["text_chunking"] = Checkpoint(stage="text_chunking", status=ExecutionStatus.RUNNING)
    state.stages["embedding_generation"] = Checkpoint(
        stage="embedding_generation", status=ExecutionStatus.CANCELLED, notebook="runs/x.ipynb"
    )
    state.stages["metadata_enrichment"] = Checkpoint(
        stage="metadata_enrichment", status=ExecutionStatus.FAILED, notebook="runs/gone.ipynb"
    )
    summary = summarize(manager, state)
    assert summary["documents"]["ok"] == 1
    assert summary["points"]["total"] == 0
    assert summary["stages"][2]["executed_notebook"] == ""
    assert "error" not in summary
    state.error, state.end_timestamp = "it broke", state.start_timestamp + timedelta(seconds=1.23456)
    assert summarize(manager, state)["error"] == "it broke"
    assert summarize(manager, state)["duration_seconds"] == 1.235


@pytest.mark.parametrize(
    ("change", "paths"), [({}, ["a", "b"]), ({"path": 1}, []), ({"status": "perhaps"}, [])]
)
def test_a_damaged_manifest_has_no_rows(
    manager: StateManager, change: dict[str, Any], paths: list[str]
) -> None:
    rows = [row(path, "ok") | change for path in "ab"]
    done = record_stage(manager, record_run(manager), "text_chunking", products={"chunks": rows})
    assert [one["path"] for one in manifest_rows(manager, done, "chunks")] == paths
    assert manifest_columns(manager, done, "chunks", ("path", "status")).column("path") == paths
    assert manifest_columns(manager, done, "nothing", ("path", "status")).column("path") == []
    for status in (ExecutionStatus.CANCELLED, ExecutionStatus.PENDING):
        assert manifest_rows(manager, done.model_copy(update={"status": status}), "chunks") == []


@pytest.mark.parametrize(
    ("metrics", "points", "deleted"),
    [
        ({"points": {"total": 3, "upserted": "2"}, "documents_deleted": 1}, 3, 1),
        ({"points": [3], "documents_deleted": "1"}, 0, 0),
        ({}, 0, 0),
    ],
)
def test_figures_of_a_notebook_count_only_where_they_are_numbers(
    manager: StateManager, metrics: dict[str, Any], points: int, deleted: int
) -> None:
    state = record_run(manager)
    record_stage(manager, state, "qdrant_storage", metrics=metrics)
    summary = summarize(manager, state)
    assert summary["points"] == {"total": points, "upserted": 0, "unchanged": 0, "deleted": 0}
    assert summary["documents"]["deleted"] == deleted


def test_two_executions_of_a_stage_are_compared_figure_by_figure(manager: StateManager) -> None:
    def execute(size: int, rows: int) -> Checkpoint:
        return record_stage(
            manager,
            record_run(manager),
            "text_chunking",
            products={"chunks": [row(f"{n}.md", "ok") for n in range(rows)]},
            parameters={"chunk_size": size},
            metrics={"chunks": rows, "sizes": {"p50": size}, "model": "e5"},
            success_count=rows,
        )

    one, two = execute(500, 2), execute(200, 3)
    changed = {r["figure"]: (r["before"], r["after"]) for r in compare_stage(one, two)}
    sha = changed.pop("chunks sha256")
    assert changed == {"parameter chunk_size": (500, 200), "chunks": (2, 3), "documents ok": (2, 3)}
    assert sha[0] != sha[1]
    assert compare_stage(one, one) == []


def test_an_execution_without_a_result_has_no_figures(manager: StateManager) -> None:
    whole = record_stage(manager, record_run(manager), "text_chunking", success_count=1)
    broken = Checkpoint(stage="text_chunking", status=ExecutionStatus.FAILED)
    assert {r["after"] for r in compare_stage(whole, broken)} == {None}
