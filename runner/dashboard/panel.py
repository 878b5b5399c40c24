"""The whole dashboard: a status line and one primary button on top, and below it what there is to know."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping
from typing import Any

import ipywidgets as widgets

from runner.dashboard.background import Action, Ticker
from runner.dashboard.boxes import by_itself, row
from runner.dashboard.checks import health_action, plan_action, validation_action
from runner.dashboard.documents_view import DocumentsView
from runner.dashboard.markup import plain, remark
from runner.dashboard.progress_view import progress_html
from runner.dashboard.run_progress import RunFollower, RunProgress
from runner.dashboard.runs_view import RunsView
from runner.dashboard.search_view import SearchView
from runner.dashboard.settings_form import SettingsForm
from runner.dashboard.situation import Situation, assess
from runner.dashboard.workspace import Workspace
from runner.errors import PipelineOrchestrationError, StateManagementError
from runner.record.monitor import PipelineMonitor
from runner.report.flow import flow_steps
from runner.report.stages import stage_reports
from runner.wording import N_, _, decimal, worded
from stagekit.errors import StageError

_BUTTONS = {
    "start": (N_("Start run"), "success"),
    "cancel": (N_("Cancel run"), "danger"),
    "resume": (N_("Resume run"), "primary"),
    "": (N_("Please wait"), ""),
}
_PADDED = widgets.Layout(padding="8px 4px", min_width="0")


class Panel:
    """The dashboard's parts; :meth:`refresh` brings all of them up to date.

    Attributes:
        widget: to be shown.
        primary: the button that does what is to be done next.
        anew: starts a new run where the primary button resumes one.
        situation: what the status line says.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._guard = threading.Lock()
        self._shown: tuple[Any, ...] = ()
        self._follower = RunFollower(workspace.manager)
        self.situation = Situation("idle", "")
        self.status = widgets.HTML()
        self.primary = widgets.Button(layout=widgets.Layout(width="150px"))
        self.anew = widgets.Button(description=_("Start new run"), layout=widgets.Layout(width="150px"))
        busy = _("Cancelling: documents in work are ended …")
        self.cancelling = Action(_("Cancel"), self._cancel, busy=busy)
        self.dry_run = plan_action(workspace)
        self.progress = widgets.HTML()
        self.runs = RunsView(workspace)
        self.documents = DocumentsView(workspace)
        self.search = SearchView(workspace)
        self.validation, self.health = validation_action(workspace), health_action(workspace)
        self.form = SettingsForm(workspace, self._draw_status)
        self.primary.on_click(lambda _clicked: self.act(self.situation.action))
        self.anew.on_click(lambda _clicked: self.act("start"))
        buttons = row(self.primary, self.anew, self.dry_run.button)
        ask = widgets.HBox([self.validation.button, self.health.button])
        checks = [ask, self.validation.output, self.health.output]
        pages = {
            _("Overview"): [self.progress, self.runs.widget],
            _("Documents"): [self.documents.widget],
            _("Search"): [self.search.widget],
            _("Settings"): [*checks, self.form.widget],
        }
        boxes = [widgets.VBox(page, layout=_PADDED) for page in pages.values()]
        self.tabs = widgets.Tab(boxes, titles=list(pages))
        said = (self.cancelling.output, self.dry_run.output)
        self.widget = by_itself(self.status, buttons, *said, self.tabs)
        self.widget.layout.max_width = "1320px"
        self.refresh()

    def refresh(self) -> None:
        """Look at the files of the newest run, and draw what changed."""
        with self._guard:
            try:
                self._look()
            except (OSError, ValueError, PipelineOrchestrationError, StageError) as error:
                unread = _("The run's files cannot be read")
                self.situation = Situation("bad", unread, worded(str(error)), action="")
                self._draw_status()

    def act(self, action: str) -> None:
        """Do what a button says: start, resume or cancel."""
        if action == "cancel":
            self.cancelling.begin()
        elif action:
            self.cancelling.output.value = self.dry_run.output.value = ""
            self.primary.disabled = self.anew.disabled = True
            try:
                self._workspace.start("run" if action == "start" else "resume", "--quiet")
            except (OSError, StateManagementError) as error:
                self.cancelling.output.value = remark(worded(str(error)), "bad")
            self.tabs.selected_index = 0
            self.refresh()

    def _look(self) -> None:
        manager, progress = self._workspace.manager, RunProgress()
        with contextlib.suppress(StateManagementError):  # a damaged record: the status line tells it
            progress = self._follower.look()
        self.situation = assess(self._workspace, progress)
        self._draw_status()
        if not progress.execution_id:
            return
        state = manager.load_checkpoint(progress.execution_id)
        status = manager.effective_status(state)
        # What a run that has ended came to, its report tells.
        if status != "running":
            self.progress.value = ""
        else:
            flow = flow_steps(stage_reports(manager, state, []), list(progress.stages))
            self.progress.value = progress_html(progress, status, flow)
        stages = tuple((name, checkpoint.status) for name, checkpoint in state.stages.items())
        # The report is written a moment after the record says that the run has ended.
        drawn = (state.execution_id, status, stages, self.runs.written(state.execution_id))
        if drawn != self._shown:
            self._shown = drawn
            self.documents.show(state)
            self.runs.refresh()

    def _draw_status(self) -> None:
        now = self.situation
        self.status.value = (
            f'<div class="nic-status {now.tone}"><b>{plain(now.headline)}</b>'
            f"<div>{plain(now.detail)}</div>"
            f"<div><b>{plain(_('Next:'))}</b> {plain(now.next_step)}</div></div>"
        )
        words, style = _(_BUTTONS[now.action][0]), _BUTTONS[now.action][1]
        invalid = bool(self.form.problems) and now.action != "cancel"
        self.primary.description, self.primary.button_style = words, style
        self.primary.disabled = not now.action or (invalid and now.action == "start")
        self.primary.tooltip = _("A setting is wrong: see Settings") if invalid else words
        self.anew.layout.display = None if now.action == "resume" else "none"
        self.anew.disabled = invalid
        going_on = now.action in {"cancel", ""}
        self.dry_run.button.layout.display = "none" if going_on else None
        if going_on:  # what a run would do, it does now, whoever has started it
            self.dry_run.output.value = ""

    def _cancel(self) -> str:
        outcome = PipelineMonitor(self._workspace.manager).cancel_execution("cancelled in the dashboard")
        if outcome.cancelled:
            seconds = decimal(f"{outcome.seconds:g}")
            said = _("The run ended {seconds} s after Cancel. What was finished is kept.", seconds=seconds)
            return remark(said)
        return remark(_("The run has not ended yet: it is still closing its documents."), "warn")


def create_pipeline_dashboard(
    profile: str | None = None, settings: Mapping[str, Any] | None = None, *, refresh_seconds: float = 1.0
) -> widgets.VBox:
    """Return the dashboard: control, the live run, reports, documents, search and configuration.

    Runs are processes of their own: they go on when the notebook's kernel or the browser is closed, and a
    new dashboard finds them again. Runs that were started elsewhere are followed as well.

    Args:
        profile: a profile's name or the path of a YAML file; None: as for the command line.
        settings: values that take the place of the profile's, for example ``outputs_dir``.
        refresh_seconds: between two looks at the run.

    Raises:
        ConfigurationError: one sentence for each wrong setting.
    """
    panel = Panel(Workspace.open(profile, settings))
    Ticker(panel.refresh, refresh_seconds, "dashboard").start()
    return panel.widget
