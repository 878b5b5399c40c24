"""What a manifest says about its own rows, so that the memo can be made again from executed notebooks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from stagekit.errors import ArtifactError

Row = dict[str, Any]
_VERDICT = ("status", "category", "message", "remedy", "seconds", "produced_at")
_REASON = ("category", "message", "remedy")
# Columns that belong to the document or to the run, and never to what is remembered by content.
_HEAD = frozenset({"document_id", "path", "memo_key", "unchanged", "refused"})
_NUMBER, _TEXT, _REASONS = (int, float), (str,), (str, type(None))
_KINDS: dict[str, tuple[type, ...]] = {
    "document_id": _TEXT, "path": _TEXT, "status": _TEXT, "memo_key": _TEXT, "category": _REASONS,
    "message": _REASONS, "remedy": _REASONS, "seconds": _NUMBER, "produced_at": _TEXT,
}  # fmt: skip
_REFUSED = ("memo_key", "seconds", "produced_at")
_STATUSES = {"ok", "stale", "rejected", "failed"}


@dataclass(frozen=True)
class ColumnOrigins:
    """Where the columns of one outcome come from: the stage's input, or its work on the content.

    ``keeps_last_good`` tells whether the stage answers with last good outcomes.
    """

    carried: frozenset[str]
    made: frozenset[str]
    keeps_last_good: bool


def manifest_metadata(stage: str, origins: Iterable[ColumnOrigins]) -> Row:
    """Return what stands beside a manifest's rows: stage, carried columns, last good outcomes or not."""
    carried: set[str] = set()
    made: set[str] = set()
    keeps = False
    for origin in origins:
        carried |= origin.carried
        made |= origin.made
        keeps = keeps or origin.keeps_last_good
    return {"stage": stage, "carried": sorted(carried - made), "last_good": keeps}


def stale_row(good: Row, outcome: Row) -> Row:
    """Return the row of a document that is served from its last good version.

    It has the reason why the new version is not served and, under ``refused``, the memo key of the verdict on
    unusable content; our own failures are not remembered and have none.
    """
    row = {**good, **{name: outcome[name] for name in _REASON}, "status": "stale", "unchanged": True}
    if outcome["status"] == "rejected":
        row["refused"] = {name: outcome[name] for name in _REFUSED}
    return row


def last_good(row: Row) -> Row:
    """Return the last good outcome that an ok or stale row of a manifest tells of."""
    outcome = {name: value for name, value in row.items() if name != "refused"}
    return outcome | {"status": "ok", "unchanged": False} | dict.fromkeys(_REASON)


def remembered(row: Row, metadata: Row) -> Iterator[tuple[str, Row]]:
    """Yield what the memo knew when a manifest's row was written: memo key and value, none for failures.

    Args:
        row: of the manifest, as :func:`stagekit.artifacts.tables.decode_rows` returns it.
        metadata: of the manifest, see :func:`manifest_metadata`.
    """
    status = row.get("status")
    if status == "rejected":
        yield row["memo_key"], {name: row[name] for name in _VERDICT}
    elif status in {"ok", "stale"}:
        left_out = _HEAD | set(metadata["carried"])
        value = {name: item for name, item in row.items() if name not in left_out}
        yield row["memo_key"], value | {"status": "ok"} | dict.fromkeys(_REASON)
    if status == "stale" and row.get("refused"):
        refused = row["refused"]
        verdict = {name: row[name] for name in _REASON} | {"status": "rejected"}
        yield (
            refused["memo_key"],
            verdict | {name: refused[name] for name in ("seconds", "produced_at")},
        )


def is_outcome(value: Row) -> bool:
    """Tell whether a remembered value is the outcome of a document."""
    return not _fault(value, _VERDICT)


def require_rows(rows: Iterable[Row], metadata: Row | None = None) -> None:
    """Make sure that rows are of the form that a stage gives them; they come out of a file.

    Args:
        rows: of a product.
        metadata: of a manifest, see :func:`manifest_metadata`; its rows have every column of an outcome.

    Raises:
        ArtifactError: if a column is missing or holds something else than it should.
    """
    for row in rows:
        found = _fault(row, _KINDS if metadata is not None else row.keys() & _KINDS.keys())
        if metadata is not None and not found and row.get("refused") is not None:
            verdict = row["refused"]
            found = _fault(verdict, _REFUSED) if isinstance(verdict, dict) else "refused"
        if found:
            raise ArtifactError(f"A product is damaged: its column {found} is not as a stage writes it.")
    if metadata is not None:
        carried, stage = metadata.get("carried"), metadata.get("stage")
        listed = isinstance(carried, list) and all(isinstance(name, str) for name in carried)
        if not (listed and isinstance(stage, str) and isinstance(metadata.get("last_good"), bool)):
            raise ArtifactError(
                "A manifest is damaged: what stands beside its rows is not as a stage writes it."
            )


def _fault(row: Row, names: Iterable[str]) -> str:
    """Return the first of these columns that is missing or of another kind; empty if none is."""
    for name in names:
        value = row.get(name)
        if (
            name not in row
            or not isinstance(value, _KINDS[name])
            or (name == "status" and value not in _STATUSES)
        ):
            return name
        if name == "produced_at" and not _is_moment(str(value)):
            return name
    return ""


def _is_moment(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False
