"""Makes sure, before any work, that the workers of a cluster can do it, and do it as this machine would."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from stagekit.artifacts.store import ArtifactStore
from stagekit.base.redaction import looks_like_token
from stagekit.errors import StageError

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["facts_and_store", "require_access", "require_alike"]

Row = dict[str, Any]
_FIRST_WORKER_S = 10.0


def require_alike(client: Client, store: ArtifactStore, facts: str, arguments: Sequence[str]) -> int:
    """Check the workers of a cluster and return how many there are.

    Args:
        client: of the scheduler.
        store: of the artifacts; every worker has to read from it and write to it.
        facts: ``module:function`` that returns what has to be alike, see :mod:`stagekit.cluster.facts`.
        arguments: of that function.

    Raises:
        StageError: there is no worker, or one has no nic-etl, another one, or another store.
    """
    if looks_like_token(store.url):
        raise StageError(
            "NIC_ETL_ARTIFACTS_URL holds a user name or password, which would travel through the cluster: "
            "let each worker have it in its own environment."
        )
    try:
        client.wait_for_workers(1, timeout=_FIRST_WORKER_S)
    except TimeoutError:
        raise StageError(
            f"dask_scheduler: the cluster at {client.scheduler.address} has no workers: start one on each "
            "machine with `dask worker`."
        ) from None
    probe = store.put("probe", os.urandom(16), "application/octet-stream").model_dump()
    answers: dict[str, Any] = {}
    try:
        order = {"facts": facts, "arguments": list(arguments), "store": store.url, "probe": probe}
        answers = client.run(_inspection(), order, on_error="return")
        here = _facts(order)
        for address, answer in sorted(answers.items()):
            _require(address, answer, here, store)
    finally:
        for uri in [probe["uri"], *map(_written, answers.values())]:
            if uri:
                store.delete(uri)
    return len(answers)


def require_access(store: ArtifactStore) -> None:
    """Write, read and delete a small artifact.

    Raises:
        ArtifactError: with the reason why one of the three cannot be done.
    """
    ref = store.put("probe", os.urandom(16), "application/octet-stream")
    store.read(ref)
    store.delete(ref.uri)


def facts_and_store(order: Row) -> Row:
    """Answer on a worker: its facts, and an artifact that it has written after it had read ours.

    Returns:
        ``facts`` and ``written``, or ``error``: why there are none.
    """
    from stagekit.artifacts.store import open_store

    try:
        store = open_store(order["store"])
        answer = store.read(order["probe"]) + os.urandom(16)
        written = store.put("answer", answer, "application/octet-stream")
        return {"facts": _facts(order), "written": written.model_dump()}
    except (StageError, OSError) as error:
        return {"error": str(error)}


def _inspection() -> Callable[[Row], Coroutine[Any, Any, Row]]:
    # A function inside a function is sent whole: a worker without this package has to answer as well.
    async def inspect(order: Row) -> Row:
        import asyncio

        def look() -> Row:
            try:
                from stagekit.cluster.check import facts_and_store
            except ImportError as error:
                return {"missing": str(error)}
            return facts_and_store(order)

        return await asyncio.to_thread(look)  # a large model is read whole, and the worker goes on answering

    return inspect


def _facts(order: Row) -> dict[str, str]:
    module, _, name = order["facts"].partition(":")
    found: dict[str, str] = getattr(importlib.import_module(module), name)(*order["arguments"])
    return found


def _written(answer: Any) -> str:
    return str(answer["written"]["uri"]) if isinstance(answer, dict) and "written" in answer else ""


def _require(address: str, answer: Any, here: Mapping[str, str], store: ArtifactStore) -> None:
    if isinstance(answer, BaseException):
        raise StageError(f"The cluster's worker {address} does not answer ({answer}): start it again.")
    if "missing" in answer:
        raise StageError(
            f"The cluster's worker {address} cannot load nic-etl ({answer['missing']}): install the same "
            "version there and start the worker again."
        )
    if "error" in answer:
        raise StageError(f"The cluster's worker {address} is not ready: {answer['error']}")
    for name, ours in here.items():
        theirs = answer["facts"].get(name, "none")
        if theirs != ours:
            raise StageError(
                f"The cluster's worker {address} differs from this machine in {name} ({theirs} there, {ours} "
                "here), so its results might differ too: make them the same and start the worker again."
            )
    if not store.present(answer["written"]):
        raise StageError(
            f"What the cluster's worker {address} writes to {store.url} is not found there from here: let "
            "NIC_ETL_ARTIFACTS_URL name a place that all machines share."
        )
