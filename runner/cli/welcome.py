"""What the bare command says to somebody who is new."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import typer
from rich.console import Console

from runner.terminal import say
from runner.wording import N_, _

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
