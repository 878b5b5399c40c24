"""The live view of a run: how far it is, a bar for each stage, and the document in work."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import ipywidgets as widgets

from runner.dashboard.background import Ticker
from runner.dashboard.boxes import by_itself
from runner.dashboard.markup import badge, note, plain, remark, span, table
from runner.dashboard.run_progress import RunFollower
from runner.dashboard.workspace import Workspace
from runner.report.flow import flow_figure
from runner.wording import _, ngettext, number, spoken, worded

if TYPE_CHECKING:
    from runner.dashboard.run_progress import RunProgress, StageProgress
    from runner.report.flow import FlowStep

_LONGEST = 60  # characters of the document in work


def progress_html(progress: RunProgress, status: str, flow: Sequence[FlowStep] = ()) -> str:
    """Return how far a run is, as HTML.

    Args:
        progress: of the run.
        status: of the run, as ``nic-etl status`` tells it.
        flow: what has flowed through its stages, to be drawn below.
    """
    if not progress.execution_id:
        return remark(_("No run yet: its progress will be shown here."), "soft")
    at, count = time.time(), len(progress.stages)
    ended = ngettext(
        "{done} of {count} stage ended", "{done} of {count} stages ended", count, done=progress.finished,
        count=count,
    )  # fmt: skip
    if status == "running" and progress.began:
        ended += ", " + _("{duration} so far", duration=spoken(at - progress.began))
    head = f"{badge(status)} &nbsp;{plain(ended)}"
    rows = [(plain(stage.name), _bar(stage), stage_words(stage, at)) for stage in progress.stages.values()]
    run = span(_("run {run}", run=progress.execution_id), "soft")
    return note(f"{head} · {run}{table(['stage', 'done', ''], rows)}{flow_figure(flow)}")


def _bar(stage: StageProgress) -> str:
    whole = stage.state in {"done", "carried over"}  # what broke off or was cancelled stays where it was
    done, total = (1, 1) if whole else (stage.done, max(stage.total, 1))
    return f'<progress max="{total}" value="{min(done, total)}" aria-label="{plain(stage.name)}"></progress>'


def stage_words(stage: StageProgress, at: float) -> str:
    """Return a stage's progress as HTML: what is done, how fast, how long it will take, which document."""
    counted = ""
    if stage.total:
        counted = ngettext(
            "{done} of {count} document", "{done} of {count} documents", stage.total, done=number(stage.done),
            count=number(stage.total),
        )  # fmt: skip
    if stage.state == "waiting":
        return span(_("waiting"), "soft")
    if stage.state == "running":
        parts = [counted or _("started {duration} ago", duration=spoken(at - stage.began))]
        rate, remaining = stage.rate(), stage.remaining(at)
        if rate:
            pace = rate if rate >= 1 else rate * 60
            shown = number(pace, 1 if pace < 10 else 0)
            parts.append(_("{rate} a second", rate=shown) if rate >= 1 else _("{rate} a minute", rate=shown))
        parts += [_("about {duration} left", duration=spoken(remaining))] if remaining is not None else []
        tail = stage.current if len(stage.current) <= _LONGEST else f"…{stage.current[-_LONGEST:]}"
        current = f" · {span(tail, 'soft')}" if tail else ""
        trouble = f"<br>{span(worded(stage.note), 'warn')}" if stage.note else ""
        return f"{badge('running')} {plain(' · '.join(parts))}{current}{trouble}"
    took = " " + _("in {duration}", duration=spoken(stage.seconds)) if stage.seconds else ""
    state = "ok" if stage.state == "done" else stage.state
    trouble = (
        f" {span(worded(stage.note), 'bad' if stage.state == 'failed' else 'soft')}" if stage.note else ""
    )
    return f"{badge(state)} {plain(counted + took)}{trouble}"


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
    follower, view = RunFollower(manager, run), widgets.HTML()

    def refresh() -> None:
        progress = follower.look()
        status = ""
        if progress.execution_id:
            status = manager.effective_status(manager.load_checkpoint(progress.execution_id))
        view.value = progress_html(progress, status)

    refresh()
    Ticker(refresh, refresh_seconds, "progress").start()
    return by_itself(view)
