"""Words of a command line, and how it prints: what its modules share beside their options."""

from __future__ import annotations

import re
import sys
from typing import Any

from rich.console import Console
from typer.core import TyperGroup

from runner.cli.layout.help_words import put_help_into_words, usage_errors_in_words
from runner.errors import ConfigurationError
from runner.terminal import TerminalConsole, json_line, say
from stagekit.base.redaction import Redactor, secret_values

_HELP = "--help"
_PARAMETER = ("-p", "--parameter")
_OPTION = re.compile(r"-[^\d.]")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class PapermillWords(TyperGroup):
    """The commands, to which ``-p name value``, as papermill has it, means ``-p name=value``."""

    def make_context(self, *args: Any, **options: Any) -> Any:
        """Understand the words of a command line, or complain in the user's language."""
        with usage_errors_in_words():
            return super().make_context(*args, **options)

    def invoke(self, ctx: Any) -> Any:
        """Call the command, whose own words are understood first."""
        with usage_errors_in_words():
            return super().invoke(ctx)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take the words of a command line, with the parameters of two words made one."""
        if _HELP in args or _names_a_group(self, args):
            put_help_into_words(self)
        words = iter(args)
        joined: list[str] = []
        for word in words:
            joined.append(word)
            if word in _PARAMETER and (name := next(words, None)) is not None:
                value = None if "=" in name else next(words, None)
                if value is None or _OPTION.match(value):  # a word that is missing is told later
                    joined += [name] if value is None else [name, value]
                else:
                    joined.append(f"{name}={value}")
        return super().parse_args(ctx, joined)


def _names_a_group(group: Any, words: list[str]) -> bool:
    """Whether words end at a group of commands, which prints its help then."""
    for word in words:
        if not word.startswith("-"):
            group = getattr(group, "commands", {}).get(word)
    return hasattr(group, "commands")


def parse_duration(text: str, option: str, least: float = 0.0, *, bare: str = "") -> float:
    """Return a duration such as ``30s``, ``90m``, ``26h`` or ``2d`` in seconds; ``0`` is none.

    Args:
        text: what was given.
        option: the option that it was given to.
        least: seconds that it must have.
        bare: the unit of a number without one (s, m, h, d); without it, such a number is refused.

    Raises:
        ConfigurationError: naming the option, if the text is none, or less than ``least`` seconds.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smhd]?)\s*", text)
    if not found or (not (found[2] or bare) and float(found[1])):
        raise ConfigurationError(
            f"{option} is {text!r}: give seconds to days with their unit, as 30s, 5m, 90m, 26h or 2d."
        )
    seconds = float(found[1]) * _UNITS.get(found[2] or bare, 0)
    if seconds < least:
        raise ConfigurationError(f"{option} is {text!r}: give at least {least:g}s.")
    return seconds


def open_console(as_json: bool) -> Console:
    """Return the console for people: in JSON mode standard output belongs to the document alone."""
    return TerminalConsole(stderr=as_json, width=None if sys.stdout.isatty() else 160)


def print_json(value: Any) -> None:
    """Print one JSON document to standard output, without secrets."""
    sys.stdout.write(Redactor(secret_values(pdf_passwords=False))(json_line(value, indent=1)) + "\n")


def print_aside(sentence: str, style: str = "") -> None:
    """Print a sentence to standard error, without secrets."""
    say(TerminalConsole(stderr=True), Redactor(secret_values())(sentence), style)
