"""A stage's side of one document worker: how it is started, asked, weighed, and killed with its children."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import IO, Any

from stagekit.base.plain_json import canonical_json
from stagekit.base.processes.process_memory import family_resident_mb, resident_mb
from stagekit.stage.execution import Workplace
from stagekit.workers.forks import fork_worker

Row = dict[str, Any]
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")

_END_S = 2.0


@dataclass
class Task:
    """A document to be processed."""

    index: int  # of its row
    row: Row  # the document
    again: bool = False  # whether a worker has already failed on it


class WorkerProcess:
    """A running worker, see :mod:`stagekit.workers.main`."""

    def __init__(self, order: Row, threads: int, place: Workplace) -> None:
        ours, theirs = socket.socketpair()
        lifeline, self._lifeline = os.pipe()
        passed = (theirs.fileno(), lifeline)
        with ours, theirs, open(lifeline), place.log.open("ab") as log:  # noqa: PTH123 - a descriptor
            environment = _environment(threads)
            forked = fork_worker(passed, log.fileno(), environment)
            self._process = forked or _start_program(passed, log, environment)
            self.connection = Connection(ours.detach())  # readable when it has answered or is gone
        self.begin = time.monotonic()  # when it was started or got its document
        self.ready = False  # whether it has opened the stage's function
        self.task: Task | None = None  # the document in work
        self.served = 0  # documents that it has finished
        self.resting_mb = self.opened_mb = 0.0  # its own memory before that document, and when it was ready
        self._send(order | {"store": place.store_url, "threads": threads})

    def opened(self) -> None:
        """Note that the worker is ready for documents."""
        self.ready = True
        self.opened_mb = self.own_memory_mb()

    def give(self, task: Task) -> None:
        """Hand a document to an idle worker."""
        self.task = task
        self.resting_mb = self.own_memory_mb()
        self.begin = time.monotonic()
        self._send(task.row)

    def finish(self) -> Task:
        """Note that the worker has finished its document, and return that."""
        task, self.task = self.task, None
        if task is None:
            raise RuntimeError("A document worker answered without having been asked.")
        self.served += 1
        return task

    def own_memory_mb(self) -> float:
        """Return the resident memory of the process itself, in MB (2^20 bytes)."""
        return resident_mb(self._process.pid)

    def memory_mb(self) -> float:
        """Return the resident memory of the process and of all that it started, in MB (2^20 bytes)."""
        return family_resident_mb(self._process.pid)

    def seconds(self) -> float:
        """Return how long the worker has been at its start or at its document."""
        return time.monotonic() - self.begin

    def gone(self) -> bool:
        """Tell whether the process has ended."""
        return self._process.poll() is not None

    def await_end(self) -> None:
        """Give a process that has hung up the time to end by itself, so that its exit code tells why."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=_END_S)

    def kill(self) -> None:
        """End the process and all that it started, at once; :meth:`reap` has to follow."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)  # it leads its own group

    def reap(self) -> str:
        """Wait for the end of a process that was killed or broke off, and return how it ended, in words."""
        self.connection.close()
        self.kill()  # what a crashed worker has left behind
        os.close(self._lifeline)
        return _ending(self._process.wait(timeout=30))

    def _send(self, message: Row) -> None:
        # A worker that is gone is noticed where its answer is waited for.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.connection.send_bytes(canonical_json(message).encode(errors="replace"))


def _start_program(
    passed: tuple[int, int], log: IO[bytes], environment: dict[str, str]
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "stagekit.workers.main", *map(str, passed)],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        env=environment,
        pass_fds=passed,
        start_new_session=True,
    )


def _environment(threads: int) -> dict[str, str]:
    numbers = dict.fromkeys(_THREAD_VARIABLES, str(threads))
    path = os.pathsep.join(dict.fromkeys(part for part in sys.path if part))
    return {**os.environ, **numbers, "TOKENIZERS_PARALLELISM": "false", "PYTHONPATH": path}


def _ending(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    names: Sequence[str] = [item.name for item in signal.Signals if item == -code]
    said = f"was killed by {names[0] if names else f'signal {-code}'}"
    return said + (", as when the machine runs out of memory" if -code == signal.SIGKILL else "")
