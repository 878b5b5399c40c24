"""Parquet files as tables of which no more is decoded than what is asked for."""

from __future__ import annotations

import contextlib
from bisect import bisect_right
from collections.abc import Collection, Iterator
from itertools import accumulate
from typing import TYPE_CHECKING

from stagekit.base.imports.arrow import leave_pandas_out
from stagekit.errors import ArtifactError

if TYPE_CHECKING:
    import pyarrow as pa

GROUP_ROWS = 4096
"""Rows of one row group: what is decoded at once of a table that is worked through piece by piece."""
PARQUET = "application/vnd.apache.parquet"
"""Media type of such a file."""
_WORTH_THREADS = 2**20  # bytes


class TableFile:
    """A Parquet file in memory as it is stored: columns and rows are decoded when they are asked for.

    It has those methods of :class:`pyarrow.Table` that :class:`stagekit.artifacts.rows.Rows` needs.

    Raises:
        ArtifactError: here and in each method, if it is none or damaged.
    """

    def __init__(self, data: bytes, name: str) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        leave_pandas_out()
        self._size = len(data)
        self._name = name
        self._last: tuple[int, pa.Table] | None = None
        with self._readable():
            # pq.read_table would import pyarrow.dataset and pandas with it, 0.4 s in every process.
            self._file = pq.ParquetFile(pa.BufferReader(data))
            self.schema: pa.Schema = self._file.schema_arrow
            metadata = self._file.metadata
            self.num_rows: int = metadata.num_rows
            groups = (metadata.row_group(index).num_rows for index in range(metadata.num_row_groups))
            self._ends = list(accumulate(groups))

    @property
    def column_names(self) -> list[str]:
        """The names of the columns, in their order."""
        return list(self.schema.names)

    def read(self, columns: Collection[str] | None = None) -> pa.Table:
        """Return the whole table, or those of its columns that are named."""
        names = [name for name in self.schema.names if columns is None or name in columns]
        with self._readable():
            # Threads cost a small table more time than they save.
            return self._file.read(columns=names, use_threads=self._size > _WORTH_THREADS)

    def column(self, name: str) -> pa.ChunkedArray:
        """Return one column."""
        return self.read((name,)).column(name)

    def slice(self, begin: int, count: int) -> pa.Table:
        """Return so many rows from a place on."""
        import pyarrow as pa

        end = min(begin + count, self.num_rows)
        parts = []
        while begin < end:
            group = bisect_right(self._ends, begin)
            first = self._ends[group - 1] if group else 0
            parts.append(self._group(group).slice(begin - first, end - begin))
            begin = self._ends[group]
        return pa.concat_tables(parts) if parts else self.schema.empty_table()

    def take(self, places: pa.Int64Array) -> pa.Table:
        """Return the rows at these places, in their order."""
        import numpy as np
        import pyarrow as pa

        wanted = places.to_numpy(zero_copy_only=False)
        groups = np.searchsorted(self._ends, wanted, side="right")
        parts, order = [], []
        for group in np.unique(groups).tolist():
            mine = np.flatnonzero(groups == group)
            first = self._ends[group - 1] if group else 0
            parts.append(self._group(group).take(pa.array(wanted[mine] - first)))
            order.append(mine)
        if not parts:
            return self.schema.empty_table()
        if len(parts) == 1:
            return parts[0]
        return pa.concat_tables(parts).take(pa.array(np.argsort(np.concatenate(order))))

    def _group(self, group: int) -> pa.Table:
        # Whoever asks for one row after another asks for the same group again.
        if self._last is None or self._last[0] != group:
            self._last = None
            with self._readable():
                self._last = group, self._file.read_row_group(group, use_threads=False)
        return self._last[1]

    @contextlib.contextmanager
    def _readable(self) -> Iterator[None]:
        import pyarrow as pa

        try:
            yield
        except (pa.ArrowException, OSError, ValueError) as error:
            reason = str(error).partition("\n")[0]
            raise ArtifactError(
                f"Artifact {self._name} is not a table that can be read ({reason:.200}); run its stage again."
            ) from None
