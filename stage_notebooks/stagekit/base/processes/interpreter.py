"""What we need of Python itself that is not public."""

from __future__ import annotations

import atexit


def run_exit_functions() -> None:
    """Call what is registered with `atexit`, before `os._exit` ends the process without it."""
    atexit._run_exitfuncs()
