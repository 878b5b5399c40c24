"""Promises of a manifest: its rows tell the memo what it knew, and damaged ones are refused by column."""

from __future__ import annotations

from typing import Any

import pytest

from stagekit.artifacts.manifest import (
    ColumnOrigins,
    is_outcome,
    last_good,
    manifest_metadata,
    remembered,
    require_rows,
    stale_row,
)
from stagekit.errors import ArtifactError

Row = dict[str, Any]
WHEN = "2026-03-01T12:00:00+00:00"
NO_REASON: Row = {"category": None, "message": None, "remedy": None}
REASON: Row = {"category": "locked", "message": "it has a password", "remedy": "take it away"}
WORK: Row = {"seconds": 1.5, "produced_at": WHEN}
GOOD: Row = {"document_id": "d", "path": "a.md", "memo_key": "k1", "unchanged": False, "title": "A"} | WORK
GOOD |= {"text": "from the stage before", "status": "ok"} | NO_REASON
OUTCOME: Row = {"memo_key": "k2", "seconds": 3, "produced_at": WHEN} | REASON
BESIDE: Row = {"stage": "shout", "carried": ["text"], "last_good": True}
REFUSED: Row = {"memo_key": "k2", "seconds": 3, "produced_at": WHEN}
STALE: Row = GOOD | REASON | {"status": "stale", "unchanged": True, "refused": REFUSED}


def test_beside_the_rows_stands_what_was_carried_and_never_what_the_stage_made() -> None:
    one = ColumnOrigins(frozenset({"text", "title"}), frozenset({"words"}), keeps_last_good=True)
    other = ColumnOrigins(frozenset({"author"}), frozenset({"title"}), keeps_last_good=False)
    assert manifest_metadata("s", [one, other]) == {
        "stage": "s",
        "carried": ["author", "text"],
        "last_good": True,
    }
    assert manifest_metadata("s", [other])["last_good"] is False
    assert manifest_metadata("s", []) == {"stage": "s", "carried": [], "last_good": False}


def test_a_stale_row_is_the_good_version_with_the_reason_why_the_new_one_is_not_served() -> None:
    assert stale_row(GOOD, OUTCOME | {"status": "rejected"}) == STALE
    failed = {name: value for name, value in STALE.items() if name != "refused"}
    assert stale_row(GOOD, OUTCOME | {"status": "failed"}) == failed
    assert last_good(STALE) == last_good(GOOD) == GOOD


VALUE = {"title": "A", "status": "ok"} | WORK | NO_REASON
REJECTED = GOOD | REASON | {"status": "rejected"}


@pytest.mark.parametrize(
    ("row", "known"),
    [
        (GOOD, {"k1": VALUE}),
        (REJECTED, {"k1": {"status": "rejected"} | WORK | REASON}),
        (STALE, {"k1": VALUE, "k2": {"status": "rejected", "seconds": 3, "produced_at": WHEN} | REASON}),
        (STALE | {"refused": None}, {"k1": VALUE}),
        (GOOD | {"refused": REFUSED}, {"k1": VALUE}),
        (GOOD | REASON | {"status": "failed"}, {}),
    ],
    ids=["ok", "rejected", "stale", "stale after our failure", "good again", "failed"],
)
def test_a_row_tells_what_the_memo_knew(row: Row, known: dict[str, Row]) -> None:
    assert dict(remembered(row, BESIDE)) == known


@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ({"document_id": 1}, "document_id"),
        ({"path": None}, "path"),
        ({"status": "perhaps"}, "status"),
        ({"status": 1}, "status"),
        ({"memo_key": None}, "memo_key"),
        ({"category": 1}, "category"),
        ({"message": ["x"]}, "message"),
        ({"remedy": 2}, "remedy"),
        ({"seconds": "1"}, "seconds"),
        ({"produced_at": "yesterday"}, "produced_at"),
        ({"produced_at": "2026-03-01T12:00:00"}, "produced_at"),
        ({"refused": "k2"}, "refused"),
        ({"refused": REFUSED | {"memo_key": 2}}, "memo_key"),
        ({"refused": {"memo_key": "k2", "produced_at": WHEN}}, "seconds"),
    ],
)
def test_a_damaged_row_is_refused_by_the_name_of_its_column(changes: Row, column: str) -> None:
    with pytest.raises(ArtifactError, match=f"A product is damaged: its column {column} is not"):
        require_rows([GOOD, STALE | changes], BESIDE)
    verdict = {
        name: value for name, value in STALE.items() if name not in {"document_id", "path", "memo_key"}
    }
    assert is_outcome(verdict | changes) is (
        column in {"document_id", "path", "memo_key"} or "refused" in changes
    )


@pytest.mark.parametrize("lost", ["path", "status", "memo_key", "category", "seconds"])
def test_only_a_manifest_has_every_column(lost: str) -> None:
    row = {name: value for name, value in GOOD.items() if name != lost}
    require_rows([row])
    require_rows([{"reason": "no document"}])
    with pytest.raises(ArtifactError, match=f"column {lost} "):
        require_rows([row], {})


@pytest.mark.parametrize(
    "changes",
    [{"stage": None}, {"carried": "text"}, {"carried": [1]}, {"last_good": None}, {"last_good": "yes"}],
)
def test_what_stands_beside_the_rows_is_looked_at_too(changes: Row) -> None:
    require_rows([GOOD, STALE, REJECTED], BESIDE)
    with pytest.raises(ArtifactError, match="A manifest is damaged"):
        require_rows([], BESIDE | changes)
