"""Promises of rows over a table: they read like a list, and cost what is asked of them."""

from __future__ import annotations

import pyarrow as pa
import pytest

from stagekit.artifacts.rows import Rows, column_of, require_columns
from stagekit.artifacts.tables import encode_rows
from stagekit.errors import ArtifactError

PLAIN = [
    {"path": f"{number}.md", "status": "ok" if number % 2 else "stale", "tags": [number], "note": None}
    for number in range(5)
]


def test_rows_read_like_the_list_they_were_made_from() -> None:
    rows = Rows.of(PLAIN)
    assert list(rows) == PLAIN
    assert len(rows) == 5
    assert rows[1] == PLAIN[1]
    assert rows[-1] == PLAIN[-1]
    assert [rows[place] for place in range(5)] == PLAIN  # one after the other, decoded ahead
    assert list(rows[1:3]) == PLAIN[1:3]
    assert list(reversed(rows)) == PLAIN[::-1]
    assert repr(rows) == "<5 rows>"
    with pytest.raises(IndexError):
        rows[5]


def test_a_row_is_a_copy() -> None:
    rows = Rows.of(PLAIN)
    rows[0]["path"] = "other.md"
    assert rows[0]["path"] == "0.md"


def test_columns_are_decoded_and_a_missing_one_holds_nothing() -> None:
    rows = Rows.of(PLAIN)
    assert rows.column("tags") == [[number] for number in range(5)]
    assert rows.column("nobody") == [None] * 5
    assert rows.columns(["path", "note"])[0] == {"path": "0.md", "note": None}
    assert column_of(rows, "path") == column_of(PLAIN, "path")
    assert column_of([{}], "path") == [None]
    with pytest.raises(KeyError):
        rows.arrow("nobody")


def test_of_no_rows_every_column_is_empty() -> None:
    none = Rows(encode_rows(PLAIN).slice(0, 0))
    assert none.arrow("nobody").to_pylist() == none.arrow("tags").to_pylist() == []
    assert (none.arrow("nobody").type, Rows.of([{"n": 1}])[:0].arrow("n").type) == (pa.string(), pa.int64())
    assert none.counts("path") == []
    assert none.columns(["path", "nobody"]) == []


def test_rows_are_chosen_by_value_and_by_place() -> None:
    rows = Rows.of(PLAIN)
    assert rows.where("status", ("ok",)).column("path") == ["1.md", "3.md"]
    assert rows.take([4, 0]).column("path") == ["4.md", "0.md"]
    assert list(Rows.of([]).where("status", ("ok",))) == []


def test_rows_are_put_in_the_order_of_a_column() -> None:
    shuffled = [PLAIN[place] for place in (3, 0, 4, 1, 2)]
    assert list(Rows.of(shuffled).ordered("path")) == PLAIN
    assert list(Rows.of([]).ordered("path")) == []
    accented = ["Z.md", "É.md", "a.md", "\U0001f600.md", "\uffee.md"]
    assert Rows.of([{"path": path} for path in accented]).ordered("path").column("path") == sorted(accented)


def test_rows_that_are_built_from_elsewhere_stay_so_when_chosen() -> None:
    table = encode_rows(PLAIN)
    rows = Rows(table, build=lambda place: {"place": place})
    assert list(rows) == [{"place": place} for place in range(5)]
    assert rows[2] == {"place": 2}
    assert list(rows.where("status", ("ok",))) == [{"place": 1}, {"place": 3}]
    told = Rows(table, sources=("a",), record={"n": 1})  # type: ignore[arg-type]
    for chosen in (told[1:], told.take([0]), told.where("status", ("ok",)), told.ordered("path")):
        assert (chosen.sources, chosen.record) == (("a",), {"n": 1})


@pytest.mark.parametrize(
    "table",
    [
        pa.table({"status": ["ok"]}),
        pa.table({"path": [1], "status": ["ok"]}),
        pa.table({"path": ["a"], "status": pa.array([None], pa.string())}),
        pa.table({"path": ["a"], "status": ["perhaps"]}),
    ],
    ids=["missing", "a number", "empty", "unknown"],
)
def test_a_manifest_that_does_not_name_its_documents_is_refused(table: pa.Table) -> None:
    with pytest.raises(ArtifactError, match="A product is damaged: its column"):
        require_columns(table)


def test_a_manifest_without_rows_needs_no_columns_and_one_with_rows_only_two() -> None:
    require_columns(pa.table({}))
    require_columns(pa.table({"path": list("abcd"), "status": ["ok", "stale", "rejected", "failed"]}))


def test_many_rows_are_chosen_without_copying_them() -> None:
    rows = Rows.of({"path": str(number), "status": "ok"} for number in range(3000))
    chosen = rows.take(range(0, 3000, 2)).take(range(1400))
    assert chosen[1399] == {"path": "2798", "status": "ok"}
    assert [row["path"] for row in chosen][:3] == ["0", "2", "4"]
    assert chosen.where("path", ("4",)).column("path") == ["4"]
    assert rows.where("status", ("ok",)) is rows


def test_equal_values_are_counted_and_told_once() -> None:
    rows = Rows.of({"path": str(number), "tags": [[1], None, [1], [2]][number]} for number in range(4))
    assert rows.counts("tags") == [([1], 2, 0), (None, 1, 1), ([2], 1, 3)]
    assert rows.counts("nobody") == [(None, 4, 0)]
    assert Rows.of([]).counts("tags") == []
