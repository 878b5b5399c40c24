"""Python-gitlab clients for several threads: one for each, as their sessions are not made to be shared."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import gitlab
from gitlab.v4.objects import Project

if TYPE_CHECKING:
    from stagekit.ingestion.gitlab.transport import GitLabSession, Traffic

Item = TypeVar("Item")
T = TypeVar("T")
Connect = Callable[["GitLabSession"], gitlab.Gitlab]
_POLL_S = 0.25
_AHEAD = 4  # tasks in the queue for each worker


class ProgressBar(Protocol):
    """What :class:`stagekit.stage.display.Progress` offers."""

    total: int

    def start(self, *names: str) -> None:
        """Say what is in work."""

    def advance(self, count: int = 1) -> None:
        """Count finished items."""


class Clients:
    """Runs requests to one project side by side, in so many threads, each with a client of its own.

    Waits and finished tasks are shown by the caller's thread only.
    """

    def __init__(
        self, connect: Connect, traffic: Traffic, workers: int, progress: ProgressBar | None
    ) -> None:
        self.progress = progress
        self._connect = connect
        self._traffic = traffic
        self._workers = workers
        self._local = threading.local()
        self._open: list[gitlab.Gitlab] = []
        self._pool: ThreadPoolExecutor | None = None

    def client(self) -> gitlab.Gitlab:
        """Return this thread's client."""
        client: gitlab.Gitlab | None = getattr(self._local, "client", None)
        if client is None:
            client = self._local.client = self._connect(self._traffic.session())
            self._open.append(client)
        return client

    def project(self, number: int) -> Project:
        """Return this thread's handle of a project; nothing is sent for it."""
        handle: Project | None = getattr(self._local, "project", None)
        if handle is None or handle.id != number:
            handle = self._local.project = self.client().projects.get(number, lazy=True)
        return handle

    def map(
        self,
        number: int,
        function: Callable[[Project, Item], T],
        items: Iterable[Item],
        *,
        count: bool = False,
    ) -> Generator[T, None, None]:
        """Yield what ``function(project, item)`` returns in other threads, in the order of the items."""

        def task(item: Item) -> T:
            return function(self.project(number), item)

        self._traffic.patience.resume()
        self._pool = pool = self._pool or ThreadPoolExecutor(self._workers, "gitlab")
        running: deque[Future[T]] = deque()
        rest = iter(items)
        try:
            while True:
                for item in rest:
                    running.append(pool.submit(task, item))
                    if len(running) >= self._workers * _AHEAD:
                        break
                if not running:
                    return
                yield self._finished(running.popleft(), count)
        except BaseException:
            self._traffic.patience.stop()  # whoever waits or downloads in another thread ends soon
            for future in running:
                future.cancel()
            raise

    def close(self) -> None:
        """End the threads and close the connections; they are opened again when needed."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None
        self._traffic.patience.resume()
        for client in self._open:
            client.session.close()
        self._open.clear()
        self._local = threading.local()
        self._traffic.log.close()

    def _finished(self, future: Future[Any], count: bool) -> Any:
        while not wait([future], _POLL_S).done:
            if self.progress and self._traffic.patience.message:
                self.progress.start(self._traffic.patience.message)
        result = future.result()
        if self.progress and count:
            self.progress.advance()
        return result
