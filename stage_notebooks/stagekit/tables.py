"""Rows of plain JSON values as Arrow tables and back: nested values travel as JSON text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from stagekit.memo import canonical_json

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["decode_rows", "encode_rows"]

_JSON = {b"nic_etl": b"json"}


def encode_rows(rows: Sequence[dict[str, Any]]) -> pa.Table:
    """Return rows as a table, columns in alphabetical order.

    A column with a list or dict in it becomes JSON text, and is marked so in the field's metadata.
    """
    import pyarrow as pa

    columns, fields = [], []
    for name in sorted({name for row in rows for name in row}):
        values = [row.get(name) for row in rows]
        metadata = None
        if any(isinstance(value, dict | list | tuple) for value in values):
            values = [None if value is None else canonical_json(value) for value in values]
            metadata = _JSON
        column = pa.array(values, pa.string() if all(value is None for value in values) else None)
        columns.append(column)
        fields.append(pa.field(name, column.type, metadata=metadata))
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))


def decode_rows(table: pa.Table) -> list[dict[str, Any]]:
    """Return the rows of a table that :func:`encode_rows` made."""
    nested = {item.name for item in table.schema if (item.metadata or {}).get(b"nic_etl") == b"json"}
    rows: list[dict[str, Any]] = table.to_pylist()
    for row in rows:
        for name in nested:
            if row[name] is not None:
                row[name] = json.loads(row[name])
    return rows
