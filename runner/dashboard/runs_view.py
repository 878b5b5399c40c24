"""The runs, newest first, and the report of the chosen one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from runner.dashboard.background import Action
from runner.dashboard.boxes import by_itself, growing, row
from runner.dashboard.frame import framed
from runner.dashboard.markup import remark
from runner.dashboard.workspace import Workspace
from runner.report.history import HTML_NAME
from runner.wording import _, moment, spoken, term

if TYPE_CHECKING:
    from runner.results import ExecutionRecord

_MOST = 100


class RunsView:
    """The choice of a run, and its report.

    Attributes:
        runs: the choice.
        page: the report of the chosen run.
        renew: the button that writes that report anew.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._going_on: set[str] = set()
        self.runs = widgets.Dropdown(options=[], layout=growing(300))
        self.page = widgets.HTML()
        tooltip = _("What nic-etl report does: with all plots, and what came later")
        self.renew = Action(_("Renew report"), self._renew, tooltip)
        choice = row(self.runs, self.renew.button)
        self.widget = widgets.VBox([choice, self.renew.output, self.page])
        self.runs.observe(self._choose, "value")
        self.refresh()

    def refresh(self) -> None:
        """Read the history anew; a run that was chosen stays chosen, and the newest one the newest."""
        records = self._workspace.manager.get_execution_history()[:_MOST]
        chosen, newest = self.runs.value, self.runs.options[0][1] if self.runs.options else None
        self._going_on = {record.execution_id for record in records if record.status == "running"}
        self.runs.options = [(_line(record), record.execution_id) for record in records]
        ids = [record.execution_id for record in records]
        keeps = chosen in ids and chosen != newest
        self.runs.value = chosen if keeps else next(iter(ids), None)
        self._choose(None)

    def written(self, run: str) -> int:
        """Return when a run's report was written, in nanoseconds since 1970; 0 if there is none."""
        try:
            return (self._workspace.manager.run_dir(run) / HTML_NAME).stat().st_mtime_ns
        except OSError:
            return 0

    def _choose(self, _changed: Any) -> None:
        self.renew.output.value = ""
        self.renew.button.disabled = self.runs.value in {None, *self._going_on}
        self.page.value = self._report()

    def _report(self) -> str:
        run, manager = self.runs.value, self._workspace.manager
        if run is None:
            return remark(_("There is no run yet."), "soft")
        if run in self._going_on:
            return remark(_("The run goes on: its report is written when it ends."), "soft")
        folder = manager.run_dir(run)
        try:
            page = (folder / HTML_NAME).read_text(encoding="utf-8")
        except (OSError, ValueError):
            said = _("This run has no report: it did not come to its end. Renew report writes it now.")
            return remark(said, "soft")
        place = folder.relative_to(manager.outputs).as_posix()
        return framed(page, place, _("Report of the run {run}", run=run))

    def _renew(self) -> str:
        run = self.runs.value
        self._workspace.ask("report", words=(run,))
        if run == self.runs.value:
            self.page.value = self._report()
        return ""


def run_history_widget(workspace: Workspace | None = None) -> widgets.VBox:
    """Return the choice of a run and its report.

    Args:
        workspace: which outputs folder; None: that of the default configuration.
    """
    return by_itself(RunsView(workspace or Workspace.open()).widget)


def _line(record: ExecutionRecord) -> str:
    took = f" · {spoken(record.seconds)}" if record.seconds is not None else ""
    words = f"{term(record.status)} · {term(record.mode)}"
    return f"{moment(record.started)} · {words}{took} · {record.execution_id}"
