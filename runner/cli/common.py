"""Options and helpers that the command line's modules share."""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer
from rich.console import Console
from typer.core import TyperGroup

from runner.cli.layout.help_words import put_help_into_words, usage_errors_in_words
from runner.cli.welcome import welcome
from runner.config_manager import (
    LoadedConfig,
    WrongSettingsError,
    load_config,
    parse_assignments,
)
from runner.errors import ConfigurationError
from runner.settings.pipeline_config import PipelineConfig
from runner.settings.renamed import RenamedSettingWarning
from runner.terminal import TerminalConsole, json_line, say
from runner.wording import _, worded
from stagekit.base.redaction import Redactor, secret_values

if TYPE_CHECKING:
    from runner.record.state_manager import StateManager

Profile = Annotated[
    str | None, typer.Option("--profile", help="local, production, or the path of a YAML file.")
]
Setting = Annotated[
    list[str] | None,
    typer.Option("-p", "--parameter", help="A setting as name=value or name value; may be repeated."),
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Print nothing if all went well, as cron wants it.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
RunId = Annotated[str, typer.Argument(help="A run's id or its beginning; the last run if left out.")]

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


def new_app() -> typer.Typer:
    """Return the application without commands."""
    return typer.Typer(
        cls=PapermillWords,
        invoke_without_command=True,
        callback=welcome,
        pretty_exceptions_enable=False,
        help="Keeps a Qdrant collection in step with the approved documents of a repository.",
    )


def retired_option(name: str, instead: str) -> Any:
    """Return an option that no help shows, and that is a :class:`ConfigurationError` where it is given.

    Args:
        name: of the option, which took one value, as it may still stand in cron lines and service units.
        instead: a clause that says what to do.
    """

    def refuse(value: str | None) -> None:
        if value is not None:
            raise ConfigurationError(f"{name} was taken away: {instead}.")

    return typer.Option(name, hidden=True, callback=refuse)


def checked_config(profile: str | None, parameter: list[str] | None) -> LoadedConfig:
    """Return the configuration; where settings are wrong, the others are looked at as before a run.

    Raises:
        WrongSettingsError: a sentence for each setting that is wrong by itself or does not fit the others.
    """
    try:
        return load_config(profile, parse_assignments(parameter or []))
    except WrongSettingsError as error:
        from stagekit.checks.preflight import preflight

        raise WrongSettingsError([*error.problems, *preflight(error.others)], error.others) from None


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


def read_config(profile: str | None, parameter: list[str] | None) -> PipelineConfig:
    """Return the configuration that a profile and the settings of a command line give."""
    return load_config(profile, parse_assignments(parameter or [])).config


def open_console(as_json: bool) -> Console:
    """Return the console for people: in JSON mode standard output belongs to the document alone."""
    return TerminalConsole(stderr=as_json, width=None if sys.stdout.isatty() else 160)


def print_json(value: Any) -> None:
    """Print one JSON document to standard output, without secrets."""
    sys.stdout.write(Redactor(secret_values(pdf_passwords=False))(json_line(value, indent=1)) + "\n")


def print_aside(sentence: str, style: str) -> None:
    """Print a sentence to standard error, without secrets."""
    say(TerminalConsole(stderr=True), Redactor(secret_values())(sentence), style)


@contextmanager
def renamed_settings_told() -> Iterator[None]:
    """Print once, to standard error, each warning about a setting that was given under a former name."""
    told: set[str] = set()
    usual = warnings.showwarning

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if not issubclass(category, RenamedSettingWarning):
            usual(message, category, filename, lineno, file, line)
        elif str(message) not in told:  # a command may read the configuration more than once
            told.add(str(message))
            print_aside(_("Warning: {message}", message=worded(str(message))), style="yellow")

    with warnings.catch_warnings():
        warnings.simplefilter("always", RenamedSettingWarning)
        warnings.showwarning = show
        yield


def open_state(profile: str | None, parameter: list[str] | None) -> StateManager:
    """Return the state below the configured outputs folder."""
    from runner.record.state_manager import StateManager

    return StateManager(read_config(profile, parameter).outputs)
