"""Where ``nic-etl`` begins, also as ``python -m runner``: with the commands that a command line may need.

A question is answered in a second, of which the commands of runs, with what they bring, would be a quarter.
"""

from __future__ import annotations

import os
import signal
import sys
from importlib import import_module
from types import FrameType
from typing import Final, NoReturn

import typer

from runner.cli.common import new_app, print_aside, renamed_settings_told
from runner.errors import PipelineOrchestrationError
from runner.terminal import json_line
from runner.wording import stored, worded
from stagekit.base.disk_faults import disk_fault
from stagekit.base.redaction import Redactor, secret_values
from stagekit.errors import StageError

_ALONE: Final = {"search": "runner.cli.search", "evaluate": "runner.cli.search"}
"""Commands that need no others, and the module of each."""


def main() -> None:
    """Run the command line; every error becomes one message and an exit code, never a traceback."""
    signal.signal(signal.SIGTERM, _terminate)
    os.umask(0o077)  # files for the user alone, whichever command writes them
    try:
        with renamed_settings_told():
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
    """Return the application that some words are for, with all commands unless they begin with one of few."""
    if not words or words[0] not in _ALONE:
        from runner.cli.app import app

        return app
    alone = new_app()
    alone.command()(getattr(import_module(_ALONE[words[0]]), words[0]))
    return alone


def _terminate(_signal: int, _frame: FrameType | None) -> None:
    # The same way out as Ctrl-C: finished documents are kept, kernels are ended.
    raise KeyboardInterrupt


def _give_up(sentence: str, code: int) -> NoReturn:
    if "--json" in sys.argv:  # whatever reads it gets a document, also where there is nothing else to say
        sys.stdout.write(Redactor(secret_values())(json_line({"error": sentence})) + "\n")
    print_aside(worded(sentence), style="red")
    sys.exit(code)
