"""Promises of the report's figures: titles that say what is there, and fair comparisons."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from runner.models import ExecutionMode, ExecutionStatus, PipelineState
from runner.record.state_manager import StateManager
from runner.report.content import (
    confidence_chart,
    length_chart,
    progress_timeline,
    share_chart,
    slowest_chart,
)
from runner.report.facts import collect_report
from runner.report.history import trend_title
from runner.report.html import render_html
from runner.report.model import Content
from runner.report.plots import draw_plots
from runner.report.words import duration, value_text
from tests.unit.core_notebooks import record_run, record_stage
from tests.unit.report_runs import Page, record_chain

DOCUMENTS = {f"30-Aprovados/{name}": name for name in ("a.md", "b.pdf", "c.pdf", "d.docx")}


@pytest.fixture
def manager(outputs: Path) -> StateManager:
    return StateManager(outputs)


def timed(*seconds: float) -> list[dict[str, Any]]:
    return [{"path": f"{number}.pdf", "seconds": value} for number, value in enumerate(seconds)]


def test_a_few_slow_documents_are_named_only_if_they_took_most_of_the_time() -> None:
    few = slowest_chart(timed(80, 1, 1, 1, 1, 1))
    assert few is not None
    assert few.title == "1 document of 6 took 94% of the conversion time"
    assert (few.labels[0], few.values[0]) == ("0.pdf", 80)
    even = slowest_chart(timed(2, 2, 2, 2))
    assert even is not None
    assert even.title == "The slowest of 4 documents took 2.0 s"
    assert slowest_chart(timed(3)) is None
    assert slowest_chart(timed(0, 0)) is None


def test_confidence_is_told_of_documents_with_pages_against_the_threshold() -> None:
    rows = [
        {"pages": 2, "confidence": 0.99, "ocr_applied": False},
        {"pages": 1, "confidence": 0.5, "ocr_applied": True},
        {"pages": None, "confidence": 1.0, "ocr_applied": False},
    ]
    chart = confidence_chart(rows, 0.8)
    assert chart is not None
    assert chart.title == "1 of 2 documents with pages is below 0.8"
    assert (sum(chart.values), sum(chart.beside), chart.bound) == (1, 1, 0.8)
    good = confidence_chart(rows[:1], 0.8)
    assert good is not None
    assert good.title == "All 1 document with pages reach 0.99 or more"
    assert confidence_chart(rows[2:], 0.8) is None


def test_chunk_lengths_count_every_chunk() -> None:
    chart = length_chart([1, 300, 250, 200], 250.0)
    assert chart is not None
    assert sum(chart.values) == 4
    assert chart.title == "Half of the 4 chunks have 250 tokens or more"
    assert length_chart([], 250.0) is None


def test_shares_name_the_most_frequent_and_gather_the_rest() -> None:
    def title(count: int, total: int, name: str) -> str:
        return f"{count} of {total} documents are in {name}"

    chart = share_chart(["pt-BR"] * 5 + [None] + [f"l{number}" for number in range(20)], title)
    assert chart is not None
    assert chart.title == "5 of 26 documents are in pt-BR"
    assert (len(chart.labels), chart.labels[-1], sum(chart.values)) == (10, "13 others", 26)
    assert "unknown" in share_chart([None], title).labels  # type: ignore[union-attr]
    assert share_chart([], title) is None


def test_progress_is_that_of_the_last_start_and_thinned_to_what_can_be_seen() -> None:
    events = [
        {"kind": "documents", "stage": "early", "at": 1.0, "done": 1, "total": 1},
        {"kind": "run_started", "at": 10.0},
        *({"kind": "documents", "stage": "s", "at": 10.0 + n, "done": n, "total": 999} for n in range(999)),
    ]
    timeline = progress_timeline(events)
    assert timeline is not None
    assert list(timeline.series) == ["s"]
    assert len(timeline.series["s"]) <= 202
    assert timeline.series["s"][-1] == (998.0, 998.0)
    assert timeline.title == "s spent the most time on documents: 998 s"
    assert progress_timeline(events[:1]) is None
    assert progress_timeline(events[1:2]) is None


def test_the_content_is_what_the_manifests_hold(manager: StateManager) -> None:
    content = collect_report(manager, record_chain(manager, DOCUMENTS)).content
    assert content is not None
    assert content.chunk_lengths is not None
    assert sum(content.chunk_lengths.values) == 8
    assert content.pages is not None
    assert content.pages.series["pages"][-1] == (20.0, 6.0)
    assert content.completeness is not None
    assert content.completeness.title == "50% of the optional metadata is filled, on average"
    assert (content.completeness.labels, content.completeness.values) == (["author"], [100.0])
    assert content.formats is not None
    assert content.formats.title == "2 of 4 documents are pdf"


def test_a_plot_for_a_line_of_each_stage_and_a_bound(manager: StateManager) -> None:
    report = collect_report(manager, record_chain(manager, DOCUMENTS))
    plots = draw_plots(report.content, report.trend)
    assert set(plots) == {"progress", "pages", "confidence", "chunk_lengths"}
    assert "document_processing" in plots["progress"]
    assert "seconds since the start" in plots["progress"]
    assert 'role="img"' in plots["confidence"]
    assert draw_plots(None, report.trend) == {}


def test_doubtful_documents_and_notes_are_told(manager: StateManager) -> None:
    odd = {
        "30-Aprovados/b.pdf": {
            "quality_verdict": "low_confidence",
            "confidence": 0.41,
            "warnings": ["no title"],
        },
        "30-Aprovados/c.pdf": {
            "quality_verdict": "low_coverage",
            "worst_page_coverage": 0.5,
            "confidence": 0.3,
        },
        "30-Aprovados/a.md": {
            "quality_verdict": "low_coverage",
            "worst_page_coverage": 0.99,
            "conservation": {"missing": [f'table cell "{number}"' for number in range(5)]},
            "confidence": 1.0,
        },
        "30-Aprovados/d.docx": {"quality_verdict": "else", "confidence": None},
    }
    report = collect_report(manager, record_chain(manager, DOCUMENTS, outcomes=odd))
    assert [(note.path, note.message) for note in report.quality] == [
        ("30-Aprovados/d.docx", "else (else)"),
        (
            "30-Aprovados/c.pdf",
            "a part of the text is missing (confidence 0.30, 50% of the words of its worst page)",
        ),
        ("30-Aprovados/b.pdf", "the text may be read wrongly (confidence 0.41)"),
        (
            "30-Aprovados/a.md",
            (
                "a part of the text is missing (confidence 1.00, 99% of its words, "
                'table cell "0", table cell "1", table cell "2", and 2 more)'
            ),
        ),
    ]
    assert [(group.text, len(group.paths)) for group in report.notes] == [("no approver", 4), ("no title", 1)]
    assert "4 documents served, but of doubtful quality" in Page(render_html(report, {})).words


def test_runs_are_compared_with_the_last_whole_one_of_their_kind(manager: StateManager) -> None:
    trial = record_chain(manager, DOCUMENTS, mode=ExecutionMode.TEST)
    assert collect_report(manager, trial).compared_with == ""
    first = record_chain(manager, DOCUMENTS)
    assert collect_report(manager, first).compared_with == ""
    record_run(manager, ExecutionStatus.SUCCESS)  # without stages: nothing to compare
    other = record_chain(manager, {"a.md": "1"}, settings={"chunk_size": 300})
    other.stages["text_chunking"].seconds = 10.0
    manager.save_checkpoint(other)
    report = collect_report(manager, other)
    assert report.compared_with == first.execution_id
    found = {row.figure: (row.before, row.after) for row in report.comparison}
    assert found["text_chunking: documents ok"] == (4, 1)
    assert found["text_chunking: seconds"] == (1.5, 10.0)
    assert not any("sha256" in figure for figure in found)
    assert "gitlab_ingestion: seconds" not in found
    assert report.points_before == 8
    again = record_chain(manager, DOCUMENTS, mode=ExecutionMode.TEST)
    assert collect_report(manager, again).compared_with == trial.execution_id


def test_a_damaged_record_is_passed_over_for_the_one_before_it(manager: StateManager) -> None:
    first = record_chain(manager, DOCUMENTS)
    second = record_chain(manager, DOCUMENTS)
    record = manager.run_dir(second.execution_id) / "run.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"unknown": 1}))
    assert collect_report(manager, record_chain(manager, DOCUMENTS)).compared_with == first.execution_id


def test_the_trend_has_the_last_twenty_runs_oldest_first(manager: StateManager) -> None:
    for _ in range(21):
        record_run(manager)
    state = record_chain(manager, DOCUMENTS, outcomes={"30-Aprovados/b.pdf": {"status": "rejected"}})
    runs = collect_report(manager, state).trend
    assert len(runs) == 20
    assert [run.execution_id for run in runs] == manager.execution_ids()[-20:]
    last = runs[-1]
    assert (last.documents, last.points, last.failures, last.seconds) == (3, 6, 1, 60.0)
    assert (runs[0].documents, runs[0].report) == (None, "")


def test_a_run_is_called_slow_only_against_enough_others(manager: StateManager) -> None:
    states: list[PipelineState] = [record_chain(manager, {"a.md": "1"}, seconds=10) for _ in range(5)]
    assert collect_report(manager, states[0]).trend_title == "The first run"
    assert collect_report(manager, states[2]).trend_title == "The last 3 runs"
    slow = record_chain(manager, {"a.md": "1"}, seconds=30)
    report = collect_report(manager, slow)
    assert report.trend_title == "This run took 3.0 times as long as usual"
    usual = record_chain(manager, {"a.md": "1"}, seconds=11)
    assert collect_report(manager, usual).trend_title == "This run took about as long as usual"
    assert trend_title([]) == "The first run"
    plots = draw_plots(report.content, report.trend)
    assert {"trend_time", "trend_size"} <= set(plots)


@pytest.mark.parametrize(
    ("status", "mode", "upto", "said"),
    [
        (
            "success",
            "full",
            "qdrant_storage",
            "is in step with the source: it holds 4 documents as 8 points.",
        ),
        ("success", "test", "qdrant_storage", "A trial in a collection of its own: "),
        ("success", "rerun", "gitlab_ingestion", "gitlab_ingestion was executed anew."),
        ("success", "rerun", "text_chunking", "text_chunking were executed anew."),
        ("success", "full", "text_chunking", "3 stages came to an end."),
        ("cancelled", "full", "text_chunking", "The run was cancelled before its first stage"),
        ("failed", "full", "qdrant_storage", "after the collection had been written."),
        ("running", "full", "text_chunking", "The run was interrupted"),
    ],
)
def test_the_headline_says_what_it_means(
    manager: StateManager, status: str, mode: str, upto: str, said: str
) -> None:
    state = record_chain(
        manager, DOCUMENTS, status=ExecutionStatus(status), mode=ExecutionMode(mode), upto=upto
    )
    assert said in collect_report(manager, state).headline


def test_a_run_that_goes_on_is_reported_so_far(manager: StateManager) -> None:
    state = record_chain(manager, DOCUMENTS, status=ExecutionStatus.RUNNING, upto="text_chunking")
    state.end_timestamp = None
    manager.save_checkpoint(state)
    with manager.lock(state.execution_id):
        report = collect_report(manager, state)
    assert "still going on" in report.headline
    assert "took —" in Page(render_html(report, {})).words


def test_the_headline_counts_what_is_not_served(manager: StateManager) -> None:
    outcomes = {
        "30-Aprovados/a.md": {"status": "failed"},
        "30-Aprovados/b.pdf": {"status": "stale"},
        "30-Aprovados/c.pdf": {"status": "rejected"},
    }
    headline = collect_report(manager, record_chain(manager, DOCUMENTS, outcomes=outcomes)).headline
    assert headline.endswith(
        "it holds 2 documents as 4 points. 1 document could not be processed and will be tried again. "
        "1 document is served in an earlier version. 1 document cannot be used as it is."
    )


def test_settings_that_differ_code_and_source_are_told(manager: StateManager) -> None:
    state = record_chain(manager, DOCUMENTS)
    entry = {
        "code": {"nic-etl": "1.2"},
        "system": {"python": "3.11"},
        "libraries": {"docling": "2"},
        "at": "x",
    }
    (manager.run_dir(state.execution_id) / "environment.json").write_text(json.dumps([{}, entry]))
    report = collect_report(manager, state)
    assert [(s.name, s.value, s.default) for s in report.settings] == [("chunk_size", 250, 500)]
    assert report.environment == {name: entry[name] for name in ("code", "system", "libraries")}
    words = Page(render_html(report, {})).words
    assert "chunk_size 250 500" in words
    assert "docling 2" in words


def test_an_evaluation_is_shown_with_what_was_missed(manager: StateManager) -> None:
    state = record_chain(manager, DOCUMENTS)
    missed = [
        {"id": str(n), "query": f"prazo {n}?", "paths": ["a.md"], "first_path": "b.pdf"} for n in range(13)
    ]
    figures = {"hit@1": 0.75, "hit@5": 0.875, "mrr@10": 0.8, "queries": 8}
    evaluation = {
        "questions": 8, "mode": "hybrid", "evaluated_at": "2026-03-02", "overall": figures,
        "by_language": {"pt": figures}, "modes": {"dense": {"overall": {"hit@1": 0.5}}},
        "latency_ms": {"p50": 12.5}, "missed": missed,
    }  # fmt: skip
    path = manager.run_dir(state.execution_id) / "evaluation.json"
    path.write_text(json.dumps(evaluation))
    words = Page(render_html(collect_report(manager, state), {})).words
    assert "all 0.75 0.875 0.8 8 language pt 0.75" in words
    assert "mode dense 0.5 — — —" in words
    assert (
        "13 questions whose document is not among the first five prazo 0? expected a.md; first was b.pdf"
        in words
    )
    path.write_text('{"overall": 3, "missed": "x", "by_language": [], "latency_ms": 2}')
    assert Page(render_html(collect_report(manager, state), {})).faults == []


def test_a_chain_of_other_stages_has_a_report_too(manager: StateManager) -> None:
    state = record_run(manager)
    record_stage(manager, state, "seventh", metrics={"characters": 12345})
    report = collect_report(manager, state)
    assert report.gaps == []
    assert report.headline == "1 stage came to an end."
    assert "characters 12 345" in Page(render_html(report, {})).words


def test_durations_and_values_are_written_as_people_do() -> None:
    assert [duration(value) for value in (None, 1.25, 123, 7260)] == ["—", "1.2 s", "2 min 3 s", "2 h 1 min"]
    values: list[Any] = [None, "", [], True, False, 1234567, 0.123456, {"a": 1}, ["x", 2], "y" * 300]
    said = [value_text(value).replace("\u202f", " ") for value in values]
    assert said[:9] == [
        "(empty)", "(empty)", "(empty)", "true", "false", "1 234 567", "0.1235", "a 1", "x, 2",
    ]  # fmt: skip
    assert len(said[9]) == 200


def test_the_end_of_a_run_is_after_its_start(manager: StateManager) -> None:
    state = record_chain(manager, DOCUMENTS, seconds=5)
    report = collect_report(manager, state)
    assert report.ended is not None
    assert report.ended - report.started == timedelta(seconds=5)


def test_a_confidence_of_both_kinds_is_drawn_with_a_legend_and_one_without_a_threshold_without_a_line() -> (
    None
):
    rows = [
        {"pages": 2, "confidence": 0.99, "ocr_applied": False},
        {"pages": 1, "confidence": 0.5, "ocr_applied": True},
    ]
    both = draw_plots(Content(confidence=confidence_chart(rows, 0.8)), [])["confidence"]
    assert "text layer" in both
    assert "OCR" in both
    assert ">0.8 <" in both
    plain = draw_plots(Content(confidence=confidence_chart(rows[:1], 0.0)), [])["confidence"]
    assert "OCR" not in plain
    assert "stroke-dasharray" not in plain


def test_completeness_without_an_average_counts_the_fields(manager: StateManager) -> None:
    state = record_chain(manager, DOCUMENTS)
    result = state.stages["metadata_enrichment"].result
    assert result is not None
    result.metrics.clear()
    content = collect_report(manager, state).content
    assert content is not None
    assert content.completeness is not None
    assert content.completeness.title == "1 metadata field is filled in at least one document"
