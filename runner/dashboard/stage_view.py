"""One stage of a run: counts, timings, parameters, what it noted, and its executed notebook."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets

from runner.dashboard.markup import STYLE, badge, file_link, note, plain, span, table
from runner.dashboard.progress_view import spoken
from runner.dashboard.workspace import Workspace
from runner.models import Checkpoint, PipelineState
from runner.report.model import StageReport

__all__ = ["StageView", "stage_detail_viewer"]

_SOME = 12


class StageView:
    """The stages of a run, and the details of the chosen one.

    Attributes:
        stages: the choice.
        details: of the chosen stage.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._state: PipelineState | None = None
        self.overview = widgets.HTML()
        self.stages = widgets.Dropdown(
            description="Stage", options=[], layout=widgets.Layout(max_width="420px")
        )
        self.details = widgets.HTML()
        self.widget = widgets.VBox([self.overview, self.stages, self.details])
        self.stages.observe(self._choose, "value")

    def show(self, state: PipelineState) -> None:
        """Show the stages of a run."""
        self._state = state
        report = self._workspace.report(state)
        rows = [
            (plain(stage.name), badge("carried over" if stage.carried_from else stage.status),
             *(plain(stage.counts.get(kind, "")) for kind in ("ok", "rejected", "failed", "stale")),
             spoken(stage.seconds) if stage.executed else "")
            for stage in report.stages
        ]  # fmt: skip
        head = ["stage", "status", "ok", "rejected", "failed", "stale", "took"]
        self.overview.value = note(table(head, rows)) if rows else note("No stage has begun yet.")
        before = self.stages.value
        self.stages.options = [stage.name for stage in report.stages]
        faulty = [stage.name for stage in report.stages if stage.status in {"failed", "partial"}]
        kept = [before] if before in self.stages.options else []
        self.stages.value = next(iter([*kept, *faulty, *self.stages.options]), None)
        self._choose(None)

    def _choose(self, _: Any) -> None:
        state, name = self._state, self.stages.value
        if state is None or name is None:
            self.details.value = ""
            return
        stage = next(stage for stage in self._workspace.report(state).stages if stage.name == name)
        self.details.value = note(self._described(stage, state.stages[name]))

    def _described(self, stage: StageReport, checkpoint: Checkpoint) -> str:
        manager = self._workspace.manager
        lines = [f"<h3>{plain(stage.name)} {badge(stage.status)}</h3>"]
        if stage.error:
            lines.append(f"<p>{span(stage.error, 'bad')}</p>")
        if stage.failed_cell is not None:
            cell = stage.failed_cell
            lines.append(f"<p><b>Cell {cell.number}</b></p><pre>{plain(cell.source)}</pre>")
            lines.append(f"<pre>{plain(cell.error)}</pre>" if cell.error else "")
        if stage.carried_from:
            lines.append(f"<p>Carried over from {plain(stage.carried_from)}: nothing changed.</p>")
        elif stage.reasons:
            lines.append(f"<p><b>Executed because:</b> {plain('; '.join(stage.reasons))}</p>")
        if checkpoint.notebook:
            words = "Executed notebook"
            lines.append(f"<p>{file_link(manager, manager.absolute(checkpoint.notebook), words)}</p>")
        lines.append(table(["figure", "value"], _figures(stage)))
        if stage.warnings:
            shown = "".join(f"<li>{plain(text)}</li>" for text in stage.warnings[:_SOME])
            more = len(stage.warnings) - _SOME
            lines.append(f"<b>Notes</b><ul>{shown}</ul>" + (f"… and {more} more" if more > 0 else ""))
        if checkpoint.result is not None and checkpoint.result.parameters:
            rows = [(plain(name), plain(value)) for name, value in checkpoint.result.parameters.items()]
            lines.append(table(["parameter", "value"], rows))
        return "".join(lines)


def stage_detail_viewer(workspace: Workspace | None = None, execution_id: str = "") -> widgets.VBox:
    """Return the stages of a run: counts, timings, parameters, notes, and where the executed notebook is.

    Args:
        workspace: which outputs folder; None: that of the default configuration.
        execution_id: of the run; empty: the last one.

    Raises:
        StateManagementError: if there is no such run.
    """
    chosen = workspace or Workspace.open()
    view = StageView(chosen)
    view.show(chosen.manager.load_checkpoint(execution_id))
    view.widget.children = (widgets.HTML(STYLE), *view.widget.children)
    return view.widget


def _figures(stage: StageReport) -> list[tuple[str, str]]:
    figures: dict[str, Any] = {f"documents: {name}": count for name, count in stage.counts.items()}
    if stage.executed:
        figures["time"] = spoken(stage.seconds)
        figures["peak memory"] = f"{stage.peak_memory_mb:,.0f} MB" if stage.peak_memory_mb else None
        figures["attempts"] = stage.attempts if stage.attempts > 1 else None
        rate = stage.documents_per_second
        figures["documents a second"] = f"{rate:.2f}" if rate else None
    figures |= {name: value for name, value in stage.metrics.items() if isinstance(value, int | float | str)}
    return [(plain(name), plain(value)) for name, value in figures.items() if value is not None]
