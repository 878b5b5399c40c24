"""Promises of the picture of a run: what flowed, what left, what was not reached, as text."""

from __future__ import annotations

from pathlib import Path

from runner.record.state_manager import StateManager
from runner.report.facts import collect_report
from runner.report.flow import flow_figure, flow_steps
from runner.report.model import StageReport
from tests.unit.report_runs import Page, event_line, fail_stage, record_chain

CHAIN = [
    StageReport(
        name="gitlab_ingestion", status="success", counts={"read": 22, "ok": 22},
        metrics={"files": 28, "ignored": 6},
    ),
    StageReport(
        name="document_processing", status="success",
        counts={"read": 22, "ok": 19, "rejected": 1, "failed": 1, "stale": 1, "unchanged": 3},
    ),
    StageReport(
        name="text_chunking", status="success", counts={"read": 20, "ok": 20}, metrics={"chunks": 73},
    ),
    StageReport(
        name="qdrant_storage", status="success", counts={"read": 20, "ok": 20, "unchanged": 20},
        metrics={"points": {"total": 73, "upserted": 2, "unchanged": 70, "deleted": 1}},
    ),
]  # fmt: skip


def test_each_stage_says_what_came_in_what_went_on_and_what_left() -> None:
    first, second, third, last = flow_steps(CHAIN)
    assert (first.enters, first.makes, first.leaves) == ((28, "files"), (22, "documents"), ("6 ignored",))
    assert second.makes == (20, "documents")
    assert second.leaves == ("1 rejected", "1 failed")
    assert second.stays == ("1 document in an earlier version", "3 documents unchanged")
    assert third.makes == (73, "chunks")
    assert (last.makes, last.leaves, last.stays) == (
        (73, "points"),
        ("1 point deleted",),
        ("70 points unchanged",),
    )


def test_a_stage_that_was_carried_over_or_never_reached_is_shown_as_that() -> None:
    carried = CHAIN[0].model_copy(update={"status": "skipped", "carried_from": "r1"})
    broken = StageReport(name="document_processing", status="failed", error="It broke.")
    steps = flow_steps([carried, broken], ["gitlab_ingestion", "document_processing", "text_chunking"])
    assert [(step.state, step.kind) for step in steps] == [
        ("carried over", "soft"),
        ("failed", "bad"),
        ("not reached", "soft"),
    ]
    assert steps[1].makes is None


def test_the_picture_is_text_that_is_escaped() -> None:
    steps = flow_steps([CHAIN[0].model_copy(update={"name": "<script>_&"})])
    page = Page(flow_figure(steps))
    assert page.faults == []
    assert "script" not in page.tags
    assert "22" in page.words
    assert flow_figure([]) == ""


def test_the_report_of_a_broken_run_shows_the_stages_that_it_did_not_reach(outputs: Path) -> None:
    manager = StateManager(outputs)
    state = record_chain(manager, {"30-Aprovados/a.md": "a"}, upto="text_chunking")
    fail_stage(manager, state, "text_chunking", "It broke.")
    planned = ["gitlab_ingestion", "document_processing", "text_chunking", "qdrant_storage"]
    with (manager.run_dir(state.execution_id) / "events.jsonl").open("a") as file:
        file.write(event_line("run_started", stages=planned))
    report = collect_report(manager, state)
    assert report.planned == planned
    assert [step.state for step in flow_steps(report.stages, report.planned)][2:] == ["failed", "not reached"]
