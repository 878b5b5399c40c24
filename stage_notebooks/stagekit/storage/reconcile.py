"""Makes a collection equal to the desired points: writes what is missing, then deletes what is left over."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from qdrant_client.models import PointStruct

from stagekit.errors import StageError

if TYPE_CHECKING:
    from stagekit.storage.desired import DesiredDocument
    from stagekit.storage.stored import StoredPoint

ALWAYS_DELETABLE: Final = 5  # documents
LISTED: Final = 20


@dataclass(frozen=True, slots=True)
class DocumentChange:
    """What is to be done about one document's points."""

    document_id: str  # of the document, empty where a stored point does not say
    path: str  # of its file
    write: frozenset[str] = frozenset()  # ids of the points that are missing or different
    delete: tuple[str, ...] = ()  # ids of the stored points that should not be there
    unchanged: int = 0  # how many points are as they should be
    document: DesiredDocument | None = None  # source of the points to write; None where the document is gone
    content: str = ""  # git blob id of the file of a document that is gone; empty if unknown


@dataclass(frozen=True, slots=True)
class Plan:
    """What reconciliation will do, document by document, in the order of the paths.

    Attributes:
        changes: one for each document, also for those with nothing to do.
        kept: number of stored points by path of documents that are still in the source but have no usable
            result now; they stay as they are.
        stored_documents: how many documents of the source the collection holds.
        untouched: number of points by path of documents that need no look.
        outdated: ids of the points that stay and have to say that they are not the latest, sorted.
    """

    changes: list[DocumentChange]
    kept: dict[str, int] = field(default_factory=dict)
    stored_documents: int = 0
    untouched: Mapping[str, int] = field(default_factory=dict)
    outdated: tuple[str, ...] = ()

    @property
    def removed(self) -> list[DocumentChange]:
        """The documents that would leave the collection."""
        return [change for change in self.changes if change.document is None]

    @property
    def written_ids(self) -> list[str]:
        """Ids of all points that will be written, sorted."""
        return sorted(point_id for change in self.changes for point_id in change.write)

    @property
    def writes(self) -> bool:
        """Whether anything is written or deleted."""
        return bool(self.outdated) or any(change.write or change.delete for change in self.changes)

    @property
    def unchanged_documents(self) -> int:
        """How many documents are stored as they should be."""
        idle = sum(not change.write and not change.delete for change in self.changes)
        return idle + len(self.untouched)

    @property
    def points_after(self) -> int:
        """How many points of the source the collection holds once the plan is carried out."""
        desired = sum(len(change.write) + change.unchanged for change in self.changes)
        return desired + sum(self.kept.values()) + sum(self.untouched.values())


def plan_changes(
    desired: Iterable[DesiredDocument],
    stored: Mapping[str, StoredPoint],
    *,
    in_source: Collection[str] = (),
    untouched: Mapping[str, int] | None = None,
) -> Plan:
    """Compare desired points with stored ones by id and fingerprint.

    Args:
        desired: the documents as they should be stored.
        stored: the points of this source by id, see :func:`stagekit.storage.stored.stored_points`.
        in_source: ids of all documents that the source holds now, processed or not.
        untouched: number of points by path of documents that are neither desired nor stored here, see
            :class:`stagekit.storage.carried.CarriedPoints`.
    """
    documents = {document.document_id: document for document in desired}
    wanted = {point_id for document in documents.values() for point_id in document.fingerprints}
    surplus: dict[str, list[str]] = defaultdict(list)
    for point_id, point in stored.items():
        if point_id not in wanted:
            surplus[point.document_id or ""].append(point_id)
    changes = [
        _change(document, stored, surplus.pop(document.document_id, [])) for document in documents.values()
    ]
    kept: dict[str, int] = {}
    outdated: list[str] = []
    for document_id, ids in surplus.items():
        path = stored[ids[0]].path or document_id
        if document_id in in_source:
            kept[path] = kept.get(path, 0) + len(ids)
            outdated += [point_id for point_id in ids if stored[point_id].is_latest]
        else:
            gone = DocumentChange(
                document_id, path, delete=tuple(sorted(ids)), content=stored[ids[0]].content
            )
            changes.append(gone)
    known = {point.document_id for point in stored.values() if point.document_id}
    ordered = sorted(changes, key=lambda change: (change.path, change.document_id))
    carried = untouched or {}
    return Plan(ordered, kept, len(known) + len(carried), carried, tuple(sorted(outdated)))


def _change(
    document: DesiredDocument, stored: Mapping[str, StoredPoint], surplus: list[str]
) -> DocumentChange:
    write = frozenset(
        point_id
        for point_id, fingerprint in document.fingerprints.items()
        if point_id not in stored or stored[point_id].fingerprint != fingerprint
    )
    return DocumentChange(
        document.document_id,
        document.path,
        write=write,
        delete=tuple(sorted(surplus)),
        unchanged=len(document.fingerprints) - len(write),
        document=document,
    )


def guard_deletions(
    plan: Plan, *, max_deletion_share: float, allow_mass_deletion: bool, contents: Collection[str] = ()
) -> str:
    """Stop where suspiciously many documents would leave the collection, or all that a source has there.

    Args:
        plan: what would be done.
        max_deletion_share: share of the stored documents that may leave; five may in any case.
        allow_mass_deletion: go on all the same.
        contents: git blob ids of the files that are to be stored: a document of which one is there under
            another path was moved, and does not leave.

    Returns:
        a sentence where a larger share leaves, and only because it is five documents or fewer; else nothing.

    Raises:
        StageError: if more than that would leave, or the last document; nothing was written then.
    """
    leaving = [change for change in plan.removed if not change.content or change.content not in contents]
    nothing_left = len(plan.removed) >= plan.stored_documents and len(plan.removed) == len(plan.changes)
    share = max_deletion_share * plan.stored_documents
    if allow_mass_deletion or not leaving or (len(leaving) <= share and not nothing_left):
        return ""
    names = "; ".join(change.path for change in leaving[:LISTED])
    more = f"; and {len(leaving) - LISTED} more" if len(leaving) > LISTED else ""
    limit = f"more than max_deletion_share ({max_deletion_share:g}) allows"
    if len(leaving) <= ALWAYS_DELETABLE and not nothing_left:
        return (
            f"{len(leaving)} of {plan.stored_documents} stored documents leave the collection ({names}): "
            f"{limit}, but a run stops only where more than {ALWAYS_DELETABLE} do, or the last one."
        )
    reason = "and leave none of this source" if nothing_left else limit
    raise StageError(
        f"This run would delete {len(leaving)} of {plan.stored_documents} stored documents, {reason} "
        f"({names}{more}): nothing was written; if they are meant to go, run once with allow_mass_deletion "
        "(`nic-etl run --allow-mass-deletion`)."
    )


def apply_change(
    change: DocumentChange,
    *,
    upsert: Callable[[Iterable[PointStruct]], Any],
    delete: Callable[[list[str | int]], Any],
) -> dict[str, Any]:
    """Hand on one document's change: new points first, so that a crash leaves extra points, never a gap.

    Args:
        change: what to do.
        upsert: writes points, see :class:`stagekit.storage.writing.PointWriter`.
        delete: deletes points by id, not before those that were given to ``upsert`` are there.

    Returns:
        the document's line of the storage report.
    """
    if change.document is not None and change.write:
        upsert(point.as_struct() for point in change.document.points(change.write))
    if change.delete:
        # A point that somebody added by hand may be numbered; ours, and all other ids, are UUIDs.
        delete([int(point) if point.isdigit() else point for point in change.delete])
    return {
        "document_id": change.document_id,
        "path": change.path,
        "upserted": len(change.write),
        "unchanged": change.unchanged,
        "deleted": len(change.delete),
        "in_source": change.document is not None,
    }
