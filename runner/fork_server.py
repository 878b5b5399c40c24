"""A process that loads once what every stage imports, and forks the stages' kernels from there.

``python -m runner.fork_server DESCRIPTOR`` is started by :class:`runner.kernel_forks.KernelForks`, as
Python's own "forkserver" start method does it for worker processes. It serves one connection, in JSON: an
order names the arguments, environment, working folder and log of a kernel and is answered by ``{"pid": …}``;
the end of a kernel is told by ``{"ended": pid, "code": …}``. It ends with its connection, and its kernels,
which watch their parent, end with it.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import json
import os
import signal
import sys
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, NoReturn

__all__ = ["main", "serve"]

# Nothing here starts a thread or opens a ZeroMQ context: those would not survive the fork.
PRELOADED = (
    "ipykernel.kernelapp", "ipykernel.ipkernel", "ipykernel.zmqshell", "pyarrow.parquet", "pydantic",
    "matplotlib.pyplot", "stagekit.stage", "stagekit.display",
)  # fmt: skip


def main() -> None:
    """Load the modules and serve the connection whose descriptor is the argument."""
    connection = Connection(int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the runner, which ends its kernels
    for name in PRELOADED:
        with contextlib.suppress(ImportError):  # the notebook that needs it says what is missing
            importlib.import_module(name)
    _draw()
    gc.collect()
    gc.freeze()  # the collector of a kernel would copy the shared pages
    serve(connection)


def _draw() -> None:
    """Draw a figure: fonts, ticks and the PNG writer are loaded with the first one."""
    with contextlib.suppress(ImportError):
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(1, 1), layout="constrained")
        FigureCanvasAgg(figure)
        figure.subplots().plot([0, 1], label="x")
        figure.axes[0].set(title="title", xlabel="x", ylabel="y")
        figure.axes[0].legend()
        figure.savefig(io.BytesIO(), format="png", bbox_inches="tight")


def serve(connection: Connection) -> None:
    """Fork a kernel for each order and tell how kernels ended, until the connection is closed."""
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)  # without a handler nothing is written to the pipe
    signal.set_wakeup_fd(wake)
    while True:
        ready = wait([connection, woken])
        if woken in ready:
            os.read(woken, 4096)
            for pid, code in _ended():
                _tell(connection, {"ended": pid, "code": code})
        if connection in ready:
            try:
                order = json.loads(connection.recv_bytes())
            except EOFError:
                return
            pid = os.fork()
            if pid == 0:
                connection.close()
                _become_kernel(order, (woken, wake))
            _tell(connection, {"pid": pid})


def _tell(connection: Connection, message: dict[str, Any]) -> None:
    with contextlib.suppress(BrokenPipeError):  # the runner is gone: the next look at the connection ends us
        connection.send_bytes(json.dumps(message).encode())


def _ended() -> list[tuple[int, int]]:
    found = []
    with contextlib.suppress(ChildProcessError):
        while (waited := os.waitpid(-1, os.WNOHANG))[0]:
            found.append((waited[0], os.waitstatus_to_exitcode(waited[1])))
    return found


def _become_kernel(order: dict[str, Any], descriptors: tuple[int, int]) -> NoReturn:
    """Turn this forked process into the kernel of one stage; return never."""
    parent = os.getppid()
    os.setsid()  # it is ended together with all that it starts
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for descriptor in descriptors:
        os.close(descriptor)
    log = os.open(order["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    os.environ.clear()
    os.environ.update(order["env"])
    os.chdir(order["cwd"])
    name = Path(os.environ.get("NIC_ETL_NOTEBOOK", "kernel")).stem
    with contextlib.suppress(OSError):
        Path("/proc/self/comm").write_text(name[:15])  # what ps and top call it

    from ipykernel.kernelapp import launch_new_instance

    # The option's default was read from the environment when the class was made, in our parent.
    launch_new_instance([*order["argv"], f"--IPKernelApp.parent_handle={parent}"])
    raise SystemExit(0)


if __name__ == "__main__":
    main()
