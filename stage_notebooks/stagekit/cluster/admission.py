"""Which workers of a cluster have work: those that can do it, and do it as this machine would.

All are looked at before work, and those that come later before they have any. The others are left out, each
with a sentence for the report; only where none is left does the stage fail.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Collection, Coroutine, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from stagekit.artifacts.store import ArtifactStore
from stagekit.base.redaction import looks_like_token
from stagekit.cluster.likeness import Likeness, Refusal, difference, facts_of, keyed_digest, read_key
from stagekit.errors import StageError

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["Admission", "admission", "facts_and_store", "require_access"]

Row = dict[str, Any]
_FIRST_WORKER_S = 10.0
_KEY_BYTES = 32
_SHOWN = 3


class Admission:
    """The workers that are alike, and why the others are left out.

    Args:
        client: of the scheduler.
        store: of the artifacts; every worker has to read from it and write to it.
        facts: ``module:function`` that returns what has to be alike, see :mod:`stagekit.cluster.facts`.
        arguments: of that function after the key, plain JSON.

    Attributes:
        alike: addresses of the workers that may have work.
        left_out: what is the matter with each of the others, and what to do about it, by address.
        likeness: what every order carries.

    Raises:
        ArtifactError: the store cannot be written to.
        StageError: the facts of this machine cannot be told.
    """

    def __init__(self, client: Client, store: ArtifactStore, facts: str, arguments: list[Any]) -> None:
        self._client = client
        self._store = store
        key = os.urandom(_KEY_BYTES)
        self._facts = facts_of(facts, key, arguments)
        ref = store.put("key", key, "application/octet-stream").model_dump()
        self.likeness = Likeness(facts, arguments, store.url, ref, keyed_digest(key, self._facts))
        self.alike: set[str] = set()
        self.left_out: dict[str, str] = {}
        self._looking = ThreadPoolExecutor(1, "nic-etl-admission")
        self._asked: dict[str, Future[dict[str, str]]] = {}  # by address, of those that came later

    @property
    def notes(self) -> list[str]:
        """A sentence about each worker that was left out."""
        return [
            f"dask_scheduler: the cluster's worker {address} was left out: it {reason}."
            for address, reason in sorted(self.left_out.items())
        ]

    def look(self, living: Collection[str]) -> None:
        """Take note of which workers there are, and look at those that are new; that is not waited for."""
        self.alike &= set(living)
        for address in [address for address, found in self._asked.items() if found.done()]:
            self._admit(self._asked.pop(address).result())
        known = self.alike | self.left_out.keys() | self._asked.keys()
        for address in set(living) - known:
            self._asked[address] = self._looking.submit(self._inspect, [address])

    def look_at_all(self) -> None:
        """Look at all workers that there are now, and wait for their answers."""
        self._admit(self._inspect(None))

    def deciding(self) -> bool:
        """Tell whether there are workers that have not answered yet."""
        return bool(self._asked)

    def leave_out(self, refused: Refusal) -> None:
        """Give a worker no more work."""
        self.alike.discard(refused.address)
        self.left_out[refused.address] = self._reason(refused.facts, refused.reason)

    def none_left(self) -> StageError:
        """Return the error for when workers are there and none of them can do the work."""
        shown = sorted(self.left_out.items())[:_SHOWN]
        more = len(self.left_out) - len(shown)
        said = "; ".join(f"{address} {reason}" for address, reason in shown)
        return StageError(
            f"dask_scheduler: no worker of the cluster at {self._client.scheduler.address} can do this work: "
            f"{said}{f'; and {more} more' if more else ''}; then run again, what was finished is kept."
        )

    def close(self) -> None:
        """Delete the key: orders that are still about are refused from now on."""
        self._looking.shutdown(wait=False, cancel_futures=True)
        with contextlib.suppress(StageError, OSError):  # the work's own error counts
            self._store.delete(self.likeness.key["uri"])

    def _admit(self, answers: Mapping[str, str]) -> None:
        for address, reason in answers.items():
            if reason:
                self.left_out[address] = reason
            else:
                self.alike.add(address)

    def _inspect(self, workers: list[str] | None) -> dict[str, str]:
        """Ask workers, and return what is the matter with each; empty if nothing is."""
        answers: dict[str, Any]
        try:
            answers = self._client.run(
                _inspection(), asdict(self.likeness), workers=workers, on_error="return"
            )
        except Exception as error:  # of what kind depends on when the connection went
            answers = dict.fromkeys(workers or (), error)
        try:
            return {address: self._fault(answer) for address, answer in answers.items()}
        finally:
            for uri in filter(None, map(_written, answers.values())):
                with contextlib.suppress(StageError, OSError):
                    self._store.delete(uri)

    def _fault(self, answer: Any) -> str:
        if isinstance(answer, BaseException):
            return f"does not answer ({_words(answer)}): start it again"
        if "missing" in answer:
            return (
                f"cannot load nic-etl ({answer['missing']}): install the same version there and start "
                "it again"
            )
        if "error" in answer:
            return self._reason(None, answer["error"])
        if differing := self._reason(answer["facts"], ""):
            return differing
        if not self._store.present(answer["written"]):
            return (
                f"writes to {self._store.url} what is not found there from here: let NIC_ETL_ARTIFACTS_URL "
                "name a place that all machines share"
            )
        return ""

    def _reason(self, facts: Mapping[str, str] | None, reason: str) -> str:
        if facts is None:
            return f"is not ready ({reason.rstrip('.')})"
        if differing := difference(facts, self._facts):
            return f"differs from this machine in {differing}: make them the same and start it again"
        return ""


@contextlib.contextmanager
def admission(client: Client, store: ArtifactStore, facts: str, arguments: list[Any]) -> Iterator[Admission]:
    """Look at a cluster's workers, and give those that may have work; arguments as for :class:`Admission`.

    Raises:
        StageError: there is no worker, or none that can do the work as this machine would.
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
    admitted = Admission(client, store, facts, arguments)
    try:
        admitted.look_at_all()
        if not admitted.alike:
            raise admitted.none_left()
        yield admitted
    finally:
        admitted.close()


def require_access(store: ArtifactStore) -> None:
    """Write, read and delete a small artifact.

    Raises:
        ArtifactError: with the reason why one of the three cannot be done.
    """
    ref = store.put("probe", os.urandom(16), "application/octet-stream")
    store.read(ref)
    store.delete(ref.uri)


def facts_and_store(likeness: Likeness) -> Row:
    """Answer on a worker: its facts, and an artifact that it has written after it had read the key.

    Returns:
        ``facts`` and ``written``, or ``error``: why there are none.
    """
    from stagekit.artifacts.store import open_store

    try:
        key = read_key(likeness)
        store = open_store(likeness.store_url)
        written = store.put("answer", os.urandom(16), "application/octet-stream")
        facts = facts_of(likeness.facts, key, likeness.arguments)
        return {"facts": facts, "written": written.model_dump()}
    except (StageError, OSError, ImportError) as error:
        return {"error": str(error)}


def _inspection() -> Callable[[Row], Coroutine[Any, Any, Row]]:
    # A function inside a function is sent whole: a worker without this package has to answer as well.
    async def inspect(likeness: Row) -> Row:
        import asyncio

        def look() -> Row:
            try:
                from stagekit.cluster.admission import facts_and_store
                from stagekit.cluster.likeness import Likeness
            except ImportError as error:
                return {"missing": str(error)}
            return facts_and_store(Likeness(**likeness))

        return await asyncio.to_thread(look)  # a large model is read whole, and the worker goes on answering

    return inspect


def _written(answer: Any) -> str:
    return str(answer["written"]["uri"]) if isinstance(answer, dict) and "written" in answer else ""


def _words(error: BaseException) -> str:
    return " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__
