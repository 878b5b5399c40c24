"""Embedding on a Dask cluster: texts go to its workers, vectors and all the rest stay here."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from stagekit.cluster.admission import admission
from stagekit.cluster.client import ClusterTasks, connected, lost, waits
from stagekit.cluster.documents import worker_lost
from stagekit.cluster.likeness import Likeness
from stagekit.cluster.worker import EmbeddingOrder, embed_groups, end_idle_workers
from stagekit.embedding.reuse import known_vectors
from stagekit.embedding.vectors import VectorStore, vector_key
from stagekit.errors import StageError
from stagekit.stage.execution import DocumentOutput, InProcess, Show, Workplace, document_value

Row = dict[str, Any]
_TASK_TEXTS = 64  # from which on a task is worth its way; a second's work for a small model
_AHEAD = 5000  # documents whose texts are asked for before the first of them is done


@dataclass
class ClusterEmbedding:
    """An executor that lets a cluster make missing vectors, and then applies a function here.

    The texts of a document that have no vector go through the model together. In ONNX Runtime and OpenVINO
    vectors are the same to the bit on machines of the same kind whatever they are made with; in torch, where
    here the texts of several documents go together, up to rounding. A worker computes as its own processor
    does best, among what is accepted, and says how. The function finds the vectors in the store.
    """

    scheduler: str  # address, ``tcp://host:8786``
    # makes a document's output; what the cluster could not embed it embeds itself
    function: Callable[[Row], DocumentOutput]
    texts: Callable[[Row], list[str]]  # gives the texts of a document
    model: Row  # arguments of :func:`stagekit.embedding.load_model`, by name
    prompt: str  # put before each text
    batch_size: int  # most texts that go through the model at once
    fingerprint: str  # of the model
    # computations whose vectors are taken, see :func:`stagekit.embedding.accepted_computations`
    accepted: Sequence[str]
    store: VectorStore  # where vectors are looked up and kept
    made: int = 0  # how many texts had no vector
    limits: Row = field(default_factory=dict, init=False)
    # a sentence about each worker that was left out of the last run
    notes: Sequence[str] = field(default=(), init=False)
    passing: ClassVar[frozenset[str]] = frozenset()

    @property
    def identity(self) -> str:
        """The function's source: where it is embedded makes no difference."""
        return InProcess(self.function).identity

    def run(self, rows: Sequence[Row], place: Workplace, show: Show) -> Generator[tuple[int, Row]]:
        """Yield (index of the row, outcome) in the order of the rows; closing it cancels all tasks.

        Raises:
            StageError: as :meth:`stagekit.cluster.documents.ClusterDocuments.run`.
        """
        if not rows:
            return
        facts = "stagekit.cluster.facts:embedding_facts"
        with (
            connected(self.scheduler) as client,
            admission(client, place.store, facts, [self.model]) as admitted,
        ):
            tasks = ClusterTasks(client, self.scheduler, admitted)
            try:
                yield from _Work(self, rows, place, tasks, admitted.likeness).outcomes(show)
            finally:
                self.notes = admitted.notes
                tasks.end(end_idle_workers)


@dataclass
class _Bundle:
    """Groups of texts that go to the cluster as one task, each of one document."""

    groups: list[dict[str, str]] = field(default_factory=list)  # text by what the model gets
    lost: bool = False

    def texts(self) -> int:
        return sum(map(len, self.groups))


@dataclass
class _Work:
    """Documents in their order, and the bundles that the first of them wait for."""

    plan: ClusterEmbedding
    rows: Sequence[Row]
    place: Workplace
    tasks: ClusterTasks
    likeness: Likeness
    waiting: deque[tuple[int, set[int]]] = field(default_factory=deque)  # index, bundles that it needs
    bundles: dict[int, _Bundle] = field(default_factory=dict)  # under their numbers, until they are done
    asked: dict[str, int] = field(default_factory=dict)  # what the model gets and the number of its bundle
    dead: set[int] = field(default_factory=set)  # numbers of bundles that workers died of
    number: int = 0  # of the bundle that is being filled

    def outcomes(self, show: Show) -> Iterator[tuple[int, Row]]:
        unread = iter(enumerate(self.rows))
        more = True
        while more or self.waiting:
            while self.waiting and not self._needs():
                yield self._outcome(*self.waiting.popleft())
            if more and len(self.waiting) < _AHEAD and self.tasks.room():
                more = self._read(next(unread, None))
                continue
            show(waits(str(self.rows[index]["path"]) for index, _ in list(self.waiting)[:20]))
            if len(self.tasks):
                self._take(*self.tasks.next())

    def _needs(self) -> bool:
        """Tell whether the first document waits for vectors."""
        return bool(self.waiting[0][1] & self.bundles.keys())

    def _read(self, entry: tuple[int, Row] | None) -> bool:
        """Put what a document lacks into the open bundle; after the last document, send that off."""
        if entry is not None:
            index, row = entry
            missing, needed = self._missing(row)
            if missing:
                self.bundles.setdefault(self.number, _Bundle()).groups.append(missing)
                self.asked.update(dict.fromkeys(missing, self.number))
                needed.add(self.number)
            self.waiting.append((index, needed))
        bundle = self.bundles.get(self.number)
        if bundle and (entry is None or bundle.texts() >= _TASK_TEXTS or len(self.waiting) == _AHEAD):
            plan = self.plan
            order = EmbeddingOrder(plan.model, plan.fingerprint, plan.prompt, plan.batch_size, self.likeness)
            groups = [list(group.values()) for group in bundle.groups]
            self.tasks.submit(self.number, embed_groups, order, groups)
            self.number += 1
        return entry is not None

    def _missing(self, row: Row) -> tuple[dict[str, str], set[int]]:
        """Return the texts to ask for, by what the model gets, and the bundles that have the others."""
        plan = self.plan
        try:
            texts = plan.texts(row)
        except StageError:
            raise
        except Exception:  # the function meets it again, and it is this document's outcome
            return {}, set()
        inputs = [plan.prompt + text for text in texts]
        known = known_vectors(inputs, plan.store, plan.fingerprint, plan.accepted)
        missing = {
            given: text
            for given, text in zip(inputs, texts, strict=True)
            if given not in known and given not in self.asked
        }
        plan.made += sum(given in missing for given in inputs)
        return missing, {self.asked[given] for given in inputs if given in self.asked}

    def _take(self, number: int, answer: Any) -> None:
        """Keep the vectors that a task has made."""
        bundle = self.bundles.pop(number)
        for given in (given for group in bundle.groups for given in group):
            del self.asked[given]
        if lost(answer):
            self.dead.add(number)
        elif isinstance(answer, BaseException):
            raise StageError(
                f"The cluster cannot embed ({type(answer).__name__}: {answer}): see the log of its workers."
            )
        else:
            arithmetic, made = answer
            for group, vectors in zip(bundle.groups, made, strict=True):
                if vectors is not None:
                    keys = [vector_key(given, self.plan.fingerprint, arithmetic) for given in group]
                    self.plan.store.put_many(dict(zip(keys, vectors, strict=True)))

    def _outcome(self, index: int, needed: set[int]) -> tuple[int, Row]:
        if needed & self.dead:
            return index, worker_lost(time.monotonic())
        return index, document_value(self.rows[index], self.plan.function, self.place.store)
