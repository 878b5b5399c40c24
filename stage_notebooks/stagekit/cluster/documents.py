"""Documents on a Dask cluster: the work of :mod:`stagekit.workers.team`, on more machines than one."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

from stagekit.cluster.admission import admission
from stagekit.cluster.client import ClusterTasks, connected, lost, waits
from stagekit.cluster.likeness import Likeness
from stagekit.cluster.worker import DocumentOrder, end_idle_workers, read_document
from stagekit.errors import StageError
from stagekit.stage.execution import LIMIT_CATEGORIES, Effort, Show, Workplace, verdict
from stagekit.workers.team import DocumentWorkers

Row = dict[str, Any]


@dataclass(frozen=True)
class ClusterDocuments:
    """An executor for :meth:`stagekit.stage.stage.Stage.map_documents`, on the workers of a Dask cluster.

    Each worker processes as many documents at once as it has threads, each in a process that can be killed,
    under the limits of the plan. With nothing to do the cluster is not even asked.

    Attributes:
        scheduler: address, ``tcp://host:8786``.
        plan: what is run, under which limits; ``count`` and ``worth`` are about this machine alone.
        facts: ``module:function`` that says what has to be alike, see :mod:`stagekit.cluster.facts`; it is
            called with a random key and the settings of the plan.
        notes: a sentence about each worker that was left out of the last run.
    """

    scheduler: str
    plan: DocumentWorkers
    facts: str = "stagekit.cluster.facts:conversion_facts"
    notes: list[str] = field(default_factory=list, init=False)
    passing: ClassVar[frozenset[str]] = LIMIT_CATEGORIES

    @property
    def identity(self) -> str:
        """That of the plan: where a document is processed makes no difference."""
        return self.plan.identity

    @property
    def limits(self) -> Row:
        """Those of the plan."""
        return self.plan.limits

    def run(self, rows: Sequence[Row], place: Workplace, show: Show) -> Generator[tuple[int, Row]]:
        """Yield (index of the row, outcome) as documents are finished; closing it cancels all tasks.

        Raises:
            StageError: the cluster cannot be used, see :func:`stagekit.cluster.admission.admission`, is lost,
                or none of its workers can do the work.
        """
        if not rows:
            return
        with (
            connected(self.scheduler) as client,
            admission(client, place.store, self.facts, [self.plan.settings]) as admitted,
        ):
            tasks = ClusterTasks(client, self.scheduler, admitted)
            try:
                yield from _Work(self.plan, rows, tasks, admitted.likeness).outcomes(show)
            finally:
                self.notes[:] = admitted.notes
                tasks.end(end_idle_workers)


class _Given(NamedTuple):
    """A document in work."""

    begin: float
    path: str


@dataclass
class _Work:
    """The documents of one run: to be given out, in work, and those under suspicion."""

    plan: DocumentWorkers
    rows: Sequence[Row]
    tasks: ClusterTasks
    likeness: Likeness
    in_work: dict[int, _Given] = field(default_factory=dict)  # by index
    suspects: deque[int] = field(default_factory=deque)

    def outcomes(self, show: Show) -> Iterator[tuple[int, Row]]:
        """Yield (index of the row, outcome), the heaviest documents begun first."""
        weights = [self.plan.weight(row) for row in self.rows]
        waiting = deque(sorted(range(len(weights)), key=weights.__getitem__, reverse=True))
        effort = Effort(weights)
        while waiting or self.in_work or self.suspects:
            while waiting and self.tasks.room():
                self._give_out(waiting.popleft())
            alone = not self.in_work and not waiting
            if alone:  # now the death of a worker has one cause only
                self._give_out(self.suspects.popleft())
            show(waits(given.path for given in self.in_work.values()), effort.share)
            for index, value in self._next(alone):
                effort.finish(index)
                yield index, value

    def _give_out(self, index: int) -> None:
        plan = self.plan
        order = DocumentOrder(
            plan.factory,
            plan.settings,
            plan.timeout_s,
            plan.memory_mb,
            plan.recycle_mb,
            self.likeness,
        )
        row = self.rows[index]
        self.in_work[index] = _Given(time.monotonic(), str(row["path"]))
        self.tasks.submit(index, read_document, order, row)

    def _next(self, alone: bool) -> Iterator[tuple[int, Row]]:
        index, answer = self.tasks.next()
        begin, path = self.in_work.pop(index)
        if lost(answer) and not alone:
            self.suspects.append(index)  # it may only have been beside the one that did it
        elif lost(answer):
            yield index, worker_lost(begin)
        elif answer is None:  # broken off by a worker that was closing
            self._give_out(index)
        elif isinstance(answer, BaseException):
            raise StageError(
                f"The cluster cannot process {path} "
                f"({type(answer).__name__}: {answer}): see the log of its workers."
            )
        else:
            yield index, answer


def worker_lost(begin: float) -> Row:
    """Return the outcome of a document of which the cluster's workers died; ``begin`` as for ``verdict``."""
    return verdict(
        "failed",
        "worker_lost",
        "The cluster's workers that had the document died, one after the other.",
        "it is tried again on the next run; give the workers more memory if it persists",
        begin,
    )
