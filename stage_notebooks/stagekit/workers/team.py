"""Documents in processes of their own: what crashes, hangs or swells costs one document, not the stage.

The pools of the standard library break as a whole when one of their processes dies, and cannot end a call
that hangs. This one watches each of its processes and replaces it.
"""

from __future__ import annotations

import json
import math
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from typing import Any, ClassVar

from stagekit.base.disk_faults import disk_fault
from stagekit.base.machine import available_memory_mb, cores
from stagekit.base.paths import make_private_dir
from stagekit.errors import ArtifactError, StageError
from stagekit.stage.execution import Effort, Show, Workplace, verdict
from stagekit.workers.worker_process import Task, WorkerProcess

Row = dict[str, Any]
_SAMPLE_S = 0.25  # between two looks at memory and clock
_START_TIMEOUT_S = 300.0
_START_FAILURES = 3  # in a row, after which nothing can be expected of a fourth
_WORKER_MB = 2000  # what a converter with its models takes on a large document
_ERRORS = {error.__name__: error for error in (StageError, ArtifactError)}


@dataclass(frozen=True)
class DocumentWorkers:
    """An executor for :meth:`stagekit.stage.stage.Stage.map_documents` that works in killable processes.

    No process is started before there is a document for it, and none is left when the last is done.

    Attributes:
        factory: ``module:function``, called in each worker as ``factory(settings, read=…, threads=…)``, where
            ``read`` gives the bytes of an artifact; it returns the function from a row to its DocumentOutput.
        settings: plain JSON for the factory.
        count: most workers; 0 for one per core, as many as fit into the free memory.
        timeout_s: seconds that one document may take.
        memory_mb: memory that one document may take, above that of the resting worker.
        recycle_mb: growth of a resting worker at which it is replaced by a fresh one.
        weight: how much work a document is, roughly; the largest is begun first.
        worth: weight of all documents for which one more worker is worth its start; 0 is any document.
    """

    factory: str
    settings: Row = field(default_factory=dict)
    count: int = 0
    timeout_s: float = 600.0
    memory_mb: float = 3000.0
    recycle_mb: float = 2200.0  # 700 of them are libraries and models that the first PDF loads
    weight: Callable[[Row], float] = lambda _: 0.0
    worth: float = 0.0
    passing: ClassVar[frozenset[str]] = frozenset()
    notes: ClassVar[Sequence[str]] = ()

    @property
    def identity(self) -> str:
        """The factory; its settings are parameters of the stage, its source is among the stage's code."""
        return self.factory

    @property
    def limits(self) -> Row:
        """The limits under which a document is rejected as ``timed_out`` or ``too_much_memory``."""
        return {"document_timeout_s": self.timeout_s, "document_memory_mb": self.memory_mb}

    def run(self, rows: Sequence[Row], place: Workplace, show: Show) -> Generator[tuple[int, Row]]:
        """Yield (index of the row, outcome) as documents are finished; closing it kills all workers at once.

        Raises:
            StageError: the factory refuses its settings, an artifact cannot be read, or no worker starts.
        """
        team = _Team(self, rows, place)
        try:
            while team.unfinished():
                team.hand_out()
                show(team.in_work(), team.effort.share)
                for index, value in team.collect():
                    team.effort.finish(index)
                    yield index, value
        finally:
            team.disband()

    def size(self, documents: Sequence[Row]) -> int:
        """Return how many workers serve these documents."""
        fitting = self.count or min(cores(), int(available_memory_mb() // _WORKER_MB))
        if self.worth:
            fitting = min(fitting, math.ceil(sum(map(self.weight, documents)) / self.worth))
        return max(1, min(fitting, len(documents)))


class KeptWorker:
    """One worker, of so many threads, for documents that come one at a time; between them it waits."""

    def __init__(self, plan: DocumentWorkers, place: Workplace, threads: int) -> None:
        self._team = _Team(plan, [], place, threads=threads, keep=True)

    def outcome(self, row: Row, unwanted: Callable[[], bool]) -> Row | None:
        """Return the outcome of a document, or None as soon as ``unwanted`` says so.

        After None, or an error, the worker is to be ended.

        Raises:
            StageError: as :meth:`DocumentWorkers.run`.
        """
        self._team.add(row)
        while not unwanted():
            self._team.hand_out()
            for _, value in self._team.collect():
                return value
        return None

    def end(self) -> None:
        """Kill the worker."""
        self._team.disband()


class _Team:
    """The workers of one run, and the documents that wait for them; idle ones are dismissed, or kept."""

    def __init__(
        self,
        plan: DocumentWorkers,
        rows: Sequence[Row],
        place: Workplace,
        *,
        threads: int = 0,
        keep: bool = False,
    ) -> None:
        self._plan = plan
        self._place = place
        self._keep = keep
        self._size = plan.size(rows)
        self._threads = threads or max(1, cores() // self._size)
        weights = [plan.weight(row) for row in rows]
        self.effort = Effort(weights)
        self._rows = rows
        self._unread = deque(sorted(range(len(weights)), key=weights.__getitem__, reverse=True))
        self._waiting: list[Task] = []  # before all that were not read yet
        self._workers: list[WorkerProcess] = []
        self._failed_starts = 0
        self._looked = time.monotonic()

    def add(self, row: Row) -> None:
        """Let another document wait for a worker."""
        self._waiting.append(Task(0, row))

    def unfinished(self) -> int:
        """Return how many documents wait or are in work."""
        return self._undone() + len(self.in_work())

    def in_work(self) -> list[str]:
        """Return the paths of the documents in work."""
        return sorted(str(worker.task.row["path"]) for worker in self._workers if worker.task)

    def hand_out(self) -> None:
        """Give each idle worker a document, and start the workers that are missing."""
        for worker in [worker for worker in self._workers if worker.ready and worker.task is None]:
            if not self._undone() and self._keep:
                continue
            again = bool(self._waiting and self._waiting[0].again)
            if not self._undone() or (again and worker.served):
                self._dismiss(worker)  # its memory is better used; a second try is to be in a fresh process
            else:
                worker.give(self._next())
        while len(self._workers) < min(self._size, self.unfinished()):
            make_private_dir(self._place.log.parent)
            order = {"factory": self._plan.factory, "settings": self._plan.settings}
            self._workers.append(WorkerProcess(order, self._threads, self._place))

    def collect(self) -> Iterator[tuple[int, Row]]:
        """Wait a moment and yield what has come of documents: answers, crashes, broken limits."""
        ready = wait([worker.connection for worker in self._workers], timeout=_SAMPLE_S)
        for worker in [worker for worker in self._workers if worker.connection in ready]:
            yield from self._answer(worker)
        if time.monotonic() - self._looked >= _SAMPLE_S:
            for worker in list(self._workers):
                yield from self._watch(worker)
            self._looked = time.monotonic()

    def disband(self) -> None:
        """Kill all workers."""
        for worker in self._workers:
            worker.kill()
        while self._workers:
            self._workers.pop().reap()
        log = self._place.log
        if log.exists() and not log.stat().st_size:
            log.unlink()

    def _undone(self) -> int:
        return len(self._waiting) + len(self._unread)

    def _next(self) -> Task:
        if self._waiting:
            return self._waiting.pop(0)
        index = self._unread.popleft()
        return Task(index, self._rows[index])

    def _answer(self, worker: WorkerProcess) -> Iterator[tuple[int, Row]]:
        try:
            answer: Row = json.loads(worker.connection.recv_bytes())
        except (EOFError, OSError):
            yield from self._lost(worker)
            return
        if "error" in answer:
            raise _ERRORS.get(answer["error"], StageError)(answer["message"])
        if "ready" in answer:
            self._failed_starts = 0
            worker.opened()
            return
        task = worker.finish()
        if worker.own_memory_mb() > worker.opened_mb + self._plan.recycle_mb:
            self._dismiss(worker)
        yield task.index, answer["value"]

    def _watch(self, worker: WorkerProcess) -> Iterator[tuple[int, Row]]:
        plan, task = self._plan, worker.task
        if worker.gone():
            if not worker.connection.poll():  # else its last word is read first
                yield from self._lost(worker)
        elif not worker.ready:
            if worker.seconds() > _START_TIMEOUT_S:
                self._start_failed(worker)
        elif task and worker.seconds() > plan.timeout_s:
            self._dismiss(worker)
            yield task.index, _timed_out(plan.timeout_s, worker.begin)
        elif task and worker.memory_mb() > worker.resting_mb + plan.memory_mb:
            self._dismiss(worker)
            if worker.served and not task.again:
                self._try_again(task)  # the verdict is that of a fresh worker, whatever was done before
            else:
                yield task.index, _too_much_memory(plan.memory_mb, worker.begin)

    def _lost(self, worker: WorkerProcess) -> Iterator[tuple[int, Row]]:
        worker.await_end()
        if not worker.ready:
            self._start_failed(worker)
            return
        task = worker.task
        ending = self._dismiss(worker)
        if task is None:
            return
        if fault := disk_fault(ending, self._place.log.parent):
            raise StageError(fault)
        if task.again:
            yield task.index, _crashed(ending, self._place, worker.begin)
        else:
            self._try_again(task)

    def _try_again(self, task: Task) -> None:
        task.again = True
        self._waiting.insert(0, task)

    def _start_failed(self, worker: WorkerProcess) -> None:
        ending = self._dismiss(worker)
        self._failed_starts += 1
        if fault := disk_fault(ending, self._place.log.parent):
            raise StageError(fault)
        if self._failed_starts >= _START_FAILURES:
            raise StageError(
                f"No document worker can be started: its process {ending}; see the end of {self._place.log}."
            )

    def _dismiss(self, worker: WorkerProcess) -> str:
        self._workers.remove(worker)
        worker.kill()
        return worker.reap()


def _timed_out(limit: float, begin: float) -> Row:
    return verdict(
        "rejected",
        "timed_out",
        f"Reading the document took longer than {limit:g} s and was broken off.",
        "Split the document, or raise document_timeout_s.",
        begin,
    )


def _too_much_memory(limit: float, begin: float) -> Row:
    return verdict(
        "rejected",
        "too_much_memory",
        f"Reading the document took more than {limit:,.0f} MB of memory and was broken off.",
        "Split the document, reduce the pictures in it, or raise document_memory_mb.",
        begin,
    )


def _crashed(ending: str, place: Workplace, begin: float) -> Row:
    return verdict(
        "failed",
        "converter_crashed",
        f"The process that read the document {ending}, twice.",
        f"it is tried again on the next run; if it persists, report it with the end of {place.log.name}",
        begin,
    )
