"""Starts stagekit's tools in processes of their own: the runner itself imports no models and no clients."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any, Final

from runner.errors import StateManagementError

__all__ = ["run_tool"]

_WARNING: Final = "Warning: "  # libraries write there, too


def run_tool(module: str, request: dict[str, Any]) -> Any:
    """Run ``python -m module`` with a JSON request on its standard input and return its JSON answer.

    Its warnings are written to standard error.

    Raises:
        StateManagementError: with the last line of its standard error and its exit code, if it fails.
    """
    done = subprocess.run(
        [sys.executable, "-m", module],
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
