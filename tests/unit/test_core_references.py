"""Promises of what a manifest refers to: every artifact that its stage made, with its row and size."""

from __future__ import annotations

import io
from typing import Any

import pyarrow.parquet as pq
import pytest

from stagekit.artifacts.references import made_references
from stagekit.artifacts.table_files import GROUP_ROWS, TableFile
from stagekit.artifacts.tables import encode_rows


def ref(number: int) -> dict[str, Any]:
    digest = f"{number:064x}"
    return {
        "name": "part", "uri": f"sha256/00/{digest}", "sha256": digest, "media_type": "text/plain",
        "rows": None, "bytes": number, "schema_version": "1",
    }  # fmt: skip


def found(rows: list[dict[str, Any]], carried: list[str] | None = None) -> set[tuple[int, int, str]]:
    """(row, bytes, address) of each reference, as they come in batches."""
    buffer = io.BytesIO()
    table = encode_rows(rows, None if carried is None else {"carried": carried})
    pq.write_table(table, buffer, row_group_size=GROUP_ROWS)
    batches = [*made_references(TableFile(buffer.getvalue(), "sha256/1"))]
    told = [one for batch in batches for one in zip(*batch, strict=True)]
    assert len(told) == len(set(told))
    return set(told)


def told(*places: tuple[int, int]) -> set[tuple[int, int, str]]:
    return {(place, number, ref(number)["uri"]) for place, number in places}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([ref(3), None, ref(4)], told((0, 3), (2, 4))),
        ([None, [ref(5), None, ref(6)], ref(7)], told((1, 5), (1, 6), (2, 7))),
        ([{"page": ref(8), "text": '{"bytes":1,"uri":"x"}'}], told((0, 8))),
        ([[], {}, ["no reference"]], set()),
        (['{"bytes":1,"uri":"sha256/00/0"}', "text that only looks like one"], set()),
    ],
    ids=["alone", "in lists", "within", "none", "in a text"],
)
def test_references_are_found_wherever_they_stand_in_a_value(values: list[Any], expected: Any) -> None:
    assert found([{"path": "a", "made": value} for value in values]) == expected


def test_rows_of_all_groups_are_told_by_their_place_in_the_table() -> None:
    rows: list[dict[str, Any]] = [{"made": None} for _ in range(2 * GROUP_ROWS + 2)]
    for place, number in ((0, 1), (GROUP_ROWS - 1, 2), (GROUP_ROWS, 3), (2 * GROUP_ROWS + 1, 4)):
        rows[place] = {"made": ref(number)}
    rows[GROUP_ROWS + 5] = {"made": [ref(5)]}
    assert found(rows) == told(
        (0, 1), (GROUP_ROWS - 1, 2), (GROUP_ROWS, 3), (GROUP_ROWS + 5, 5), (2 * GROUP_ROWS + 1, 4)
    )


def test_what_was_taken_over_from_the_input_is_another_stages() -> None:
    rows = [{"blob": ref(1), "made": ref(2)}]
    assert found(rows, ["blob"]) == told((0, 2))
    assert found(rows, []) == found(rows) == told((0, 1), (0, 2))
