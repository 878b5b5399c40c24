"""``nic-etl audit``: what was done, by whom, and whether the log of it is whole."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Console

from runner.cli.call import Call, Commands
from runner.record.audit import AuditReport
from runner.terminal import say
from runner.wording import _, worded

audit_app = Commands(
    name="audit", no_args_is_help=True, help="Read the audit log, and check that it is whole."
)
_SHOWN_OTHERWISE = {"at", "user", "host", "what", "previous", "checkpoints", "source"}


@audit_app.command("show")
def show(
    call: Call, last: Annotated[int, typer.Option(min=1, help="How many lines, the newest.")] = 20
) -> None:
    """Print the newest lines: when, who, what.

    Example: nic-etl audit show --last 50
    """
    call.answer(list(call.state.audit_log.entries())[-last:], _print_entries)


@audit_app.command("verify")
def verify(call: Call) -> None:
    """Check that no line was altered, removed or moved; exit code 1 names the first that was.

    Example: nic-etl audit verify
    """
    report = call.state.audit_log.verify()
    call.answer(vars(report), _print_report, report)
    raise typer.Exit(1 if report.fault else 0)


def _print_entries(console: Console, entries: list[dict[str, Any]]) -> None:
    for entry in entries:
        who = f"{entry.get('user', '')}@{entry.get('host', '')}"
        details = ", ".join(
            f"{name} {value}" for name, value in entry.items() if name not in _SHOWN_OTHERWISE
        )
        say(console, f"{str(entry['at'])[:19]}  {who}  {entry.get('what', '')}  {details}")


def _print_report(console: Console, report: AuditReport) -> None:
    for place in report.broken_off:
        say(console, _("Not finished by a process that was killed: {place}.", place=place))
    if report.fault:
        said = worded(report.fault)
    else:
        said = _("{lines} lines, whole. The last one's SHA-256: {head}", lines=report.lines, head=report.head)
    say(console, said)
