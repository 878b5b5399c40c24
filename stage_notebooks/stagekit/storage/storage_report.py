"""What stage 06 tells of its work: before it writes, of each document, and in all."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

from stagekit.storage.collections import PhysicalCollection, Target
from stagekit.storage.reconcile import Plan
from stagekit.storage.verify import Verification

Row = dict[str, Any]
COLUMNS: Final = ("path", "upserted", "unchanged", "deleted", "in_source", "kept")
"""Of the rows of :func:`document_rows`."""
_SHOWN: Final = 200


def plan_rows(plan: Plan) -> list[Row]:
    """Return what is going to happen, one figure a row."""
    figures = {
        "points to write": len(plan.written_ids),
        "points to delete": sum(len(change.delete) for change in plan.changes),
        "points that stay": plan.points_after - len(plan.written_ids),
        "of these, points that need no look": sum(plan.untouched.values()),
        "documents that leave": len(plan.removed),
        "documents kept as they are stored": len(plan.kept),
    }
    return [{"what": name, "count": count} for name, count in figures.items()]


def cautions(few_leave: str, target: Target, for_readers: Plan, in_source: Collection[str]) -> Iterator[str]:
    """Yield what whoever runs the stage has to know before anything is written, one sentence each.

    ``few_leave`` is what the guard of deletions says, if anything; the plan is compared with what readers
    see now.
    """
    if few_leave:
        yield few_leave
    for name in target.unapplied:
        yield f"{name} has no effect on {target.name}, which was built before it was set."
    for change in for_readers.removed:
        if change.document_id in in_source:
            yield f"{change.path} has no vectors of the new kind and leaves the search until it has."


def document_rows(applied: Sequence[Row], plan: Plan) -> list[Row]:
    """Return one row a document, with :data:`COLUMNS`: what was applied, and what needed no work.

    ``kept`` is true for a document without a usable result now, whose points stay, and None for one that
    needed no look.
    """
    return [*applied] + [
        {"path": path, "upserted": 0, "unchanged": count, "deleted": 0, "in_source": True, "kept": kept}
        for kept, counts in ((True, plan.kept), (None, plan.untouched))
        for path, count in counts.items()
    ]


def totals(rows: Sequence[Row]) -> dict[str, int]:
    """Return how many points of all documents were upserted, unchanged and deleted."""
    return {name: sum(row[name] for row in rows) for name in ("upserted", "unchanged", "deleted")}


def figures_rows(before: int, after: int, counts: dict[str, int], verification: Verification) -> list[Row]:
    """Return the points before and after and what came of comparing them, one figure a row."""
    figures = {"points before": before, **counts, "points after": after}
    figures |= {"counted of this source": verification.found_points, "compared": verification.sampled_points}
    figures |= {"differences": len(verification.differences)}
    return [{"what": name, "count": count} for name, count in figures.items()]


def most_changed(rows: Sequence[Row]) -> tuple[list[Row], str]:
    """Return the rows to be shown, those with most changes first, and what stands above them."""
    first = sorted(rows, key=lambda row: (-row["upserted"] - row["deleted"], row["path"]))
    more = f"; the first {_SHOWN} of {len(first)}" if len(first) > _SHOWN else ""
    return first[:_SHOWN], f"Points by document{more}"


def collection_rows(collections: Sequence[PhysicalCollection]) -> list[Row]:
    """Return one row a collection."""
    return [
        {
            "collection": collection.name,
            "readers see it": collection.serving,
            "points": collection.points,
            "made": collection.created_at,
            "replaced": collection.superseded_at,
        }
        for collection in collections
    ]
