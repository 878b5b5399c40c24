"""Promises of the screens: whatever a document is called, what happened and what to do is there to read."""

from __future__ import annotations

import dataclasses
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from runner.cli import screens
from runner.cli.stage_screen import print_stage
from runner.config_manager import PipelineConfig, load_config
from runner.models import Checkpoint, ExecutionStatus, PipelineState
from runner.record.monitor import PipelineStatus
from runner.record.report_generator import known_figures, summarize
from runner.record.state_manager import StateManager
from runner.results import ExecutionPlan, ExecutionRecord, PlannedStage
from tests.unit.core_notebooks import record_run, record_stage

ODD = "30-Aprovados/[red]ação[/red] [x"


class Screen:
    def __init__(self) -> None:
        self.console = Console(file=io.StringIO(), width=160)

    @property
    def text(self) -> str:
        assert isinstance(self.console.file, io.StringIO)
        return self.console.file.getvalue()

    def line(self, word: str) -> str:
        return next(line for line in self.text.splitlines() if word in line)


@pytest.fixture
def screen() -> Screen:
    return Screen()


@pytest.fixture
def manager(outputs: Path) -> StateManager:
    return StateManager(outputs)


def bad(path: str = ODD) -> dict[str, Any]:
    return {
        "path": path,
        "status": "rejected",
        "category": "c",
        "message": "has a [lock",
        "remedy": "open it",
    }


def show_run(screen: Screen, manager: StateManager, state: PipelineState) -> None:
    screens.print_run(screen.console, manager, state, summarize(manager, state))


def test_the_end_of_a_run_tells_what_was_not_indexed_why_and_what_to_do(
    screen: Screen, manager: StateManager
) -> None:
    state = record_run(manager, ExecutionStatus.PARTIAL)
    good = bad("good.md") | {"status": "ok", "message": None}
    products = {"documents": [bad(), good], "ignored": [{"path": ODD, "reason": "type"}]}
    record_stage(manager, state, "gitlab_ingestion", products=products, success_count=1, rejected_count=1)
    points = {"total": 7, "upserted": 5, "unchanged": 2}
    record_stage(manager, state, "qdrant_storage", metrics={"points": points})
    show_run(screen, manager, state)

    told = screen.line("open it")
    assert ODD in told
    assert "has a [lock" in told
    assert "good.md" not in screen.text
    assert "Files that are no documents" in screen.text
    assert "Documents: 1 ok, 1 rejected, 1 ignored." in screen.text
    assert "Points: 7 in the collection (5 upserted, 2 unchanged, 0 deleted)." in screen.text
    assert "Status: partial (all is done, but not every document is in step), in 0.0 s." in screen.text
    assert f"Executed notebooks: {manager.run_dir(state.execution_id)}" in screen.text
    assert "nic-etl search" in screen.text


def test_a_run_that_failed_ends_with_its_error(screen: Screen, manager: StateManager) -> None:
    state = record_run(
        manager, ExecutionStatus.FAILED, error="No [disk] left. To continue: `nic-etl resume`."
    )
    show_run(screen, manager, state)
    assert "No [disk] left. To continue: `nic-etl resume`." in screen.text
    assert "Documents so far: none." in screen.text
    assert "nic-etl search" not in screen.text


def test_where_nothing_is_stored_no_search_is_suggested(screen: Screen, manager: StateManager) -> None:
    show_run(screen, manager, record_run(manager))
    assert "Points: not counted" in screen.text
    assert "nic-etl search" not in screen.text


def test_a_long_list_of_files_is_cut_with_the_way_to_see_all(screen: Screen, manager: StateManager) -> None:
    state = record_run(manager)
    ignored = [{"path": f"f{n:02}.exe", "reason": "type"} for n in range(33)]
    record_stage(manager, state, "gitlab_ingestion", products={"ignored": ignored})
    show_run(screen, manager, state)
    assert "f29.exe" in screen.text
    assert "f30.exe" not in screen.text
    assert f"… and 3 more: nic-etl show {state.execution_id} gitlab_ingestion" in screen.text


def test_stages_are_shown_with_their_counts_or_as_carried_over(screen: Screen, manager: StateManager) -> None:
    state = record_run(manager, ExecutionStatus.FAILED, error="[broken]")
    done = record_stage(manager, state, "a", success_count=1234, unchanged_count=3)
    done.peak_memory_mb = 2048.4
    record_stage(manager, state, "b", success_count=5).carried_from = "r0"
    state.stages["c"] = Checkpoint(stage="c", status=ExecutionStatus.FAILED)
    screens.print_state(screen.console, manager, state)

    assert screen.line("success").split() == ["1234", "3", "1.5", "2,048", "success", "a"]
    assert screen.line("carried over").split() == ["5", "5", "1.5", "carried", "over", "b"]
    assert screen.line("failed  ").split() == ["0.0", "failed", "c"]
    assert f"Run {state.execution_id}: failed, mode full" in screen.text
    assert "[broken]" in screen.text

    state.error = ""
    calm = Screen()
    screens.print_state(calm.console, manager, state)
    assert calm.text == screen.text.replace("[broken]\n", "")


def test_the_status_of_a_run_shows_the_document_in_work(screen: Screen) -> None:
    progress = {"b": {"done": 3, "total": 9, "current": ODD}, "c": {"done": 1, "total": 2, "current": None}}
    stages = {"a": "success", "b": "running", "c": "running"}
    status = PipelineStatus("r1", "running", "2026-03-01T12:00:00+00:00", stages, progress, error="[oh]")
    screens.print_status(screen.console, status)
    assert "Run r1: running, started 2026-03-01 12:00:00 UTC" in screen.text
    assert screen.line("3 of 9").split() == ["3", "of", "9", "running", "b", *ODD.split()]
    assert "1 of 2" in screen.line("c  ")
    assert "[oh]" in screen.text

    calm = Screen()
    screens.print_status(calm.console, dataclasses.replace(status, error="", progress={}))
    lines = calm.text.splitlines()
    assert [line.split() for line in lines[2:5]] == [[status, name] for name, status in stages.items()]
    assert lines[5:] == ["To follow it: nic-etl status --watch. To end it: nic-etl cancel."]


def test_the_history_has_a_line_for_each_run(screen: Screen) -> None:
    begun = datetime(2026, 3, 1, 12, tzinfo=UTC)
    stages = {"listing": "success", "shout": "skipped", "count": "failed"}
    records = [
        ExecutionRecord("r2", "full", "failed", begun, 61.04, stages, ""),
        ExecutionRecord("r1", "", "damaged", begun, None, {}, "broken"),
    ]
    screens.print_history(screen.console, records)
    assert screen.line("broken") == "r1: broken"
    assert screen.line("r2").split() == [
        "61.0", "2", "failed", "full", "2026-03-01", "12:00", "r2",
    ]  # fmt: skip
    assert screen.line("r1").split() == ["0", "damaged", "2026-03-01", "12:00", "r1"]


def test_a_stage_that_broke_off_is_shown_by_its_cell_and_the_line_that_failed(
    screen: Screen, manager: StateManager
) -> None:
    trace = "\x1b[32mCell In[7], line 2\x1b[39m\n      1 x = {}\n----> 2 x['[size]']\n\nlib.py\n--> 9 a"
    error = {"output_type": "error", "ename": "KeyError", "evalue": "'[size]'", "traceback": [trace]}
    cell = {"cell_type": "code", "execution_count": 7, "source": "x = {}\nx['[size]']", "outputs": [error]}
    state = record_run(manager, ExecutionStatus.FAILED)
    notebook = manager.run_dir(state.execution_id) / "03_text_chunking.ipynb"
    notebook.write_text(json.dumps({"cells": [{"cell_type": "markdown", "source": "# 3"}, cell]}))
    checkpoint = Checkpoint(
        stage="text_chunking",
        status="failed",
        notebook=manager.relative(notebook),
        error="KeyError: '[size]'",
    )
    print_stage(screen.console, manager, state, checkpoint)
    assert f"text_chunking in run {state.execution_id}" in screen.text
    assert "KeyError: '[size]'\nIt broke off at In [7]:\nx['[size]']\n" in screen.text
    assert screen.text.endswith(f"Executed notebook: {notebook}\n")


def test_a_stage_of_a_run_names_what_it_came_to_and_an_altered_notebook(
    screen: Screen, manager: StateManager
) -> None:
    state = record_run(manager)
    figures = {"points": {"total": 7, "deleted": 0}, "share": 0.5, "model": "[m]@1"}
    checkpoint = record_stage(manager, state, "storing", success_count=3, metrics=figures, warnings=["[w]"])
    with manager.absolute(checkpoint.notebook).open("a") as file:
        file.write(" ")
    print_stage(screen.console, manager, state, checkpoint)
    lines = [line.split() for line in screen.text.splitlines()]
    told = [["documents", "ok", "3"], ["points", "total", "7,", "deleted", "0"], ["share", "0.5"]]
    for line in (*told, ["model", "[m]@1"], ["Warning:", "[w]"]):
        assert line in lines
    assert f"{manager.absolute(checkpoint.notebook)} was altered since its stage ended." in screen.text


def test_what_the_stages_of_a_rerun_do_not_tell_is_unknown(manager: StateManager) -> None:
    state = record_run(manager)
    record_stage(manager, state, "text_chunking", products={"chunks": [bad()]})
    told = known_figures(summarize(manager, state), state)
    unknown = {"ignored": None, "unchanged": None, "deleted": None}
    assert told["documents"] == {"ok": 0, "rejected": 1, "failed": 0, "stale": 0} | unknown
    assert set(told["points"].values()) == {None}


def test_the_plan_says_what_and_why_and_what_runs_side_by_side(screen: Screen) -> None:
    stages = (PlannedStage("a", "run", ("x [1] → [2]", "y")), PlannedStage("b", "carry over", ("same",)))
    screens.print_plan(screen.console, ExecutionPlan(stages, (("a",), ("b", "c"))))
    assert screen.line("→").split() == ["a", "run", "x", "[1]", "→", "[2];", "y"]
    assert "Side by side where memory allows: b and c." in screen.text

    alone = Screen()
    screens.print_plan(alone.console, ExecutionPlan(stages, (("a",), ("b",))))
    assert "Side by side" not in alone.text


def test_the_configuration_is_shown_with_origins_and_meaning(screen: Screen) -> None:
    screens.print_config(screen.console, load_config(overrides={"project": "[x", "chunk_size": "123"}))
    assert screen.line("chunk_size").split()[:4] == ["chunk_size", "123", "command", "line"]
    assert "[x" in screen.line("project ")
    for name in PipelineConfig.model_fields:
        assert name in screen.text
    assert "GITLAB_TOKEN, QDRANT_API_KEY, HF_TOKEN" in screen.text


def test_a_comparison_shows_both_values_and_what_is_out_of_date(screen: Screen) -> None:
    rows = [{"figure": "chunks", "before": 10, "after": 25}, {"figure": "new", "before": None, "after": "[x"}]
    screens.print_comparison(screen.console, "text_chunking", rows, ["embedding_generation"])
    assert screen.line("chunks").split() == ["chunks", "10", "25"]
    assert screen.line("new").split() == ["new", "[x"]
    assert "Out of date now: embedding_generation. The option --downstream runs these too." in screen.text

    same = Screen()
    screens.print_comparison(same.console, "text_chunking", [], [])
    assert same.text == "text_chunking gave the same result as before.\n"
