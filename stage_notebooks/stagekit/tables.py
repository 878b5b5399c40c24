"""Rows of plain JSON values as Arrow tables and back: nested values travel as JSON text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from stagekit.memo import canonical_json

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["decode_rows", "encode_rows", "table_metadata"]

_JSON = {b"nic_etl": b"json"}
_METADATA = b"nic_etl"


def encode_rows(rows: Sequence[dict[str, Any]], metadata: dict[str, Any] | None = None) -> pa.Table:
    """Return rows as a table, columns in alphabetical order.

    A column with a list or dict in it becomes JSON text, and is marked so in the field's metadata.

    Args:
        rows: plain JSON values by column.
        metadata: plain JSON that is kept beside the rows, see :func:`table_metadata`.
    """
    import pyarrow as pa

    columns, fields = [], []
    for name in sorted({name for row in rows for name in row}):
        values = [row.get(name) for row in rows]
        mark = None
        if any(isinstance(value, dict | list | tuple) for value in values):
            values = [None if value is None else canonical_json(value) for value in values]
            mark = _JSON
        column = pa.array(values, pa.string() if all(value is None for value in values) else None)
        columns.append(column)
        fields.append(pa.field(name, column.type, metadata=mark))
    beside = {_METADATA: canonical_json(metadata)} if metadata is not None else None
    return pa.Table.from_arrays(columns, schema=pa.schema(fields, metadata=beside))


def table_metadata(table: pa.Table) -> dict[str, Any] | None:
    """Return what :func:`encode_rows` kept beside the rows, if anything."""
    text = (table.schema.metadata or {}).get(_METADATA)
    found: dict[str, Any] | None = json.loads(text) if text is not None else None
    return found


def decode_rows(table: pa.Table) -> list[dict[str, Any]]:
    """Return the rows of a table that :func:`encode_rows` made."""
    nested = {item.name for item in table.schema if (item.metadata or {}).get(b"nic_etl") == b"json"}
    rows: list[dict[str, Any]] = table.to_pylist()
    for row in rows:
        for name in nested:
            if row[name] is not None:
                row[name] = json.loads(row[name])
    return rows
