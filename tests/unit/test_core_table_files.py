"""Promises of tables in files: what is asked for is decoded, and nothing more is ever held in memory."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stagekit.artifacts.store import ArtifactStore
from stagekit.artifacts.table_files import GROUP_ROWS, PARQUET, TableFile
from stagekit.errors import ArtifactError

COUNT = 2 * GROUP_ROWS + 100
TABLE = pa.table(
    {
        "path": [f"{number:06}.md" for number in range(COUNT)],
        "text": [f"{'x' * 300}{number}" for number in range(COUNT)],
        "size": list(range(COUNT)),
        "note": pa.array([None, "seen"] * (COUNT // 2), pa.string()),
    }
)


def file_of(table: pa.Table, rows: int = GROUP_ROWS) -> TableFile:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, row_group_size=rows)
    return TableFile(buffer.getvalue(), "sha256/1")


@pytest.mark.parametrize("rows", [1000, GROUP_ROWS, COUNT])
def test_a_file_reads_like_the_table_it_was_made_from(rows: int) -> None:
    file = file_of(TABLE, rows)
    assert file.read().equals(TABLE)
    assert file.read(["text", "nobody"]).equals(TABLE.select(["text"]))
    assert file.column("size").equals(TABLE["size"])
    assert (file.num_rows, file.column_names) == (COUNT, TABLE.column_names)
    assert file.slice(GROUP_ROWS - 3, 7).equals(TABLE.slice(GROUP_ROWS - 3, 7))
    assert file.slice(COUNT - 2, 7).equals(TABLE.slice(COUNT - 2, 2))
    assert file.slice(COUNT, 7).num_rows == 0


def test_rows_are_taken_in_any_order_and_more_than_once() -> None:
    places = pa.array(np.random.default_rng(1).integers(0, COUNT, 500))
    file = file_of(TABLE)
    assert file.take(places).equals(TABLE.take(places))
    assert file.take(pa.array([], pa.int64())).equals(TABLE.slice(0, 0))


def test_a_stored_table_is_found_in_groups_of_rows(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    ref = store.put_table("rows", TABLE)
    metadata = pq.ParquetFile(io.BytesIO(store.read(ref))).metadata
    assert [metadata.row_group(at).num_rows for at in range(metadata.num_row_groups)] == [
        GROUP_ROWS, GROUP_ROWS, 100,
    ]  # fmt: skip
    assert store.open_table(ref).read().equals(TABLE)
    assert store.put_table("rows", pa.concat_tables([TABLE.slice(0, 9), TABLE.slice(9)])) == ref


@pytest.mark.parametrize("reading", ["read", "slice"])
def test_damage_that_only_decoding_meets_names_the_artifact(tmp_path: Path, reading: str) -> None:
    store = ArtifactStore(tmp_path)
    data = bytearray(store.read(store.put_table("rows", TABLE)))
    data[100:5000] = bytes(4900)
    file = store.open_table(store.put("rows", bytes(data), PARQUET))
    with pytest.raises(ArtifactError, match=r"Artifact sha256/.* is not a table that can be read"):
        file.read() if reading == "read" else file.slice(0, 1)
