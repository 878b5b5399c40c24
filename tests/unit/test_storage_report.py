"""Promises of what stage 06 tells: what it will do, what whoever runs it has to know, and what came of it."""

from __future__ import annotations

from stagekit.storage import DesiredDocument, Difference, DocumentChange, PhysicalCollection, Plan, Target
from stagekit.storage.report import (
    COLUMNS,
    cautions,
    collection_rows,
    document_rows,
    figures_rows,
    most_changed,
    plan_rows,
    totals,
)
from stagekit.storage.verify import Verification

CHANGED = DocumentChange(
    "a", "a.md", frozenset({"1", "2"}), ("3",), 1, DesiredDocument("a", "a.md", {}, list)
)
GONE = DocumentChange("b", "b.md", delete=("4", "5"))
PLAN = Plan([CHANGED, GONE], {"kept.md": 2}, 4, {"u.md": 4, "v.md": 1})


def told(rows: list[dict[str, object]]) -> dict[object, object]:
    return {row["what"]: row["count"] for row in rows}


def test_a_plan_is_told_in_figures() -> None:
    assert told(plan_rows(PLAN)) == {
        "points to write": 2,
        "points to delete": 3,
        "points that stay": 8,
        "of these, points that need no look": 5,
        "documents that leave": 1,
        "documents kept as they are stored": 1,
    }


def test_what_has_to_be_known_before_anything_is_written_is_said() -> None:
    target = Target("new", "old", unapplied=("hnsw_m",))
    assert list(cautions("One leaves.", target, PLAN, {"b"})) == [
        "One leaves.",
        "hnsw_m has no effect on new, which was built before it was set.",
        "b.md has no vectors of the new kind and leaves the search until it has.",
    ]
    assert list(cautions("", Target("new", "new"), PLAN, {"a"})) == []


def test_each_document_has_a_row_and_all_of_them_their_sums() -> None:
    applied = {"path": "a.md", "upserted": 2, "unchanged": 1, "deleted": 1, "in_source": True}
    idle = {"upserted": 0, "deleted": 0, "in_source": True}
    rows = document_rows([applied], PLAN)
    assert rows == [
        applied,
        {**idle, "path": "kept.md", "unchanged": 2, "kept": True},
        {**idle, "path": "u.md", "unchanged": 4, "kept": None},
        {**idle, "path": "v.md", "unchanged": 1, "kept": None},
    ]
    assert set(rows[1]) == set(COLUMNS)
    counts = totals(rows)
    assert counts == {"upserted": 2, "unchanged": 8, "deleted": 1}
    wrong = Verification(10, 9, 5, (Difference("missing", "1", "a.md"),))
    assert told(figures_rows(7, 10, counts, wrong)) == {
        "points before": 7, **counts, "points after": 10, "counted of this source": 9, "compared": 5,
        "differences": 1,
    }  # fmt: skip


def test_what_changed_most_is_shown_first_and_at_most_two_hundred_documents() -> None:
    changes = [(0, 0), (1, 1), (0, 3), (2, 0)]
    rows = [{"path": f"{n}.md", "upserted": up, "deleted": down} for n, (up, down) in enumerate(changes)]
    shown, above = most_changed(rows)
    assert ([row["path"] for row in shown], above) == (["2.md", "1.md", "3.md", "0.md"], "Points by document")
    many = rows * 50
    assert most_changed(many)[1] == "Points by document"
    shown, above = most_changed([*many, rows[0]])
    assert (len(shown), above) == (200, "Points by document; the first 200 of 201")


def test_each_collection_has_a_row() -> None:
    one = PhysicalCollection("c__0", "c", True, 3, "f", "m", "2026-01-01", "2026-02-01")
    assert collection_rows([one]) == [
        {
            "collection": "c__0", "readers see it": True, "points": 3, "made": "2026-01-01",
            "replaced": "2026-02-01",
        }
    ]  # fmt: skip
