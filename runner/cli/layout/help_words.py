"""Puts the help of every command into the language of whoever asks for it, and typer's own words with it."""

from __future__ import annotations

from typing import Any

from runner.wording import N_, _, language, worded

__all__ = ["put_help_into_words"]

_TYPER = {  # its constants by name: they were made when it was imported
    "ARGUMENTS_PANEL_TITLE": N_("Arguments"),
    "OPTIONS_PANEL_TITLE": N_("Options"),
    "COMMANDS_PANEL_TITLE": N_("Commands"),
    "DEFAULT_STRING": N_("[default: {}]"),
    "REQUIRED_LONG_STRING": N_("[required]"),
}
_OWN = {  # of options that it adds
    N_("Install completion for the current shell."),
    N_("Show completion for the current shell, to copy it or customize the installation."),
    N_("Show this message and exit."),
}


def put_help_into_words(group: Any) -> None:
    """Word the help texts of a group of commands, and of all below it, in place.

    Args:
        group: a ``typer.core.TyperGroup``; the process is about to print its help, and to end.
    """
    if language() == "en":
        return
    from typer import rich_utils

    for name, text in _TYPER.items():
        setattr(rich_utils, name, _(text))
    _word(group)


def _word(command: Any) -> None:
    command.help = worded(command.help)
    command.short_help = worded(command.short_help) or command.short_help
    command.rich_help_panel = worded(command.rich_help_panel) or command.rich_help_panel
    context = command.context_class(command, info_name=command.name, resilient_parsing=True)
    for parameter in command.get_params(context):
        if text := getattr(parameter, "help", None):
            parameter.help = _(text) if text in _OWN else worded(text)
    for below in getattr(command, "commands", {}).values():
        _word(below)
