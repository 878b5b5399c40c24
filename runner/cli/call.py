"""What every command is given: whose settings it reads, and how it answers. Its fields are options.

A command takes such a value as ``call``; :class:`Commands` puts the options in its place, so that each is
declared once and called the same everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property, wraps
from inspect import Parameter, Signature, signature
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from runner.cli.common import PapermillWords, open_console, print_json
from runner.cli.welcome import welcome
from runner.config_manager import LoadedConfig, WrongSettingsError, load_config, parse_assignments
from runner.settings.pipeline_config import PipelineConfig
from runner.terminal import say
from runner.tools import run_tool

if TYPE_CHECKING:
    from runner.record.state_manager import StateManager

RunId = Annotated[str, typer.Argument(help="A run's id or its beginning; the last run if left out.")]


@dataclass(frozen=True)
class Configured:
    """A call whose settings come from a profile and from words of the command line."""

    profile: Annotated[
        str | None, typer.Option("--profile", help="local, production, or the path of a YAML file.")
    ] = None
    parameter: Annotated[
        list[str] | None,
        typer.Option("-p", "--parameter", help="A setting as name=value or name value; may be repeated."),
    ] = None

    @cached_property
    def assignments(self) -> dict[str, Any]:
        """The settings that were given as words, by name."""
        return parse_assignments(self.parameter or [])

    def load(self, **more: Any) -> LoadedConfig:
        """Read the configuration, with further settings."""
        return load_config(self.profile, self.assignments | more)

    @cached_property
    def loaded(self) -> LoadedConfig:
        """The configuration as it was read first, and where each value comes from."""
        return self.load()

    def checked(self, **more: Any) -> LoadedConfig:
        """Return the configuration; where settings are wrong, the others are looked at as before a run.

        Raises:
            WrongSettingsError: a sentence for each that is wrong by itself or does not fit the others.
        """
        try:
            return self.load(**more) if more else self.loaded
        except WrongSettingsError as error:
            from stagekit.checks.preflight import preflight

            raise WrongSettingsError([*error.problems, *preflight(error.others)], error.others) from None

    @cached_property
    def config(self) -> PipelineConfig:
        """The settings."""
        return self.loaded.config

    def ask_store(self, tool: str, **wanted: Any) -> Any:
        """Ask a tool about the store and the outputs folder; ``wanted`` are its further arguments."""
        request = {
            "outputs_dir": str(self.config.outputs),
            "qdrant_url": self.config.qdrant_url,
            "settings": self.config.model_dump(mode="json"),
        }
        return run_tool(tool, request | wanted)

    @cached_property
    def state(self) -> StateManager:
        """The state below the outputs folder."""
        from runner.record.state_manager import StateManager

        return StateManager(self.config.outputs)


@dataclass(frozen=True)
class Call(Configured):
    """A call that is answered with a screen, or with one JSON document."""

    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")] = False

    @cached_property
    def console(self) -> Console:
        """The console for people: in JSON mode standard output belongs to the document alone."""
        return open_console(self.as_json)

    def say(self, sentence: str, style: str = "") -> None:
        """Print a sentence for people."""
        say(self.console, sentence, style)

    def answer(self, document: Any, show: Callable[..., None], *shown: Any, **options: Any) -> None:
        """Print the document where JSON is asked for; else let a screen show it.

        Args:
            document: of plain JSON.
            show: is called with the console, and with what follows.
            shown: what the screen shows; the document, if nothing is given.
            options: of the screen.
        """
        if self.as_json:
            print_json(document)
        else:
            show(self.console, *(shown or (document,)), **options)


@dataclass(frozen=True)
class QuietCall(Call):
    """A call that cron may make."""

    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print nothing if all went well, as cron wants it.")
    ] = False


class Commands(typer.Typer):
    """A group of commands, whose parameter ``call`` is made of the options that its type has."""

    def command(self, *words: Any, **options: Any) -> Callable[[Any], Any]:
        """Return what registers a function as a command, as :meth:`typer.Typer.command` does."""
        register = super().command(*words, **options)

        def registered(function: Any) -> Any:
            register(_with_options(function))
            return function

        return registered


def _with_options(function: Callable[..., None]) -> Callable[..., None]:
    own = dict(signature(function, eval_str=True).parameters)
    if "call" not in own:
        return function
    kind = own.pop("call").annotation
    shared = _options_of(kind)

    @wraps(function)
    def command(**words: Any) -> None:
        function(call=kind(**{name: words.pop(name) for name in shared}), **words)

    parameters = [one.replace(kind=Parameter.KEYWORD_ONLY) for one in (*own.values(), *shared.values())]
    command.__signature__ = Signature(parameters)  # type: ignore[attr-defined] # what typer goes by
    command.__annotations__ = {}  # it would evaluate them once more
    return command


@cache
def _options_of(kind: type[Configured]) -> Mapping[str, Parameter]:
    return signature(kind, eval_str=True).parameters


def new_app() -> Commands:
    """Return the application without commands."""
    return Commands(
        cls=PapermillWords,
        invoke_without_command=True,
        callback=welcome,
        pretty_exceptions_enable=False,
        help="Keeps a Qdrant collection in step with the approved documents of a repository.",
    )
