"""``nic-etl status``: where the last run stands, followed live, or checked by cron."""

from __future__ import annotations

import socket
from datetime import timedelta
from typing import Annotated, Any

import typer

from runner.after.notifications import send
from runner.cli import screens
from runner.cli.common import (
    AsJson,
    Profile,
    RunId,
    Setting,
    open_console,
    open_state,
    parse_duration,
    print_json,
)
from runner.cli.progress_tracker import make_reporter
from runner.record.follow import follow
from runner.record.freshness import freshness
from runner.record.monitor import PipelineMonitor
from runner.record.state_manager import StateManager
from runner.terminal import say
from runner.watch.note import active_watch
from runner.wording import _, worded


def status(
    execution_id: RunId = "",
    profile: Profile = None,
    parameter: Setting = None,
    watch: Annotated[bool, typer.Option("--watch", help="Follow the run until it ends.")] = False,
    max_age: Annotated[
        str,
        typer.Option(help="For cron: exit code 1 unless a run ended well within it (90m, 26h, 2d)."),
    ] = "",
    notify: Annotated[
        bool, typer.Option("--notify", help="With --max-age: tell NIC_ETL_NOTIFY_URLS if it is too old.")
    ] = False,
    as_json: AsJson = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="With --max-age: print nothing if a run did.")
    ] = False,
) -> None:
    """Say where the last run stands; works while it goes on, from any terminal.

    Example: nic-etl status --watch
    """
    manager = open_state(profile, parameter)
    for option, given in (("--notify", notify), ("--quiet", quiet)):
        if given and not max_age:
            raise typer.BadParameter(f"{option} needs --max-age, for example --max-age 26h.")
    if max_age:
        limit = timedelta(seconds=parse_duration(max_age, "--max-age", least=60))
        raise typer.Exit(_tell_freshness(manager, limit, as_json=as_json, notify=notify, quiet=quiet))
    if watch:
        with make_reporter(open_console(as_json)) as reporter:
            for event in follow(manager, execution_id):
                reporter(event)
    found = PipelineMonitor(manager).get_real_time_status(execution_id)
    watching = active_watch(manager.outputs)
    if as_json:
        print_json(vars(found) | {"watch": watching})
        return
    console = open_console(as_json)
    screens.print_status(console, found)
    if watching is not None:
        say(console, _watch_words(watching))


def _watch_words(note: dict[str, Any]) -> str:
    words = _(
        "Watched by process {process} since {since}, now {state}",
        process=note.get("pid"),
        since=_time(note.get("since")),
        state=worded(note.get("state")),
    )
    words += (
        _("; last look {last_check}", last_check=_time(note["last_check"])) if note.get("last_check") else ""
    )
    words += _(", next {next_check}", next_check=_time(note["next_check"])) if note.get("next_check") else ""
    return f"{words}."


def _time(moment: Any) -> str:
    return f"{str(moment)[:19].replace('T', ' ')} UTC"


def _tell_freshness(
    manager: StateManager, limit: timedelta, *, as_json: bool, notify: bool, quiet: bool
) -> int:
    found = freshness(manager, limit)
    if as_json:
        age = found.age.total_seconds() if found.age else None
        print_json(vars(found) | {"age": age})
    elif not (quiet and found.fresh):
        say(open_console(as_json), found.sentence(limit))
    if notify and not found.fresh:
        where = f"{socket.gethostname()}, {manager.outputs}"
        what = _("What became of the last run: nic-etl status ({where})", where=where)
        body = f"{found.sentence(limit)}\n\n{what}"
        if warning := send(_("nic-etl: the collection is out of date"), body, "failure"):
            say(open_console(as_json=True), worded(warning))
    return 0 if found.fresh else 1
