"""Earlier runs, newest first, and what the chosen one came to."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets

from runner.dashboard.markup import STYLE, badge, file_link, note, plain, span, table, when
from runner.dashboard.progress_view import spoken
from runner.dashboard.stage_view import StageView
from runner.dashboard.workspace import Workspace
from runner.errors import StateManagementError
from runner.models import ExecutionRecord
from runner.report.history import HTML_NAME

__all__ = ["RunsView", "run_history_widget"]

_MOST = 100


class RunsView:
    """The list of runs, and one of them in detail.

    Attributes:
        runs: the list.
        details: of the chosen run.
        stages: its stages.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self.runs = widgets.Select(options=[], rows=8, layout=widgets.Layout(width="calc(100% - 8px)"))
        self.details = widgets.HTML()
        self.stages = StageView(workspace)
        self.widget = widgets.VBox([self.runs, self.details, self.stages.widget])
        self.runs.observe(self._choose, "value")
        self.refresh()

    def refresh(self) -> None:
        """Read the history anew; the chosen run stays chosen."""
        records = self._workspace.manager.get_execution_history()[:_MOST]
        chosen, newest = self.runs.value, self.runs.options[0][1] if self.runs.options else None
        self.runs.options = [(_line(record), record.execution_id) for record in records]
        ids = [record.execution_id for record in records]
        keeps = chosen in ids and chosen != newest
        self.runs.value = chosen if keeps else (ids[0] if ids else None)
        self._choose(None)

    def _choose(self, _: Any) -> None:
        self.stages.widget.layout.display = "none"
        if self.runs.value is None:
            self.details.value = note(span("There is no run yet.", "soft"))
            return
        manager = self._workspace.manager
        try:
            state = manager.load_checkpoint(self.runs.value)
        except StateManagementError as error:
            self.details.value = note(span(error, "bad"))
            return
        report = self._workspace.report(state)
        figures = [(plain(name), plain(count)) for name, count in report.documents.items() if count]
        changed = [(plain(one.name), plain(one.value), plain(one.default)) for one in report.settings]
        page = manager.run_dir(state.execution_id) / HTML_NAME
        lines = [
            f"<h3>{badge(manager.effective_status(state))} {plain(state.execution_id)}</h3>",
            f"<p>{plain(report.headline)}</p>",
            f"<p>{span(f'{state.mode}, started {when(state.start_timestamp)}', 'soft')}</p>",
            f"<p>{file_link(manager, page, 'Report with plots')}</p>",
            f"<p>{span(state.error, 'bad')}</p>" if state.error else "",
            table(["documents", "count"], figures) if figures else "",
            table(["setting", "value", "default"], changed) if changed else "",
        ]
        self.details.value = note("".join(lines))
        self.stages.widget.layout.display = None
        self.stages.show(state)


def run_history_widget(workspace: Workspace | None = None) -> widgets.VBox:
    """Return the list of runs and the details of the chosen one.

    Args:
        workspace: which outputs folder; None: that of the default configuration.
    """
    view = RunsView(workspace or Workspace.open()).widget
    view.children = (widgets.HTML(STYLE), *view.children)
    return view


def _line(record: ExecutionRecord) -> str:
    took = f" · {spoken(record.seconds)}" if record.seconds is not None else ""
    return f"{when(record.started)} · {record.status} · {record.mode}{took} · {record.execution_id}"
