"""Tables made of rows of others: they are put together where they are asked for, a piece at a time.

A manifest of 100,000 documents takes 160 MB in memory; a stage in which one document changed needs few of
them at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from stagekit.artifacts.table_files import TableFile
from stagekit.artifacts.tables import decode_rows, encode_rows, with_metadata

if TYPE_CHECKING:
    import pyarrow as pa

UNCHANGED = "unchanged"
_STALE_ONLY = "refused"
Columns: TypeAlias = "pa.Table | TableFile | TableView | JoinedTable"
"""What has those methods of :class:`pyarrow.Table` that are needed to read rows."""


@dataclass(frozen=True)
class TableView:
    """Some rows of a table."""

    table: Columns  # the whole table
    places: pa.Int64Array  # of the rows, in their order

    @property
    def schema(self) -> pa.Schema:
        """That of the whole table."""
        return self.table.schema

    @property
    def num_rows(self) -> int:
        """The number of rows."""
        return len(self.places)

    @property
    def column_names(self) -> list[str]:
        """The names of the columns, in their order."""
        return list(self.schema.names)

    def column(self, name: str) -> pa.ChunkedArray:
        """Return one column."""
        return self.table.column(name).take(self.places)

    def slice(self, begin: int, count: int) -> pa.Table:
        """Return so many rows from a place on."""
        return self.table.take(self.places.slice(begin, count))

    def take(self, places: pa.Int64Array) -> pa.Table:
        """Return the rows at these places, in their order."""
        return self.table.take(self.places.take(places))

    def drop_columns(self, names: Sequence[str]) -> JoinedTable:
        """Return the table without these columns."""
        import pyarrow as pa

        order = pa.array(range(self.num_rows), pa.int64())
        return JoinedTable([self], self.schema, order).drop_columns(names)

    def holding(self) -> dict[str, pa.Field]:
        """Return those columns that have a value in any of the rows, by name."""
        first = self.slice(0, 1)
        return {
            field.name: field
            for field in self.schema
            if first.num_rows
            and (not first[field.name].null_count or self.column(field.name).null_count < self.num_rows)
        }


class JoinedTable:
    """The rows of several views in an order of their own.

    Args:
        views: where the rows are. Those that have no column ``unchanged`` hold outcomes that are.
        schema: columns that all rows get.
        order: places in all views together, one after the other.
    """

    def __init__(self, views: Sequence[TableView], schema: pa.Schema, order: pa.Int64Array) -> None:
        self.schema = schema
        self._views = views
        self._order = order

    @property
    def num_rows(self) -> int:
        """The number of rows."""
        return len(self._order)

    @property
    def column_names(self) -> list[str]:
        """The names of the columns, in their order."""
        return list(self.schema.names)

    def column(self, name: str) -> pa.ChunkedArray:
        """Return one column."""
        import pyarrow as pa

        field = self.schema.field(name)
        parts = [
            view.column(name) if name in view.column_names else _absent(field, view.num_rows)
            for view in self._views
        ]
        chunks = [chunk for part in parts for chunk in part.cast(field.type).chunks]
        return pa.chunked_array(chunks, field.type).take(self._order)

    def slice(self, begin: int, count: int) -> pa.Table:
        """Return so many rows from a place on."""
        return self._at(self._order.slice(begin, count))

    def take(self, places: pa.Int64Array) -> pa.Table:
        """Return the rows at these places, in their order."""
        return self._at(self._order.take(places))

    def drop_columns(self, names: Sequence[str]) -> JoinedTable:
        """Return the table without these columns."""
        import pyarrow as pa

        left = pa.schema([field for field in self.schema if field.name not in names], self.schema.metadata)
        return JoinedTable(self._views, left, self._order)

    def replace_schema_metadata(self, metadata: Any) -> JoinedTable:
        """Return the table with other metadata."""
        return JoinedTable(self._views, self.schema.with_metadata(metadata), self._order)

    def _at(self, wanted: pa.Int64Array) -> pa.Table:
        import numpy as np
        import pyarrow as pa

        numbers = wanted.to_numpy(zero_copy_only=False)
        parts, order, begin = [self.schema.empty_table()], [np.empty(0, np.int64)], 0
        for view in self._views:
            mine = np.flatnonzero((numbers >= begin) & (numbers < begin + view.num_rows))
            if mine.size:
                parts.append(_shaped(view.take(pa.array(numbers[mine] - begin)), self.schema))
                order.append(mine)
            begin += view.num_rows
        return pa.concat_tables(parts).take(pa.array(np.argsort(np.concatenate(order))))


def without_unchanged(table: Columns) -> Columns:
    """Return a table of outcomes without the column that only this run's reader wants to see."""
    if UNCHANGED not in table.column_names or isinstance(table, TableFile):
        return table
    return table.drop_columns([UNCHANGED])


def encode_outcomes(batches: Iterable[Sequence[dict[str, Any]]]) -> pa.Table:
    """Encode outcomes that come in batches, as :func:`~stagekit.artifacts.tables.encode_rows` does."""
    import pyarrow as pa

    tables = [encode_rows(batch) for batch in batches]
    if len(tables) < 2:
        return tables[0] if tables else encode_rows([])
    schema = _schema([_whole(table) for table in tables])
    if schema is None:
        return encode_rows([row for table in tables for row in decode_rows(table)])
    return pa.concat_tables([_shaped(table, schema) for table in tables]).combine_chunks()


def join_outcomes(carried: TableView | None, made: pa.Table, metadata: dict[str, Any]) -> JoinedTable | None:
    """Return outcomes that hold and outcomes that were made as one table, in the order of the paths.

    Columns come in alphabetical order and with the types that :func:`stagekit.artifacts.tables.encode_rows`
    would give to all rows together. None where only encoding them anew could tell these.

    Args:
        carried: outcomes of the last execution, which get a column ``unchanged``.
        made: the others, with a column ``unchanged``.
        metadata: of the manifest, see :func:`stagekit.artifacts.manifest.manifest_metadata`.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    views = [carried] if carried is not None else []
    if made.num_rows:
        views.append(_whole(made))
    schema = _schema(views)
    if schema is None:
        return None
    paths = [chunk for view in views for chunk in view.column("path").chunks]
    order = pc.sort_indices(pa.chunked_array(paths, pa.string())).cast(pa.int64())
    return with_metadata(JoinedTable(views, schema, order), metadata)


def _whole(table: pa.Table) -> TableView:
    import pyarrow as pa

    return TableView(table, pa.array(range(table.num_rows), pa.int64()))


def _schema(views: Sequence[TableView]) -> pa.Schema | None:
    import pyarrow as pa

    holding = [view.holding() for view in views]
    names = {name for view in views for name in view.column_names}
    fields = [pa.field(UNCHANGED, pa.bool_())] if views else []
    for name in names - {UNCHANGED}:
        known = [found[name] for found in holding if name in found]
        field = _common(known) if known else pa.field(name, pa.string())
        if field is None:
            return None
        if known or name != _STALE_ONLY:
            fields.append(field)
    return pa.schema(sorted(fields, key=lambda field: str(field.name)))


def _common(fields: Sequence[pa.Field]) -> pa.Field | None:
    """Return type and mark that columns have in common; None if there is none but by encoding anew."""
    import pyarrow as pa

    kinds, marks = {field.type for field in fields}, [field.metadata for field in fields]
    if any(mark != marks[0] for mark in marks):
        return None
    if kinds == {pa.int64(), pa.float64()}:
        return pa.field(fields[0].name, pa.float64(), metadata=marks[0])
    return pa.field(fields[0].name, kinds.pop(), metadata=marks[0]) if len(kinds) == 1 else None


def _shaped(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return the rows with the columns of the schema."""
    import pyarrow as pa

    columns = [
        table[field.name].cast(field.type)
        if field.name in table.column_names
        else _absent(field, table.num_rows)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _absent(field: pa.Field, count: int) -> pa.ChunkedArray:
    import pyarrow as pa

    values = pa.array([True] * count, pa.bool_()) if field.name == UNCHANGED else pa.nulls(count, field.type)
    return pa.chunked_array([values])
