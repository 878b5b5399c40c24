"""Gathers what the report tells of a run; a part that cannot be told costs only itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

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
    from runner.models import PipelineState
    from runner.record.state_manager import StateManager

T = TypeVar("T")
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
    report = _Collector(manager, state, rows or RunRows(manager, state)).collect(content, former)
    # Redacted as text, so that whatever part a secret has come into, neither file shows it.
    redact = Redactor(secret_values(pdf_passwords=False))
    return RunReport.model_validate_json(redact(report.model_dump_json()))


class _Collector:
    def __init__(self, manager: StateManager, state: PipelineState, rows: RunRows) -> None:
        self._manager = manager
        self._state = state
        self._rows = rows
        self._gaps: list[str] = []

    def collect(self, content: bool | None, former: RunReport | None) -> RunReport:
        manager, state, rows = self._manager, self._state, self._rows
        counts = former.documents if former else None
        events: list[Row] = self._told("events", lambda: read_events(self._folder / "events.jsonl"), [])
        summary: Row = self._told("summary", lambda: summarize(manager, state, rows, counts=counts), {})
        report = RunReport(
            execution_id=state.execution_id,
            mode=state.mode,
            status=manager.effective_status(state),
            headline="",
            started=state.start_timestamp,
            ended=state.end_timestamp,
            seconds=summary.get("duration_seconds"),
            error=state.error,
            documents=summary.get("documents", {}),
            points=summary.get("points", {}) if _STORE in state.stage_results else {},
            config_hash=state.config_hash,
            notebooks={name: done.notebook_sha256 for name, done in state.stages.items()},
        )
        if former is None:
            self._add_documents(report)
        else:
            for name in ("problems", "ignored", "quality", "notes"):
                setattr(report, name, getattr(former, name))
        report.stages = self._told("stages", lambda: stage_reports(manager, state, events), [])
        report.planned = _planned(events)
        sources = [stage.carried_from for stage in report.stages]
        worked = not sources or not all(sources)
        report.figures_of = "" if worked else max(sources)
        if content or (content is None and worked):
            report.content = self._told("content", lambda: content_of(state, rows, events), None)
        self._add_history(report)
        self._add_circumstances(report)
        _add_links(report)
        report.headline = headline(report)
        report.gaps = self._gaps
        return report

    def _add_documents(self, report: RunReport) -> None:
        manager, state, rows = self._manager, self._state, self._rows
        report.problems = self._told(
            "documents", lambda: problem_groups(document_outcomes(manager, state, rows, only_bad=True)), []
        )
        report.ignored = self._told(
            "ignored files", lambda: ignored_groups(ignored_files(manager, state, rows)), []
        )
        report.quality = self._told("quality", lambda: quality_notes(rows), [])
        report.notes = self._told("notes", lambda: noted_groups(rows), [])

    @property
    def _folder(self) -> Any:
        return self._manager.run_dir(self._state.execution_id)

    def _told(self, what: str, tell: Callable[[], T], otherwise: T) -> T:
        # A report is most wanted where something is broken: it tells what it can.
        try:
            return tell()
        except Exception as error:
            self._gaps.append(f"{what}: {type(error).__name__}: {error}")
            return otherwise

    def _add_history(self, report: RunReport) -> None:
        manager, state = self._manager, self._state
        report.trend = self._told("trend", lambda: trend(manager, state), [])
        report.trend_title = trend_title(report.trend)
        before = self._told("comparison", lambda: comparable_run(manager, state), None)
        if before is None:
            return
        report.compared_with = before.execution_id
        report.comparison = self._told("comparison", lambda: differing_figures(before, state), [])
        former = RunRows(manager, before)
        report.changes = self._told(
            "changes", lambda: document_changes(state, self._rows, before, former), None
        )
        stored = before.stage_results.get(_STORE)
        if stored is not None:
            report.points_before = point_counts(stored).get("total")

    def _add_circumstances(self, report: RunReport) -> None:
        recorded: Any = self._told("environment", lambda: self._json("environment.json"), [])
        last = recorded[-1] if isinstance(recorded, list) and recorded else {}
        found = last if isinstance(last, dict) else {}
        report.environment = {
            name: {key: str(value) for key, value in group.items()}
            for name in ("code", "system", "libraries")
            if isinstance(group := found.get(name), dict)
        }
        evaluation: Any = self._told("evaluation", lambda: self._json("evaluation.json"), {})
        report.evaluation = evaluation if isinstance(evaluation, dict) else {}
        report.source = self._told("source", lambda: source_of(self._manager, self._state), {})
        report.settings = self._told("settings", self._settings, [])

    def _json(self, name: str) -> Any:
        path = self._folder / name
        if not path.exists():
            return None
        value = parse_json(path.read_text(encoding="utf-8"))
        # Without halves of surrogate pairs, which cannot be written again.
        return json.loads(json.dumps(value, ensure_ascii=False).encode(errors="replace"))

    def _settings(self) -> list[Setting]:
        found = recorded_settings(self._state.pipeline_config)
        return [
            Setting(name=name, value=found[name], default=default_value(name))
            for name in PipelineConfig.model_fields
            if name in found and found[name] != default_value(name)
        ]


def _add_links(report: RunReport) -> None:
    url, commit = (report.source.get(name, "") for name in ("repository_url", "commit"))
    for document in (*(one for group in report.problems for one in group.documents), *report.quality):
        document.link = file_at(url, commit, document.path)


def _planned(events: list[Row]) -> list[str]:
    """Return the stages that a run named when it began, or when it was resumed last."""
    starts = [event.get("stages") for event in events if event.get("kind") == "run_started"]
    return [str(name) for name in starts[-1]] if starts and isinstance(starts[-1], list) else []
