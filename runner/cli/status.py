"""``nic-etl status``: where the last run stands, followed live, or checked by cron."""

from __future__ import annotations

import socket
from datetime import timedelta
from typing import Annotated, Any

import typer

from runner.after.notifications import send
from runner.cli import screens
from runner.cli.call import Call, RunId
from runner.cli.common import parse_duration, print_aside
from runner.cli.progress_tracker import make_reporter
from runner.record.follow import follow
from runner.record.freshness import freshness
from runner.record.monitor import PipelineMonitor
from runner.terminal import say
from runner.watch.note import active_watch
from runner.wording import _, worded


def status(
    call: Call,
    execution_id: RunId = "",
    watch: Annotated[bool, typer.Option("--watch", help="Follow the run until it ends.")] = False,
    max_age: Annotated[
        str,
        typer.Option(help="For cron: exit code 1 unless a run ended well within it (90m, 26h, 2d)."),
    ] = "",
    notify: Annotated[
        bool, typer.Option("--notify", help="With --max-age: tell NIC_ETL_NOTIFY_URLS if it is too old.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="With --max-age: print nothing if a run did.")
    ] = False,
) -> None:
    """Say where the last run stands; works while it goes on, from any terminal.

    Example: nic-etl status --watch
    """
    for option, given in (("--notify", notify), ("--quiet", quiet)):
        if given and not max_age:
            raise typer.BadParameter(f"{option} needs --max-age, for example --max-age 26h.")
    if max_age:
        limit = timedelta(seconds=parse_duration(max_age, "--max-age", least=60))
        _tell_freshness(call, limit, notify=notify, quiet=quiet)
    if watch:
        with make_reporter(call.console) as reporter:
            for event in follow(call.state, execution_id):
                reporter(event)
    found = PipelineMonitor(call.state).get_real_time_status(execution_id)
    watching = active_watch(call.state.outputs)
    call.answer(vars(found) | {"watch": watching}, screens.print_status, found)
    if watching is not None and not call.as_json:
        call.say(_watch_words(watching))


def _watch_words(note: dict[str, Any]) -> str:
    words = _(
        "Watched by process {process} since {since}, now {state}",
        process=note.get("pid"),
        since=_time(note.get("since")),
        state=worded(note.get("state")),
    )
    if looked := note.get("last_check"):
        words += _("; last look {last_check}", last_check=_time(looked))
    if looks := note.get("next_check"):
        words += _(", next {next_check}", next_check=_time(looks))
    return f"{words}."


def _time(moment: Any) -> str:
    return f"{str(moment)[:19].replace('T', ' ')} UTC"


def _tell_freshness(call: Call, limit: timedelta, *, notify: bool, quiet: bool) -> None:
    found = freshness(call.state, limit)
    told = found.sentence(limit)
    if call.as_json or not (quiet and found.fresh):
        age = found.age.total_seconds() if found.age else None
        call.answer(vars(found) | {"age": age}, say, told)
    if notify and not found.fresh:
        where = f"{socket.gethostname()}, {call.state.outputs}"
        what = _("What became of the last run: nic-etl status ({where})", where=where)
        title = _("nic-etl: the collection is out of date")
        if warning := send(title, f"{told}\n\n{what}", "failure"):
            print_aside(worded(warning))
    raise typer.Exit(0 if found.fresh else 1)
