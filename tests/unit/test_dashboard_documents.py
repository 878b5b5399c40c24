"""Documents that need attention, stages and history: found by cause, shown as text, with the page itself."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

widgets = pytest.importorskip("ipywidgets", reason="needs the extra dashboard")

from reportlab.pdfgen.canvas import Canvas  # noqa: E402

from runner.dashboard import (  # noqa: E402
    Workspace,
    create_error_analysis_widget,
    page_image,
    run_history_widget,
    stage_detail_viewer,
)
from runner.dashboard.documents_view import DocumentsView  # noqa: E402
from runner.dashboard.markup import FILES_VARIABLE, file_link, plain  # noqa: E402
from runner.dashboard.page_image import draw_page  # noqa: E402
from runner.dashboard.runs_view import RunsView  # noqa: E402
from runner.dashboard.stage_view import StageView  # noqa: E402
from runner.errors import StateManagementError  # noqa: E402
from runner.models import ExecutionStatus, PipelineState  # noqa: E402
from runner.record.state_manager import StateManager  # noqa: E402
from tests.unit.core_notebooks import record_stage  # noqa: E402
from tests.unit.report_runs import fail_stage, record_chain, record_nothing_changed  # noqa: E402

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


def pdf(pages: int = 2) -> bytes:
    out = io.BytesIO()
    canvas = Canvas(out)
    for number in range(pages):
        canvas.drawString(100, 700, f"page {number}")
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def troubled(manager: StateManager) -> PipelineState:
    documents = {"a.md": "1", "b.pdf": "2", "c.pdf": "3", HOSTILE: "4"}
    outcomes: dict[str, Any] = {"b.pdf": LOCKED, "c.pdf": LOCKED, HOSTILE: BROKEN}
    return record_chain(manager, documents, outcomes=outcomes, status=ExecutionStatus.PARTIAL)


def listed(view: DocumentsView) -> list[str]:
    return [path for _, path in view.documents.options]


def test_documents_are_grouped_by_cause_the_most_urgent_first(
    manager: StateManager, workspace: Workspace
) -> None:
    view = DocumentsView(workspace)
    view.show(troubled(manager))
    assert "3 of 4 documents need attention" in view.summary.value
    assert [words for words, _ in view.cause.options] == [
        "Everything that needs attention",
        "failed: converter crash (1)",
        "rejected: encrypted (2)",
        "All documents (4)",
        "Files that are no documents (1)",
    ]
    assert listed(view) == [HOSTILE, "b.pdf", "c.pdf"]
    view.cause.value = 1
    assert listed(view) == ["b.pdf", "c.pdf"]
    assert "What to do:</b> remove it" in view.details.value
    view.cause.value = "all"
    view.filter.value = "A.M"
    assert listed(view) == ["a.md"]
    assert "confidence: 0.95" in view.details.value
    view.filter.value = "nothing is called so"
    assert "No document is listed" in view.details.value


def test_what_comes_from_documents_is_never_html(manager: StateManager, workspace: Workspace) -> None:
    view = DocumentsView(workspace)
    view.show(troubled(manager))
    assert "&lt;b&gt;boom" in view.details.value
    assert "<img" not in view.details.value


def test_ignored_files_tell_why(manager: StateManager, workspace: Workspace) -> None:
    view = DocumentsView(workspace)
    view.show(troubled(manager))
    view.cause.value = "ignored"
    assert listed(view) == ["x.csv"]
    assert "type .csv" in view.details.value


def test_the_choice_stays_when_the_run_goes_on(manager: StateManager, workspace: Workspace) -> None:
    view = DocumentsView(workspace)
    state = troubled(manager)
    view.show(state)
    view.cause.value = 1
    view.documents.value = "c.pdf"
    view.show(state)
    assert (view.cause.value, view.documents.value) == (1, "c.pdf")
    view.show(record_chain(manager, {"a.md": "1"}))
    assert "All 1 documents are in order" in view.summary.value
    view.show(state)
    assert view.cause.value == "attention"


def test_the_page_of_a_document_is_shown(manager: StateManager, workspace: Workspace) -> None:
    view = DocumentsView(workspace)
    state = troubled(manager)
    content = manager.store.put("content", pdf(), "application/pdf").model_dump(mode="json")
    rows = [{"path": "b.pdf", "document_id": "b", "status": "rejected", "content": content} | LOCKED]
    record_stage(manager, state, "gitlab_ingestion", products={"documents": rows, "ignored": []})
    view.show(state)
    view.filter.value = "b.pdf"
    view.draw.join()
    assert bytes(view.picture.value).startswith(b"\x89PNG")
    assert "page 1 of 2" in view.draw.output.value
    view.page.value = 2
    view.draw.join()
    assert "page 2 of 2" in view.draw.output.value
    view.filter.value = "c.pdf"
    view.draw.join()
    assert view.picture.value == b""
    manager.store.delete(content["uri"])
    view.filter.value = "b.pdf"
    view.draw.join()
    assert view.picture.value == b""
    assert "missing" in view.draw.output.value


def test_a_file_that_is_gone_is_told(manager: StateManager, workspace: Workspace) -> None:
    view = DocumentsView(workspace)
    view.show(troubled(manager))
    view.filter.value = "b.pdf"
    view.draw.join()
    assert "Its file is not kept" in view.draw.output.value


def test_a_page_is_drawn_from_pdf_and_image_and_else_there_is_a_reason() -> None:
    from PIL import Image

    drawn = draw_page(pdf(3), "pdf", 9)
    assert drawn.png.startswith(b"\x89PNG")
    assert drawn.pages == 3
    out = io.BytesIO()
    Image.new("RGB", (40, 20), "white").save(out, "JPEG")
    assert draw_page(out.getvalue(), "jpg").png.startswith(b"\x89PNG")
    assert page_image._from_image(out.getvalue()).size == (40, 20)
    picture, pages = page_image._from_pdf(pdf(), 2)
    assert (picture.width, pages) == (760, 2)
    assert "no page image of a .md file" in draw_page(b"text", "md").reason
    for data in (b"", b"%PDF-1.7 broken", b"\x89PNG broken"):
        extension = "png" if data.startswith(b"\x89") else "pdf"
        assert draw_page(data, extension).reason.startswith("Its page cannot be drawn")


def test_a_stage_tells_counts_times_parameters_and_where_its_notebook_is(
    manager: StateManager, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = troubled(manager)
    view = StageView(workspace)
    view.show(state)
    assert "document_processing" in view.overview.value
    view.stages.value = "document_processing"
    assert "documents: rejected</td><td>2" in view.details.value
    assert "peak memory</td><td>200 MB" in view.details.value
    assert str(manager.absolute(state.stages["document_processing"].notebook)) in view.details.value
    monkeypatch.setenv(FILES_VARIABLE, "/outputs/")
    view.show(state)
    assert view.stages.value == "document_processing"
    assert 'href="/outputs/runs/' in view.details.value


def test_a_stage_tells_its_notes_and_parameters(manager: StateManager, workspace: Workspace) -> None:
    state = troubled(manager)
    noted = [f"note {number} <i>" for number in range(20)]
    record_stage(manager, state, "text_chunking", warnings=noted, parameters={"chunk_size": 90})
    state.end_timestamp = None
    documents = DocumentsView(workspace)
    documents.show(state)
    assert "need attention so far" in documents.summary.value
    view = StageView(workspace)
    view.show(state)
    view.stages.value = "text_chunking"
    assert "note 1 &lt;i&gt;" in view.details.value
    assert "and 8 more" in view.details.value
    assert "<td>chunk_size</td><td>90</td>" in view.details.value
    view.show(record_nothing_changed(manager, state))
    assert "Carried over from" in view.details.value


def test_a_failed_stage_is_chosen_with_its_cell_and_error(
    manager: StateManager, workspace: Workspace
) -> None:
    state = record_chain(manager, {"a.md": "1"}, upto="text_chunking")
    cell = {
        "cell_type": "code", "source": "run('<x>')", "metadata": {}, "execution_count": 1,
        "outputs": [{"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["E: <v>"]}],
    }  # fmt: skip
    fail_stage(manager, state, "text_chunking", "The kernel <died>.", [cell])
    view = StageView(workspace)
    view.show(state)
    assert view.stages.value == "text_chunking"
    assert "The kernel &lt;died&gt;." in view.details.value
    assert "run(&#x27;&lt;x&gt;&#x27;)" in view.details.value


def test_history_lists_runs_and_shows_the_chosen_one(manager: StateManager, workspace: Workspace) -> None:
    view = RunsView(workspace)
    assert "There is no run yet" in view.details.value
    first = troubled(manager)
    view.refresh()
    assert "partial" in view.runs.options[0][0]
    second = record_nothing_changed(manager, first)
    view.refresh()
    assert view.runs.value == second.execution_id
    assert "carried over" in view.stages.overview.value
    view.runs.value = first.execution_id
    assert "chunk_size" in view.details.value
    view.refresh()
    assert view.runs.value == first.execution_id
    (manager.run_dir(first.execution_id) / "run.json").write_text("{")
    view.refresh()
    assert "is damaged" in view.details.value


def test_the_widgets_work_in_any_notebook(manager: StateManager, workspace: Workspace) -> None:
    with pytest.raises(StateManagementError, match="no run yet"):
        create_error_analysis_widget(workspace)
    troubled(manager)
    for make in (create_error_analysis_widget, stage_detail_viewer, run_history_widget):
        assert make(workspace).children


def test_text_is_without_secrets(monkeypatch: pytest.MonkeyPatch, manager: StateManager) -> None:
    monkeypatch.setenv("QDRANT_API_KEY", "very-secret-key")
    assert plain("key very-secret-key <") == "key [redacted] &lt;"
    assert plain(None) == ""
    assert "not written yet" in file_link(manager, manager.outputs / "none", "Report")
