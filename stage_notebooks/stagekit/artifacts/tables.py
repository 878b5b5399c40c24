"""Rows of plain JSON values as Arrow tables and back: nested values travel as JSON text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from stagekit.base.imports.arrow import leave_pandas_out
from stagekit.base.plain_json import canonical_json, parse_json
from stagekit.errors import ArtifactError

if TYPE_CHECKING:
    import pyarrow as pa

    from stagekit.artifacts.table_views import Columns, JoinedTable

_JSON = {b"nic_etl": b"json"}
_METADATA = b"nic_etl"
_BESIDE = "what stands beside its rows"
T = TypeVar("T", "pa.Table", "JoinedTable")


def encode_rows(rows: Sequence[dict[str, Any]], metadata: dict[str, Any] | None = None) -> pa.Table:
    """Return rows of plain JSON, and the metadata beside them, as a table; columns in alphabetical order.

    A column with a list or dict in it becomes JSON text, and is marked so in the field's metadata.
    """
    import pyarrow as pa

    leave_pandas_out()
    columns, fields = [], []
    for name in sorted({name for row in rows for name in row}):
        values = [row.get(name) for row in rows]
        mark = None
        kinds = set(map(type, values))
        if any(issubclass(kind, dict | list | tuple) for kind in kinds):
            values = [None if value is None else canonical_json(value) for value in values]
            mark = _JSON
        column = pa.array(values, pa.string() if kinds == {type(None)} else None)
        columns.append(column)
        fields.append(pa.field(name, column.type, metadata=mark))
    made = pa.Table.from_arrays(columns, schema=pa.schema(fields))
    return made if metadata is None else with_metadata(made, metadata)


def with_metadata(table: T, metadata: dict[str, Any]) -> T:
    """Return a table with plain JSON beside its rows, see :func:`table_metadata`."""
    made: T = table.replace_schema_metadata({_METADATA: canonical_json(metadata)})
    return made


def table_metadata(table: Columns) -> dict[str, Any] | None:
    """Return what :func:`encode_rows` kept beside the rows, if anything.

    Raises:
        ArtifactError: if that is damaged.
    """
    text = (table.schema.metadata or {}).get(_METADATA)
    found = _parsed(text, _BESIDE) if text is not None else None
    if found is not None and not isinstance(found, dict):
        raise ArtifactError(f"A table is damaged: {_BESIDE} is no object; run its stage again.")
    return found


def decode_rows(table: pa.Table) -> list[dict[str, Any]]:
    """Return the rows of a table that :func:`encode_rows` made.

    Raises:
        ArtifactError: if a column that is marked as JSON holds something else.
    """
    nested = {item.name for item in table.schema if _is_json(item)}
    rows: list[dict[str, Any]] = table.to_pylist()
    for row in rows:
        for name in nested:
            if row[name] is not None:
                row[name] = _parsed(row[name], f"its column {name}")
    return rows


def decode_values(column: pa.Array | pa.ChunkedArray, field: pa.Field) -> list[Any]:
    """Return the values of one column of a table that :func:`encode_rows` made; equal ones may be one object.

    Raises:
        ArtifactError: as :func:`decode_rows`.
    """
    if not _is_json(field):
        values: list[Any] = column.to_pylist()
        return values
    what = f"its column {field.name}"
    known: dict[Any, Any] = {None: None}
    return [
        known[text] if text in known else known.setdefault(text, _parsed(text, what))
        for text in column.to_pylist()
    ]


def _is_json(column: pa.Field) -> bool:
    return (column.metadata or {}).get(b"nic_etl") == b"json"


def _parsed(text: Any, what: str) -> Any:
    try:
        return parse_json(text)
    except (ValueError, TypeError):
        raise ArtifactError(f"A table is damaged: {what} is not JSON; run its stage again.") from None
