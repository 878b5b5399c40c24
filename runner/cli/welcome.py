"""What the bare command says to somebody who is new, and how its help groups the commands."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import typer
from rich.console import Console

from runner.terminal import say
from runner.wording import N_, _, stored

GROUPS = {
    stored("Run"): ("run", "watch", "plan", "resume", "rerun", "cancel"),
    stored("Look"): ("status", "history", "show", "report", "dashboard", "document", "search", "evaluate"),
    stored("Hand on"): ("serve", "export"),
    stored("Keep in order"): (
        "verify", "quarantine", "collections", "prune", "backup", "restore", "state", "audit",
    ),
    stored("Set up"): ("doctor", "config", "models"),
}  # fmt: skip
_OTHERS = stored("Keep in order")
_STEPS = (
    (N_("First run, bundled documents"), "nic-etl run"),
    (N_("Ask what it has read"), 'nic-etl search "comunicar um incidente"'),
    (N_("Your own documents"), "nic-etl run -p source_path=FOLDER -p target_folder=SUB"),
    (N_("Is everything in place?"), "nic-etl doctor"),
    (N_("Help, with an example"), "nic-etl COMMAND --help"),
)


def welcome(
    context: typer.Context,
    show_version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False,
) -> None:
    """Say where to begin, when no command is given."""
    if show_version:
        typer.echo(f"nic-etl {version('nic-etl')}")
        raise typer.Exit
    if context.invoked_subcommand is not None:
        return
    context.get_help()  # typer prints it
    console = Console()
    say(console, _("Where to begin:"))
    for what, command in _STEPS:
        console.print(f"  {_(what):<30}[bold]{command}[/bold]", highlight=False, soft_wrap=True)


def group_commands(app: typer.Typer) -> None:
    """Put the commands that are registered into their groups, in the order of :data:`GROUPS`."""
    places = {name: group for group, names in GROUPS.items() for name in names}
    order = list(places)

    def place(name: str) -> int:
        return order.index(name) if name in places else len(order)

    for command in app.registered_commands:
        command.rich_help_panel = places.get(_name(command), _OTHERS)
    for group in app.registered_groups:
        group.rich_help_panel = places.get(_name(group), _OTHERS)
    app.registered_commands.sort(key=lambda one: place(_name(one)))
    app.registered_groups.sort(key=lambda one: place(_name(one)))


def _name(command: typer.models.CommandInfo | typer.models.TyperInfo) -> str:
    if command.name:
        return str(command.name)
    return str(getattr(command.callback, "__name__", "")).replace("_", "-")
