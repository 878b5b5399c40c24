"""The whole dashboard: a status line and one primary button on top, and below it what there is to know."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import ipywidgets as widgets

from runner.dashboard.background import Action, Ticker
from runner.dashboard.checks import health_action, plan_action, validation_action
from runner.dashboard.documents_view import DocumentsView
from runner.dashboard.markup import STYLE, file_link, note, plain, span
from runner.dashboard.progress_view import ProgressView
from runner.dashboard.run_progress import RunFollower
from runner.dashboard.runs_view import RunsView
from runner.dashboard.search_view import SearchView
from runner.dashboard.settings_form import SettingsForm
from runner.dashboard.situation import Situation, assess
from runner.dashboard.workspace import Workspace
from runner.errors import PipelineOrchestrationError, StateManagementError
from runner.models import PipelineState
from runner.record.monitor import PipelineMonitor
from runner.report.history import HTML_NAME
from stagekit.errors import StageError

__all__ = ["Panel", "create_pipeline_dashboard"]

_TITLES = ["Overview", "Configuration", "Documents", "Search", "History", "Health"]
_BUTTONS = {
    "start": ("Start run", "success"),
    "cancel": ("Cancel run", "danger"),
    "resume": ("Resume run", "primary"),
    "": ("Please wait", ""),
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
        self.situation = Situation("idle", "")
        self.status = widgets.HTML()
        self.primary = widgets.Button(layout=widgets.Layout(width="150px"))
        self.anew = widgets.Button(description="Start new run", layout=widgets.Layout(width="150px"))
        self.cancelling = Action("Cancel", self._cancel, busy="Cancelling: documents in work are ended …")
        self.dry_run = plan_action(workspace)
        self.facts = widgets.HTML()
        self.progress = ProgressView()
        self._follower = RunFollower(workspace.manager)
        self.form = SettingsForm(workspace, self._configured)
        self.validation = validation_action(workspace)
        self.documents = DocumentsView(workspace)
        self.search = SearchView(workspace)
        self.runs = RunsView(workspace)
        self.health = health_action(workspace)
        self.tabs = widgets.Tab(self._pages(), titles=_TITLES)
        self.primary.on_click(lambda _: self.act(self.situation.action))
        self.anew.on_click(lambda _: self.act("start"))
        buttons = widgets.HBox(
            [self.primary, self.anew, self.dry_run.button], layout=widgets.Layout(flex_flow="row wrap")
        )
        top = [widgets.HTML(STYLE), self.status, buttons, self.cancelling.output]
        self.widget = widgets.VBox([*top, self.tabs], layout=widgets.Layout(max_width="1320px"))
        self.refresh()

    def refresh(self) -> None:
        """Look at the files of the newest run, and draw what changed."""
        with self._guard:
            try:
                self._look()
            except (OSError, ValueError, PipelineOrchestrationError, StageError) as error:
                self.situation = Situation("bad", "The run's files cannot be read", str(error), "", "")
                self._draw_status()

    def _look(self) -> None:
        progress = self._follower.look()
        self.situation = assess(self._workspace, progress)
        self._draw_status()
        state = self._newest()
        if state is None:
            return
        status = self._workspace.manager.effective_status(state)
        self.progress.draw(progress, status)
        stages = tuple((name, checkpoint.status) for name, checkpoint in state.stages.items())
        if (state.execution_id, status, stages) != self._shown:
            self._shown = (state.execution_id, status, stages)
            self._draw_run(state, status)

    def act(self, action: str) -> None:
        """Do what a button says: start, resume or cancel."""
        if action == "cancel":
            self.cancelling.begin()
        elif action:
            self.cancelling.output.value = ""
            self.primary.disabled = self.anew.disabled = True
            try:
                self._workspace.start("run" if action == "start" else "resume", "--quiet")
            except (OSError, StateManagementError) as error:
                self.cancelling.output.value = note(span(error, "bad"))
            self.tabs.selected_index = 0
            self.refresh()

    def close(self) -> None:
        """End the threads of this panel; a run goes on."""
        self._follower.close()

    def _pages(self) -> list[widgets.VBox]:
        overview = [self.facts, self.progress.widget, self.dry_run.output]
        configuration = [self.form.widget, self.validation.button, self.validation.output]
        health = [
            widgets.HTML(note("Is everything that a run depends on in order? Source, models, store, disk …")),
            self.health.button,
            self.health.output,
        ]
        pages = [overview, configuration, [self.documents.widget], [self.search.widget],
                 [self.runs.widget], health]  # fmt: skip
        return [widgets.VBox(page, layout=_PADDED) for page in pages]

    def _newest(self) -> PipelineState | None:
        try:
            return self._workspace.manager.load_checkpoint()
        except StateManagementError:
            return None

    def _draw_status(self) -> None:
        now = self.situation
        self.status.value = (
            f'<div class="nic-status {now.tone}"><b>{plain(now.headline)}</b>'
            f"<div>{plain(now.detail)}</div><div><b>Next:</b> {plain(now.next_step)}</div></div>"
        )
        words, style = _BUTTONS[now.action]
        invalid = bool(self.form.problems) and now.action != "cancel"
        self.primary.description, self.primary.button_style = words, style
        self.primary.disabled = not now.action or (invalid and now.action == "start")
        self.primary.tooltip = "A setting is wrong: see Configuration" if invalid else words
        self.anew.layout.display = None if now.action == "resume" else "none"
        self.anew.disabled = invalid

    def _draw_run(self, state: PipelineState, status: str) -> None:
        self.facts.value = "" if status == "running" else note(self._facts(state))
        self.documents.show(state)
        self.runs.refresh()

    def _facts(self, state: PipelineState) -> str:
        manager, report = self._workspace.manager, self._workspace.report(state)
        counts = {name: report.documents.get(name, 0) for name in ("ok", "rejected", "failed", "stale")}
        cards = {"documents ok": counts.pop("ok")} | {name: n for name, n in counts.items() if n}
        if "total" in report.points:
            cards["points in the collection"] = report.points["total"]
        boxes = "".join(f"<div><b>{n:,}</b>{plain(name)}</div>" for name, n in cards.items())
        link = file_link(manager, manager.run_dir(state.execution_id) / HTML_NAME, "Report with plots")
        return f'<div class="nic-cards">{boxes}</div><p>{link}</p>'

    def _configured(self) -> None:
        if hasattr(self, "tabs"):
            self._draw_status()

    def _cancel(self) -> str:
        outcome = PipelineMonitor(self._workspace.manager).cancel_execution("cancelled in the dashboard")
        if outcome.cancelled:
            return note(f"The run ended {outcome.seconds:g} s after Cancel. What was finished is kept.")
        return note(span("The run has not ended yet: it is still closing its documents.", "warn"))


def create_pipeline_dashboard(
    profile: str | None = None, settings: Mapping[str, Any] | None = None, *, refresh_seconds: float = 1.0
) -> widgets.VBox:
    """Return the dashboard: control, configuration, documents, search, history and health.

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
