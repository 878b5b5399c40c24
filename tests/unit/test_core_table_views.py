"""Promises of outcomes that are put together from pieces: they are what encoding all rows at once makes."""

from __future__ import annotations

import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stagekit.artifacts.table_files import TableFile
from stagekit.artifacts.table_views import (
    JoinedTable,
    TableView,
    encode_outcomes,
    join_outcomes,
    without_unchanged,
)
from stagekit.artifacts.tables import decode_rows, encode_rows

Row = dict[str, Any]
METADATA = {"stage": "shouting"}
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "size": st.none() | st.integers(0, 9),
    "share": st.none() | st.floats(0, 1),
    "title": st.none() | st.text("ab", max_size=2),
    "words": st.none() | st.lists(st.integers(0, 9), max_size=2),
    "refused": st.none() | st.dictionaries(st.sampled_from("ab"), st.integers(0, 9), min_size=1),
}
PATHS = st.lists(st.integers(0, 99), unique=True, max_size=6)


def file_of(rows: list[Row]) -> TableFile:
    buffer = io.BytesIO()
    pq.write_table(encode_rows(rows), buffer, row_group_size=2)
    return TableFile(buffer.getvalue(), "sha256/1")


def view_of(rows: list[Row], places: list[int]) -> TableView:
    return TableView(file_of(rows), pa.array(places, pa.int64()))


@given(PATHS, st.data())
def test_joined_outcomes_are_those_of_one_encoding(numbers: list[int], data: st.DataObject) -> None:
    rows = [
        {"path": f"{number:02}.md", **{name: data.draw(value) for name, value in VALUES.items()}}
        for number in numbers
    ]
    kept = [bool(number % 2) for number in numbers]
    before = [row for row, old in zip(rows, kept, strict=True) if old]
    others = [{"path": "left.md"} | dict.fromkeys(VALUES, None)]
    held = view_of([*others, *before], list(range(1, len(before) + 1))) if before else None
    fresh = [row | {"unchanged": False} for row, old in zip(rows, kept, strict=True) if not old]
    fresh = [{k: v for k, v in row.items() if k != "refused" or v} for row in fresh]  # only some have it
    joined = join_outcomes(held, encode_rows(fresh), METADATA)
    assert joined is not None

    whole = [row | {"unchanged": True} for row in before] + fresh
    whole = sorted(whole, key=lambda row: str(row["path"]))
    if not any(row.get("refused") for row in whole):
        whole = [{k: v for k, v in row.items() if k != "refused"} for row in whole]
    expected = encode_rows(whole, METADATA)
    assert joined.slice(0, 99).equals(expected, check_metadata=True)
    assert joined.num_rows == len(whole)
    assert joined.column_names == expected.column_names
    for name in expected.column_names:
        assert joined.column(name).equals(expected[name])
    backwards = pa.array(range(len(whole))[::-1], pa.int64())
    assert joined.take(backwards).equals(expected.take(backwards))


def test_whole_numbers_become_fractions_where_one_is() -> None:
    held = view_of([{"path": "a", "share": 1}, {"path": "b", "share": 2}], [0, 1])
    joined = join_outcomes(held, encode_rows([{"path": "c", "share": 0.5, "unchanged": False}]), METADATA)
    assert joined is not None
    assert joined.column("share").to_pylist() == [1.0, 2.0, 0.5]


@pytest.mark.parametrize("now", ["text", [1]])
def test_columns_of_other_kinds_have_to_be_encoded_anew(now: Any) -> None:
    held = view_of([{"path": "a", "size": 1}], [0])
    made = encode_rows([{"path": "c", "size": now, "unchanged": False}])
    assert join_outcomes(held, made, METADATA) is None


def test_a_view_is_some_rows_of_its_table() -> None:
    rows = [{"path": str(number), "unchanged": True} for number in range(5)]
    view = view_of(rows, [4, 0, 2])
    assert view.column("path").to_pylist() == ["4", "0", "2"]
    assert decode_rows(view.slice(1, 9)) == [rows[0], rows[2]]
    assert decode_rows(view.take(pa.array([2]))) == [rows[2]]
    shown = without_unchanged(view)
    assert isinstance(shown, JoinedTable)
    assert decode_rows(shown.slice(0, 3)) == [{"path": "4"}, {"path": "0"}, {"path": "2"}]
    assert without_unchanged(shown) is shown
    assert without_unchanged(encode_rows(rows)).column_names == ["path"]


@given(st.lists(st.integers(0, 3), max_size=4), st.data())
def test_batches_of_outcomes_are_encoded_as_all_at_once(sizes: list[int], data: st.DataObject) -> None:
    kinds = VALUES | {"mixed": st.none() | st.text("ab", max_size=2) | st.lists(st.integers(0, 9))}
    del kinds["refused"]
    batches = [
        [{"unchanged": True, **{name: data.draw(kind) for name, kind in kinds.items()}} for _ in range(size)]
        for size in sizes
    ]
    batches = [batch for batch in batches if batch]
    expected = encode_rows([row for batch in batches for row in batch])
    assert encode_outcomes(iter(batches)).equals(expected, check_metadata=True)
