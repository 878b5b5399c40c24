"""Writes a run's report, ``report.json`` and ``report.html``, and a page beside each executed notebook."""

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
from runner.report.notebook_page import notebook_page, page_of
from runner.report.plots import draw_plots
from stagekit.base.files import atomic_write


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
    """Write both files of a run's report, and the pages it leads to, readable by their owner only.

    What is given beside the run is what :func:`runner.report.facts.collect_report` takes; plots are drawn of
    documents that were looked into.
    """
    folder = manager.run_dir(state.execution_id)
    unwritten = _write_pages(manager, state)
    report = collect_report(manager, state, content=content, rows=rows, former=former)
    report.gaps += unwritten
    try:
        plots = draw_plots(report.content, report.trend)
    except Exception as error:
        plots = {}
        report.gaps.append(f"plots: {type(error).__name__}: {error}")
    data, page = folder / JSON_NAME, folder / HTML_NAME
    atomic_write(data, report.model_dump_json(indent=1).encode())
    atomic_write(page, render_html(report, plots).encode())
    return WrittenReport(report, page, data)


def _write_pages(manager: StateManager, state: PipelineState) -> list[str]:
    """Write the pages of executed notebooks that are not there yet, and return what could not be written."""
    gaps = []
    for checkpoint in state.stages.values():
        notebook = manager.absolute(checkpoint.notebook)
        page = page_of(notebook)
        try:
            if checkpoint.notebook and _older(page, notebook):
                atomic_write(page, notebook_page(notebook.read_bytes(), notebook.stem).encode(), sync=False)
        except (OSError, ValueError) as error:
            gaps.append(f"page of {notebook.name}: {error}")
    return gaps


def _older(page: Path, notebook: Path) -> bool:
    if not notebook.is_file():
        return False
    return not page.is_file() or page.stat().st_mtime_ns < notebook.stat().st_mtime_ns
