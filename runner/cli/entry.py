"""Where ``nic-etl`` begins, also as ``python -m runner``: with the commands that a command line may need.

A question is answered in a second, of which the commands of runs, with what they bring, would be a quarter.
"""

from __future__ import annotations

import os
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final, NoReturn

import typer

from runner.cli.call import new_app
from runner.cli.common import print_aside
from runner.errors import PipelineOrchestrationError
from runner.settings.renamed import RenamedSettingWarning
from runner.terminal import json_line
from runner.wording import _, stored, worded
from stagekit.base.disk_faults import disk_fault
from stagekit.base.redaction import Redactor, secret_values
from stagekit.errors import StageError

_QUESTIONS: Final = ("search", "evaluate")
"""Commands that need no others."""


def main() -> None:
    """Run the command line; every error becomes one message and an exit code, never a traceback."""
    signal.signal(signal.SIGTERM, _terminate)
    os.umask(0o077)  # files for the user alone, whichever command writes them
    try:
        with _renamed_settings_told():
            command_line(sys.argv[1:])(standalone_mode=True)
    except (PipelineOrchestrationError, StageError) as error:
        _give_up(str(error), getattr(error, "exit_code", 1))
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if fault := disk_fault(error):
            _give_up(stored(f"{fault} Then give the command again."), 1)
        if isinstance(error, OSError):  # a folder without rights, for example
            kept = stored(f"{error}: see to it, then give the command again; what was finished is kept.")
            _give_up(kept, 1)
        raise


def command_line(words: list[str]) -> typer.Typer:
    """Return the application that some words are for, with all commands unless it is a question."""
    if not words or words[0] not in _QUESTIONS:
        from runner.cli.app import app

        return app
    from runner.cli import search

    alone = new_app()
    alone.command()(getattr(search, words[0]))
    return alone


@contextmanager
def _renamed_settings_told() -> Iterator[None]:
    """Print once, to standard error, each warning about a setting that was given under a former name."""
    told: set[str] = set()
    usual = warnings.showwarning

    def show(message: Warning | str, category: type[Warning], *place: Any, **options: Any) -> None:
        if not issubclass(category, RenamedSettingWarning):
            usual(message, category, *place, **options)
        elif str(message) not in told:  # a command may read the configuration more than once
            told.add(str(message))
            print_aside(_("Warning: {message}", message=worded(str(message))), style="yellow")

    with warnings.catch_warnings():
        warnings.simplefilter("always", RenamedSettingWarning)
        warnings.showwarning = show
        yield


def _terminate(_signal: int, _frame: FrameType | None) -> None:
    # The same way out as Ctrl-C: finished documents are kept, kernels are ended.
    raise KeyboardInterrupt


def _give_up(sentence: str, code: int) -> NoReturn:
    if "--json" in sys.argv:  # whatever reads it gets a document, also where there is nothing else to say
        sys.stdout.write(Redactor(secret_values())(json_line({"error": sentence})) + "\n")
    print_aside(worded(sentence), style="red")
    sys.exit(code)
