"""Points that are carried over: a run looks only at the documents that changed since the last one.

The table has one row a document: document_id, path, sha256 of its payloads and of its vectors, git blob id
of its file, whether that is its newest version, ids and fingerprints of its points. It holds for a collection
that is as the last run left it: that bears the table's mark, has as many points of the source, was written to
last as that table says (:mod:`stagekit.storage.metadata.source_marks`), and was not opened for writing since;
each run that writes takes the mark away first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from qdrant_client import QdrantClient

from stagekit.artifacts.memo import MAP_KEY
from stagekit.artifacts.rows import Rows
from stagekit.errors import ArtifactError
from stagekit.storage.collection import CollectionIdentity
from stagekit.storage.desired import DesiredDocument, desired_documents
from stagekit.storage.embedded.store import EmbeddedQdrant
from stagekit.storage.metadata.source_marks import SourceMark, begin_writing, source_mark
from stagekit.storage.reconcile import Plan
from stagekit.storage.stored import StoredPoint, count_points

if TYPE_CHECKING:
    from stagekit.artifacts.memo import Memo
    from stagekit.artifacts.store import ArtifactStore
    from stagekit.storage.corpus import Comparison

_KEY: Final = f"{MAP_KEY}qdrant_storage/"
_TEXTS: Final = pa.list_(pa.string())
_SCHEMA: Final = pa.schema(
    {name: pa.string() for name in ("document_id", "path", "payloads", "embeddings", "content")}
    | {"is_latest": pa.bool_(), "ids": _TEXTS, "fingerprints": _TEXTS}
)


@dataclass(frozen=True)
class CarriedPoints:
    """Documents and their points as a collection held them."""

    table: pa.Table  # one row a document
    mark: str = ""  # that the collection bears; empty if nothing is known of any
    written: SourceMark = field(default_factory=SourceMark)  # the write after which it was so

    @classmethod
    def nothing(cls) -> CarriedPoints:
        """Return no documents."""
        return cls(_SCHEMA.empty_table())

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @property
    def points(self) -> int:
        """How many points the documents have."""
        return int(pc.sum(pc.list_value_length(self.table["ids"])).as_py() or 0)

    def unchanged(self, payloads: Rows, embeddings: Rows) -> CarriedPoints:
        """Return those documents whose payloads and vectors are still the same."""
        now = _states(payloads, embeddings)
        places = pc.index_in(self.table["document_id"], value_set=now["document_id"].combine_chunks())
        kept = self.table.filter(pc.is_valid(places))
        now = now.take(pc.drop_null(places))
        same = pc.and_(
            pc.equal(kept["payloads"], now["payloads"]), pc.equal(kept["embeddings"], now["embeddings"])
        )
        return CarriedPoints(kept.filter(same))

    def without(self, rows: Rows) -> Rows:
        """Return those rows of a manifest whose documents are not among these."""
        known = pc.is_in(rows.arrow("document_id"), value_set=self.table["document_id"].combine_chunks())
        return rows.take(pc.indices_nonzero(pc.invert(known)))

    def stored(self, left_out: CarriedPoints) -> dict[str, StoredPoint]:
        """Return the points of these documents by id, without those of some documents."""
        known = pc.is_in(self.table["document_id"], value_set=left_out.table["document_id"].combine_chunks())
        return {
            point: StoredPoint(
                row["document_id"], row["path"], fingerprint, row["content"] or "", bool(row["is_latest"])
            )
            for row in _rows(self.table.filter(pc.invert(known)))
            for point, fingerprint in zip(row["ids"], row["fingerprints"], strict=True)
        }

    def desired(
        self,
        payloads: Rows,
        embeddings: Rows,
        read_part: Callable[[Any], pa.Table],
        identity: CollectionIdentity,
        most: int | None = None,
    ) -> list[DesiredDocument]:
        """Return the documents as they should be stored, or so many of them, spread evenly.

        Their fingerprints are known; their parts are read when points are asked for.
        """
        step = 1 if most is None else max(1, len(self) // most)
        chosen = self.table.take(pa.array(range(0, len(self), step), pa.int64())[:most])
        known = {
            row["document_id"]: dict(zip(row["ids"], row["fingerprints"], strict=True))
            for row in _rows(chosen)
        }
        wanted, vectors = (rows.where("document_id", known) for rows in (payloads, embeddings))
        return desired_documents(wanted, vectors, read_part, identity, known=known)

    def contents(self) -> set[str]:
        """Return the git blob ids of the documents' files."""
        return set(self.table["content"].to_pylist())

    def counts(self) -> dict[str, int]:
        """Return the number of points by path."""
        counts = pc.list_value_length(self.table["ids"]).to_pylist()
        return dict(zip(self.table["path"].to_pylist(), counts, strict=True))


def carried_points(
    memo: Memo, store: ArtifactStore, collection_name: str, identity: CollectionIdentity, source_id: str
) -> CarriedPoints:
    """Return what is remembered of a source in a collection of these vectors; empty if nothing is."""
    key = _key(identity.physical_name(collection_name), source_id)
    record = memo.get_many([key]).get(key, {})
    try:
        if record["of"] == identity.fingerprint:
            written = SourceMark.parsed(record["written"])
            return CarriedPoints(
                store.read_table(record["points"]).cast(_SCHEMA), str(record["mark"]), written
            )
    except (ArtifactError, KeyError, TypeError, ValueError):
        pass  # nothing is known then, and everything is looked at
    return CarriedPoints.nothing()


def as_left(client: QdrantClient, collection_name: str, last: CarriedPoints, source_id: str) -> bool:
    """Tell whether a collection is as it was when it was last in step."""
    if not last.mark or not client.collection_exists(collection_name):
        return False
    metadata = client.get_collection(collection_name).config.metadata or {}
    if not last.written.finished or source_mark(client, collection_name, source_id) != last.written:
        return False
    if metadata.get(_field(source_id)) != last.mark or _session(last.mark) != _sessions(
        client, collection_name
    ):
        return False
    return count_points(client, collection_name, source_id) == last.points


def forget_carried(client: QdrantClient, collection_name: str, source_id: str, outputs: str = "") -> None:
    """Take the mark off a collection that is about to be written to, and say which outputs folder does."""
    begin_writing(client, collection_name, source_id, outputs)
    metadata = client.get_collection(collection_name).config.metadata or {}
    if _field(source_id) in metadata:
        client.update_collection(collection_name, metadata={_field(source_id): None})


def keep_carried(
    client: QdrantClient,
    collection_name: str,
    memo: Memo,
    store: ArtifactStore,
    comparison: Comparison,
    plan: Plan,
) -> None:
    """Remember what a physical collection holds that was compared, verified, and whose part is finished."""
    corpus = comparison.corpus
    looked_at = {change.document_id: change.document for change in plan.changes if change.document}
    found = _states(corpus.payloads, corpus.embeddings)
    found = found.filter(pc.is_in(found["document_id"], value_set=pa.array(looked_at, pa.string())))
    states = {row["document_id"]: row for row in _rows(found)}
    rows = [_row(document, states) for document in looked_at.values()]
    rows += _kept(plan, comparison.stored, looked_at)
    table = pa.concat_tables([comparison.untouched.table, pa.Table.from_pylist(rows, _SCHEMA)]).sort_by(
        "document_id"
    )
    ref = store.put_table("points_in_step", table.combine_chunks())
    mark = f"{ref.sha256[:16]}/{_sessions(client, collection_name)}"
    written = source_mark(client, collection_name, corpus.source_id).plain()
    record = {"of": corpus.identity.fingerprint, "points": ref.model_dump(), "mark": mark, "written": written}
    memo.put("map", _key(collection_name, corpus.source_id), record)
    client.update_collection(collection_name, metadata={_field(corpus.source_id): mark})


def _row(document: DesiredDocument, states: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    state = states[document.document_id]
    return {
        "document_id": document.document_id,
        "path": document.path,
        "payloads": state["payloads"],
        "embeddings": state["embeddings"],
        "content": document.content,
        "is_latest": document.is_latest,
        "ids": list(document.fingerprints),
        "fingerprints": list(document.fingerprints.values()),
    }


def _kept(
    plan: Plan, stored: Mapping[str, StoredPoint], looked_at: Collection[str]
) -> Iterator[dict[str, Any]]:
    """Yield the documents whose points stay although they have no usable result now.

    Of a point that was marked as outdated the new fingerprint is left out: none equals it.
    """
    deleted = {point for change in plan.changes for point in change.delete}
    outdated = {*plan.outdated}
    kept: dict[str, dict[str, StoredPoint]] = defaultdict(dict)
    for point_id, point in stored.items():
        if point.document_id and point.document_id not in looked_at and point_id not in deleted:
            marked = replace(point, fingerprint=None, is_latest=False) if point_id in outdated else point
            kept[point.document_id][point_id] = marked
    for document_id, points in kept.items():
        first = next(iter(points.values()))
        yield {
            "document_id": document_id,
            "path": first.path or document_id,
            "payloads": "",  # whatever comes of it next is looked at
            "embeddings": "",
            "content": first.content,
            "is_latest": any(point.is_latest for point in points.values()),
            "ids": list(points),
            "fingerprints": [point.fingerprint or "" for point in points.values()],
        }


def _states(payloads: Rows, embeddings: Rows) -> pa.Table:
    """Return document_id and the sha256 of both parts of each document that has both."""
    if not len(payloads) or not len(embeddings):
        return _SCHEMA.empty_table().select(["document_id", "payloads", "embeddings"])
    ids = payloads.arrow("document_id")
    places = pc.index_in(ids, value_set=embeddings.arrow("document_id").combine_chunks())
    both = pc.is_valid(places)
    vectors = _sha(embeddings.arrow("embeddings")).take(pc.drop_null(places))
    columns = [ids.filter(both), _sha(payloads.arrow("payloads")).filter(both), vectors]
    return pa.table(columns, names=["document_id", "payloads", "embeddings"])


def _sha(references: pa.ChunkedArray) -> pa.ChunkedArray:
    found = pc.extract_regex(references, r'"sha256":"(?P<sha>[0-9a-f]{64})"')
    return pc.struct_field(found, "sha")


def _rows(table: pa.Table) -> Iterable[dict[str, Any]]:
    return (row for batch in table.to_batches() for row in batch.to_pylist())


def _key(collection_name: str, source_id: str) -> str:
    return f"{_KEY}{collection_name}/{source_id}"


def _field(source_id: str) -> str:
    return f"in_step_{source_id}"


def _session(mark: str) -> int:
    number = mark.partition("/")[2]
    return int(number) if number.isdecimal() else -1


def _sessions(client: Any, collection_name: str) -> int:
    return client.sessions(collection_name) if isinstance(client, EmbeddedQdrant) else 0
