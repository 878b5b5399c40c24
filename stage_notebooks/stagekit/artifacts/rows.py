"""Rows that stay a table until they are asked for, so that 100,000 documents cost one stage milliseconds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, overload

from stagekit.artifacts.table_views import Columns, TableView
from stagekit.artifacts.tables import decode_rows, decode_values, encode_rows
from stagekit.contract import ArtifactRef
from stagekit.errors import ArtifactError

if TYPE_CHECKING:
    import pyarrow as pa

Row = dict[str, Any]
_BATCH = 1000
_NAMING = ("path", "status")
_STATUSES = ("ok", "stale", "rejected", "failed")


class Counted(NamedTuple):
    """A value of a column, how many rows have it, and the place of the first one."""

    value: Any
    rows: int
    first: int


@dataclass(frozen=True)
class RowSource:
    """A whole product that rows were taken from: its name, its reference, its table."""

    name: str
    ref: ArtifactRef
    table: Columns = field(repr=False)


class Rows(Sequence[Row]):
    """Rows of plain JSON values over a table; what is asked for is decoded then, and not kept.

    Whoever changes a row changes a copy.

    Args:
        table: as :func:`stagekit.artifacts.tables.encode_rows` makes it, or one that is read piece by piece.
        sources: the products that the rows were read from, each with a column ``document_id``.
        build: makes a row from the position of a document in the table; None: the columns of the table.
        record: of outcomes, how they came about (see :func:`stagekit.stage.carried.execution_record`).
    """

    def __init__(
        self,
        table: Columns,
        sources: tuple[RowSource, ...] = (),
        build: Callable[[int], Row] | None = None,
        record: Row | None = None,
    ) -> None:
        self.table = table
        self.sources = sources
        self.record = record
        self._build = build
        self._ahead: tuple[int, list[Row]] = (0, [])
        self._last = -1

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Rows:
        """Return rows of plain values as a table."""
        return cls(encode_rows(list(rows)))

    def arrow(self, name: str) -> pa.ChunkedArray:
        """Return one column as it is stored, nested values as JSON texts; of no rows every column is empty.

        Raises:
            KeyError: if there are rows and no such column.
        """
        if not len(self) and name not in self.table.column_names:
            import pyarrow as pa

            return pa.chunked_array([], pa.string())
        return self.table.column(name)

    def column(self, name: str) -> list[Any]:
        """Return the values of one column, None where there is no such column."""
        if name not in self.table.column_names:
            return [None] * len(self)
        return decode_values(self.arrow(name), self.table.schema.field(name))

    def columns(self, names: Iterable[str]) -> list[Row]:
        """Return the rows with these columns only."""
        chosen = {name: self.column(name) for name in names}
        return [dict(zip(chosen, values, strict=True)) for values in zip(*chosen.values(), strict=True)]

    def counts(self, name: str) -> list[Counted]:
        """Return the different values of one column, each decoded once, in the order of their first rows."""
        import numpy as np

        if not len(self):
            return []
        if name not in self.table.column_names:
            return [Counted(None, len(self), 0)]
        column = self.arrow(name).combine_chunks().dictionary_encode(null_encoding="encode")
        codes = column.indices.to_numpy()
        _, firsts, counts = np.unique(codes, return_index=True, return_counts=True)
        values = decode_values(column.dictionary, self.table.schema.field(name))
        found = zip(values, counts.tolist(), firsts.tolist(), strict=True)
        return [Counted(*one) for one in found]

    def where(self, name: str, allowed: Iterable[Any]) -> Rows:
        """Return the rows whose value in a column of the table is one of those allowed."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if not len(self):
            return self
        values = self.arrow(name)
        mask = pc.is_in(values, value_set=pa.array(list(allowed), values.type))
        return self if pc.all(mask).as_py() else self.take(pc.indices_nonzero(mask))

    def take(self, places: Sequence[int] | pa.Array) -> Rows:
        """Return the rows at these places, in their order; a few of them are decoded at once."""
        import pyarrow as pa

        chosen = pa.array(places, pa.int64()) if not isinstance(places, pa.Array) else places.cast(pa.int64())
        few = len(chosen) <= _BATCH
        table = self.table.take(chosen) if few else TableView(self.table, chosen)
        build = self._build
        if build is None:
            return Rows(table, self.sources, None, self.record)
        at = chosen.to_pylist()
        return Rows(table, self.sources, lambda place: build(at[place]), self.record)

    def ordered(self, name: str) -> Rows:
        """Return the rows in the order of a column of the table."""
        import pyarrow as pa
        import pyarrow.compute as pc

        places = pc.sort_indices(self.arrow(name)) if len(self) else pa.array([], pa.int64())
        return self.take(places)

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> Rows: ...
    def __getitem__(self, place: int | slice) -> Row | Rows:
        if isinstance(place, slice):
            return self.take(range(len(self))[place])
        at = range(len(self))[place]
        return self._build(at) if self._build else self._decoded(at)

    def __iter__(self) -> Iterator[Row]:
        if self._build is not None:
            yield from (self._build(place) for place in range(len(self)))
            return
        for begin in range(0, len(self), _BATCH):
            yield from decode_rows(self.table.slice(begin, _BATCH))

    def _decoded(self, place: int) -> Row:
        # Decoding many rows at once costs a tenth each: worth it where one is asked for after the other.
        begin, decoded = self._ahead
        if not begin <= place < begin + len(decoded):
            count = _BATCH if place == self._last + 1 else 1
            begin, decoded = self._ahead = place, decode_rows(self.table.slice(place, count))
        self._last = place
        return dict(decoded[place - begin])

    def __repr__(self) -> str:
        return f"<{len(self)} rows>"


def require_columns(table: Columns) -> None:
    """Make sure that a manifest names its documents and how they are: it comes out of a file.

    Raises:
        ArtifactError: if one of these columns is missing or of another kind; any others may be left out.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    for name in _NAMING if table.num_rows else ():
        found = table.column(name) if name in table.column_names else None
        if found is None or str(found.type) != "string" or found.null_count:
            raise ArtifactError(f"A product is damaged: its column {name} is not as a stage writes it.")
        if name == "status" and not pc.all(pc.is_in(found, value_set=pa.array(_STATUSES))).as_py():
            raise ArtifactError("A product is damaged: its column status is not as a stage writes it.")


def column_of(rows: Sequence[Mapping[str, Any]], name: str) -> list[Any]:
    """Return one value of each row, None where it has none."""
    return rows.column(name) if isinstance(rows, Rows) else [row.get(name) for row in rows]
