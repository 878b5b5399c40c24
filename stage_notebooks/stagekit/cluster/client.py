"""A Dask cluster as a stage sees it: reached and looked over before work, then given tasks to finish."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from stagekit.base.imports.extras import install_command
from stagekit.cluster.admission import Admission
from stagekit.cluster.likeness import Refusal
from stagekit.errors import StageError

if TYPE_CHECKING:
    from distributed import Client, Future

_CONNECT_S = 10.0
_CLOSE_S = 5.0
_LOOK_S = 2.0  # between two looks at what the cluster has
_FETCH_S = 10.0  # for a result to come; longer if it has to be made again
_NO_WORKER_S = 60.0  # a nanny has started a new worker long before
_NO_ANSWER_S = 60.0  # of a scheduler that is still connected
_MOST_LOSSES = 3  # times that all workers of a task may die; Dask itself counts as many while some are left
_SHOWN = 6


@contextlib.contextmanager
def connected(address: str) -> Iterator[Client]:
    """Give a client of the scheduler at an address, closed afterwards.

    Raises:
        StageError: Dask is not installed, or no scheduler answers.
    """
    try:
        from distributed import Client
    except ImportError:
        raise StageError(
            f"dask_scheduler is set, but Dask is not installed: {install_command('cluster')}."
        ) from None
    try:
        client = Client(address, timeout=_CONNECT_S, name="nic-etl", set_as_default=False)
    except (OSError, ValueError, TypeError) as error:  # TimeoutError is an OSError
        reason = " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__
        raise StageError(
            f"dask_scheduler: no scheduler can be reached at {address} ({reason}): start one with "
            "`dask scheduler`, correct the address, or leave the setting empty to work on this machine."
        ) from None
    try:
        yield client
    finally:
        with contextlib.suppress(Exception):  # the scheduler may be gone, and the work's own error counts
            client.close(timeout=_CLOSE_S)


@dataclass(eq=False)
class _Task:
    """A task and the workers that it was last sent to."""

    number: int  # its caller's
    function: Callable[..., Any]  # importable by name on the workers
    arguments: tuple[Any, ...]  # of the function
    future: Future | None = None  # None while there is no worker to send it to
    workers: frozenset[str] = frozenset()  # addresses; any of them may do it
    losses: int = 0  # how often all of them died


class ClusterTasks:
    """Tasks in work on a cluster, each under a number that its caller gives it.

    A task is sent to workers that were admitted, and to no other; where all of them are gone, or one refuses
    it, to those that are left or have come since. The client stays open; its address is for the errors.
    """

    def __init__(self, client: Client, address: str, admitted: Admission) -> None:
        self._client = client
        self._address = address
        self._admitted = admitted
        self._tasks: set[_Task] = set()
        self._in_work: dict[str, _Task] = {}  # by the key of its future
        self._done: SimpleQueue[Future] = SimpleQueue()
        self._given_up: deque[_Task] = deque()
        self._looked = -_LOOK_S
        self._worked = time.monotonic()  # when there last were workers
        self._threads = 0

    def __len__(self) -> int:
        return len(self._tasks) + len(self._given_up)

    def room(self) -> bool:
        """Tell whether the cluster would be kept waiting without another task; true if there is none."""
        if time.monotonic() - self._looked > _LOOK_S:
            self._look()
        return len(self) < max(1, 2 * self._threads)

    def submit(self, number: int, function: Callable[..., Any], *arguments: Any) -> None:
        """Begin a task; the function is importable by name on the workers."""
        task = _Task(number, function, arguments)
        self._tasks.add(task)
        self._send(task)

    def next(self) -> tuple[int, Any]:
        """Wait for the next task that is at its end, and return its number and its result or exception.

        Raises:
            StageError: the scheduler is gone, all workers are, for a minute, or none is left that can do it.
        """
        while True:
            if self._given_up:
                return self._given_up.popleft().number, WorkersLostError()
            try:
                future = self._done.get(timeout=_LOOK_S)
            except Empty:
                self._look()
                continue
            if future.key not in self._in_work:
                continue
            try:  # of a future that Dask calls lost, too: it waits until the task is done again
                error = future.exception(timeout=_FETCH_S)
                answer = error if error is not None else future.result(timeout=_FETCH_S)
            except CancelledError:
                raise self._gone() from None
            except (TimeoutError, OSError):  # its worker went with the result, and it is made again elsewhere
                self._look()
                future.add_done_callback(self._done.put)
                continue
            task = self._in_work.pop(future.key)
            if isinstance(answer, Refusal):
                self._refused(task, answer)
                continue
            self._tasks.discard(task)
            return task.number, answer

    def end(self, clean_up: Callable[[], None]) -> None:
        """Cancel what is in work, and call a function on every worker; nothing stays on the scheduler."""
        with contextlib.suppress(Exception):  # the cluster may be gone
            self._client.cancel([task.future for task in self._in_work.values()], force=True)
        self._in_work.clear()
        self._tasks.clear()
        self._given_up.clear()
        with contextlib.suppress(Exception):
            self._client.run(clean_up, workers=sorted(self._admitted.alike), on_error="ignore")

    def _send(self, task: _Task) -> None:
        task.workers = frozenset(self._admitted.alike)
        if not task.workers:
            task.future = None  # sent as soon as there is one
            return
        key = f"{task.function.__name__.strip('_')}-{uuid.uuid4().hex}"
        task.future = self._client.submit(
            task.function, *task.arguments, key=key, pure=False, workers=sorted(task.workers)
        )
        self._in_work[key] = task
        task.future.add_done_callback(self._done.put)

    def _refused(self, task: _Task, answer: Refusal) -> None:
        """Give a worker no more work, and what it had to others."""
        self._admitted.leave_out(answer)
        if not self._admitted.alike:
            self._look()  # there may be one that has come since
        if not self._admitted.alike and not self._admitted.deciding():
            raise self._admitted.none_left()
        self._send(task)

    def _look(self) -> None:
        """See which workers there are, and send the tasks of those that are gone to others."""
        try:
            living = self._client.nthreads()
        except Exception:  # of what kind depends on how far the client has got with closing itself
            if self._client.status == "running" and time.monotonic() - self._looked < _NO_ANSWER_S:
                return  # it is connected: the scheduler is busy
            raise self._gone() from None
        self._admitted.look(living)
        self._threads = sum(living[address] for address in self._admitted.alike)
        self._looked = time.monotonic()
        if self._threads:
            self._worked = self._looked
            for task in [task for task in self._tasks if not task.workers & self._admitted.alike]:
                self._send_elsewhere(task)
        elif self._looked - self._worked > _NO_WORKER_S:
            if self._admitted.left_out:
                raise self._admitted.none_left()
            raise StageError(
                f"dask_scheduler: the cluster at {self._address} has had no worker for {_NO_WORKER_S:.0f} s: "
                "start workers and run again; what was finished is kept."
            )

    def _send_elsewhere(self, task: _Task) -> None:
        """Send a task whose workers are all gone or left out; give it up where that was so too often."""
        if task.future is not None:
            self._in_work.pop(task.future.key, None)
            task.future.release()
            task.losses += 1
        if task.losses > _MOST_LOSSES:
            self._tasks.discard(task)
            self._given_up.append(task)
        else:
            self._send(task)

    def _gone(self) -> StageError:
        return StageError(
            f"dask_scheduler: the scheduler at {self._address} is gone, and its workers end without it: "
            f"start it, then the workers (`dask worker {self._address}` on each machine), and run again; "
            "what was finished is kept."
        )


class WorkersLostError(Exception):
    """All workers that had a task died, several times."""


def lost(answer: Any) -> bool:
    """Tell whether a task's answer is that workers died of it, as often as the scheduler allows."""
    from distributed import KilledWorker

    return isinstance(answer, KilledWorker | WorkersLostError)


def waits(paths: Iterable[str]) -> Sequence[str]:
    """Return the paths to show as in work: some of them, where a cluster has many."""
    names = sorted(paths)
    more = len(names) - _SHOWN
    return [*names[:_SHOWN], f"{more} more"] if more > 0 else names
