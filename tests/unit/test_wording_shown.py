"""Promises of what is shown in Portuguese: no English word is left, in report, terminal and dashboard.

A language in which every translation stands in brackets shows what was forgotten: see pseudo_language.py.
"""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import pytest
from rich.console import Console

from runner.after.notifications import run_message
from runner.cli import screens, search_screens, stage_screen, upkeep_screens
from runner.cli.progress_tracker import describe
from runner.config_manager import load_config
from runner.dashboard.panel import Panel
from runner.dashboard.progress_view import progress_html
from runner.dashboard.run_progress import RunProgress, StageProgress
from runner.dashboard.stage_view import StageView
from runner.dashboard.workspace import Workspace
from runner.events import Event
from runner.models import ExecutionMode, ExecutionStatus
from runner.record.freshness import freshness
from runner.record.monitor import PipelineStatus
from runner.record.report_generator import summarize
from runner.record.state_manager import StateManager
from runner.report.facts import collect_report
from runner.report.html import render_html
from runner.report.notebook_page import notebook_page
from runner.report.plots import draw_plots
from runner.report.write import write_report
from runner.results import ExecutionPlan, PlannedStage
from runner.settings.pipeline_config import SECRETS, PipelineConfig
from runner.stages.chain import default_stages
from runner.upkeep.doctor_machine import machine_checks
from runner.watch.words import sentence
from tests.unit.core_notebooks import record_run
from tests.unit.pseudo_language import forgotten_words, pseudo_language
from tests.unit.report_runs import Page, record_chain

STAGES = [stage.name for stage in default_stages()]
SPLIT = [word for name in STAGES for word in name.split("_")]  # the picture breaks names into two lines
SETTINGS = list(PipelineConfig.model_fields)
# What is the same in every language: programs, formats, units, names of settings and stages.
DATA = [
    *STAGES, *SPLIT, *SETTINGS, "report.json", "report.html", "evaluation.json", "nic-etl", "Markdown",
    "markdown", "min", "UTC", "pt-BR", "hit@", "mrr@", "ndcg@", "OCR",
]  # fmt: skip
PRODUCTS = [
    f"{name} sha256" for name in ("documents", "ignored", "processed", "chunks", "embeddings", "payloads")
]
# Of the recorded runs: names, and texts that no stage of ours wrote.
RUN_DATA = [
    *(f"30-Aprovados/nota-{number:02}.md" for number in range(30)), "30-Aprovados/old.md", "x.csv", "OSError",
    "xyz", "no approver", ".csv", "csv", "author", "cccccccccccc", *PRODUCTS,
]  # fmt: skip
REJECTED = {
    "status": "rejected",
    "category": "too_many_pages",
    "message": "The document has 2412 pages; the limit is 2000.",
    "remedy": "Split the document, or raise max_pages.",
}
STALE = {
    "status": "stale",
    "category": "encrypted",
    "message": "The PDF is protected with a password.",
    "remedy": "Remove the password and commit the document again.",
}
FAILED = {
    "status": "failed",
    "category": "OSError",
    "message": "xyz",
    "remedy": "it is tried again on the next run; report it if it persists",
}


@pytest.fixture
def manager(outputs: Path) -> StateManager:
    return StateManager(outputs)


@pytest.fixture
def pseudo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with pseudo_language(monkeypatch):
        yield


class Screen:
    def __init__(self) -> None:
        self.console = Console(file=io.StringIO(), width=2000)

    @property
    def text(self) -> str:
        assert isinstance(self.console.file, io.StringIO)
        return self.console.file.getvalue()


def documents(count: int = 30) -> dict[str, str]:
    return {f"30-Aprovados/nota-{number:02}.md": f"v{number}" for number in range(count)}


def whole_run(manager: StateManager) -> Any:
    paths = documents()
    record_chain(manager, dict(list(paths.items())[:28]) | {"30-Aprovados/old.md": "x"})
    low = {"quality_verdict": "low_confidence", "confidence": 0.51}
    first, second, third, fourth = list(paths)[:4]
    outcomes = {first: REJECTED, second: STALE, third: FAILED, fourth: low}
    return record_chain(
        manager, paths | {second: "new"}, outcomes=outcomes, status=ExecutionStatus.PARTIAL,
        settings={"chunk_overlap": 30},
    )  # fmt: skip


@pytest.mark.usefixtures("pseudo")
def test_a_report_leaves_no_english_word(manager: StateManager) -> None:
    state = whole_run(manager)
    report = collect_report(manager, state, content=True)
    page = render_html(report, draw_plots(report.content, report.trend))
    read = Page(page)
    spoken = [value for name, value in read.attributes if name in {"aria-label", "title", "alt"}]
    data = [
        *DATA,
        *RUN_DATA,
        state.execution_id,
        report.compared_with,
        f"nic-etl report {state.execution_id}",
    ]
    assert '<html lang="pt-BR">' in page
    assert not forgotten_words("\n".join([read.text, *spoken]), data)


@pytest.mark.usefixtures("pseudo")
def test_the_screens_of_runs_leave_no_english_word(manager: StateManager) -> None:
    screen, state = Screen(), whole_run(manager)
    console, error = screen.console, "The artifacts could not be checked (xyz); the run is not affected."
    screens.print_heading(console, manager, state)
    screens.print_run(console, manager, state, summarize(manager, state))
    screens.print_state(console, manager, state)
    for checkpoint in state.stages.values():
        stage_screen.print_stage(console, manager, state, checkpoint)
    broken = record_run(manager, ExecutionStatus.FAILED, error=error)
    screens.print_history(console, manager.get_execution_history())
    status = PipelineStatus(
        execution_id=state.execution_id, status="running", started="2026-03-01T12:00:00+00:00",
        stages={STAGES[0]: "skipped", STAGES[1]: "running"},
        progress={STAGES[1]: {"done": 3, "total": 9, "current": "30-Aprovados/nota-01.md"}}, error="",
    )  # fmt: skip
    for name in ("running", "partial", "cancelled", "interrupted"):
        screens.print_status(console, replace(status, status=name))
    changes = [{"figure": name, "before": 1, "after": 2} for name in ("parameter chunk_size", "pages")]
    screens.print_comparison(console, STAGES[2], changes, [STAGES[3]])
    screens.print_comparison(console, STAGES[2], [], [])
    screens.print_warnings(console, {"warnings": [error]})
    places = [str(manager.absolute(done.notebook)) for done in state.stages.values()]
    places += [str(manager.run_dir(state.execution_id))]
    products = [ref.sha256[:12] for done in state.stages.values() for ref in done.result.artifacts.values()]
    data = [*DATA, *RUN_DATA, *places, *products, state.execution_id, broken.execution_id]
    assert not forgotten_words(screen.text, data)


@pytest.mark.usefixtures("pseudo")
def test_a_notification_leaves_no_english_word(manager: StateManager) -> None:
    state = whole_run(manager)
    whole = freshness(manager, timedelta(hours=26)).sentence(timedelta(hours=26))
    said = [whole]
    for happened in ("failed", "partial", "cancelled", "recovered", "success"):
        said += run_message(manager, state, summarize(manager, state), happened)
    data = [*DATA, *RUN_DATA, state.execution_id, str(manager.outputs), socket.gethostname(), "nic_documents"]
    assert not forgotten_words("\n".join(said), [*data, "resume", "show"])


@pytest.mark.usefixtures("pseudo")
def test_the_frame_of_a_notebooks_page_leaves_no_english_word() -> None:
    cell = {"cell_type": "code", "source": "1", "outputs": []}
    page = Page(notebook_page(json.dumps({"cells": [cell, cell | {"execution_count": 2}]}).encode(), "1"))
    assert not forgotten_words(page.text)


def test_what_is_wrong_with_the_words_of_a_command_is_said_in_the_users_language() -> None:
    def complaint(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "runner", *words],
            env={**os.environ, "NIC_ETL_UI_LANGUAGE": "pt-BR", "COLUMNS": "80"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 2
        return done.stderr

    wrong = complaint("search", "a", "--top", "x")
    assert "Uso: nic-etl search [OPÇÕES] QUESTION" in wrong.replace("python -m runner", "nic-etl")
    assert "Valor inválido para '--top': 'x' não é um número inteiro." in wrong
    assert "O comando 'sho' não existe. Seria 'show'?" in complaint("sho")


@pytest.mark.usefixtures("pseudo")
def test_a_plan_and_what_a_run_tells_leave_no_english_word() -> None:
    screen, error = Screen(), "No run is going on."
    same = "nothing changed since X"
    reasons = [
        "it has not been executed yet", "the code of stagekit.chunking changed", "the notebook changed", same,
        "runs only if document_processing produces something new since X",
    ]  # fmt: skip
    stages = [PlannedStage(STAGES[0], "run", reasons), PlannedStage(STAGES[1], "carry over", [same])]
    leaving = [("a.md", "it is not in the source any more")]
    stages.append(PlannedStage(STAGES[2], "decide", [], leaving=leaving))
    screens.print_plan(screen.console, ExecutionPlan(stages, [[STAGES[0]], [STAGES[1], STAGES[2]]]))
    events: list[tuple[str, dict[str, Any]]] = [
        ("run_started", {"execution_id": "X", "mode": "full"}),
        ("stage_started", {"reasons": reasons}),
        ("documents", {"done": 1, "total": 2, "unit": "document"}),
        ("documents", {"done": 1, "total": 2, "unit": "chunk"}),
        ("stage_retried", {"error": error, "wait": 1.5}),
        ("stage_carried_over", {"from": "X"}),
        ("stage_finished", {"ok": 3, "rejected": 1, "failed": 1, "unchanged": 2, "seconds": 1.5}),
        ("stage_finished", {"error": "text_chunking was cancelled.", "seconds": 1.5}),
        ("stage_finished", {"seconds": 1.5}),
        ("run_finished", {"status": "partial"}),
    ]
    told = [describe(Event(kind, STAGES[0], data)) for kind, data in events]
    shown = "\n".join([screen.text, *told])
    assert not forgotten_words(shown, [*DATA, "stagekit.chunking", "a.md"])


@pytest.mark.usefixtures("pseudo")
def test_what_a_watch_tells_leaves_no_english_word() -> None:
    details = {
        "outputs": "X", "every": "5m", "run": "X", "memory_mb": 5, "pid": 7, "error": "No run is going on.",
        "retry_s": 5,
    }  # fmt: skip
    kinds = [
        "watching", "started", "warm", "released", "other_run", "waiting", "source_unreachable",
        "source_reachable", "configuration_invalid", "ended",
    ]  # fmt: skip
    told = [sentence(kind, details) for kind in kinds]
    reasons = ("start", "change", "retry", "interval", "waited")
    told += [sentence("run_begins", {"reason": reason}) for reason in reasons]
    ended = {
        "status": "success",
        "seconds": 2.0,
        "documents": {"ok": 1, "stale": 2},
        "points": {"upserted": 3},
    }
    told.append(sentence("run_ended", details | ended))
    assert not forgotten_words("\n".join(told))


@pytest.mark.usefixtures("pseudo")
def test_hits_and_evaluations_leave_no_english_word() -> None:
    screen = Screen()
    hit = {
        "rank": 1, "title": "Nota", "section_titles": ["Seção"], "clause": "4, c", "pages": [2, 3],
        "version": "abc", "score": 0.5, "status": "draft", "expired": True, "expiration_date": "2026-01-31",
        "superseded_by": {"title": "Outra"}, "has_struck_text": True, "stale": True, "watermark": "MINUTA",
        "paths": [f"p{n}.md" for n in range(9)], "text": "Texto", "answer": "", "link": "https://host/x",
    }  # fmt: skip
    search_screens.print_hits(screen.console, [hit])
    search_screens.print_hits(screen.console, [])
    times = {"p50": 1.0, "p95": 2.0}
    row = {"queries": 3, "hit@1": 0.5, "hit@3": 0.5, "hit@5": 0.5, "mrr@10": 0.5, "ndcg@10": 0.5}
    missed = [{"id": "q1", "rank": 7, "query": "Pergunta"}, {"id": "q2", "rank": 0, "query": "Pergunta"}]
    report = {
        "questions": 3, "collection": "nic_documents", "embedding_model": "e5", "mode": "hybrid",
        "overall": row, "by_language": {}, "by_class": {}, "missed": [*missed, missed[1] | {"id": "q3"}],
        "latency_ms": times | {"embedding": times, "store": times}, "not_indexed": ["q2"],
    }  # fmt: skip
    search_screens.print_evaluation(screen.console, report, Path("/x/evaluation.json"))
    data = ["Nota", "Seção", "abc", "Outra", "MINUTA", "Texto", "https://host/x", "nic_documents", "hybrid"]
    assert not forgotten_words(screen.text, [*DATA, *data, "Pergunta"])


@pytest.mark.usefixtures("pseudo")
def test_settings_and_upkeep_leave_no_english_word(manager: StateManager) -> None:
    screen, config = Screen(), load_config(None, {"outputs_dir": str(manager.outputs)})
    screens.print_config(screen.console, config)
    manager.new_run(ExecutionMode.FULL, {}, "c" * 64)
    rows = machine_checks(manager)
    upkeep_screens.print_health(screen.console, rows)
    found = {"missing": 1, "altered": 0, "superfluous": 2}
    compared = {"documents": [{"path": "a.md"} | found], "points": 9, "compared_documents": 2} | found
    upkeep_screens.print_verification(screen.console, compared)
    upkeep_screens.print_verification(
        screen.console, compared | {"upserted": 1, "deleted": 1, "remaining": 0}
    )
    upkeep_screens.print_quarantine(screen.console, [])
    values = [str(getattr(config.config, name)) for name in SETTINGS]
    own = [str(row["detail"]).partition(", its")[0] for row in rows if row["check"] == "versions"]
    data = [*DATA, *values, *own, *SECRETS.values(), str(manager.outputs), "local", "a.md"]
    assert not forgotten_words(screen.text, data)


def texts_of(widget: Any) -> Iterator[str]:
    """What a person reads of a widget and of all in it."""
    if isinstance(widget, widgets.HTML):
        read = Page(widget.value)
        yield read.text
        yield from (value for name, value in read.attributes if name in {"aria-label", "title"})
    elif isinstance(widget, widgets.Label):
        yield str(widget.value)
    for name in ("description", "tooltip", "placeholder"):
        yield str(getattr(widget, name, "") or "")
    for option in getattr(widget, "options", ()) if isinstance(widget, widgets.Dropdown) else ():
        yield str(option[0] if isinstance(option, tuple) else "")
    yield from getattr(widget, "titles", ())
    for child in getattr(widget, "children", ()):
        yield from texts_of(child)


@pytest.mark.usefixtures("pseudo")
def test_the_dashboard_leaves_no_english_word(manager: StateManager, tmp_path: Path) -> None:
    (tmp_path / "docs" / "30-Aprovados").mkdir(parents=True)
    workspace = Workspace.open("local", {"outputs_dir": manager.outputs, "source_path": tmp_path / "docs"})
    first = Panel(workspace)
    shown = [*texts_of(first.widget)]  # to a newcomer
    state = whole_run(manager)
    write_report(manager, state, content=False)
    panel = Panel(workspace)
    panel.form.fields["chunk_size"].value = "x"
    shown += texts_of(panel.widget)
    shown += texts_of(StageView(workspace, state).widget)
    progress = RunProgress(execution_id=state.execution_id, began=1.0)
    progress.stages = {
        name: StageProgress(name, state=found, done=1, total=3, began=1.0, note="No run is going on.")
        for name, found in zip(STAGES, ("done", "running", "waiting", "failed", "carried over"), strict=False)
    }
    shown.append(Page(progress_html(progress, "running")).text)
    config = workspace.load().config
    values = [str(getattr(config, name)) for name in SETTINGS]
    data = [
        *DATA,
        *RUN_DATA,
        *values,
        *SECRETS.values(),
        str(tmp_path),
        state.execution_id,
        "production",
        "run --profile",
        "local",
    ]
    assert not forgotten_words(
        "\n".join(shown), [*data, *(f"-p {name}" for name in SETTINGS), "command line"]
    )
