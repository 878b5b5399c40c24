"""Parquet files as tables, however much a damaged or malicious one would unfold to in memory."""

from __future__ import annotations

import contextlib
from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING

from stagekit.base.arrow import leave_pandas_out
from stagekit.errors import ArtifactError

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

__all__ = ["GROUP_ROWS", "TableFile"]

GROUP_ROWS = 4096
"""Rows of one row group: what is decoded at once of a table that is worked through piece by piece."""
_MOST_ROWS = 20_000_000  # a row is a document or a chunk of one
_MOST_BYTES = 2**31
_WORTH_THREADS = 2**20
_WORTH_MEASURING = 2**30  # bytes


class TableFile:
    """A Parquet file in memory as it is stored: columns and rows are decoded when they are asked for.

    It has those methods of :class:`pyarrow.Table` that :class:`stagekit.artifacts.rows.Rows` needs.

    Args:
        data: the bytes of the file.
        name: of the artifact, for messages.

    Raises:
        ArtifactError: here and in each method, if it is none, or what is asked for has more than 20 million
            rows or 2 GiB in memory.
    """

    def __init__(self, data: bytes, name: str) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        leave_pandas_out()
        self._data = data
        self._name = name
        self._last: tuple[int, pa.Table] | None = None
        with self._readable():
            # pq.read_table would import pyarrow.dataset and pandas with it, 0.4 s in every process.
            self._file = pq.ParquetFile(pa.BufferReader(data))
            self.schema: pa.Schema = self._file.schema_arrow
            self._metadata = self._file.metadata
            self.num_rows: int = self._metadata.num_rows
            if self.num_rows > _MOST_ROWS:
                raise ValueError(f"it says that it has {self.num_rows:,} rows; {_MOST_ROWS:,} are allowed")
            groups = [self._metadata.row_group(index) for index in range(self._metadata.num_row_groups)]
            self._stored = sum(group.total_byte_size for group in groups)
            if self._stored > _MOST_BYTES:
                raise ValueError(_too_large())
        self._ends = list(accumulate(group.num_rows for group in groups))

    @property
    def column_names(self) -> list[str]:
        """The names of the columns, in their order."""
        return list(self.schema.names)

    def read(self, columns: Collection[str] | None = None) -> pa.Table:
        """Return the whole table, or those of its columns that are named."""
        import pyarrow as pa

        names = [name for name in self.schema.names if columns is None or name in columns]
        with self._readable():
            if self._stored * max(1, self.num_rows) <= _MOST_BYTES:
                # Threads cost a small table more time than they save.
                return self._file.read(columns=names, use_threads=len(self._data) > _WORTH_THREADS)
            room = _Room()
            parts = [self._decoded(group, names, room) for group in range(len(self._ends))]
            return pa.concat_tables(parts)

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
                self._last = group, self._decoded(group, self.schema.names, _Room())
        return self._last[1]

    def _decoded(self, group: int, names: Sequence[str], room: _Room) -> pa.Table:
        """Return columns of a row group; texts that may unfold to too much are measured before."""
        import pyarrow as pa

        doubtful = {name for name in names if self._may_swell(group, name)}
        plain = [name for name in names if name not in doubtful]
        table = self._file.read_row_group(group, columns=plain, use_threads=False)
        room.take(table.nbytes)
        columns = [
            self._texts(group, name, room) if name in doubtful else table.column(name) for name in names
        ]
        fields = [self.schema.field(name) for name in names]
        return pa.Table.from_arrays(columns, schema=pa.schema(fields, self.schema.metadata))

    def _may_swell(self, group: int, name: str) -> bool:
        if name not in self._texts_at:
            return False
        stored = self._metadata.row_group(group)
        # Equal texts are stored once: each row may hold all that there is.
        size = stored.column(self._texts_at[name]).total_uncompressed_size
        return bool(size * stored.num_rows > _WORTH_MEASURING)

    @cached_property
    def _texts_at(self) -> dict[str, int]:
        """The places of the columns of texts in the file, by name."""
        import pyarrow as pa

        kinds = (pa.string(), pa.dictionary(pa.int32(), pa.string()))
        texts = {field.name for field in self.schema if field.type in kinds}
        paths = [self._file.schema.column(place).path for place in range(self._metadata.num_columns)]
        return {path: place for place, path in enumerate(paths) if path in texts}

    @cached_property
    def _folded(self) -> pq.ParquetFile:
        """The file with each text kept once."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        return pq.ParquetFile(pa.BufferReader(self._data), read_dictionary=list(self._texts_at))

    def _texts(self, group: int, name: str, room: _Room) -> pa.ChunkedArray:
        import pyarrow as pa
        import pyarrow.compute as pc

        folded = self._folded.read_row_group(group, columns=[name], use_threads=False).column(name)
        for chunk in folded.chunks:
            lengths = pc.take(pc.binary_length(chunk.dictionary), chunk.indices)
            room.take(pc.sum(pc.cast(lengths, pa.int64())).as_py() or 0)
        return folded.cast(self.schema.field(name).type)

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


class _Room:
    """What may still be unfolded."""

    def __init__(self) -> None:
        self._left = _MOST_BYTES

    def take(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise ValueError(_too_large())


def _too_large() -> str:
    return f"it unfolds to more than the {_MOST_BYTES:,} bytes allowed"
