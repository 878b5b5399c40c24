"""Which outcomes of a stage's last execution still hold: told by comparing tables, not document by document.

An outcome holds if the same code and settings meet the same row of each product that the stage reads, and its
artifacts are there. Whatever cannot be compared is simply processed as usual, by way of the memo.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stagekit.errors import ArtifactError
from stagekit.rows import Rows, RowSource
from stagekit.tables import encode_rows, table_metadata, with_metadata

if TYPE_CHECKING:
    import pyarrow as pa

    from stagekit.artifacts import ArtifactStore

__all__ = ["Held", "held_outcomes", "map_record"]

Row = dict[str, Any]
_ID = "document_id"
_STALE_ONLY = "refused"
# References as canonical_json writes them; quotes inside of texts are escaped and cannot look like these.
_REF = re.compile(r'"bytes":(\d+),[^{}]*?"uri":"([^"]+)"')
_ONE_REF = r'^\{"bytes":(?P<size>\d+),[^{}]*"uri":"(?P<uri>[^"{}]+)"\}$'


@dataclass(frozen=True)
class Held:
    """The outcomes that hold, and the places of the documents without one.

    Attributes:
        table: outcomes as they stand in the last manifest; None if none holds.
        others: places in the rows that the stage was given, in their order.
    """

    table: pa.Table | None
    others: Sequence[int]

    def __len__(self) -> int:
        return self.table.num_rows if self.table is not None else 0

    def merged(self, outcomes: Sequence[Row], metadata: Row) -> pa.Table:
        """Return these outcomes and those of the other documents as one table, in the order of the paths.

        Args:
            outcomes: of the other documents, with a column ``unchanged``.
            metadata: of the other documents' manifest, see :func:`stagekit.manifest.manifest_metadata`.
        """
        made = encode_rows(outcomes)
        if self.table is not None:
            before = table_metadata(self.table) or {}
            carried = sorted({*before["carried"], *metadata["carried"]})
            metadata = metadata | {"carried": carried, "last_good": before["last_good"]}
            made = _joined(_unchanged(self.table), made) if outcomes else _unchanged(self.table)
        made = made.select(sorted(made.column_names))
        return with_metadata(made.sort_by("path") if made.num_rows else made, metadata)


def map_record(base: str, rows: Rows) -> Row:
    """Return what has to be known of an execution to take over its outcomes (beside the manifest)."""
    return {"base": base, "inputs": {source.name: source.ref.model_dump() for source in rows.sources}}


def held_outcomes(rows: Rows, record: Row | None, store: ArtifactStore, *, carried: bool) -> Held:
    """Compare the rows that a stage was given with those of its last execution.

    Args:
        rows: of this execution.
        record: of the last execution, see :func:`map_record`, with its manifest's reference as ``output``.
        store: of the artifacts.
        carried: the manifest has every column of the rows, which were read from no product.
    """
    nothing = Held(None, range(len(rows)))
    if record is None or not (rows.sources or carried):
        return nothing
    try:
        output = store.read_table(record["output"])
        inputs = [(source, store.read_table(record["inputs"][source.name])) for source in _new(rows, record)]
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
    rows: Rows, output: pa.Table, inputs: list[tuple[RowSource, pa.Table]], store: ArtifactStore
) -> Held | None:
    import pyarrow as pa
    import pyarrow.compute as pc

    ids = rows.table[_ID].combine_chunks()
    good = output.filter(pc.equal(output["status"], "ok"))
    if len(pc.unique(ids)) != len(ids) or not good.num_rows:
        return None
    same = pc.is_in(ids, value_set=_whole(good, store))
    if not rows.sources:
        same = pc.and_(same, pc.is_in(ids, value_set=_same(rows.table, good.select(_known(rows, good)))))
    for source, before in inputs:
        same = pc.and_(same, pc.is_in(ids, value_set=_same(source.table, before)))
    for source in rows.sources:  # a row that is not there says nothing
        same = pc.and_(same, pc.is_in(ids, value_set=source.table[_ID].combine_chunks()))
    held = good.take(pc.index_in(ids.filter(same), value_set=good[_ID].combine_chunks()))
    others = pc.indices_nonzero(pc.invert(same)).to_pylist()
    return Held(held, others) if isinstance(held, pa.Table) and held.num_rows else None


def _known(rows: Rows, output: pa.Table) -> list[str]:
    return [name for name in rows.table.column_names if name in output.column_names]


def _same(now: pa.Table, before: pa.Table) -> pa.Array:
    """Return the ids of the documents whose rows are equal in both tables."""
    import pyarrow.compute as pc

    places = pc.index_in(now[_ID], value_set=before[_ID].combine_chunks())
    now = now.filter(pc.is_valid(places))
    before = before.take(pc.drop_null(places))
    same = pc.is_valid(now[_ID])
    for name in {*now.column_names, *before.column_names}:
        here, there = (table[name] if name in table.column_names else None for table in (now, before))
        same = pc.and_(same, _equal(here, there))
    return now[_ID].filter(same).combine_chunks()


def _equal(here: Any, there: Any) -> Any:
    import pyarrow.compute as pc

    if here is None or there is None:
        return pc.is_null(there if here is None else here)
    empty = pc.and_(pc.is_null(here), pc.is_null(there))
    if here.type != there.type:
        return empty
    return pc.or_(empty, pc.fill_null(pc.equal(here, there), fill_value=False))


def _whole(output: pa.Table, store: ArtifactStore) -> pa.Array:
    """Return the ids of the documents whose artifacts are all there with their sizes."""
    import pyarrow as pa

    carried = set((table_metadata(output) or {}).get("carried", ()))
    marked = [item.name for item in output.schema if (item.metadata or {}).get(b"nic_etl")]
    places: list[int] = []
    uris: list[str] = []
    sizes: list[int] = []
    for name in marked:
        if name not in carried:
            for at, size, uri in _references(output[name]):
                places += at
                sizes += size
                uris += uri
    missing = store.missing(dict(zip(uris, sizes, strict=True)))
    broken = {place for place, uri in zip(places, uris, strict=True) if uri in missing} if missing else ()
    ids = output[_ID].combine_chunks()
    if not broken:
        return ids
    return ids.filter(pa.array([place not in broken for place in range(len(ids))], pa.bool_()))


def _references(column: pa.ChunkedArray) -> Iterator[tuple[list[int], list[int], list[str]]]:
    """Yield rows, sizes and addresses of what a column of JSON texts refers to."""
    import pyarrow as pa
    import pyarrow.compute as pc

    # Nearly always a value is one reference; the others are told one by one.
    found = pc.extract_regex(column, _ONE_REF)
    alone = pc.is_valid(found)
    size, uri = (pc.struct_field(found, name).filter(alone) for name in ("size", "uri"))
    yield pc.indices_nonzero(alone).to_pylist(), size.cast(pa.int64()).to_pylist(), uri.to_pylist()
    for place in pc.indices_nonzero(pc.and_not(pc.is_valid(column), alone)).to_pylist():
        for text, address in _REF.findall(column[place].as_py()):
            yield [place], [int(text)], [address]


def _unchanged(table: pa.Table) -> pa.Table:
    import pyarrow as pa

    return table.append_column("unchanged", pa.array([True] * table.num_rows))


def _joined(held: pa.Table, made: pa.Table) -> pa.Table:
    import pyarrow as pa

    columns, fields = [], []
    for name in sorted({*held.column_names, *made.column_names}):
        pieces = [_piece(table, name) for table in (held, made)]
        known = [one for one in pieces if one is not None]
        if not known:
            if name == _STALE_ONLY:
                continue
            known = [(pa.string(), None, None)]
        kind, mark = _common(known)
        if kind is None:
            return encode_rows([*Rows(held), *Rows(made)])
        parts = [
            pa.nulls(table.num_rows, kind) if piece is None else piece[2].cast(kind)
            for table, piece in zip((held, made), pieces, strict=True)
        ]
        columns.append(pa.concat_arrays(parts))
        fields.append(pa.field(name, kind, metadata=mark))
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))


def _piece(table: pa.Table, name: str) -> tuple[Any, Any, Any] | None:
    """Return type, mark and values of a column; None where it holds nothing."""
    if name not in table.column_names or table[name].null_count == table.num_rows:
        return None
    item = table.schema.field(name)
    return item.type, item.metadata, table[name].combine_chunks()


def _common(pieces: list[tuple[Any, Any, Any]]) -> tuple[Any, Any]:
    """Return the type and mark that columns have in common; None if there is none but by encoding anew."""
    import pyarrow as pa

    kinds, marks = {kind for kind, _, _ in pieces}, [mark for _, mark, _ in pieces]
    if any(mark != marks[0] for mark in marks):
        return None, None
    if len(kinds) == 1:
        return kinds.pop(), marks[0]
    return (pa.float64(), marks[0]) if kinds == {pa.int64(), pa.float64()} else (None, None)
