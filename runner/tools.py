"""Starts stagekit's tools in processes of their own: the runner itself imports no models and no clients.

A question is first put to the process that keeps the model warm, if one serves the outputs folder.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from runner.errors import StateManagementError
from stagekit.base.sockets.warm_process import ask_warm_process, is_warm

__all__ = ["is_warm", "keep_warm", "run_tool"]

_WARNING: Final = "Warning: "  # libraries write there, too


def run_tool(module: str, request: dict[str, Any], *, warm: bool = False) -> Any:
    """Put a JSON request to a tool in a process of its own and return its JSON answer.

    Its warnings are written to standard error.

    Args:
        module: of the tool, see :mod:`stagekit.tools`.
        request: its arguments.
        warm: whether the warm process of the request's ``outputs_dir`` may answer instead, if there is one.

    Raises:
        StateManagementError: with the last line of its standard error and its exit code, if it fails.
    """
    told = ask_warm_process(Path(request["outputs_dir"]), module, request) if warm else None
    if told is not None:
        if told.exit_code:
            raise StateManagementError(told.error, exit_code=told.exit_code)
        sys.stderr.writelines(f"{warning}\n" for warning in told.warnings)
        return told.answer
    done = subprocess.run(
        [sys.executable, "-m", "stagekit.tools", module],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        env={**os.environ, "TOKENIZERS_PARALLELISM": "false"},
        check=False,
    )
    if done.returncode:
        words = done.stderr.strip().splitlines() or [f"{module} ended with code {done.returncode}"]
        raise StateManagementError(words[-1], exit_code=done.returncode)
    warnings = [line for line in done.stderr.splitlines() if line.startswith(_WARNING)]
    sys.stderr.writelines(f"{line}\n" for line in warnings)
    return json.loads(done.stdout)


def keep_warm(settings: dict[str, Any]) -> subprocess.Popen[str]:
    """Start the process that keeps the model of questions loaded; it ends with this one.

    Args:
        settings: arguments that a question has unless it says otherwise; ``outputs_dir`` among them.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "stagekit.serving.local"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # what concerns a question is in its answer
        text=True,
        env={**os.environ, "TOKENIZERS_PARALLELISM": "false"},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(settings) + "\n")
    process.stdin.flush()
    process.stdout.readline()  # ready, or it has ended: then questions are answered without it
    return process
