"""How a stage's function meets one document, in this process or in another: an outcome, whatever happens."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from stagekit.artifacts.store import ArtifactStore
from stagekit.base.disk_faults import disk_fault
from stagekit.base.fingerprint import function_source
from stagekit.base.plain_json import canonical_json
from stagekit.base.redaction import Redactor, secret_values
from stagekit.errors import DocumentRejected, StageError

if TYPE_CHECKING:
    import pyarrow as pa

Row = dict[str, Any]
LIMIT_CATEGORIES = frozenset({"timed_out", "too_much_memory"})
"""Verdicts of a limit, which do not hold under others."""
UNDECLARED_CATEGORIES = frozenset({"front_matter"})
"""Verdicts after which nobody can tell whether a content is approved."""


@dataclass(frozen=True)
class DocumentOutput:
    """What a stage made of one document.

    Attributes:
        fields: plain JSON values; they become columns of the stage's manifest.
        tables: Arrow tables by name, stored as Parquet artifacts.
        blobs: ``(bytes, media type)`` by name, stored as artifacts.
    """

    fields: Row = field(default_factory=dict)
    tables: dict[str, pa.Table] = field(default_factory=dict)
    blobs: dict[str, tuple[bytes, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Workplace:
    """Where a stage's products and logs go."""

    store: ArtifactStore  # the artifact store
    store_url: str  # folder or URL under which another process opens the same store
    log: Path  # file for what worker processes write to their stderr; it need not exist


class Show(Protocol):
    """Is told which paths are in work, and the share of the work that is done, where that is known."""

    def __call__(self, paths: Sequence[str], /, share: float | None = None) -> None:
        """Show it."""


class Effort:
    """Which share of the work is done, where documents take very different times.

    Args:
        weights: of the documents, in whatever unit; all 0 where nobody knows.
    """

    def __init__(self, weights: Sequence[float]) -> None:
        self._weights = weights
        self._whole = sum(weights)
        self._done = 0.0

    def finish(self, index: int) -> None:
        """Count a document."""
        self._done += self._weights[index]

    @property
    def share(self) -> float | None:
        """From 0 to 1; None where nobody knows."""
        return min(self._done / self._whole, 1.0) if self._whole > 0 else None


@runtime_checkable
class Executor(Protocol):
    """Applies a stage's work to documents; where, in which order and how many at once is its own affair."""

    @property
    def identity(self) -> str:
        """What of the executor determines a document's output; part of the memo key."""

    @property
    def limits(self) -> Row:
        """Limits under which a document can be rejected; a verdict of theirs holds under these only."""

    @property
    def passing(self) -> frozenset[str]:
        """Categories of verdicts that hung on the machine of the moment, and are not kept for later runs."""

    @property
    def notes(self) -> Sequence[str]:
        """What the report has to say about how the work went, one sentence each."""

    def run(self, rows: Sequence[Row], place: Workplace, show: Show) -> Generator[tuple[int, Row]]:
        """Yield (index of the row, outcome) as each document is finished; closing it ends all work.

        ``show`` is told the paths in work, as often as they may have changed.
        """


class InProcess:
    """Applies a function to one document after the other, here."""

    limits: Row = {}  # noqa: RUF012 - nothing is limited
    passing: frozenset[str] = frozenset()
    notes: Sequence[str] = ()

    def __init__(self, function: Callable[[Row], DocumentOutput]) -> None:
        self._function = function

    @property
    def identity(self) -> str:
        """The function's source."""
        return function_source(self._function)

    def run(self, rows: Sequence[Row], place: Workplace, show: Show) -> Generator[tuple[int, Row]]:
        """Yield (index of the row, outcome) in the order of the rows."""
        for index, row in enumerate(rows):
            show([str(row["path"])])
            yield index, document_value(row, self._function, place.store)


class InBatches(InProcess):
    """Applies a function to one document after the other, here, once their batch was prepared together.

    Where the preparation fails, the function meets the reason again, in the document that it is due to.

    Args:
        function: makes a document's output.
        prepare: called with the rows of a batch before the function is called with each of them.
        size: of a document, in whatever is counted.
        most: of what is counted in one batch; a larger document is a batch of its own.
    """

    def __init__(
        self,
        function: Callable[[Row], DocumentOutput],
        prepare: Callable[[Sequence[Row]], None],
        *,
        size: Callable[[Row], int],
        most: int,
    ) -> None:
        super().__init__(function)
        self._prepare = prepare
        self._size = size
        self._most = most

    def run(self, rows: Sequence[Row], place: Workplace, show: Show) -> Generator[tuple[int, Row]]:
        """Yield (index of the row, outcome) in the order of the rows.

        Raises:
            StageError: the stage as a whole cannot work.
        """
        done = 0
        for batch, size in self._batches(rows):
            show([str(batch[0]["path"]), *([f"and {len(batch) - 1} more"] if len(batch) > 1 else [])])
            begin = time.monotonic()
            try:
                self._prepare(batch)
            except StageError:
                raise
            except Exception:
                pass  # due to one of its documents, which will say so itself
            each = (time.monotonic() - begin) / max(size, 1)
            for row in batch:
                value = document_value(row, self._function, place.store)
                yield done, value | {"seconds": round(value["seconds"] + each * self._size(row), 3)}
                done += 1

    def _batches(self, rows: Sequence[Row]) -> Iterator[tuple[list[Row], int]]:
        batch: list[Row] = []
        total = 0
        for row in rows:
            size = self._size(row)
            if batch and total + size > self._most:
                yield batch, total
                batch, total = [], 0
            batch.append(row)
            total += size
        if batch:
            yield batch, total


def document_value(row: Row, function: Callable[[Row], DocumentOutput], store: ArtifactStore) -> Row:
    """Apply a function to one document, store what it made, and return the outcome as plain JSON.

    Raises:
        StageError: the stage as a whole cannot work; everything else is an outcome of this document.
    """
    begin = time.monotonic()
    try:
        output = function(row)
        value: Row = {"status": "ok", "category": None, "message": None, "remedy": None, **output.fields}
        for name, part in output.tables.items():
            value[name] = store.put_table(name, part).model_dump()
        for name, (data, media_type) in output.blobs.items():
            value[name] = store.put(name, data, media_type).model_dump()
        canonical_json(value).encode()  # what cannot be stored is a fault of this document alone
    except DocumentRejected as refusal:
        _require_disk(refusal)
        return verdict("rejected", refusal.category, refusal.message, refusal.remedy, begin)
    except StageError:
        raise
    except Exception as error:  # whatever a library throws at one document must not stop the others
        _require_disk(error)
        message = _first_line(str(error)) or type(error).__name__
        remedy = "it is tried again on the next run; report it if it persists"
        return verdict("failed", type(error).__name__, message, remedy, begin)
    return value | _stamp(begin)


def _require_disk(error: Exception) -> None:
    """Tell a disk that takes nothing more, which no document is to blame for, from what is wrong with one.

    Raises:
        StageError: the disk does not.
    """
    if fault := disk_fault(error):
        raise StageError(fault) from error


def verdict(status: str, category: str, message: str, remedy: str, begin: float) -> Row:
    """Return the outcome of a document from which nothing was made; ``begin`` is of time.monotonic()."""
    # A library may say in its message with which password or at which address it tried.
    said = Redactor(secret_values())(message)
    reason = {"status": status, "category": category, "message": said, "remedy": remedy}
    return reason | _stamp(begin)


def _stamp(begin: float) -> Row:
    return {
        "seconds": round(time.monotonic() - begin, 3),
        "produced_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _first_line(text: str) -> str:
    # Half a surrogate pair, as in names that are not UTF-8, cannot be stored in a table.
    return "".join(text.strip().splitlines()[:1])[:500].encode(errors="replace").decode()
