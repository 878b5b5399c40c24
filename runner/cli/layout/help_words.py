"""Puts the help of every command, and what typer says of wrong words, into the language of its reader."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import reduce
from typing import Any

from runner.wording import N_, _, language, worded
from runner.wording.recognition import recognise

_TYPER = {  # its constants by name: they were made when it was imported
    "ARGUMENTS_PANEL_TITLE": N_("Arguments"),
    "OPTIONS_PANEL_TITLE": N_("Options"),
    "COMMANDS_PANEL_TITLE": N_("Commands"),
    "DEFAULT_STRING": N_("[default: {}]"),
    "REQUIRED_LONG_STRING": N_("[required]"),
    "ERRORS_PANEL_TITLE": N_("Error"),
    "RICH_HELP": N_("Try [blue]'{command_path} {help_option}'[/] for help."),
}
_USAGE = (N_("Usage: "), N_("[OPTIONS]"), N_("COMMAND [ARGS]..."))
_WRONG_VALUE = (N_("Invalid value for {option}: {message}"),)
_COMPLAINTS = (  # typer's sentences about wrong words of a command line
    N_("No such command {command}."),
    N_("No such command {command}. Did you mean {commands}?"),
    N_("No such option: {option}"),
    N_("No such option: {option} (Possible options: {options})"),
    N_("Missing argument {argument}."),
    N_("Missing option {option}."),
    N_("Option {option} requires an argument."),
    N_("Option {option} does not take a value."),
    N_("Got unexpected extra argument(s) ({words})"),
    N_("{value} is not a valid integer."),
    N_("{value} is not a valid integer range."),
    N_("{value} is not a valid float range."),
    N_("{value} is not in the range {limits}."),
    N_("{value} is not one of {values}."),
)
_OWN = {  # of options that it adds
    N_("Install completion for the current shell."),
    N_("Show completion for the current shell, to copy it or customize the installation."),
    N_("Show this message and exit."),
}


def put_help_into_words(group: Any) -> None:
    """Word the help texts of a group of commands and of all below it, in place, a line a paragraph.

    Args:
        group: a ``typer.core.TyperGroup``; the process is about to print its help, and to end.
    """
    if language() != "en":
        _word_typer()
    _word(group)


@contextmanager
def usage_errors_in_words() -> Iterator[None]:
    """Word what typer raises about the words of a command line, on its way to being shown."""
    try:
        yield
    except Exception as error:
        worded_by = getattr(error, "format_message", None)  # of its ClickException, which it does not export
        if worded_by is not None and language() != "en":
            error.format_message = lambda: _complaint(worded_by())  # type: ignore[attr-defined]
            _word_typer()
            if context := getattr(error, "ctx", None):
                _word(context.command)
        raise


def _word_typer() -> None:
    from typer import rich_utils

    for name, text in _TYPER.items():
        setattr(rich_utils, name, _(text))


def _complaint(sentence: str) -> str:
    found = recognise(sentence, _WRONG_VALUE) or recognise(sentence, _COMPLAINTS)
    if found is None:
        return worded(sentence)
    values = {name: _complaint(value) if name == "message" else value for name, value in found.values.items()}
    return _(found.code, **values)


def _word(command: Any) -> None:
    usage = command.get_usage
    command.get_usage = lambda context: reduce(_replaced, _USAGE, usage(context))
    paragraphs = worded(command.help).split("\n\n")  # typer joins the lines of the first one only
    command.help = "\n\n".join(" ".join(paragraph.split("\n")) for paragraph in paragraphs)
    command.short_help = worded(command.short_help) or command.short_help
    command.rich_help_panel = worded(command.rich_help_panel) or command.rich_help_panel
    context = command.context_class(command, info_name=command.name, resilient_parsing=True)
    for parameter in command.get_params(context):
        if text := getattr(parameter, "help", None):
            parameter.help = _(text) if text in _OWN else worded(text)
    for below in getattr(command, "commands", {}).values():
        _word(below)


def _replaced(usage: str, word: str) -> str:
    return usage.replace(word, _(word), 1)
