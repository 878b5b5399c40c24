"""Parquet files as tables, however much a damaged or malicious one would unfold to in memory."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from stagekit.arrow import leave_pandas_out

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["read_table_file"]

_MOST_ROWS = 20_000_000  # a row is a document or a chunk of one
_MOST_BYTES = 2**31
_WORTH_THREADS = 2**20


def read_table_file(data: bytes, columns: Collection[str] | None = None) -> pa.Table:
    """Return the table of a Parquet file, or those of its columns that are named.

    Raises:
        ValueError: if it is none, or has more than 20 million rows or 2 GiB in memory.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    leave_pandas_out()
    try:
        # pq.read_table would import pyarrow.dataset and pandas with it, 0.4 s in every process.
        with pq.ParquetFile(pa.BufferReader(data)) as file:
            names = [name for name in file.schema_arrow.names if columns is None or name in columns]
            _require_room(file.metadata, data, names)
            # Threads cost a small table more time than they save.
            return file.read(columns=names, use_threads=len(data) > _WORTH_THREADS)
    except (pa.ArrowException, OSError) as error:
        raise ValueError(str(error).partition("\n")[0]) from None


def _require_room(metadata: Any, data: bytes, columns: list[str]) -> None:
    rows = metadata.num_rows
    if rows > _MOST_ROWS:
        raise ValueError(f"it says that it has {rows:,} rows; {_MOST_ROWS:,} are allowed")
    stored = sum(metadata.row_group(index).total_byte_size for index in range(metadata.num_row_groups))
    # Equal texts are stored once: each row may hold all that there is.
    if stored * max(1, rows) > _MOST_BYTES and max(stored, _unfolded(data, columns)) > _MOST_BYTES:
        raise ValueError(f"it unfolds to more than the {_MOST_BYTES:,} bytes allowed")


def _unfolded(data: bytes, columns: list[str]) -> int:
    """Return the bytes that columns of a table take in memory, without unfolding them."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    with pq.ParquetFile(pa.BufferReader(data)) as file:
        texts = [field.name for field in file.schema_arrow if pa.types.is_string(field.type)]
    size = 0
    with pq.ParquetFile(pa.BufferReader(data), read_dictionary=texts) as file:
        for column in file.read(columns=columns).columns:
            for chunk in column.chunks:
                size += chunk.nbytes
                if pa.types.is_dictionary(chunk.type):
                    lengths = pc.take(pc.binary_length(chunk.dictionary), chunk.indices)
                    size += pc.sum(pc.cast(lengths, pa.int64())).as_py() or 0
    return size
