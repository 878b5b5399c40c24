"""The front of every tool, which the runner starts as a process: a request as JSON in, an answer as JSON out.

``python -m stagekit.tools MODULE`` calls the function that the module names ``tool`` with the request on
standard input, an object of its arguments, and writes what it returns to standard output.
"""

from __future__ import annotations

import contextlib
import inspect
import json
import os
import sys
from importlib import import_module

from stagekit.base.disk_faults import disk_fault
from stagekit.base.processes.interpreter import run_exit_functions
from stagekit.errors import StageError


def answer(module: str) -> int:
    """Answer the request on standard input and return the exit code.

    Args:
        module: of the tool, which takes the request's values by name and returns plain JSON.

    Returns:
        0 answered, 1 the tool cannot do it, 2 the request or a setting is wrong; standard error holds one
        sentence then.
    """
    output = sys.stdout
    tool = import_module(module).tool
    try:
        request = json.load(sys.stdin)
        inspect.signature(tool).bind(**request)
    except (ValueError, TypeError) as error:
        sys.stderr.write(f"The request is not one that {module} takes ({error}).\n")
        return 2
    try:
        with contextlib.redirect_stdout(sys.stderr):  # libraries that print must not spoil the JSON
            found = tool(**request)
    except StageError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    except Exception as error:
        if not (fault := disk_fault(error)):
            raise
        sys.stderr.write(f"{fault}\n")
        return 1
    json.dump(found, output, ensure_ascii=False)
    output.write("\n")
    return 0


if __name__ == "__main__":
    code = answer(sys.argv[1])
    sys.stdout.flush()
    sys.stderr.flush()
    run_exit_functions()
    # Native threads that Python's end finds at work have aborted the process on a busy machine ("terminate
    # called without an active exception").
    os._exit(code)
