"""Promises of the run report: what happened, at a glance, safe to open, and the same for people and tools."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from urllib.parse import unquote

import pytest

from runner.after.report import Report
from runner.models import ExecutionMode, ExecutionStatus
from runner.record.report_generator import summarize
from runner.record.state_manager import StateManager
from runner.report.facts import collect_report
from runner.report.history import carried_report
from runner.report.model import RunReport
from runner.report.write import write_report
from tests.unit.core_notebooks import ended
from tests.unit.report_runs import Page, event_line, fail_stage, record_chain, record_nothing_changed

DOCUMENTS = {f"30-Aprovados/{name}": name for name in ("a.md", "b.pdf", "c.pdf", "d.docx")}
REJECTED = {
    "status": "rejected",
    "category": "encrypted",
    "message": "It has a password.",
    "remedy": "Remove it.",
}
HOSTILE = "30-Aprovados/<img src=x onerror=alert(1)>\"'&${x}$.md"


@pytest.fixture
def manager(outputs: Path) -> StateManager:
    return StateManager(outputs)


def test_a_report_is_two_private_files_beside_the_executed_notebooks(manager: StateManager) -> None:
    state = record_chain(manager, DOCUMENTS)
    written = write_report(manager, state)
    assert written.html.parent == written.json.parent == manager.run_dir(state.execution_id)
    for path in (written.html, written.json):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert RunReport.model_validate_json(written.json.read_text()) == written.report
    assert written.report.gaps == []


def test_the_page_needs_nothing_else_and_is_well_formed(manager: StateManager) -> None:
    first = record_chain(manager, DOCUMENTS)
    write_report(manager, first)
    state = record_chain(
        manager, {**DOCUMENTS, "30-Aprovados/e.md": "new"}, outcomes={"30-Aprovados/b.pdf": REJECTED}
    )
    written = write_report(manager, state)
    html = written.html.read_text()
    page = Page(html)
    assert page.faults == []
    assert len(page.ids) == len(set(page.ids))
    assert not {"script", "img", "link", "iframe", "object"} & set(page.tags)
    assert "default-src 'none'" in html
    assert page.tags.count("svg") == 6 + 2, "six plots, and the run, drawn wide and tall"
    assert "http" not in " ".join(page.links)
    for link in page.links:
        target = unquote(link.partition("#")[0])
        assert not target or (written.html.parent / target).is_file(), link


def test_links_inside_plots_lead_to_places_inside_the_same_plot(manager: StateManager) -> None:
    html = write_report(manager, record_chain(manager, DOCUMENTS)).html.read_text()
    page = Page(html)
    used = [value for name, value in page.attributes if name == "xlink:href"]
    assert used
    assert {value.removeprefix("#") for value in used} <= set(page.ids)
    assert all(f"#0{n}0{n}0{n}" not in html for n in range(1, 10)), "a colour that the page does not choose"


def test_page_and_json_tell_the_same_figures(manager: StateManager) -> None:
    outcomes = {
        "30-Aprovados/b.pdf": REJECTED,
        "30-Aprovados/c.pdf": {**REJECTED, "status": "failed", "category": "RuntimeError"},
    }
    state = record_chain(manager, DOCUMENTS, outcomes=outcomes, status=ExecutionStatus.PARTIAL)
    written = write_report(manager, state)
    report, words = json.loads(written.json.read_text()), Page(written.html.read_text()).words
    assert report["documents"] == {
        "ok": 2, "rejected": 1, "failed": 1, "stale": 0, "ignored": 1, "unchanged": 0, "deleted": 0,
    }  # fmt: skip
    assert "2 documents ok 1 rejected 1 failed 0 stale 1 files ignored 4 points 1 min 0 s in all" in words
    assert report["points"]["total"] == 4
    assert report["headline"] in words
    assert "Partial success" in words
    for stage in report["stages"]:
        assert f"{stage['name']} {stage['status']} {stage['counts']['ok']}" in words
    for chart in filter(None, report["content"].values()):
        assert chart["title"] in words


def test_names_and_messages_are_text_whatever_they_hold(
    manager: StateManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QDRANT_API_KEY", "s3cret-key-of-the-store")
    evil = {**REJECTED, "message": "</style><script>alert(2)</script> s3cret-key-of-the-store", "pages": 2}
    documents = {HOSTILE: "x", "30-Aprovados/plain.pdf": "y", "30-Aprovados/other.pdf": "z"}
    slow = {
        "seconds": 50.0,
        "quality_verdict": "low_confidence",
        "confidence": 0.2,
        "warnings": ["<b>odd</b>"],
    }
    outcomes = {HOSTILE: slow, "30-Aprovados/plain.pdf": evil}
    written = write_report(manager, record_chain(manager, documents, outcomes=outcomes))
    page = Page(written.html.read_text())
    assert page.faults == []
    assert not {"script", "img", "b1"} & set(page.tags)
    assert not any(name.startswith("on") for name, _ in page.attributes)
    assert HOSTILE in page.text
    assert "</style><script>alert(2)</script>" in page.text
    assert "<b>odd</b>" in page.text
    assert "s3cret" not in written.html.read_text() + written.json.read_text()


def test_problems_come_by_cause_the_urgent_first_and_long_lists_are_cut(manager: StateManager) -> None:
    documents = {f"30-Aprovados/{number:03}.pdf": str(number) for number in range(40)}
    outcomes = dict.fromkeys(list(documents)[:30], REJECTED)
    outcomes["30-Aprovados/030.pdf"] = {
        "status": "failed", "category": "RuntimeError", "message": "it gave up", "remedy": "tried again",
    }  # fmt: skip
    outcomes["30-Aprovados/031.pdf"] = {**REJECTED, "message": "It is locked."}
    written = write_report(manager, record_chain(manager, documents, outcomes=outcomes))
    groups = written.report.problems
    assert [(g.status, g.category, len(g.documents)) for g in groups] == [
        ("failed", "RuntimeError", 1),
        ("rejected", "encrypted", 31),
    ]
    words = Page(written.html.read_text()).words
    assert "31 documents rejected: encrypted (document_processing) What to do: Remove it." in words
    assert "… and 19 more, in report.json." in words
    assert "30-Aprovados/011.pdf" in words
    assert "30-Aprovados/012.pdf" not in words
    assert "30-Aprovados/012.pdf" in written.json.read_text()


def test_what_changed_since_the_last_whole_run_is_told_by_name(manager: StateManager) -> None:
    first = record_chain(manager, {"a.md": "1", "b.md": "2", "old/c.md": "3", "d.md": "4"})
    write_report(manager, first)
    record_chain(manager, {"z.md": "0"}, status=ExecutionStatus.FAILED)  # no measure for anything
    record_chain(manager, {"z.md": "0"}, mode=ExecutionMode.TEST)
    state = record_chain(manager, {"a.md": "1", "b.md": "2b", "new/c.md": "3", "e.md": "5"})
    written = write_report(manager, state)
    changes = written.report.changes
    assert changes is not None
    assert (changes.since, changes.count) == (first.execution_id, 4)
    assert (changes.added, changes.changed, changes.removed) == (["e.md"], ["b.md"], ["d.md"])
    assert [(move.before, move.after) for move in changes.moved] == [("old/c.md", "new/c.md")]
    words = Page(written.html.read_text()).words
    assert "Since the last run: 1 added, 1 changed, 1 removed, 1 moved" in words
    assert "old/c.md → new/c.md" in words
    assert f'href="../{first.execution_id}/report.html"' in written.html.read_text()
    assert "8 points, as before" in words


def test_a_run_with_nothing_to_do_says_so_and_leads_to_the_report_with_the_plots(
    manager: StateManager,
) -> None:
    first = record_chain(manager, DOCUMENTS)
    write_report(manager, first)
    written = write_report(manager, record_nothing_changed(manager, first))
    page = Page(written.html.read_text())
    assert (
        written.report.headline == "Nothing had changed: the collection still holds 4 documents as 8 points."
    )
    assert "No document changed since the run of 2026-03-01 12:00 UTC." in page.words
    assert f"../{first.execution_id}/report.html" in page.links
    assert page.tags.count("svg") == 2, "no plots, but the run, drawn wide and tall"
    assert written.report.content is None
    assert written.report.comparison == []
    assert {stage.status for stage in written.report.stages} == {"skipped"}

    asked = write_report(manager, record_nothing_changed(manager, first), content=True)
    assert asked.report.content is not None
    assert asked.report.content.languages is not None


def test_a_run_with_nothing_to_do_takes_the_words_on_documents_from_the_report_before(
    manager: StateManager,
) -> None:
    bad = {"status": "rejected", "category": "encrypted", "message": "locked", "remedy": "Unlock it."}
    doubtful = {"quality_verdict": "low_confidence", "confidence": 0.41, "warnings": ["a page is empty"]}
    outcomes = {"30-Aprovados/a.md": bad, "30-Aprovados/b.pdf": doubtful}
    first = record_chain(manager, DOCUMENTS, outcomes=outcomes)
    write_report(manager, first)
    assert carried_report(manager, first) is None  # it did the work itself

    state = record_nothing_changed(manager, first)
    former = carried_report(manager, state)
    assert former is not None
    known = write_report(manager, state, former=former).report
    assert known == write_report(manager, state).report
    assert known.problems[0].remedy == "Unlock it."
    assert [note.path for note in known.quality] == ["30-Aprovados/b.pdf"]
    assert known.notes
    assert known.ignored
    assert summarize(manager, state, counts=former.documents) == summarize(manager, state)

    # And the next one from this report, which says the same.
    third = record_nothing_changed(manager, state)
    assert carried_report(manager, third) == known


@pytest.mark.parametrize(
    "fault", ["gone", "damaged", "with a gap", "of other notebooks", "of another kind", "uncounted"]
)
def test_a_report_that_may_not_hold_any_more_is_not_taken(manager: StateManager, fault: str) -> None:
    first = record_chain(manager, DOCUMENTS)
    written = write_report(manager, first)
    state = record_nothing_changed(manager, first)
    assert carried_report(manager, state) is not None

    report = written.report
    texts = {
        "damaged": "{",
        "with a gap": report.model_copy(update={"gaps": ["notes: ?"]}).model_dump_json(),
        "of other notebooks": report.model_copy(update={"notebooks": {}}).model_dump_json(),
        "of another kind": "[]",
        "uncounted": report.model_copy(update={"documents": {"ok": 4}}).model_dump_json(),
    }
    written.json.unlink()
    if fault in texts:
        written.json.write_text(texts[fault])
    assert carried_report(manager, state) is None


def test_a_stage_that_failed_shows_its_cell_and_what_became_of_the_collection(manager: StateManager) -> None:
    state = record_chain(manager, DOCUMENTS, upto="text_chunking")
    cells = [
        {"cell_type": "markdown", "source": "# Title"},
        {
            "cell_type": "code",
            "source": ["stage.read(", "1)\n", "# \ud800 half a pair"],
            "outputs": [
                {"output_type": "stream", "text": "x"},
                {
                    "output_type": "error",
                    "traceback": ["\x1b[0;31mKeyError\x1b[0m\nin line 1", "KeyError: 'size'"],
                },
            ],
        },
    ]
    fail_stage(manager, state, "text_chunking", "Cell 2 failed.", cells)
    written = write_report(manager, state)
    cell = written.report.stages[-1].failed_cell
    assert cell is not None
    assert (cell.number, cell.error) == (2, "KeyError\nin line 1\nKeyError: 'size'")
    page = Page(written.html.read_text())
    assert "03_text_chunking.ipynb#papermill-error-cell" in page.links
    assert "broke off in text_chunking: the collection is as it was before" in page.words
    assert "To continue: `nic-etl resume`." in page.words
    assert written.report.points == {}
    assert "points" not in page.words.partition("Stages")[0]


def test_a_kernel_that_died_is_found_in_its_notebook_too(manager: StateManager) -> None:
    state = record_chain(manager, DOCUMENTS)
    dead = {
        "cell_type": "code",
        "source": "work()",
        "metadata": {"papermill": {"exception": True}},
        "outputs": [],
    }
    fail_stage(manager, state, "qdrant_storage", "The kernel died.", [dead])
    report = write_report(manager, state).report
    assert report.stages[-1].failed_cell is not None
    assert report.stages[-1].failed_cell.number == 1
    assert "the stage that writes the collection" in report.headline
    fail_stage(manager, state, "qdrant_storage", "It vanished.", [{"cell_type": "code"}])
    assert write_report(manager, state).report.stages[-1].failed_cell is None
    manager.absolute(state.stages["qdrant_storage"].notebook).write_text("torn")
    assert write_report(manager, state).report.stages[-1].failed_cell is None


def test_a_stage_tells_why_it_ran_and_why_it_was_tried_again(manager: StateManager) -> None:
    state = record_chain(manager, DOCUMENTS)
    with (manager.run_dir(state.execution_id) / "events.jsonl").open("a") as file:
        file.write(event_line("stage_started", "text_chunking", 9, reasons=["chunk_size 500 → 250"]))
        file.write(event_line("stage_retried", "text_chunking", 9, error="the service is away", wait=1))
        file.write("[]\n{torn")
    written = write_report(manager, state)
    stage = written.report.stages[2]
    assert (stage.reasons, stage.retries) == (["chunk_size 500 → 250"], ["the service is away"])
    words = Page(written.html.read_text()).words
    assert "chunk_size 500 → 250" in words
    assert "Tried again because: the service is away" in words


@pytest.mark.parametrize(
    ("mode", "settings", "said"),
    [
        (ExecutionMode.RERUN, {}, "it was asked for"),
        (ExecutionMode.FULL, {"force_refresh": True}, "force_refresh is set"),
        (ExecutionMode.FULL, {}, "the source or the collection changed, or had to be asked"),
    ],
)
def test_a_stage_whose_inputs_are_as_they_were_has_a_reason_too(
    manager: StateManager, mode: ExecutionMode, settings: dict[str, bool], said: str
) -> None:
    state = record_chain(manager, DOCUMENTS, mode=mode, settings=settings)
    with (manager.run_dir(state.execution_id) / "events.jsonl").open("a") as file:
        file.write(event_line("stage_started", "qdrant_storage", 50, reasons=[]))
    assert collect_report(manager, state, content=False).stages[-1].reasons == [said]


def test_the_time_of_a_stage_that_broke_off_is_told_by_the_events(manager: StateManager) -> None:
    state = record_chain(manager, DOCUMENTS, upto="text_chunking")
    fail_stage(manager, state, "text_chunking", "It broke.")
    with (manager.run_dir(state.execution_id) / "events.jsonl").open("a") as file:
        file.write(event_line("stage_finished", "text_chunking", 7.5, status="failed"))
    assert collect_report(manager, state, content=False).stages[-1].seconds == 4.5


def test_a_report_tells_what_it_can_when_pieces_are_missing_or_damaged(manager: StateManager) -> None:
    state = record_chain(manager, DOCUMENTS)
    folder = manager.run_dir(state.execution_id)
    (folder / "environment.json").write_text("{torn")
    (folder / "evaluation.json").write_text("[1]")
    (folder / "02_document_processing.ipynb").write_text("no notebook")
    (folder / "03_text_chunking.ipynb").unlink()
    (folder / "events.jsonl").write_bytes(
        b'\xff\xfe{"kind": "documents"}\n{"kind": "documents", "at": "x"}\n'
    )
    for artifact in list(manager.outputs.glob("artifacts/sha256/*/*"))[::2]:
        artifact.write_bytes(b"altered")
    damaged = manager.runs / "20200101T000000.000Z-aaaaaa"
    damaged.mkdir()
    for content in ("{", "[]", '{"execution_id": 1}', '{"status": "success", "stages": {}}'):
        (damaged / "run.json").write_text(content)
        written = write_report(manager, state)
        assert Page(written.html.read_text()).faults == []
    assert any(gap.startswith("environment: ") for gap in written.report.gaps)
    assert "What this report could not tell" in written.html.read_text()


def test_a_report_that_cannot_be_written_is_a_warning_and_no_more(manager: StateManager) -> None:
    state = record_chain(manager, DOCUMENTS)
    assert Report().finish(ended(manager, state)) == []
    page = manager.run_dir(state.execution_id) / "report.html"
    page.unlink()
    page.mkdir()
    [warning] = Report().finish(ended(manager, state))
    assert warning.startswith(f"The report of {state.execution_id} could not be written (")
    assert f"`nic-etl report {state.execution_id}`" in warning


def test_who_cancels_does_not_wait_for_plots(manager: StateManager) -> None:
    state = record_chain(manager, DOCUMENTS, upto="document_processing", status=ExecutionStatus.CANCELLED)
    assert Report().finish(ended(manager, state)) == []
    html = (manager.run_dir(state.execution_id) / "report.html").read_text()
    assert Page(html).tags.count("svg") == 2, "no plots, but the run, drawn wide and tall"
    assert "Cancelled" in html


def test_plots_that_cannot_be_drawn_cost_only_themselves(
    manager: StateManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    written = write_report(manager, record_chain(manager, DOCUMENTS))
    words = Page(written.html.read_text()).words
    assert "This plot could not be drawn; its figures are in report.json." in words
    assert any(gap.startswith("plots: ") for gap in json.loads(written.json.read_text())["gaps"])


def test_equal_runs_are_drawn_in_equal_bytes(manager: StateManager) -> None:
    state = record_chain(manager, DOCUMENTS)
    first = write_report(manager, state).html.read_bytes()
    assert write_report(manager, state).html.read_bytes() == first
