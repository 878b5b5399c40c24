"""One stage of a run: what it came to, and its executed notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from runner.dashboard.boxes import by_itself
from runner.dashboard.frame import framed
from runner.dashboard.markup import badge, note, plain, remark, span
from runner.dashboard.workspace import Workspace
from runner.report.notebook_page import notebook_page
from runner.wording import _, counted, number, spoken, worded

if TYPE_CHECKING:
    from runner.models import PipelineState
    from runner.report.model import StageReport

_BROKEN = {"failed", "cancelled", "partial"}


class StageView:
    """The stages of a run, and the executed notebook of the chosen one.

    Attributes:
        stages: the choice; the first one that did not end well is chosen.
        details: of the chosen stage.
    """

    def __init__(self, workspace: Workspace, state: PipelineState) -> None:
        self._workspace, self._state = workspace, state
        self._reports = {stage.name: stage for stage in workspace.report(state).stages}
        names = list(self._reports)
        broken = [name for name in names if self._reports[name].status in _BROKEN]
        self.stages = widgets.Dropdown(options=names, value=next(iter([*broken, *names]), None))
        self.details = widgets.HTML()
        self.widget = by_itself(self.stages, self.details)
        self.stages.observe(self._choose, "value")
        self._choose(None)

    def _choose(self, _changed: Any) -> None:
        name = self.stages.value
        if name is None:
            self.details.value = remark(_("No stage has begun yet."), "soft")
            return
        self.details.value = note(_told(self._reports[name])) + self._notebook(name)

    def _notebook(self, name: str) -> str:
        manager, written = self._workspace.manager, self._state.stages[name].notebook
        if not written:
            return remark(_("It has no executed notebook yet."), "soft")
        path = manager.absolute(written)
        try:
            page = notebook_page(path.read_bytes(), path.stem)
        except (OSError, ValueError) as error:
            return remark(error, "bad")
        return framed(page, f"runs/{path.parent.name}", _("Executed notebook of {stage}", stage=name))


def stage_detail_viewer(workspace: Workspace | None = None, execution_id: str = "") -> widgets.VBox:
    """Return the stages of a run: counts, time, memory, why it was executed, and its executed notebook.

    Args:
        workspace: which outputs folder; None: that of the default configuration.
        execution_id: of the run; empty: the last one.

    Raises:
        StateManagementError: if there is no such run.
    """
    chosen = workspace or Workspace.open()
    return StageView(chosen, chosen.manager.load_checkpoint(execution_id)).widget


def _told(stage: StageReport) -> str:
    figures = [counted(name, count) for name, count in stage.counts.items() if count]
    if stage.executed:
        figures += [spoken(stage.seconds)] if stage.seconds else []
        figures += [_("{size} MB at most", size=number(stage.peak_memory_mb))] if stage.peak_memory_mb else []
        figures += [_("{count} attempts", count=stage.attempts)] if stage.attempts > 1 else []
        reasons = "; ".join(map(worded, stage.reasons))
        why = _("Executed because: {reasons}", reasons=reasons) if reasons else ""
    else:
        why = _("Carried over from {run}: nothing that concerns it changed.", run=stage.carried_from)
    status = badge("carried over" if stage.carried_from else stage.status)
    error = f"<p>{span(worded(stage.error), 'bad')}</p>" if stage.error else ""
    return f"<p>{status} {plain(' · '.join(figures))}<br>{span(why, 'soft')}</p>{error}"
