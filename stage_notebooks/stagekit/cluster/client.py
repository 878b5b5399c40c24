"""A Dask cluster as a stage sees it: reached and looked over before work, then given tasks to finish."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from stagekit.errors import StageError

if TYPE_CHECKING:
    from distributed import Client, Future

__all__ = ["ClusterTasks", "connected", "lost", "waits"]

_CONNECT_S = 10.0
_CLOSE_S = 5.0
_LOOK_S = 2.0  # between two looks at what the cluster has
_FETCH_S = 10.0  # for a result to come; longer if it has to be made again
_NO_WORKER_S = 60.0  # a nanny has started a new worker long before
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
            "dask_scheduler is set, but Dask is not installed: pip install 'nic-etl[cluster]'."
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


class ClusterTasks:
    """Tasks in work on a cluster, each under a number that its caller gives it.

    Args:
        client: of the scheduler; it stays open.
        address: of the scheduler, for the errors.
    """

    def __init__(self, client: Client, address: str) -> None:
        self._client = client
        self._address = address
        self._in_work: dict[str, tuple[int, Future]] = {}
        self._done: SimpleQueue[Future] = SimpleQueue()
        self._looked = -_LOOK_S
        self._worked = time.monotonic()  # when there last were workers
        self._threads = 0

    def __len__(self) -> int:
        return len(self._in_work)

    def room(self) -> bool:
        """Tell whether the cluster would be kept waiting without another task; true if there is none."""
        if time.monotonic() - self._looked > _LOOK_S:
            self._look()
        return len(self._in_work) < max(1, 2 * self._threads)

    def submit(self, number: int, function: Callable[..., Any], *arguments: Any) -> None:
        """Begin a task; the function is importable by name on the workers."""
        key = f"{function.__name__.strip('_')}-{uuid.uuid4().hex}"
        future = self._client.submit(function, *arguments, key=key, pure=False)
        self._in_work[key] = (number, future)
        future.add_done_callback(self._done.put)

    def next(self) -> tuple[int, Any]:
        """Wait for the next task that is at its end, and return its number and its result or exception.

        Raises:
            StageError: the scheduler is gone, or all workers are, for a minute.
        """
        while True:
            try:
                future = self._done.get(timeout=_LOOK_S)
            except Empty:
                self._look()
                continue
            if future.key not in self._in_work:
                continue
            if future.status in {"cancelled", "lost"}:
                raise self._gone()
            try:
                error = future.exception(timeout=_FETCH_S)
                answer = error if error is not None else future.result(timeout=_FETCH_S)
            except (TimeoutError, OSError):  # its worker went with the result, and it is made again elsewhere
                self._look()
                future.add_done_callback(self._done.put)
                continue
            return self._in_work.pop(future.key)[0], answer

    def end(self, clean_up: Callable[[], None]) -> None:
        """Cancel what is in work, and call a function on every worker; nothing stays on the scheduler."""
        with contextlib.suppress(Exception):  # the cluster may be gone
            self._client.cancel([future for _, future in self._in_work.values()], force=True)
        self._in_work.clear()
        with contextlib.suppress(Exception):
            self._client.run(clean_up, on_error="ignore")

    def _look(self) -> None:
        """See which workers there are."""
        try:
            self._threads = sum(self._client.nthreads().values())
        except Exception:  # of what kind depends on how far the client has got with closing itself
            raise self._gone() from None
        self._looked = time.monotonic()
        if self._threads:
            self._worked = self._looked
        elif self._looked - self._worked > _NO_WORKER_S:
            raise StageError(
                f"dask_scheduler: the cluster at {self._address} has had no worker for {_NO_WORKER_S:.0f} s: "
                "start workers and run again; what was finished is kept."
            )

    def _gone(self) -> StageError:
        return StageError(
            f"dask_scheduler: the scheduler at {self._address} is gone: start it and run again; what was "
            "finished is kept."
        )


def lost(answer: Any) -> bool:
    """Tell whether a task's answer is that workers died of it, as often as the scheduler allows."""
    from distributed import KilledWorker

    return isinstance(answer, KilledWorker)


def waits(paths: Iterable[str]) -> Sequence[str]:
    """Return the paths to show as in work: some of them, where a cluster has many."""
    names = sorted(paths)
    more = len(names) - _SHOWN
    return [*names[:_SHOWN], f"{more} more"] if more > 0 else names
