"""Starts stagekit's tools in processes of their own: the runner itself imports no models and no clients.

A question is first put to the process that keeps the model warm, if one serves the outputs folder.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from runner.errors import StateManagementError
from runner.wording import worded
from stagekit.base.sockets.warm_process import ask_warm_process

_WARNING: Final = "Warning: "  # libraries write there, too
# What a web server tells its kernels of the request, the token among it, is nobody else's business.
_WEB: Final = (
    "QUERY_STRING", "VOILA_", "JUPYTER_TOKEN", "SERVER_", "SCRIPT_NAME", "PATH_INFO", "HTTP_", "JPY_",
)  # fmt: skip


def child_environment() -> dict[str, str]:
    """Return the environment for a process that is started here, without what a web server put there."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_WEB)}


def start_child(module: str, order: dict[str, Any], **options: Any) -> subprocess.Popen[str]:
    """Start a module as a process that is told what to do by a line of JSON, and talks to us by lines.

    Args:
        module: that is executed.
        order: its first line; where the process has ended already, that is noticed where it is to answer.
        options: of :class:`subprocess.Popen`.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        **options,
    )
    assert process.stdin is not None
    with contextlib.suppress(OSError):
        process.stdin.write(json.dumps(order) + "\n")
        process.stdin.flush()
    return process


def print_warning(sentence: str) -> None:
    """Write a warning to standard error, in the language of the moment."""
    sys.stderr.write(f"{worded(sentence)}\n")


def run_tool(
    module: str,
    request: dict[str, Any],
    *,
    warm: bool = False,
    warn: Callable[[str], None] = print_warning,
) -> Any:
    """Put a JSON request to a tool in a process of its own and return its JSON answer.

    Args:
        module: of the tool, see :mod:`stagekit.tools`.
        request: its arguments.
        warm: whether the warm process of the request's ``outputs_dir`` may answer instead, if there is one.
        warn: is given each of its warnings.

    Raises:
        StateManagementError: with the last line of its standard error and its exit code, if it fails.
    """
    told = ask_warm_process(Path(request["outputs_dir"]), module, request) if warm else None
    if told is not None:
        if told.exit_code:
            raise StateManagementError(told.error, exit_code=told.exit_code)
        for warning in told.warnings:
            warn(warning)
        return told.answer
    done = subprocess.run(
        [sys.executable, "-m", "stagekit.tools", module],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        env=_tool_environment(),
        check=False,
    )
    if done.returncode:
        words = done.stderr.strip().splitlines() or [f"{module} ended with code {done.returncode}"]
        raise StateManagementError(words[-1], exit_code=done.returncode)
    for line in done.stderr.splitlines():
        if line.startswith(_WARNING):
            warn(line)
    return json.loads(done.stdout)


def keep_warm(settings: dict[str, Any]) -> subprocess.Popen[str]:
    """Start the process that keeps the model of questions loaded; it ends with this one.

    Args:
        settings: arguments that a question has unless it says otherwise; ``outputs_dir`` among them.
    """
    process = start_child(
        "stagekit.serving.local",
        settings,
        stderr=subprocess.DEVNULL,  # what concerns a question is in its answer
        env=_tool_environment(),
    )
    assert process.stdout is not None
    process.stdout.readline()  # ready, or it has ended: then questions are answered without it
    return process


def _tool_environment() -> dict[str, str]:
    return child_environment() | {"TOKENIZERS_PARALLELISM": "false"}
