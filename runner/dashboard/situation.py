"""Where things stand, in one line for the person who looks at 3 a.m.: what is, since when, what is next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from runner.errors import StateManagementError
from runner.wording import _, moment, ngettext, spoken, worded

if TYPE_CHECKING:
    from runner.dashboard.run_progress import RunProgress
    from runner.dashboard.workspace import Workspace
    from runner.models import PipelineState


@dataclass(frozen=True)
class Situation:
    """The state of things.

    Attributes:
        tone: idle, busy, good, warn or bad.
        headline: what is.
        detail: since when, and more.
        next_step: what a person may do now.
        action: what the primary button does: start, cancel, resume, or nothing.
    """

    tone: str
    headline: str
    detail: str = ""
    next_step: str = ""
    action: str = "start"


def assess(workspace: Workspace, progress: RunProgress, at: datetime | None = None) -> Situation:
    """Say where things stand: from the lock, the newest run's record, and what was started from here.

    Args:
        workspace: the configuration and the outputs folder.
        progress: of the newest run.
        at: the present moment.
    """
    now = at or datetime.now(UTC)
    manager = workspace.manager
    owner = manager.lock_owner()
    if owner is not None:
        return _owned(owner, progress, now)
    launch = workspace.launch
    if launch is not None and launch.alive:
        return Situation(
            "busy", _("Starting"), _("The run's process has begun."), _("A moment, please."), action=""
        )
    if launch is not None and launch.process.returncode == 2:
        again = _("Correct it under Settings, then start again.")
        return Situation("bad", _("The run could not start"), launch.complaint, again)
    if not manager.execution_ids():
        return _first(workspace)
    try:
        state = manager.load_checkpoint()
    except StateManagementError as error:
        return Situation(
            "bad", _("The last run's record is damaged"), worded(str(error)), _("Start a new run.")
        )
    return _ended(workspace, state, manager.effective_status(state), now)


def _first(workspace: Workspace) -> Situation:
    config = workspace.load().config
    source = config.source_path or _("the bundled sample")
    if config.source == "gitlab":
        project = config.gitlab_project or _("a GitLab project")
        source = _("{project} at {url}", project=project, url=config.gitlab_url)
    return Situation(
        "idle", _("No run yet"), _("The first run fills the collection from {source}.", source=source),
        _("Press Start run; or choose another source under Settings first."),
    )  # fmt: skip


def _owned(owner: dict[str, Any], progress: RunProgress, now: datetime) -> Situation:
    known_owner = {name: owner.get(name, "?") for name in ("user", "host", "pid")}
    who = _("started by {user} on {host}, process {pid}", **known_owner)
    if not owner.get("execution_id"):
        return Situation(
            "busy", _("Busy"), _("Another nic-etl command works here: {who}.", who=who), _("Wait for it."), ""
        )
    count = len(progress.stages) or 6
    working = progress.running
    names = _(" and ").join(stage.name for stage in working) or _("between two stages")
    began = datetime.fromtimestamp(progress.began or now.timestamp(), UTC)
    left = [stage.remaining(now.timestamp()) for stage in working]
    known = [seconds for seconds in left if seconds is not None]
    rest = _(", about {duration} left in it", duration=spoken(max(known))) if known else ""
    number = min(progress.finished + 1, count)
    place = _("Stage {number} of {count}: {names}", number=number, count=count, names=names) + rest
    since = moment(began)
    return Situation(
        "busy", _("Running"), _("{place}. Since {moment}, {who}.", place=place, moment=since, who=who),
        _("Cancel keeps what is finished; Resume continues there. You may close this page: the run goes on."),
        "cancel",
    )  # fmt: skip


def _ago(seconds: float) -> str:
    # Coarse, so that a page that nobody looks at any more falls silent, and its kernel is ended.
    if seconds < 90:
        return _("just now")
    if seconds < 3600:
        return _("{count} min ago", count=f"{seconds // 60:.0f}")
    if seconds < 72 * 3600:
        return _("{count} h ago", count=f"{seconds // 3600:.0f}")
    return _("{count} days ago", count=f"{seconds // 86400:.0f}")


def _ended(workspace: Workspace, state: PipelineState, status: str, now: datetime) -> Situation:
    report = workspace.report(state)
    end = state.end_timestamp or state.start_timestamp
    since = f"{moment(end)}, {_ago((now - end).total_seconds())}"
    attention = sum(len(group.documents) for group in report.problems)
    if status in {"success", "partial"}:
        detail = f"{worded(report.headline)} {_('Ended {moment}.', moment=since)}"
        if attention:
            look = ngettext(
                "See Documents: {count} needs attention. Start run looks for changes.",
                "See Documents: {count} need attention. Start run looks for changes.",
                attention,
                count=attention,
            )
            return Situation("warn", _("Done, with documents that need attention"), detail, look)
        return Situation("good", _("In step"), detail, _("Nothing to do. Start run looks for changes."))
    words = {"failed": _("Failed"), "cancelled": _("Cancelled"), "interrupted": _("Interrupted")}
    why = worded(state.error) or _("It did not come to its end.")
    detail = f"{why} {_('Ended {moment}.', moment=since)}"
    step = _("Resume continues where it stopped; Start run begins anew, and reuses what is unchanged.")
    tone = "warn" if status == "cancelled" else "bad"
    return Situation(tone, words.get(status, status.capitalize()), detail, step, "resume")
