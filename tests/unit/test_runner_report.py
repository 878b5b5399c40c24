"""Promises of the report: every document and file is accounted for, from the artifacts themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runner.models import Checkpoint, ExecutionStatus, PipelineState
from runner.record.report_generator import compare_stage, document_outcomes, ignored_files, summarize
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
    assert [r["path"] for r in ignored_files(manager, state)] == ["y.tmp", "z.exe"]


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
