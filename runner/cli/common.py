"""Options and helpers that the command line's modules share."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer
from rich.console import Console

from runner.config_manager import load_config, parse_assignments
from runner.record.state_manager import StateManager
from runner.terminal import TerminalConsole, json_line
from stagekit.base.redaction import Redactor, secret_values

__all__ = ["AsJson", "Profile", "RunId", "Setting", "open_console", "open_state", "print_json"]

Profile = Annotated[
    str | None, typer.Option("--profile", help="local, production, or the path of a YAML file.")
]
Setting = Annotated[
    list[str] | None, typer.Option("-p", "--parameter", help="A setting as name=value; may be repeated.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
RunId = Annotated[str, typer.Argument(help="A run's id or its beginning; the last run if left out.")]


def open_console(as_json: bool) -> Console:
    """Return the console for people: in JSON mode standard output belongs to the document alone."""
    return TerminalConsole(stderr=as_json, width=None if sys.stdout.isatty() else 160)


def print_json(value: Any) -> None:
    """Print one JSON document to standard output, without secrets."""
    sys.stdout.write(Redactor(secret_values())(json_line(value, indent=1)) + "\n")


def open_state(profile: str | None, parameter: list[str] | None) -> StateManager:
    """Return the state below the configured outputs folder."""
    return StateManager(load_config(profile, parse_assignments(parameter or [])).config.outputs)
