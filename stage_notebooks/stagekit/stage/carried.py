"""Outcomes that are carried over: told by comparing tables, not document by document.

One of the last execution still holds if the same code and settings meet the same row of each product that
the stage reads, and its artifacts are there. Whatever cannot be compared is simply processed as usual, by
way of the memo.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stagekit.artifacts.references import made_references
from stagekit.artifacts.rows import Rows, RowSource
from stagekit.artifacts.table_files import GROUP_ROWS, TableFile
from stagekit.artifacts.table_views import UNCHANGED, Columns, JoinedTable, TableView, join_outcomes
from stagekit.artifacts.tables import decode_rows, encode_rows, table_metadata
from stagekit.errors import ArtifactError

if TYPE_CHECKING:
    import pyarrow as pa

    from stagekit.artifacts.store import ArtifactStore

Row = dict[str, Any]
_ID = "document_id"


@dataclass(frozen=True)
class CarriedOutcomes:
    """The outcomes that still hold, and the places of the documents without one."""

    view: TableView | None  # outcomes as they stand in the last manifest; None if none holds
    others: Sequence[int]  # places in the rows that the stage was given, in their order

    def __len__(self) -> int:
        return self.view.num_rows if self.view is not None else 0

    def merged(self, outcomes: pa.Table, metadata: Row) -> pa.Table | JoinedTable:
        """Return these outcomes and those of the other documents, with their metadata, as one table.

        Rows are in the order of the paths.
        """
        if self.view is not None:
            before = table_metadata(self.view) or {}
            carried = sorted({*before["carried"], *metadata["carried"]})
            metadata = metadata | {"carried": carried, "last_good": before["last_good"]}
        table = join_outcomes(self.view, outcomes, metadata)
        if table is not None:
            return table
        assert self.view is not None  # the columns of one table have no other kinds to agree with
        rows = [row | {UNCHANGED: True} for row in decode_rows(self.view.slice(0, len(self)))]
        rows += decode_rows(outcomes)
        return encode_rows(sorted(rows, key=lambda row: str(row["path"])), metadata)


def execution_record(base: str, rows: Rows) -> Row:
    """Return what has to be known of an execution to take over its outcomes (beside the manifest)."""
    return {"base": base, "inputs": {source.name: source.ref.model_dump() for source in rows.sources}}


def carried_outcomes(
    rows: Rows, record: Row | None, store: ArtifactStore, *, copied: bool
) -> CarriedOutcomes:
    """Compare the rows that a stage was given with those of its last execution.

    Args:
        rows: of this execution.
        record: :func:`execution_record` of the last execution, with its manifest's reference as ``output``.
        store: of the artifacts.
        copied: the manifest has every column of the rows, which were read from no product.
    """
    nothing = CarriedOutcomes(None, range(len(rows)))
    if record is None or not (rows.sources or copied):
        return nothing
    try:
        output = store.open_table(record["output"])
        inputs = [(source, store.open_table(record["inputs"][source.name])) for source in _new(rows, record)]
        return _compared(rows, output, inputs, store) or nothing
    except (ArtifactError, AttributeError, KeyError, TypeError, ValueError):
        return nothing  # pruned or damaged


def _new(rows: Rows, record: Row) -> list[RowSource]:
    """Return the sources that are not what they were."""
    before = {name: ref["sha256"] for name, ref in record["inputs"].items()}
    if set(before) != {source.name for source in rows.sources}:
        raise KeyError("inputs")
    return [source for source in rows.sources if before[source.name] != source.ref.sha256]


def _compared(
    rows: Rows, output: TableFile, inputs: list[tuple[RowSource, TableFile]], store: ArtifactStore
) -> CarriedOutcomes | None:
    import pyarrow as pa
    import pyarrow.compute as pc

    ids = rows.arrow(_ID).combine_chunks()
    good = pc.indices_nonzero(pc.equal(output.column("status"), "ok")).cast(pa.int64())
    if len(pc.unique(ids)) != len(ids) or not len(good):
        return None
    known = output.column(_ID).combine_chunks().take(good)
    same = pc.is_in(ids, value_set=known)
    if not rows.sources:
        names = [name for name in rows.table.column_names if name in output.column_names]
        same = pc.and_(same, pc.is_in(ids, value_set=_same(rows.table, output, only=names)))
    for source, before in inputs:
        same = pc.and_(same, pc.is_in(ids, value_set=_same(source.table, before)))
    for source in rows.sources:  # a row that is not there says nothing
        same = pc.and_(same, pc.is_in(ids, value_set=source.table.column(_ID).combine_chunks()))
    same = pc.and_(same, pc.invert(pc.is_in(ids, value_set=_broken(output, store))))
    carried = good.take(pc.index_in(ids.filter(same), value_set=known))
    others = pc.indices_nonzero(pc.invert(same)).to_pylist()
    return CarriedOutcomes(TableView(output, carried), others) if len(carried) else None


def _same(now: Columns, before: Columns, only: Sequence[str] | None = None) -> pa.Array:
    """Return the ids of the documents whose rows are equal in both tables, or some columns of them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    places = pc.index_in(now.column(_ID), value_set=before.column(_ID).combine_chunks()).combine_chunks()
    names = only if only is not None else {*now.column_names, *before.column_names}
    found = [pa.array([], pa.string())]
    for begin in range(0, now.num_rows, GROUP_ROWS):  # a few rows of both at a time
        at = places.slice(begin, GROUP_ROWS)
        here = now.slice(begin, GROUP_ROWS).filter(pc.is_valid(at))
        there = before.take(at.drop_null().cast(pa.int64()))
        same = pc.is_valid(here[_ID])
        for name in names:
            pair = (table[name] if name in table.column_names else None for table in (here, there))
            same = pc.and_(same, _equal(*pair))
        found += here[_ID].filter(same).chunks
    return pa.concat_arrays(found)


def _equal(here: Any, there: Any) -> Any:
    import pyarrow.compute as pc

    if here is None or there is None:
        return pc.is_null(there if here is None else here)
    empty = pc.and_(pc.is_null(here), pc.is_null(there))
    if here.type != there.type:
        return empty
    return pc.or_(empty, pc.fill_null(pc.equal(here, there), fill_value=False))


def _broken(output: TableFile, store: ArtifactStore) -> pa.Array:
    """Return the ids of the documents of whose artifacts one is not there with its size."""
    import pyarrow as pa

    places: list[int] = []
    uris: list[str] = []
    sizes: list[int] = []
    for at, size, uri in made_references(output):
        places += at
        sizes += size
        uris += uri
    missing = store.missing(dict(zip(uris, sizes, strict=True)))
    broken = {at for at, uri in zip(places, uris, strict=True) if uri in missing} if missing else set()
    return output.column(_ID).take(pa.array(sorted(broken), pa.int64())).combine_chunks()
