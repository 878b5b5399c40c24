"""What runs on a worker of a Dask cluster: documents in killable processes, texts in a model that is kept."""

from __future__ import annotations

import sys
import threading
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stagekit.artifacts.store import open_store
from stagekit.base.machine import cores
from stagekit.base.plain_json import canonical_json
from stagekit.cluster.likeness import Likeness, Refusal, refusal
from stagekit.errors import StageError
from stagekit.stage.execution import Workplace
from stagekit.workers.team import DocumentWorkers, KeptWorker

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Row = dict[str, Any]
_IDLE_S = 60.0  # a client that was killed leaves processes behind; they end by themselves


@dataclass(frozen=True)
class DocumentOrder:
    """How documents are to be processed, the same for all of a stage; see DocumentWorkers."""

    factory: str
    settings: Row
    timeout_s: float
    memory_mb: float
    recycle_mb: float
    likeness: Likeness  # what this worker has in common with the machine that gives the order


@dataclass(frozen=True)
class EmbeddingOrder:
    """How texts are to be embedded, the same for all of a stage."""

    model: Row  # arguments of :func:`stagekit.embedding.load_model`, by name
    fingerprint: str  # of the model's files
    prompt: str  # put before each text
    batch_size: int  # most texts that go through the model at once
    likeness: Likeness  # what this worker has in common with the machine that gives the order


@dataclass
class _Kept:
    """What a worker keeps between tasks: idle document workers by their order, and one model."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    idle: dict[str, list[tuple[KeptWorker, threading.Timer]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    embedding: threading.Lock = field(default_factory=threading.Lock)  # one model keeps all cores busy
    model: tuple[str, Any] | None = None
    alike: str = ""  # digest of the orders that the model was last compared with


_kept = _Kept()


def read_document(order: DocumentOrder, row: Row) -> Row | Refusal | None:
    """Return a document's outcome; None if it is no longer wanted, which nobody waits for then.

    What stops a stage on one machine makes this worker refuse: another one may have what it lacks.
    """
    name = canonical_json(asdict(order))
    worker: KeptWorker | None = None
    try:
        worker = _take(name)
        if worker is None:  # what a process has loaded when it starts holds for all that it reads
            if refused := refusal(order.likeness, _address()):
                return refused
            worker = _start(order)
        value = worker.outcome(row, _unwanted)
    except StageError as error:
        _end(worker)
        return Refusal(_address(), reason=str(error))
    except BaseException:
        _end(worker)
        raise
    if value is None:
        worker.end()
    else:
        _put_back(name, worker)
    return value


def embed_groups(
    order: EmbeddingOrder, groups: list[list[str]]
) -> tuple[str, list[NDArray[np.float32] | None]] | Refusal:
    """Return how this worker computes, and the vectors of each group, as one ``embed_texts`` makes them.

    A group that fails, or that is no longer wanted, has None: whoever asked finds the reason by itself. A
    worker that cannot load the model, or would make other vectors, refuses.
    """
    from stagekit.embedding.model import computation_of

    with _kept.embedding:
        try:
            model = _model(order)
            if isinstance(model, Refusal):
                return model
            made = [None if _unwanted() else _embedded(order, model, texts) for texts in groups]
            return computation_of(model), made
        except StageError as error:
            return Refusal(_address(), reason=str(error))


def end_idle_workers() -> None:
    """End the processes that wait for documents."""
    with _kept.lock:
        waiting = [pair for pairs in _kept.idle.values() for pair in pairs]
        _kept.idle.clear()
    for worker, timer in waiting:
        timer.cancel()
        worker.end()


def _take(name: str) -> KeptWorker | None:
    with _kept.lock:
        if not _kept.idle[name]:
            return None
        worker, timer = _kept.idle[name].pop()
    timer.cancel()
    return worker


def _put_back(name: str, worker: KeptWorker) -> None:
    timer = threading.Timer(_IDLE_S, _dismiss, [name, worker])
    timer.daemon = True
    with _kept.lock:
        _kept.idle[name].append((worker, timer))
    timer.start()


def _dismiss(name: str, worker: KeptWorker) -> None:
    with _kept.lock:
        kept = [pair for pair in _kept.idle[name] if pair[0] is not worker]
        taken = len(kept) == len(_kept.idle[name])
        _kept.idle[name] = kept
    if not taken:
        worker.end()


def _start(order: DocumentOrder) -> KeptWorker:
    from distributed import get_worker

    plan = DocumentWorkers(
        order.factory,
        order.settings,
        count=1,
        timeout_s=order.timeout_s,
        memory_mb=order.memory_mb,
        recycle_mb=order.recycle_mb,
    )
    here = get_worker()
    log = Path(here.local_directory) / "nic-etl-documents.log"
    place = Workplace(open_store(order.likeness.store_url), order.likeness.store_url, log)
    return KeptWorker(plan, place, max(1, cores() // here.state.nthreads))


def _model(order: EmbeddingOrder) -> Any:
    """Return the model of an order, kept or loaded now, or a Refusal: its vectors would be others."""
    from stagekit.embedding.model import load_model

    if _kept.alike != order.likeness.digest:
        if refused := refusal(order.likeness, _address()):
            return refused
        _kept.alike = order.likeness.digest
    name = canonical_json([order.model, order.fingerprint])
    if _kept.model is None or _kept.model[0] != name:
        _kept.model = None  # its memory goes before another is loaded
        _kept.model = (name, load_model(**order.model))
        if torch := sys.modules.get("torch"):
            torch.set_num_threads(cores())  # Dask's nanny leaves it one
    return _kept.model[1]


def _embedded(order: EmbeddingOrder, model: Any, texts: list[str]) -> NDArray[np.float32] | None:
    from stagekit.embedding.model import embed_texts

    try:
        return embed_texts(model, texts, order.prompt, order.batch_size)
    except StageError:
        raise
    except Exception:  # a fault of these texts alone, which the client meets again and tells
        return None


def _address() -> str:
    from distributed import get_worker

    return str(get_worker().address)


def _end(worker: KeptWorker | None) -> None:
    if worker is not None:
        worker.end()


def _unwanted() -> bool:
    """Tell whether the task in this thread was cancelled, its client is gone, or its worker is closing."""
    from distributed import get_worker
    from distributed.worker import thread_state

    here = get_worker()
    task = here.state.tasks.get(thread_state.key)
    return task is None or task.state == "cancelled" or here.status.name in {"closing", "closed"}
