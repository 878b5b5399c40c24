"""The figures of a run and of a stage as notebooks display them."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

from runner.config_manager import load_config
from runner.record.state_manager import StateManager
from runner.report.facts import collect_report
from runner.report.model import RunReport
from runner.report.words import duration, value_text
from stagekit.contract import StageResult


def generate_execution_summary(execution_id: str = "", *, outputs_dir: str | Path = "") -> RunReport:
    """Display what a run came to, and return its report.

    Args:
        execution_id: id of the run, or the beginning of one; empty: the last run.
        outputs_dir: the outputs folder; empty: the configured one.

    Raises:
        StateManagementError: if there is no such run.
    """
    outputs = Path(outputs_dir).absolute() if outputs_dir else load_config().config.outputs
    manager = StateManager(outputs)
    report = collect_report(manager, manager.load_checkpoint(execution_id))
    figures = {f"documents {name}": count for name, count in report.documents.items()}
    figures |= {f"points {name}": count for name, count in report.points.items()}
    times = {stage.name: duration(stage.seconds) for stage in report.stages if stage.executed}
    title = f"{report.status}, in {duration(report.seconds)}: {report.headline}"
    _show(title, figures | times | {"error": report.error} if report.error else figures | times)
    return report


def display_stage_metrics(stage_result: StageResult) -> dict[str, Any]:
    """Display the figures of a stage's result, its warnings and errors, and return what is displayed."""
    result = stage_result
    figures: dict[str, Any] = {
        **{"documents read" if name == "read" else name: count for name, count in result.counts.items()},
        "seconds": round(result.seconds, 1),
        **{name.replace("_", " "): value for name, value in result.metrics.items()},
    }
    lists = {"warnings": result.warnings, "errors": result.errors}
    figures |= {name: listed for name, listed in lists.items() if listed}
    _show(f"{result.stage_name}: {result.status}", figures)
    return figures


def _show(title: str, figures: dict[str, Any]) -> None:
    from IPython.display import display

    rows = "".join(
        f"<tr><th style='text-align:left'>{html.escape(name)}</th>"
        f"<td style='text-align:left'>{html.escape(value_text(value))}</td></tr>"
        for name, value in figures.items()
    )
    caption = f"<caption style='text-align:left;caption-side:top'>{html.escape(title)}</caption>"
    lines = [title, *(f"{name}: {value_text(value)}" for name, value in figures.items())]
    display({"text/html": f"<table>{caption}{rows}</table>", "text/plain": "\n".join(lines)}, raw=True)
