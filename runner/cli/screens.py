"""Tables for the terminal: what ``run``, ``status``, ``history``, ``show`` and ``plan`` print."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rich.console import Console

from runner.after.metrics import points_counted
from runner.cli.layout.tables import print_table
from runner.config_manager import LoadedConfig
from runner.models import PipelineState
from runner.record.monitor import PipelineStatus
from runner.record.report_generator import document_outcomes, ignored_files
from runner.record.state_manager import StateManager
from runner.results import ExecutionPlan, ExecutionRecord
from runner.settings.pipeline_config import SECRETS
from runner.terminal import say
from runner.wording import (
    N_,
    _,
    counted,
    figure_words,
    grouped,
    moment,
    number,
    origin_words,
    pgettext,
    term,
    worded,
)
from stagekit.base.paths import latest_dir

Row = dict[str, Any]
_IGNORED = 30  # files that are shown
_WARNINGS = 20  # of stages, that are shown
_CARRIED_OVER = "carried over"  # nothing that concerns the stage had changed
_NEXT = {
    "running": N_("To follow it: nic-etl status --watch. To end it: nic-etl cancel."),
    "partial": N_("Which documents need attention: nic-etl show {run}"),
    "cancelled": N_("To continue: nic-etl resume {run}"),
    "interrupted": N_("Its process has ended without a word. To continue: nic-etl resume {run}"),
}


def print_run(console: Console, manager: StateManager, state: PipelineState, summary: Row) -> None:
    """Print the end of a run: stages, why it broke off, what was not indexed and why, what to try next."""
    _print_stages(console, state)
    if state.error:  # above the lists, which may be long and say nothing of it
        say(console, worded(state.error), "red")
    outcomes = [row for row in document_outcomes(manager, state) if row["status"] != "ok"]
    if outcomes:
        _print_outcomes(console, outcomes)
    if ignored := ignored_files(manager, state):
        _print_ignored(console, ignored, state.execution_id)
    _print_totals(console, summary, with_points=points_counted(state))
    folder = manager.run_dir(state.execution_id)
    if (folder / "report.html").exists():
        say(console, f"{_('Report')}: {folder / 'report.html'}", whole=True)
    executed = any(not one.carried_from for one in state.stages.values())
    place = folder if executed else latest_dir(manager.outputs)
    say(console, f"{_('Executed notebooks')}: {place}", whole=True)
    _print_stage_warnings(console, state)
    print_warnings(console, summary)
    if not state.error and summary["points"]["total"]:
        say(console, _('Try: nic-etl search "…a question…"'))


def _print_outcomes(console: Console, outcomes: Sequence[Row]) -> None:
    columns = ("status", "document", "why", "what to do")
    rows = [
        (term(row["status"]), row["path"], worded(row["message"]), worded(row["remedy"])) for row in outcomes
    ]
    print_table(console, _("Documents that need attention"), columns, rows, lead=2, names={"document"})
    if any(row["status"] == "stale" for row in outcomes):
        say(console, _("stale: searches still find the last version that could be read."))


def _print_ignored(console: Console, ignored: Sequence[Row], run: str) -> None:
    rows = [(row["path"], worded(row["reason"])) for row in ignored[:_IGNORED]]
    title = _("Files that are no documents of this run")
    print_table(console, title, ("file", "why"), rows, names={"file"})
    if len(ignored) > _IGNORED:
        left = {"count": len(ignored) - _IGNORED, "execution_id": run}
        say(console, _("… and {count} more: nic-etl show {execution_id} gitlab_ingestion", **left))


def print_heading(console: Console, manager: StateManager, state: PipelineState) -> None:
    """Print which run it is that is shown."""
    started = moment(state.start_timestamp, seconds=True)
    facts = _facts(manager, state)
    say(console, _("Run {execution_id}: {status}, mode {mode}, started {started}", **facts, started=started))


def print_state(console: Console, manager: StateManager, state: PipelineState) -> None:
    """Print one run."""
    say(console, _("Run {execution_id}: {status}, mode {mode}", **_facts(manager, state)))
    _print_stages(console, state)
    if state.error:
        say(console, worded(state.error), "red")


def _facts(manager: StateManager, state: PipelineState) -> dict[str, str]:
    status = term(manager.effective_status(state))
    return {"execution_id": state.execution_id, "status": status, "mode": term(state.kind)}


def print_trial(console: Console, state: PipelineState, served: str) -> None:
    """Print, of a trial that filled a collection, which one, how to ask it, and how to serve it."""
    if not state.trial or state.failed_stages:
        return
    told = _(
        "A trial: it filled {filled}, and {served} is as it was. To ask it: nic-etl "
        'search "…a question…" --collection {filled}, with the same -p where the model '
        "is another. To serve it: the same rerun with --publish.",
        filled=state.pipeline_config["collection_name"],
        served=served,
    )
    say(console, told)


def print_status(console: Console, status: PipelineStatus) -> None:
    """Print where the last run stands."""
    told = _(
        "Run {execution_id}: [bold]{status}[/bold], started {started}",
        execution_id=status.execution_id,
        status=term(status.status),
        started=moment(datetime.fromisoformat(status.started), seconds=True),
    )
    console.print(told)
    rows = []
    for name, state in status.stages.items():
        done = status.progress.get(name) or {}
        figures = _("{done} of {total}", done=done["done"], total=done["total"]) if done else ""
        said = term(_CARRIED_OVER if state == "skipped" else state)
        rows.append((figures, said, name, done.get("current")))
    print_table(console, "", ("documents", "status", "stage", "in work"), rows, lead=3)
    if status.error:
        say(console, worded(status.error), "red")
    elif status.status in _NEXT:
        say(console, _(_NEXT[status.status], run=status.execution_id))


def print_history(console: Console, records: Sequence[ExecutionRecord]) -> None:
    """Print one line a run, newest first."""
    if not records:
        say(console, _("There is no run yet: start one with `nic-etl run`."))
        return
    rows = []
    for record in records:
        executed = sum(status != "skipped" for status in record.stages.values())
        took = number(record.seconds, 1) if record.seconds is not None else ""
        started = moment(record.started).removesuffix(" UTC")
        kind = term(f"{record.mode} (resumed)" if record.resumed else record.mode)
        rows.append((took, executed, term(record.status), kind, started, record.execution_id))
    columns = ("seconds", "stages executed", "status", "mode", "started (UTC)", "run")
    print_table(console, "", columns, rows, lead=len(columns))
    for record in records:
        if record.error:
            say(console, f"{record.execution_id}: {worded(record.error)}", "red")
    say(console, _("More of one: nic-etl show RUN (the beginning of its name is enough)."))


def print_plan(console: Console, plan: ExecutionPlan) -> None:
    """Print what a run would do, and why."""
    rows = [
        (stage.name, _action(stage.action), "; ".join(map(worded, stage.reasons))) for stage in plan.stages
    ]
    print_table(console, _("A run would now"), ("stage", "do", "because"), rows, lead=2)
    gone = [(path, worded(reason)) for stage in plan.stages for path, reason in stage.leaving]
    if gone:
        title = _("Leaving the collection: {count}", count=len(gone))
        print_table(console, title, ("document", "because"), gone, names={"document"})
    beside = [_(" and ").join(group) for group in plan.groups if len(group) > 1]
    if beside:
        say(console, _("Side by side where memory allows: {beside}.", beside="; ".join(beside)))


def _action(action: str) -> str:
    words = {"run": pgettext("plan", "run"), "decide": pgettext("plan", "decide")}
    return words.get(action) or term(action)


def print_config(console: Console, loaded: LoadedConfig) -> None:
    """Print every setting, its value, where the value comes from, and what it does."""
    rows = []
    for name, field in type(loaded.config).model_fields.items():
        origin = origin_words(loaded.origins.get(name, "default"))
        rows.append((name, getattr(loaded.config, name), origin, worded(field.description)))
    columns = ("setting", "value", "from", "what it does")
    print_table(console, _("Profile {profile}", profile=loaded.profile), columns, rows, lead=3)
    say(console, _("Secrets come from the environment: {variables}.", variables=", ".join(SECRETS.values())))


def print_comparison(console: Console, stage: str, rows: Sequence[Row], stale: Sequence[str]) -> None:
    """Print what a rerun changed, and what is out of date since."""
    if rows:
        cells = [(figure_words(row["figure"]), row["before"], row["after"]) for row in rows]
        print_table(console, _("What changed in {stage}", stage=stage), ("figure", "before", "after"), cells)
    else:
        say(console, _("{stage} gave the same result as before.", stage=stage))
    if stale:
        named = ", ".join(stale)
        say(console, _("Out of date now: {stale}. The option --downstream runs these too.", stale=named))


def print_warnings(console: Console, summary: Row) -> None:
    """Print what beside the run itself did not succeed, for example its report or a notification."""
    for warning in summary.get("warnings", []):
        say(console, _("Warning: {warning}", warning=worded(warning)), "yellow")


def _print_stage_warnings(console: Console, state: PipelineState) -> None:
    """Print what the stages that were executed found doubtful."""
    said = [
        f"{name}: {worded(warning)}"
        for name, checkpoint in state.stages.items()
        if checkpoint.result and not checkpoint.carried_from
        for warning in checkpoint.result.warnings
    ]
    for warning in said[:_WARNINGS]:
        say(console, _("Warning: {warning}", warning=worded(warning)), "yellow")
    if len(said) > _WARNINGS:
        left = {"count": len(said) - _WARNINGS, "execution_id": state.execution_id}
        say(console, _("… and {count} more: nic-etl show {execution_id} STAGE", **left))


def _print_stages(console: Console, state: PipelineState) -> None:
    rows = []
    for name, checkpoint in state.stages.items():
        result = checkpoint.result
        skipped = bool(checkpoint.carried_from)
        kinds = ("ok", "rejected", "failed", "stale")
        counts = [result.counts[kind] if result else "" for kind in kinds]
        unchanged = result.success_count if result and skipped else result.unchanged_count if result else ""
        status = term(_CARRIED_OVER if skipped else checkpoint.status)
        memory = grouped(checkpoint.peak_memory_mb) if not skipped and checkpoint.peak_memory_mb else ""
        rows.append((*counts, unchanged, number(checkpoint.seconds, 1), memory, status, name))
    columns = ["ok", "rejected", "failed", "stale", "unchanged", "seconds", "peak MB", "status", "stage"]
    # What did not occur takes no room: the table is read in 80 columns, too.
    seldom = {"rejected", "failed", "stale", "peak MB"}
    told = [at for at, name in enumerate(columns) if name not in seldom or any(row[at] for row in rows)]
    shown = [[row[at] for at in told] for row in rows]
    print_table(console, "", [columns[at] for at in told], shown, lead=len(told))


def _print_totals(console: Console, summary: Row, *, with_points: bool) -> None:
    status = summary["status"]
    documents = ", ".join(counted(name, count) for name, count in summary["documents"].items() if count)
    documents = documents or term("none")
    if status in {"success", "partial"}:
        say(console, _("Documents: {documents}.", documents=documents))
    else:
        say(console, _("Documents so far: {documents}.", documents=documents))
    if with_points:
        told = _(
            "Points: {total} in the collection ({upserted} upserted, {unchanged} unchanged, "
            "{deleted} deleted).",
            **summary["points"],
        )
    else:
        told = _("Points: not counted, the run did not come to the end of storage.")
    say(console, told)
    meaning = _(" (all is done, but not every document is in step)") if status == "partial" else ""
    took = number(summary["duration_seconds"] or 0.0, 1)
    figures = {"status": term(status), "meaning": meaning, "seconds": took}
    say(console, _("Status: {status}{meaning}, in {seconds} s.", **figures))
