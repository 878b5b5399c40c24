"""The front of a tool that the runner starts as a process: a request as JSON in, an answer as JSON out."""

from __future__ import annotations

import contextlib
import inspect
import json
import sys
from collections.abc import Callable
from typing import Any

from stagekit.base.disk_faults import disk_fault
from stagekit.errors import StageError

__all__ = ["answer"]


def answer(tool: Callable[..., Any], name: str) -> int:
    """Call a tool with the request on standard input, and return the exit code.

    Args:
        tool: takes the request's values by name; what it returns is plain JSON.
        name: of the tool, for a request that it does not take.

    Returns:
        0 answered, 1 the tool cannot do it, 2 the request is wrong; standard error holds one sentence then.
    """
    output = sys.stdout
    try:
        request = json.load(sys.stdin)
        inspect.signature(tool).bind(**request)
    except (ValueError, TypeError) as error:
        sys.stderr.write(f"The request is not one that {name} takes ({error}).\n")
        return 2
    try:
        with contextlib.redirect_stdout(sys.stderr):  # libraries that print must not spoil the JSON
            found = tool(**request)
    except StageError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except Exception as error:
        if not (fault := disk_fault(error)):
            raise
        sys.stderr.write(f"{fault}\n")
        return 1
    json.dump(found, output, ensure_ascii=False)
    output.write("\n")
    return 0
