"""Compares the collection with the artifacts point by point; ``nic-etl verify`` starts it as a process."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from stagekit.artifacts.outputs_id import outputs_id
from stagekit.base.paths import outputs_path
from stagekit.declared import StatusWords
from stagekit.errors import StageError
from stagekit.stage.stage import Stage, open_stage
from stagekit.tools.existing_store import existing_store

if TYPE_CHECKING:
    from qdrant_client import QdrantClient

    from stagekit.storage import DesiredDocument, Difference, Plan, PointWriter

Row = dict[str, Any]
_KINDS = {"missing": "missing", "payload": "altered", "vector": "altered", "extra": "superfluous"}


def verify(
    *,
    outputs_dir: str = "",
    qdrant_url: str = "embedded",
    collection_name: str = "nic_documents",
    repair: bool = False,
    upsert_batch_size: int = 256,
    max_deletion_share: float = 0.2,
    allow_mass_deletion: bool = False,
    include_statuses: Sequence[str] = ("approved", "published"),
    status_words: Mapping[str, str] | None = None,
    settings: Row | None = None,
    upstream: dict[str, str] | None = None,
) -> Row:
    """Compare every point of the source with executed notebooks, and mend what differs if asked.

    ``repair`` writes what is missing or altered, then deletes what is superfluous; nothing else is touched.
    It takes the settings of stage 06 that bear on it: no point of another status is written, and no more
    documents are deleted at once. ``upstream`` gives executed notebooks by stage name; a stage left out is
    looked up in ``outputs/latest/``. The other arguments are those of
    :func:`stagekit.search.query.search`.

    Returns:
        ``points`` (desired), ``compared_documents``, ``missing``, ``altered`` and ``superfluous`` points,
        ``documents`` (those that differ: path, the three counts, details), and with ``repair`` ``upserted``,
        ``deleted`` and ``remaining`` (points that still differ).

    Raises:
        StageError: if there are no artifacts, no collection, another model's vectors in it, or a repair
            would delete suspiciously many documents.
    """
    from stagekit.storage import guard_deletions

    outputs = outputs_path(outputs_dir)
    desired, source_id, in_source, identity = _desired(outputs_dir, upstream or {})
    with existing_store(qdrant_url, outputs, settings, writing=repair) as client:
        collection = _Collection(client, collection_name, source_id, in_source, outputs_id(outputs))
        collection.check(identity)
        differences = collection.differences(desired)
        report = _report(desired, differences)
        if repair:
            plan = collection.plan(desired, differences)
            guard_deletions(
                plan, max_deletion_share=max_deletion_share, allow_mass_deletion=allow_mass_deletion
            )
            statuses = StatusWords(status_words).statuses(list(include_statuses))
            writer = _writer(client, collection_name, qdrant_url, statuses, upsert_batch_size)
            report |= collection.mend(plan, writer)
            report["remaining"] = len(collection.differences(desired)) if differences else 0
    return report


def _writer(client: QdrantClient, name: str, qdrant_url: str, statuses: set[str], most: int) -> PointWriter:
    from stagekit.storage import PointWriter, largest_upsert

    return PointWriter(
        client, name, qdrant_url, statuses=statuses, batch_size=largest_upsert(client, name, most)
    )


def _desired(outputs_dir: str, upstream: dict[str, str]) -> tuple[list[DesiredDocument], str, set[str], Any]:
    from stagekit.storage import desired_documents, embedding_identity

    stage = open_stage("verify", outputs_dir=outputs_dir, upstream=upstream)
    try:
        return _read(stage, desired_documents, embedding_identity)
    finally:
        stage.memo.close()


def _read(
    stage: Stage, desired_documents: Any, embedding_identity: Any
) -> tuple[list[DesiredDocument], str, set[str], Any]:
    source_id = stage.read_json("gitlab_ingestion", "source_snapshot")["source_id"]
    documents = stage.read("gitlab_ingestion", "documents", usable_only=False)
    embeddings = stage.read("embedding_generation", "embeddings")
    payloads = stage.read("metadata_enrichment", "payloads")
    identity = embedding_identity(embeddings, lambda: stage.read_json("embedding_generation", "vector_kind"))
    desired = desired_documents(payloads, embeddings, stage.read_part, identity)
    return desired, source_id, {row["document_id"] for row in documents}, identity


class _Collection:
    """The points of one source in one collection."""

    def __init__(
        self, client: QdrantClient, name: str, source_id: str, in_source: set[str], outputs: str
    ) -> None:
        self._client = client
        self._outputs = outputs
        self._name = name
        self._source_id = source_id
        self._in_source = in_source

    def check(self, identity: Any) -> None:
        from stagekit.storage import check_collection

        if not self._client.collection_exists(self._name):
            raise StageError(
                f"There is no collection {self._name}: check collection_name, or let `nic-etl run` fill it "
                "from the artifacts."
            )
        check_collection(self._client, self._name, identity)

    def differences(self, desired: list[DesiredDocument]) -> list[Difference]:
        from stagekit.storage import compare

        return compare(self._client, self._name, desired, self._source_id, in_source=self._in_source)

    def plan(self, desired: list[DesiredDocument], differences: Iterable[Difference]) -> Plan:
        """Return the plan that writes and deletes just the points that differ, whatever fingerprints say."""
        from stagekit.storage import DocumentChange, Plan, plan_changes, stored_points

        stored = stored_points(self._client, self._name, self._source_id)
        usual = plan_changes(desired, stored, in_source=self._in_source)
        wrong = {found.point_id for found in differences}
        changes = [
            DocumentChange(
                change.document_id,
                change.path,
                write=frozenset(change.document.fingerprints.keys() & wrong)
                if change.document
                else frozenset(),
                delete=tuple(point for point in change.delete if point in wrong),
                document=change.document,
            )
            for change in usual.changes
        ]
        changes = [change for change in changes if change.write or change.delete]
        return Plan(changes, usual.kept, usual.stored_documents)

    def mend(self, plan: Plan, writer: PointWriter) -> Row:
        from stagekit.storage import apply_change, forget_carried, refuse_foreign, served_collection

        refuse_foreign(self._client, self._name, plan.written_ids, self._source_id)
        if plan.changes:  # the next run looks at everything: what differed had been carried over
            physical = served_collection(self._client, self._name) or self._name
            forget_carried(self._client, physical, self._source_id, self._outputs)
        totals = Counter(upserted=0, deleted=0)
        with writer:
            for change in plan.changes:
                done = apply_change(change, upsert=writer.upsert, delete=writer.delete)
                totals.update(upserted=done["upserted"], deleted=done["deleted"])
        return dict(totals)


def _report(desired: list[DesiredDocument], differences: list[Difference]) -> Row:
    by_path: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    details: dict[str, list[str]] = defaultdict(list)
    for found in differences:
        by_path[found.path][_KINDS[found.kind]].add(found.point_id)
        if found.detail:
            details[found.path].append(f"{found.point_id}: {found.kind} {found.detail}")
    kinds = ("missing", "altered", "superfluous")
    documents = [
        {"path": path} | {kind: len(points[kind]) for kind in kinds} | {"details": details[path]}
        for path, points in sorted(by_path.items())
    ]
    totals = {kind: sum(int(str(row[kind])) for row in documents) for kind in kinds}
    count = sum(len(document.fingerprints) for document in desired)
    return {"points": count, "compared_documents": len(desired), **totals, "documents": documents}


tool = verify
