"""The whole dashboard: what is, since when, what is next; and one button that does it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ipywidgets", reason="needs the extra dashboard")

import runner.dashboard
from runner.dashboard import (
    Workspace,
    component_health_checker,
    create_pipeline_dashboard,
    pipeline_dry_run,
    search_widget,
    validate_configuration_widget,
)
from runner.dashboard.background import Action, stop_tickers
from runner.dashboard.checks import health_action, plan_action, validation_action
from runner.dashboard.panel import Panel
from runner.dashboard.run_progress import RunProgress
from runner.dashboard.search_view import SearchView, _passage
from runner.dashboard.situation import assess
from runner.dashboard.workspace import Answer, CommandFailedError
from runner.models import ExecutionMode, ExecutionStatus, PipelineState, now
from runner.record.state_manager import StateManager
from runner.report.write import write_report
from tests.unit.report_runs import fail_stage, record_chain

LOCKED = {
    "status": "rejected",
    "category": "encrypted",
    "message": "it has a password",
    "remedy": "remove it",
}
OWNER = """
import signal, sys, time
from pathlib import Path
from runner.models import ExecutionStatus, now
from runner.record.state_manager import StateManager
manager = StateManager(Path(sys.argv[1]))
state = manager.load_checkpoint()
def end(*_):
    state.status, state.end_timestamp = ExecutionStatus.CANCELLED, now()
    manager.save_checkpoint(state)
    sys.exit(130)
signal.signal(signal.SIGTERM, end)
with manager.lock() as note:
    if sys.argv[2] == "run":
        note.update(execution_id=state.execution_id)
    time.sleep(60)
"""


@pytest.fixture
def manager(outputs: Path) -> StateManager:
    return StateManager(outputs)


@pytest.fixture
def workspace(manager: StateManager, tmp_path: Path) -> Workspace:
    folder = tmp_path / "documents" / "30-Aprovados"
    folder.mkdir(parents=True)
    (folder / "a.md").write_text("# A\n\nText.\n")
    return Workspace.open("local", {"outputs_dir": manager.outputs, "source_path": tmp_path / "documents"})


@pytest.fixture
def panel(workspace: Workspace) -> Iterator[Panel]:
    panel = Panel(workspace)
    yield panel
    if workspace.launch is not None:
        workspace.launch.process.wait(30)


def wait_until(true: Callable[[], Any]) -> None:
    end = time.monotonic() + 30
    while not true() and time.monotonic() < end:
        time.sleep(0.05)
    assert true()


def recently(manager: StateManager, state: PipelineState, **ago: float) -> PipelineState:
    state.end_timestamp = now() - timedelta(**ago)
    manager.save_checkpoint(state)
    return state


def owner(manager: StateManager, kind: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-c", OWNER, str(manager.outputs), kind])
    wait_until(lambda: (manager.lock_owner() or {}).get("pid") == process.pid)
    if kind == "run":
        wait_until(lambda: (manager.lock_owner() or {}).get("execution_id"))
    return process


def test_a_newcomer_is_told_what_to_do(panel: Panel) -> None:
    assert "No run yet" in panel.status.value
    assert "Press Start run" in panel.status.value
    assert "from /" in panel.status.value
    panel.form.fields["source"].value = "gitlab"
    panel.form.fields["gitlab_project"].value = "nic/base"
    panel.refresh()
    assert "nic/base at https://gitlab.com" in panel.status.value
    assert (panel.primary.description, panel.primary.disabled) == ("Start run", False)
    assert panel.anew.layout.display == "none"
    assert panel.tabs.titles == ("Overview", "Documents", "Search", "Settings")


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        ({"seconds": 5}, "just now"),
        ({"minutes": 5}, "5 min ago"),
        ({"hours": 5}, "5 h ago"),
        ({"days": 5}, "5 days ago"),
    ],
)
def test_a_good_run_is_in_step_since_then(
    manager: StateManager, workspace: Workspace, ago: dict[str, float], words: str
) -> None:
    recently(manager, record_chain(manager, {"a.md": "1"}), **ago)
    found = assess(workspace, RunProgress())
    assert (found.tone, found.headline, found.action) == ("good", "In step", "start")
    assert "holds 1 document" in found.detail
    assert words in found.detail


def test_documents_that_need_attention_are_announced(manager: StateManager, panel: Panel) -> None:
    record_chain(manager, {"a.md": "1", "b.pdf": "2"}, outcomes={"b.pdf": LOCKED})
    panel.refresh()
    assert panel.situation.tone == "warn"
    assert "1 needs attention" in panel.status.value
    assert "b.pdf" in panel.documents.documents.value
    assert "success" in panel.runs.runs.options[0][0]


def test_after_a_failure_the_button_resumes_and_the_error_stands_on_top(
    manager: StateManager, panel: Panel
) -> None:
    state = record_chain(manager, {"a.md": "1"}, upto="text_chunking")
    fail_stage(manager, state, "text_chunking", "The kernel <died>.")
    panel.refresh()
    assert panel.situation.headline == "Failed"
    assert "The kernel &lt;died&gt;." in panel.status.value
    assert panel.primary.description == "Resume run"
    assert panel.anew.layout.display is None


def test_the_report_is_shown_as_soon_as_it_is_written(manager: StateManager, panel: Panel) -> None:
    state = record_chain(manager, {"a.md": "1"})
    panel.refresh()
    assert "has no report" in panel.runs.page.value
    assert panel.progress.value == ""
    write_report(manager, state)
    panel.refresh()
    assert "<iframe" in panel.runs.page.value


def test_a_run_that_lost_its_process_is_interrupted(manager: StateManager, panel: Panel) -> None:
    manager.new_run(ExecutionMode.FULL, {}, "")
    panel.refresh()
    assert (panel.situation.headline, panel.situation.action) == ("Interrupted", "resume")


def test_a_damaged_record_is_told_and_a_new_run_offered(manager: StateManager, panel: Panel) -> None:
    state = record_chain(manager, {"a.md": "1"})
    (manager.run_dir(state.execution_id) / "run.json").write_text("{")
    panel.refresh()
    assert "damaged" in panel.status.value
    assert panel.situation.tone == "bad"
    assert (panel.primary.description, panel.primary.disabled) == ("Start run", False)


def test_a_run_from_a_terminal_is_followed_and_can_be_cancelled(manager: StateManager, panel: Panel) -> None:
    manager.new_run(ExecutionMode.FULL, {}, "")
    process = owner(manager, "run")
    panel.refresh()
    assert panel.situation.headline == "Running"
    assert f"process {process.pid}" in panel.status.value
    assert panel.primary.description == "Cancel run"
    assert "stages ended" in panel.progress.value
    assert "report is written when it ends" in panel.runs.page.value
    panel.primary.click()
    panel.cancelling.join()
    assert "What was finished is kept" in panel.cancelling.output.value
    assert process.wait(20) == 130
    panel.refresh()
    assert panel.situation.headline == "Cancelled"
    panel.act("cancel")
    panel.cancelling.join()
    assert "No run is going on" in panel.cancelling.output.value


def test_while_another_command_works_nothing_can_be_started(manager: StateManager, panel: Panel) -> None:
    record_chain(manager, {"a.md": "1"})
    process = owner(manager, "verify")
    try:
        panel.refresh()
        assert panel.situation.headline == "Busy"
        assert panel.primary.disabled
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def test_a_run_starts_as_a_process_of_its_own_and_says_why_it_could_not(
    panel: Panel, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUERY_STRING", "token=abc")
    workspace.settings["source_path"] = str(tmp_path / "nowhere")
    panel.primary.click()
    launch = workspace.launch
    assert launch is not None
    assert os.getsid(launch.process.pid) == launch.process.pid
    assert "token=abc" not in Path(f"/proc/{launch.process.pid}/environ").read_text(errors="replace")
    assert panel.situation.headline == "Starting"
    wait_until(lambda: not launch.alive)
    panel.refresh()
    assert panel.situation.headline == "The run could not start"
    assert "nowhere" in panel.status.value
    assert panel.primary.description == "Start run"
    launch.log.unlink()
    assert launch.complaint == ""


def test_nothing_starts_with_a_wrong_setting(panel: Panel) -> None:
    panel.form.fields["chunk_size"].value = "x"
    panel.refresh()
    assert panel.primary.disabled
    assert "see Settings" in panel.primary.tooltip
    panel.form.fields["chunk_size"].value = "200"
    assert not panel.primary.disabled


def test_configuration_health_and_dry_run_say_what_the_command_line_says(workspace: Workspace) -> None:
    validation, health, plan = validation_action(workspace), health_action(workspace), plan_action(workspace)
    for action in (validation, health, plan):
        action.begin()
        assert action.button.disabled
        action.join()
    assert "a run can start" in validation.output.value
    assert "disk" in health.output.value
    assert "not been executed yet" in plan.output.value
    workspace.settings["chunk_overlap"] = "5000"
    validation.begin()
    validation.join()
    assert "A run cannot start" in validation.output.value
    assert "chunk_overlap" in validation.output.value


def test_a_plan_in_which_nothing_is_to_be_done_says_so(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{"stage": "text_chunking", "action": "carry over", "reasons": ["nothing changed"]}]
    monkeypatch.setattr(Workspace, "ask", lambda *_: rows)
    action = plan_action(workspace)
    action.begin()
    action.join()
    assert "nothing changed" in action.output.value


def test_search_asks_what_was_typed_and_tells_what_went_wrong(workspace: Workspace) -> None:
    view = SearchView(workspace)
    view.action.begin()
    view.action.join()
    assert "Write a question first" in view.action.output.value
    view.question.value = "--férias <b>?"
    view.action.join()
    assert view.action.output.value  # there is no collection yet: the command's own sentence
    assert "<b>?" not in view.action.output.value
    assert "Traceback" not in view.action.output.value


def test_the_passages_that_were_found_are_listed(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    hit = {"rank": 1, "title": "Férias", "score": 0.5, "text": "30 dias", "pages": [], "version": "",
           "section_titles": [], "clause": None, "has_struck_text": False, "status": "approved",
           "answer": "", "link": "a.md@1",
           "path": "a.md", "paths": ["a.md"], "expired": False, "watermark": None,
           "expiration_date": None, "superseded_by": None, "stale": False}  # fmt: skip
    answers = [Answer([hit], ["Warning: 1 passage was altered."]), Answer([], [])]
    asked: list[Any] = []

    def search(_: Workspace, question: str, **options: Any) -> Answer:
        asked.append((question, options))
        return answers.pop(0)

    monkeypatch.setattr(Workspace, "search", search)
    view = SearchView(workspace)
    view.question.value = "Quando?"
    view.action.join()
    assert "1. Férias" in view.action.output.value
    assert "1 passage was altered" in view.action.output.value
    view.question.value = ""
    view.per_document.value = 0
    view.question.value = "Onde?"
    view.action.join()
    assert "Nothing was found" in view.action.output.value
    assert asked == [
        ("Quando?", {"top": 5, "per_document": 2}),
        ("Onde?", {"top": 5, "per_document": 0}),
    ]


def test_a_passage_is_text_and_only_a_web_address_becomes_a_link() -> None:
    hit = {
        "rank": 1, "title": "<i>T</i>", "score": 0.5, "text": "<script>" + "word " * 300,
        "pages": [3],
        "section_titles": ["A", "B"], "clause": "Art. 5º", "has_struck_text": True, "version": "2",
        "answer": "", "link": "javascript:alert(1)",
        "path": "a.md", "paths": ["a.md", "<b>.md"], "status": "approved",
        "expired": False, "expiration_date": None, "superseded_by": None, "stale": False, "watermark": None,
    }  # fmt: skip
    shown = _passage(hit)
    assert "<script" not in shown
    assert "<a " not in shown
    assert (
        "A › B · Art. 5º · page 3 · version 2 · score 0.500 · some of it is struck out or revoked · "
        "the same text is in &lt;b&gt;.md" in shown
    )
    assert shown.count("word") < 200
    assert '<a href="https://x/a.md"' in _passage(hit | {"link": "https://x/a.md"})


def test_a_command_that_gives_no_answer_in_time_is_told(workspace: Workspace) -> None:
    with pytest.raises(CommandFailedError, match="no answer"):
        workspace.ask("doctor", timeout=0.01)


def test_an_action_that_breaks_shows_why_and_can_be_tried_again() -> None:
    def work() -> str:
        raise RuntimeError("<broken>")

    action = Action("Go", work)
    action.join()
    action.button.click()
    action.join()
    assert "&lt;broken&gt;" in action.output.value
    assert not action.button.disabled


def test_the_functions_work_in_any_notebook(manager: StateManager, workspace: Workspace) -> None:
    for make in (validate_configuration_widget, component_health_checker, pipeline_dry_run, search_widget):
        assert make(workspace).children
    try:
        first = create_pipeline_dashboard("local", workspace.settings, refresh_seconds=0.05)
        record_chain(manager, {"a.md": "1"}, status=ExecutionStatus.SUCCESS)
        wait_until(lambda: "In step" in first.children[1].value)
    finally:
        stop_tickers()
    with pytest.raises(AttributeError, match="no attribute"):
        runner.dashboard.nothing  # noqa: B018
