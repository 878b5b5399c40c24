"""Document workers forked from a process with their libraries loaded, where one was prepared.

The runner's kernels come with such a process, made before they had a thread (:func:`prepare`); it is their
child, and what it forks are their grandchildren. A notebook that is opened elsewhere has none, and
:mod:`stagekit.workers.worker_process` starts its workers as programs, a second of processor time each.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Iterable, Mapping, Sequence
from multiprocessing.connection import Connection
from multiprocessing.reduction import send_handle
from pathlib import Path
from typing import Any, NoReturn

from stagekit.base.processes.forking import serve

_ANSWER_S = 60.0  # the libraries may be loading still
_prepared: list[_Server] = []


def prepare(modules: Iterable[str]) -> None:
    """Fork the process that :func:`fork_worker` asks; it imports these modules.

    To be called while there is one thread only.
    """
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        ours.close()
        _serve(Connection(theirs.detach()), tuple(modules))
    theirs.close()
    _prepared[:] = [_Server(Connection(ours.detach()), pid)]


def fork_worker(descriptors: Sequence[int], log: int, environment: Mapping[str, str]) -> ForkedWorker | None:
    """Fork a worker, see :func:`stagekit.workers.main.run`; None where nothing was prepared, or it is gone.

    It gets the descriptors of its connection, its lifeline and its log (stdout and stderr), and its whole
    environment.
    """
    return _prepared[0].fork([*descriptors, log], environment) if _prepared else None


class ForkedWorker:
    """A forked worker, with the methods of ``subprocess.Popen`` that its owner calls."""

    def __init__(self, pid: int, server: _Server) -> None:
        self.pid = pid
        self._server = server

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal; None while it runs."""
        return self._server.code(self.pid)

    def wait(self, timeout: float) -> int:
        """Wait for its end and return its exit code.

        Raises:
            subprocess.TimeoutExpired: if it still runs after ``timeout`` seconds.
        """
        code = self._server.code(self.pid, timeout)
        if code is None:
            raise subprocess.TimeoutExpired("document worker", timeout)
        return code


class _Server:
    """The asking side; it is asked by one thread, that of the notebook."""

    def __init__(self, connection: Connection, pid: int) -> None:
        self._connection = connection
        self._pid = pid
        self._codes: dict[int, int] = {}
        self._closed = False

    def fork(self, handles: Sequence[int], environment: Mapping[str, str]) -> ForkedWorker | None:
        order = {"env": dict(environment), "handles": len(handles)}
        with contextlib.suppress(OSError):
            self._connection.send_bytes(json.dumps(order).encode())
            for handle in handles:
                send_handle(self._connection, handle, self._pid)
            answered = self._hear(_ANSWER_S, "pid")
            if answered is not None:
                return ForkedWorker(answered["pid"], self)
        self._closed = True
        return None

    def code(self, pid: int, timeout: float = 0.0) -> int | None:
        end = time.monotonic() + timeout
        while pid not in self._codes and not self._closed:
            if self._hear(max(0.0, end - time.monotonic()), "ended") is None:
                break
        if pid not in self._codes and self._closed:
            return -signal.SIGKILL  # it went with the process that had forked it
        return self._codes.get(pid)

    def _hear(self, timeout: float, wanted: str) -> dict[str, Any] | None:
        """Return the next message of a kind within so many seconds; those about ends are noted."""
        end = time.monotonic() + timeout
        while self._connection.poll(max(0.0, end - time.monotonic())):
            try:
                message: dict[str, Any] = json.loads(self._connection.recv_bytes())
            except (EOFError, OSError):
                self._closed = True
                return None
            if "ended" in message:
                self._codes[message["ended"]] = message["code"]
            if wanted in message:
                return message
        return None


def _serve(connection: Connection, modules: tuple[str, ...]) -> NoReturn:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a cell of the notebook is interrupted, not its workers
    with contextlib.suppress(OSError):
        Path("/proc/self/comm").write_text("worker_forks")
    for name in modules:
        with contextlib.suppress(ImportError):  # the worker that needs it says what is missing
            importlib.import_module(name)
    gc.collect()
    gc.freeze()  # the collector of a worker would copy the shared pages
    serve(connection, _become_worker)
    os._exit(0)


def _become_worker(order: dict[str, Any], handles: list[int]) -> NoReturn:
    from stagekit.workers.main import run

    connection, lifeline, log = handles
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    for descriptor in (nothing, log):
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(order["env"])
    with contextlib.suppress(OSError):
        Path("/proc/self/comm").write_text("worker")  # what ps and top call it
    code = 0
    try:
        run(connection, lifeline)
    except BaseException:
        traceback.print_exc()
        code = 1
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)  # what else would run at the end belongs to the processes that this one was forked from
