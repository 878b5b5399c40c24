"""Gathers what the report tells of a run; a part that cannot be told costs only itself."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from runner.config_manager import default_value, recorded_settings
from runner.events import read_events
from runner.record.environment import source_of
from runner.record.report_generator import RunRows, document_outcomes, ignored_files, point_counts, summarize
from runner.report.content import content_of
from runner.report.documents import (
    document_changes,
    ignored_groups,
    noted_groups,
    problem_groups,
    quality_notes,
)
from runner.report.history import comparable_run, differing_figures, trend, trend_title
from runner.report.model import RunReport, Setting
from runner.report.stages import stage_reports
from runner.report.words import headline
from runner.settings.pipeline_config import PipelineConfig
from stagekit.base.network.web_links import file_at
from stagekit.base.plain_json import parse_json
from stagekit.base.redaction import Redactor, secret_values

if TYPE_CHECKING:
    from pathlib import Path

    from runner.models import PipelineState
    from runner.record.state_manager import StateManager

_STORE = "qdrant_storage"
Row = dict[str, Any]


def collect_report(
    manager: StateManager,
    state: PipelineState,
    *,
    content: bool | None = None,
    rows: RunRows | None = None,
    former: RunReport | None = None,
) -> RunReport:
    """Return the report of a run, without secrets.

    Args:
        manager: of the outputs folder.
        state: of the run.
        content: look into the documents; None: if the run has executed something.
        rows: the run's manifests, if somebody has read them before.
        former: a report whose words on documents hold for this run, of
            :func:`runner.report.history.carried_report`; None: the manifests tell.
    """
    rows = rows or RunRows(manager, state)
    report = RunReport(
        execution_id=state.execution_id,
        mode=state.mode,
        status=manager.effective_status(state),
        headline="",
        started=state.start_timestamp,
        ended=state.end_timestamp,
        error=state.error,
        config_hash=state.config_hash,
        notebooks={name: done.notebook_sha256 for name, done in state.stages.items()},
    )
    events: list[Row] = []
    with _part(report, "events"):
        events = read_events(manager.run_dir(state.execution_id) / "events.jsonl")
    with _part(report, "summary"):
        summary = summarize(manager, state, rows, counts=former.documents if former else None)
        report.seconds, report.documents = summary["duration_seconds"], summary["documents"]
        report.points = summary["points"] if _STORE in state.stage_results else {}
    if former is None:
        _add_documents(report, manager, state, rows)
    else:
        for name in ("problems", "ignored", "quality", "notes"):
            setattr(report, name, getattr(former, name))
    with _part(report, "stages"):
        report.stages = stage_reports(manager, state, events)
    report.planned = _planned(events)
    sources = [stage.carried_from for stage in report.stages]
    worked = not sources or not all(sources)
    report.figures_of = "" if worked else max(sources)
    if content or (content is None and worked):
        with _part(report, "content"):
            report.content = content_of(state, rows, events)
    _add_history(report, manager, state, rows)
    _add_circumstances(report, manager, state)
    _add_links(report)
    report.headline = headline(report)
    # Redacted as text, so that whatever part a secret has come into, neither file shows it.
    redact = Redactor(secret_values(pdf_passwords=False))
    return RunReport.model_validate_json(redact(report.model_dump_json()))


@contextlib.contextmanager
def _part(report: RunReport, what: str) -> Iterator[None]:
    # A report is most wanted where something is broken: it tells what it can.
    try:
        yield
    except Exception as error:
        report.gaps.append(f"{what}: {type(error).__name__}: {error}")


def _add_documents(report: RunReport, manager: StateManager, state: PipelineState, rows: RunRows) -> None:
    with _part(report, "documents"):
        report.problems = problem_groups(document_outcomes(manager, state, rows, only_bad=True))
    with _part(report, "ignored files"):
        report.ignored = ignored_groups(ignored_files(manager, state, rows))
    with _part(report, "quality"):
        report.quality = quality_notes(rows)
    with _part(report, "notes"):
        report.notes = noted_groups(rows)


def _add_history(report: RunReport, manager: StateManager, state: PipelineState, rows: RunRows) -> None:
    with _part(report, "trend"):
        report.trend = trend(manager, state)
    report.trend_title = trend_title(report.trend)
    before: PipelineState | None = None
    with _part(report, "comparison"):
        before = comparable_run(manager, state)
    if before is None:
        return
    report.compared_with = before.execution_id
    with _part(report, "comparison"):
        report.comparison = differing_figures(before, state)
    with _part(report, "changes"):
        report.changes = document_changes(state, rows, before, RunRows(manager, before))
    if _STORE in before.stage_results:
        report.points_before = point_counts(before.stage_results[_STORE]).get("total")


def _add_circumstances(report: RunReport, manager: StateManager, state: PipelineState) -> None:
    folder = manager.run_dir(state.execution_id)
    with _part(report, "environment"):
        recorded = _json(folder / "environment.json")
        last = recorded[-1] if isinstance(recorded, list) and recorded else {}
        found = last if isinstance(last, dict) else {}
        report.environment = {
            name: {key: str(value) for key, value in group.items()}
            for name in ("code", "system", "libraries")
            if isinstance(group := found.get(name), dict)
        }
    with _part(report, "evaluation"):
        evaluation = _json(folder / "evaluation.json")
        report.evaluation = evaluation if isinstance(evaluation, dict) else {}
    with _part(report, "source"):
        report.source = source_of(manager, state)
    with _part(report, "settings"):
        settings = recorded_settings(state.pipeline_config)
        report.settings = [
            Setting(name=name, value=settings[name], default=default_value(name))
            for name in PipelineConfig.model_fields
            if name in settings and settings[name] != default_value(name)
        ]


def _json(path: Path) -> Any:
    if not path.exists():
        return None
    value = parse_json(path.read_text(encoding="utf-8"))
    # Without halves of surrogate pairs, which cannot be written again.
    return json.loads(json.dumps(value, ensure_ascii=False).encode(errors="replace"))


def _add_links(report: RunReport) -> None:
    url, commit = (report.source.get(name, "") for name in ("repository_url", "commit"))
    for document in (*(one for group in report.problems for one in group.documents), *report.quality):
        document.link = file_at(url, commit, document.path)


def _planned(events: list[Row]) -> list[str]:
    """Return the stages that a run named when it began, or when it was resumed last."""
    starts = [event.get("stages") for event in events if event.get("kind") == "run_started"]
    return [str(name) for name in starts[-1]] if starts and isinstance(starts[-1], list) else []
