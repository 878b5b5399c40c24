"""The live view of a run: a bar for the pipeline, one for each stage, and the document in work."""

from __future__ import annotations

import time

import ipywidgets as widgets

from runner.dashboard.background import Ticker
from runner.dashboard.markup import badge, note, plain, span
from runner.dashboard.run_progress import RunFollower, RunProgress, StageProgress
from runner.dashboard.workspace import Workspace

__all__ = ["ProgressView", "display_execution_progress", "spoken"]

_WIDE = widgets.Layout(width="100%", min_width="0", overflow="hidden")
_ROW = widgets.Layout(width="100%", min_width="0", align_items="center")
_NAME = widgets.Layout(width="170px", flex="0 0 auto")
_BAR = widgets.Layout(width="120px", flex="0 0 auto")
_LONGEST = 60  # characters of the document in work
_COLOURS = {"running": "info", "done": "success", "failed": "danger", "interrupted": "warning"}


class ProgressView:
    """Draws a :class:`RunProgress`; ``draw`` may be called as often as one likes."""

    def __init__(self) -> None:
        self._bar = widgets.IntProgress(max=1, layout=_BAR)
        self._name = widgets.Label("pipeline", layout=_NAME)
        self._words = widgets.HTML(layout=_WIDE)
        self._rows = widgets.VBox(layout=_WIDE)
        self._stages: dict[str, tuple[widgets.IntProgress, widgets.HTML]] = {}
        self._head = widgets.HBox([self._name, self._bar, self._words], layout=_ROW)
        self._none = widgets.HTML(note(span("No run yet: its progress will be shown here.", "soft")))
        self.widget = widgets.VBox([self._none], layout=_WIDE)

    def draw(self, progress: RunProgress, status: str) -> None:
        """Show how far a run is.

        Args:
            progress: of the run.
            status: of the run, as ``nic-etl status`` tells it.
        """
        if not progress.execution_id:
            return
        count = len(progress.stages) or 1
        at = time.time()
        if self._none in self.widget.children:
            self.widget.children = (self._head, self._rows)
        self._bar.max, self._bar.value = count, progress.finished
        began = f", {spoken(at - progress.began)} so far" if status == "running" else ""
        run = span(f"run {progress.execution_id}", "soft")
        self._words.value = note(
            f"{badge(status)} &nbsp;{progress.finished} of {count} stages ended{began} · {run}"
        )
        if list(self._stages) != list(progress.stages):
            self._build(progress)
        for name, stage in list(progress.stages.items()):
            bar, words = self._stages[name]
            bar.max = max(stage.total, 1)
            bar.value = bar.max if stage.ended and stage.state != "failed" else min(stage.done, bar.max)
            bar.bar_style = _COLOURS.get(stage.state, "")
            words.value = note(stage_words(stage, at))

    def _build(self, progress: RunProgress) -> None:
        self._stages = {
            name: (
                widgets.IntProgress(layout=_BAR),
                widgets.HTML(layout=_WIDE),
            )
            for name in list(progress.stages)
        }
        self._rows.children = [
            widgets.HBox([widgets.Label(name, layout=_NAME), bar, words], layout=_ROW)
            for name, (bar, words) in self._stages.items()
        ]


def stage_words(stage: StageProgress, at: float) -> str:
    """Return a stage's progress as HTML: what is done, how fast, how long it will take, which document."""
    counted = f"{stage.done:,} of {stage.total:,} documents" if stage.total else ""
    if stage.state == "waiting":
        return span("waiting", "soft")
    if stage.state == "running":
        parts = [counted or f"started {spoken(at - stage.began)} ago"]
        rate, remaining = stage.rate(), stage.remaining(at)
        parts += [f"{rate:.1f} a second" if rate >= 1 else f"{rate * 60:.1f} a minute"] if rate else []
        parts += [f"about {spoken(remaining)} left"] if remaining is not None else []
        current = f" · {span(_tail(stage.current), 'soft')}" if stage.current else ""
        trouble = f"<br>{span(stage.note, 'warn')}" if stage.note else ""
        return f"{badge('running')} {plain(' · '.join(parts))}{current}{trouble}"
    took = f" in {spoken(stage.seconds)}" if stage.seconds else ""
    state = "ok" if stage.state == "done" else stage.state
    trouble = f" {span(stage.note, 'bad' if stage.state == 'failed' else 'soft')}" if stage.note else ""
    return f"{badge(state)} {plain(counted + took)}{trouble}"


def _tail(text: str) -> str:
    return text if len(text) <= _LONGEST else f"…{text[-_LONGEST:]}"


def spoken(seconds: float) -> str:
    """Return a time span as people say it: 8 s, 4 min, 2 h 05 min."""
    whole = max(0, round(seconds))
    if whole < 100:
        return f"{whole} s"
    minutes = round(whole / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02} min"


def display_execution_progress(
    workspace: Workspace | None = None, execution_id: str = "", *, refresh_seconds: float = 1.0
) -> widgets.VBox:
    """Return a live view of a run: pipeline, stages, documents, rate and remaining time.

    It follows the run through the files that it writes, whoever has started it and wherever.

    Args:
        workspace: which outputs folder; None: that of the default configuration.
        execution_id: of the run; empty: the newest one, and each new one as it begins.
        refresh_seconds: between two looks.
    """
    manager = (workspace or Workspace.open()).manager
    run = manager.load_checkpoint(execution_id).execution_id if execution_id else ""
    view, follower = ProgressView(), RunFollower(manager, run)

    def refresh() -> None:
        progress = follower.look()
        if progress.execution_id:
            state = manager.load_checkpoint(progress.execution_id)
            view.draw(progress, manager.effective_status(state))

    refresh()
    Ticker(refresh, refresh_seconds, "progress").start()
    return view.widget
