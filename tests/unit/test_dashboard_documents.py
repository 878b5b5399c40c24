"""Documents that need attention, stages and runs: by cause, as text, in frames in which nothing runs."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ipywidgets", reason="needs the extra dashboard")

from runner.dashboard import (
    Workspace,
    create_error_analysis_widget,
    run_history_widget,
    stage_detail_viewer,
)
from runner.dashboard.documents_view import DocumentsView
from runner.dashboard.frame import FILES_VARIABLE, framed
from runner.dashboard.markup import plain
from runner.dashboard.runs_view import RunsView
from runner.dashboard.stage_view import StageView
from runner.errors import StateManagementError
from runner.models import Checkpoint, ExecutionMode, ExecutionStatus, PipelineState
from runner.record.state_manager import StateManager
from runner.report.write import write_report
from tests.unit.report_runs import fail_stage, record_chain, record_nothing_changed

HOSTILE = "<img src=x onerror=alert(1)>.md"
LOCKED = {
    "status": "rejected",
    "category": "encrypted",
    "message": "it has a password",
    "remedy": "remove it",
}
BROKEN = {"status": "failed", "category": "converter_crash", "message": "<b>boom</b>", "remedy": "try again"}


@pytest.fixture
def manager(outputs: Path) -> StateManager:
    return StateManager(outputs)


@pytest.fixture
def workspace(manager: StateManager) -> Workspace:
    return Workspace.open("local", {"outputs_dir": manager.outputs})


def write_cells(manager: StateManager, state: PipelineState, stage: str, *cells: dict[str, Any]) -> None:
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    manager.absolute(state.stages[stage].notebook).write_text(json.dumps(notebook))


def troubled(manager: StateManager) -> PipelineState:
    documents = {"a.md": "1", "b.pdf": "2", "c.pdf": "3", HOSTILE: "4"}
    outcomes: dict[str, Any] = {"b.pdf": LOCKED, "c.pdf": LOCKED, HOSTILE: BROKEN}
    return record_chain(manager, documents, outcomes=outcomes, status=ExecutionStatus.PARTIAL)


def framed_page(shown: str) -> str:
    """The page inside a frame, as the browser reads it."""
    found = re.search(r'srcdoc="([^"]*)"', shown)
    assert found, shown
    return html.unescape(found[1])


def test_documents_are_grouped_by_cause_the_most_urgent_first_each_with_its_remedy(
    manager: StateManager, workspace: Workspace
) -> None:
    view = DocumentsView(workspace)
    view.show(troubled(manager))
    assert "3 of 4 documents need attention" in view.summary.value
    assert "so far" not in view.summary.value
    assert [words for words, _ in view.cause.options] == [
        "Everything that needs attention (3)",
        "failed: converter crash (1)",
        "rejected: encrypted (2)",
    ]
    shown = view.documents.value
    assert shown.index("onerror") < shown.index("b.pdf") < shown.index("c.pdf")
    assert "What to do:</b> remove it" in shown
    assert "it has a password" in shown
    view.cause.value = view.cause.options[2][1]
    assert "onerror" not in view.documents.value
    view.filter.value = "C.P"
    assert "c.pdf" in view.documents.value
    assert "b.pdf" not in view.documents.value
    view.filter.value = "nothing is called so"
    assert "No document is listed" in view.documents.value


def test_what_comes_from_documents_is_never_html(manager: StateManager, workspace: Workspace) -> None:
    view = DocumentsView(workspace)
    view.show(troubled(manager))
    assert "&lt;b&gt;boom" in view.documents.value
    assert "<img" not in view.documents.value


def test_the_chosen_cause_stays_when_the_run_goes_on(manager: StateManager, workspace: Workspace) -> None:
    view = DocumentsView(workspace)
    state = troubled(manager)
    view.show(state)
    chosen = view.cause.options[2][1]
    view.cause.value = chosen
    view.show(state)
    assert view.cause.value == chosen
    view.show(record_chain(manager, {"a.md": "1"}))
    assert "All 1 documents are in order" in view.summary.value
    assert view.documents.value.count("<") == 2  # an empty note
    view.show(state)
    assert "onerror" in view.documents.value


@pytest.mark.parametrize("outcomes", [{}, {"b.pdf": LOCKED}])
def test_of_a_run_that_broke_off_nothing_is_said_but_so_far(
    manager: StateManager, workspace: Workspace, outcomes: dict[str, Any]
) -> None:
    """Documents that the later stages have not seen cannot be called in order."""
    state = record_chain(manager, {"a.md": "1", "b.pdf": "2"}, outcomes=outcomes, upto="text_chunking")
    fail_stage(manager, state, "text_chunking", "The kernel <died>.")
    view = DocumentsView(workspace)
    view.show(state)
    assert "so far" in view.summary.value
    assert "in order" not in view.summary.value
    assert 'class="good"' not in view.summary.value
    assert "text_chunking: The kernel &lt;died&gt;." in view.summary.value


def test_a_long_list_says_how_many_are_left_out(manager: StateManager, workspace: Workspace) -> None:
    documents = {f"{number:03}.pdf": str(number) for number in range(230)}
    view = DocumentsView(workspace)
    view.show(record_chain(manager, documents, outcomes=dict.fromkeys(documents, LOCKED)))
    assert view.documents.value.count("<li>") == 200
    assert "and 30 more" in view.documents.value
    view.filter.value = "229"
    assert "229.pdf" in view.documents.value


def test_listed_documents_are_tried_again_where_a_run_would_not_do_so_by_itself(
    manager: StateManager, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def ask(_: Workspace, *command: str, words: tuple[str, ...] = ()) -> Any:
        asked.append((*command, *words))
        return [{"path": "b.pdf"}, {"path": "c.pdf"}]

    monkeypatch.setattr(Workspace, "ask", ask)
    view = DocumentsView(workspace)
    view.show(troubled(manager))
    said = []
    for wanted in ("", "b.pdf", "onerror"):
        view.filter.value = wanted
        view.retry.begin()
        view.retry.join()
        said.append(view.retry.output.value)
    assert "tries 2 of these again" in said[0]
    assert "tries 1 of these again" in said[1]
    assert "tries them again by itself" in said[2]
    assert [words for words in asked if words[1] == "retry"] == [
        ("quarantine", "retry"),
        ("quarantine", "retry", "b.pdf"),
    ]


def test_each_rejected_document_has_a_button_of_its_own(
    manager: StateManager, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def ask(_: Workspace, *command: str, words: tuple[str, ...] = ()) -> Any:
        asked.append((*command, *words))
        return [{"path": "b.pdf"}]

    monkeypatch.setattr(Workspace, "ask", ask)
    view = DocumentsView(workspace)
    view.show(troubled(manager))
    actions = view.documents.actions
    assert list(actions) == ["b.pdf", "c.pdf"]  # what failed is tried again without being asked
    said = {}
    for path, action in actions.items():
        action.begin()
        action.join()
        said[path] = action.output.value
    assert "The next run tries it again" in said["b.pdf"]
    assert "It is not in quarantine" in said["c.pdf"]
    assert [words for words in asked if words[1] == "retry"] == [("quarantine", "retry", "b.pdf")]


def test_a_frame_shows_a_page_in_which_nothing_can_run_and_no_link_leads_nowhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    page = '<p title="x">Report <a href="01.ipynb">of</a></p>'
    monkeypatch.delenv(FILES_VARIABLE, raising=False)
    shown = framed(page, "runs/r", 'The "report"')
    assert shown.count("<") == 2  # the frame alone
    assert "allow-scripts" not in shown
    assert "allow-same-origin" not in shown
    assert framed_page(shown) == '<p title="x">Report of</p>'
    monkeypatch.setenv(FILES_VARIABLE, "/outputs/")
    assert framed_page(framed(page, "runs/r", "")) == f'<base href="/outputs/runs/r/" target="_blank">{page}'


def test_a_stage_tells_what_it_came_to_and_shows_its_executed_notebook(
    manager: StateManager, workspace: Workspace
) -> None:
    state = troubled(manager)
    noted = {"cell_type": "markdown", "metadata": {}, "id": "a", "source": "What <happened>"}
    write_cells(manager, state, "document_processing", noted)
    view = StageView(workspace, state)
    view.stages.value = "document_processing"
    assert "4 read · 1 ok · 2 rejected · 1 failed" in view.details.value
    assert "200 MB at most" in view.details.value
    assert "Executed because: it has not been executed yet" in view.details.value
    assert "What &lt;happened&gt;" in framed_page(view.details.value)
    manager.absolute(state.stages["document_processing"].notebook).write_text("{")
    view = StageView(workspace, state)
    view.stages.value = "document_processing"
    assert "is no whole notebook" in view.details.value
    carried = StageView(workspace, record_nothing_changed(manager, state))
    assert "Carried over from" in carried.details.value
    assert "<iframe" in carried.details.value


def test_a_stage_that_has_only_begun_says_so(manager: StateManager, workspace: Workspace) -> None:
    state = manager.new_run(ExecutionMode.FULL, {}, "")
    assert "No stage has begun yet" in StageView(workspace, state).details.value
    state.stages["listing"] = Checkpoint(stage="listing", status=ExecutionStatus.RUNNING)
    assert "no executed notebook yet" in StageView(workspace, state).details.value


def test_a_failed_stage_is_chosen_with_its_cell_and_error(
    manager: StateManager, workspace: Workspace
) -> None:
    state = record_chain(manager, {"a.md": "1"}, upto="text_chunking")
    fail_stage(manager, state, "text_chunking", "The kernel <died>.")
    cell = {
        "cell_type": "code", "source": "run('<x>')", "metadata": {}, "execution_count": 1, "id": "a",
        "outputs": [{"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["E: <v>"]}],
    }  # fmt: skip
    write_cells(manager, state, "text_chunking", cell)
    view = StageView(workspace, state)
    assert view.stages.value == "text_chunking"
    assert "The kernel &lt;died&gt;." in view.details.value
    page = framed_page(view.details.value)
    assert "run(&#x27;&lt;x&gt;&#x27;)" in page
    assert "E: &lt;v&gt;" in page


def test_history_lists_runs_and_shows_the_report_of_the_chosen_one(
    manager: StateManager, workspace: Workspace
) -> None:
    view = RunsView(workspace)
    assert "There is no run yet" in view.page.value
    assert view.renew.button.disabled
    first = troubled(manager)
    view.refresh()
    assert "partial" in view.runs.options[0][0]
    assert "has no report" in view.page.value
    view.renew.begin()
    view.renew.join()
    assert "Partial success" in framed_page(view.page.value)
    second = record_nothing_changed(manager, first)
    write_report(manager, second)
    view.refresh()
    assert view.runs.value == second.execution_id
    assert "Nothing had changed" in framed_page(view.page.value)
    view.runs.value = first.execution_id
    view.refresh()
    assert view.runs.value == first.execution_id
    assert "Partial success" in framed_page(view.page.value)
    (manager.run_dir(first.execution_id) / "run.json").write_text("{")
    view.refresh()
    assert "damaged" in next(words for words, run in view.runs.options if run == first.execution_id)
    view.renew.begin()
    view.renew.join()
    assert "damaged" in view.renew.output.value


def test_the_widgets_work_in_any_notebook(manager: StateManager, workspace: Workspace) -> None:
    with pytest.raises(StateManagementError, match="no run yet"):
        create_error_analysis_widget(workspace)
    troubled(manager)
    for make in (create_error_analysis_widget, stage_detail_viewer, run_history_widget):
        assert make(workspace).children


def test_text_is_without_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QDRANT_API_KEY", "very-secret-key")
    assert plain("key very-secret-key <") == "key [redacted] &lt;"
    assert plain(None) == ""
