"""``python -m runner`` is ``nic-etl``: the command line, as a program that ends promptly."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from typing import NoReturn

from runner.cli.surroundings import fix_paths, missing_folder, open_streams, place_caches
from stagekit.base.processes.interpreter import run_exit_functions


def program() -> NoReturn:
    """Run the command line and end the process.

    Python would first take apart, object by object, what a run has loaded: a third of a second.
    """
    code: object = 0
    open_streams()
    place_caches()
    try:
        if gone := missing_folder():
            raise SystemExit(gone)
        fix_paths()
        from runner.cli.entry import (
            main,  # takes a part of a second, in which somebody may think better of it
        )

        main()
    except SystemExit as end:
        code = end.code
    except KeyboardInterrupt:
        code = 130  # as shells have it: 128 and the number of the signal
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    if not isinstance(code, int | None):
        print(code, file=sys.stderr)  # noqa: T201 - as Python does with it
        code = 1
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()
    run_exit_functions()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # whoever read it is gone
            stream.flush()
    if lost := getattr(sys.stdout, "lost", ""):
        said = f"Standard output could not be written ({lost}); what was done is recorded: nic-etl history"
        print(said, file=sys.stderr, flush=True)  # noqa: T201 - no console of ours is left
        code = code or 1
    os._exit(code or 0)


if __name__ == "__main__":
    program()
