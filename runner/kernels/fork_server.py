"""A process that loads once what every stage imports, and forks the stages' kernels from there.

``python -m runner.kernels.fork_server DESCRIPTOR [plots]`` is started by
:class:`runner.kernels.forks.KernelForks`, as Python's own "forkserver" start method does it for worker
processes. It serves one connection (:mod:`stagekit.base.processes.forking`): an order names the arguments,
environment, working folder and log of a kernel, what its document workers import, and what it has in common
with other kernels. It ends with its connection, and its kernels, which watch their parent, end with it.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import inspect
import os
import signal
import sys
from multiprocessing.connection import Connection
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, NoReturn

from stagekit.base.imports.arrow import leave_pandas_out
from stagekit.base.processes.forking import serve
from stagekit.workers.forks import prepare

# Nothing here starts a thread or opens a ZeroMQ context: those would not survive the fork.
FIRST = (
    "ipykernel.kernelapp", "ipykernel.ipkernel", "ipykernel.zmqshell", "pyarrow.parquet", "pyarrow.compute",
    "pydantic", "stagekit.stage.stage", "stagekit.stage.display", "stagekit.workers.main",
)  # fmt: skip
# What the workers of stage 02 and the kernel of stage 03 read and write documents with.
THEN = ("docling_core.types.doc",)
# What stages draw with where there is much to show; the kernel of stage 02 does not wait for it. The backend
# is left to the kernels: imported before IPython it would show no image.
PLOTS = ("matplotlib.pyplot",)


def main() -> None:
    """Load the modules and serve the connection whose descriptor is the argument."""
    connection = Connection(int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the runner, which ends its kernels
    _load(FIRST)
    with contextlib.suppress(ImportError):
        leave_pandas_out()
    # The run waits for its first kernels, which can do without the rest.
    plots = PLOTS if sys.argv[2:] == ["plots"] else ()
    serve(connection, _become_kernel, [lambda: _load(THEN), lambda: _load(plots)], _load_common)


def _load(names: tuple[str, ...]) -> None:
    for name in names:
        with contextlib.suppress(ImportError):  # the notebook that needs it says what is missing
            importlib.import_module(name)
    gc.collect()
    gc.freeze()  # the collector of a kernel would copy the shared pages


def _load_common(order: dict[str, Any]) -> None:
    """Load what the kernel of an order has in common with others; once loaded, it is there at once."""
    if order["common"]:
        with contextlib.suppress(Exception):  # its notebook meets the same fault, and says so
            function = resolve_name(order["common"])
            named = inspect.signature(function).parameters
            function(**{argument: order["settings"][argument] for argument in named})
        gc.freeze()


def _become_kernel(order: dict[str, Any], _: list[int]) -> NoReturn:
    """Turn this forked process into the kernel of one stage; return never."""
    log = os.open(order["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    os.environ.clear()
    os.environ.update(order["env"])
    os.chdir(order["cwd"])
    if order["worker_imports"]:
        prepare(order["worker_imports"])
    name = Path(os.environ.get("NIC_ETL_NOTEBOOK", "kernel")).stem
    with contextlib.suppress(OSError):
        Path("/proc/self/comm").write_text(name[:15])  # what ps and top call it

    from ipykernel.kernelapp import launch_new_instance

    # The option's default was read from the environment when the class was made, in our parent.
    launch_new_instance([*order["argv"], f"--IPKernelApp.parent_handle={os.getppid()}"])
    raise SystemExit(0)


if __name__ == "__main__":
    main()
