"""``nic-etl audit``: what was done, by whom, and whether the log of it is whole."""

from __future__ import annotations

from typing import Annotated

import typer

from runner.cli.common import AsJson, Profile, Setting, open_console, open_state, print_json
from runner.terminal import say
from runner.wording import _, worded

audit_app = typer.Typer(no_args_is_help=True, help="Read the audit log, and check that it is whole.")


@audit_app.command("show")
def show(
    profile: Profile = None,
    parameter: Setting = None,
    last: Annotated[int, typer.Option(min=1, help="How many lines, the newest.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Print the newest lines: when, who, what.

    Example: nic-etl audit show --last 50
    """
    entries = list(open_state(profile, parameter).audit_log.entries())[-last:]
    if as_json:
        print_json(entries)
        return
    console = open_console(as_json)
    for entry in entries:
        who = f"{entry.get('user', '')}@{entry.get('host', '')}"
        known = {"at", "user", "host", "what", "previous", "checkpoints", "source"}
        details = ", ".join(f"{name} {value}" for name, value in entry.items() if name not in known)
        line = f"{str(entry['at'])[:19]}  {who}  {entry.get('what', '')}  {details}"
        say(console, line)


@audit_app.command("verify")
def verify(profile: Profile = None, parameter: Setting = None, as_json: AsJson = False) -> None:
    """Check that no line was altered, removed or moved; exit code 1 names the first that was.

    Example: nic-etl audit verify
    """
    report = open_state(profile, parameter).audit_log.verify()
    if as_json:
        print_json(report.__dict__)
    else:
        console = open_console(as_json)
        for place in report.broken_off:
            say(console, _("Not finished by a process that was killed: {place}.", place=place))
        said = worded(report.fault) or _(
            "{lines} lines, whole. The last one's SHA-256: {head}", lines=report.lines, head=report.head
        )
        say(console, said)
    raise typer.Exit(1 if report.fault else 0)
