"""Promises of the tables between stages: rows come back as they were put in."""

from __future__ import annotations

import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from stagekit.artifacts.tables import decode_rows, encode_rows, table_metadata

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
NESTED = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
ROW = st.fixed_dictionaries(
    {"path": TEXT},
    optional={
        "size": st.none() | st.integers(-(2**63), 2**63 - 1),
        "share": st.none() | st.floats(allow_nan=False),
        "good": st.none() | st.booleans(),
        "title": st.none() | TEXT,
        "front_matter": st.none() | st.dictionaries(TEXT, NESTED, max_size=3),
        "warnings": st.none() | st.lists(NESTED, max_size=3),
    },
)


def through_parquet(table: pa.Table) -> pa.Table:
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return pq.read_table(pa.BufferReader(buffer.getvalue()))


@given(st.lists(ROW, max_size=5))
def test_rows_come_back_as_they_were_with_none_for_what_a_row_lacks(rows: list[dict[str, Any]]) -> None:
    names = {name for row in rows for name in row}
    expected = [dict.fromkeys(names) | row for row in rows]
    assert decode_rows(through_parquet(encode_rows(rows))) == expected


@given(st.lists(ROW, max_size=5))
def test_equal_rows_make_equal_tables_whatever_the_order_of_their_keys(rows: list[dict[str, Any]]) -> None:
    turned = [dict(reversed(row.items())) for row in rows]
    assert encode_rows(rows).equals(encode_rows(turned), check_metadata=True)


def test_a_column_that_is_nested_anywhere_is_json_throughout() -> None:
    rows = [{"x": 1}, {"x": {"a": 1}}, {"x": "text"}, {"x": None}, {"x": (1, 2)}]
    assert [row["x"] for row in decode_rows(encode_rows(rows))] == [1, {"a": 1}, "text", None, [1, 2]]


def test_text_that_looks_like_json_stays_text() -> None:
    rows = [{"x": "[1, 2]", "y": [1]}]
    assert decode_rows(encode_rows(rows)) == rows


def test_a_column_without_any_value_is_text() -> None:
    assert encode_rows([{"x": None}]).schema.field("x").type == pa.string()


def test_a_table_of_another_maker_is_read_as_it_is() -> None:
    assert decode_rows(pa.table({"a": [1], "b": ["[]"]})) == [{"a": 1, "b": "[]"}]


def test_what_is_kept_beside_the_rows_comes_back_and_is_no_row() -> None:
    table = through_parquet(encode_rows([{"x": 1}], {"stage": "ação", "carried": ["a"]}))
    assert table_metadata(table) == {"stage": "ação", "carried": ["a"]}
    assert decode_rows(table) == [{"x": 1}]
    assert table_metadata(encode_rows([{"x": 1}])) is None
