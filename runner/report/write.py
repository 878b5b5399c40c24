"""Writes a run's report beside its executed notebooks: ``report.json`` and ``report.html``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from runner.models import PipelineState
from runner.record.report_generator import RunRows
from runner.record.state_manager import StateManager
from runner.report.facts import collect_report
from runner.report.history import HTML_NAME, JSON_NAME
from runner.report.html import render_html
from runner.report.model import RunReport
from runner.report.plots import draw_plots
from stagekit.base.files import atomic_write

__all__ = ["JSON_NAME", "WrittenReport", "write_report"]


@dataclass(frozen=True)
class WrittenReport:
    """A report and its two files."""

    report: RunReport
    html: Path
    json: Path


def write_report(
    manager: StateManager,
    state: PipelineState,
    *,
    content: bool | None = None,
    rows: RunRows | None = None,
    former: RunReport | None = None,
) -> WrittenReport:
    """Write both files of a run's report, readable by their owner only.

    Args:
        manager: of the outputs folder.
        state: of the run.
        content: look into the documents and draw plots; None: if the run has executed something.
        rows: the run's manifests, if somebody has read them before.
        former: a report whose words on documents hold for this run, of :func:`carried_report`.
    """
    folder = manager.run_dir(state.execution_id)
    report = collect_report(manager, state, content=content, rows=rows, former=former)
    try:
        plots = draw_plots(report.content, report.trend)
    except Exception as error:
        plots = {}
        report.gaps.append(f"plots: {type(error).__name__}: {error}")
    data, page = folder / JSON_NAME, folder / HTML_NAME
    atomic_write(data, report.model_dump_json(indent=1).encode())
    atomic_write(page, render_html(report, plots).encode())
    return WrittenReport(report, page, data)
