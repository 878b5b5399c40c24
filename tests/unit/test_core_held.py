"""Promises of a stage that takes over what still holds: what changed is looked at, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from stagekit import DocumentOutput, Stage
from stagekit.artifacts.rows import Rows, RowSource
from stagekit.artifacts.tables import encode_rows
from stagekit.contract import ArtifactRef
from tests.unit.core_stages import Open, Row, Worker, documents, notebook, same_umask, stage

__all__ = ["notebook", "same_umask", "stage"]


class Asked:
    """A key that tells which rows it was asked for."""

    def __init__(self) -> None:
        self.paths: list[str] = []

    def __call__(self, row: Row) -> Any:
        self.paths.append(row["path"])
        return row["text"]


def product(stage: Stage, rows: Sequence[Row]) -> Rows:
    """Rows as a stage reads them from the product of another one."""
    table = encode_rows([row | {"status": "ok"} for row in rows])
    ref = stage.store.put_table("documents", table)
    return Rows(table, (RowSource("listing.documents", ref, table),))


def execute(
    stage: Stage, rows: Rows, worker: Any = None, **more: Any
) -> tuple[list[str], list[Row], ArtifactRef]:
    """Return the paths that were looked at, the outcomes, and the manifest's reference."""
    asked = Asked()
    found = stage.map_documents(rows, worker or Worker(), key=asked, **more)
    ref = stage.glue_documents("shouted", found)
    stage.memo.close()
    return asked.paths, list(found), ref


def test_documents_whose_rows_are_as_they_were_are_not_looked_at(stage: Open) -> None:
    first = stage()
    looked, made, ref = execute(first, product(first, documents("a", "b", "c")))
    assert looked == ["0.md", "1.md", "2.md"]

    again = stage()
    looked, outcomes, same = execute(again, product(again, documents("a", "b", "c")))
    assert looked == []
    assert outcomes == [row | {"unchanged": True} for row in made]
    assert same == ref
    assert (again.result.success_count, again.result.unchanged_count) == (3, 3)


def test_only_the_changed_document_is_looked_at(stage: Open) -> None:
    first = stage()
    execute(first, product(first, documents("a", "b", "c")))
    worker = Worker()
    again = stage()
    looked, outcomes, _ = execute(again, product(again, documents("a", "x", "c")), worker)
    assert looked == worker.asked == ["1.md"]
    assert [row["unchanged"] for row in outcomes] == [True, False, True]
    assert again.read_part(outcomes[1]["words"]).to_pylist() == [{"word": "X"}]


def test_the_manifest_is_the_same_as_without_taking_over(stage: Open) -> None:
    first = stage()
    execute(first, product(first, documents("a", "b", "locked", "c")))
    changed = documents("a", "x", "locked", "c")
    second = stage()
    execute(second, product(second, changed))
    third = stage()
    third.memo.forget([])  # so that each document is looked at, by way of the memo
    looked, _, by_memo = execute(third, product(third, changed))
    assert len(looked) == 4
    fourth = stage()
    fourth.memo.forget([])
    execute(fourth, product(fourth, documents("a", "b", "locked", "c")))
    fifth = stage()
    looked, _, held = execute(fifth, product(fifth, changed))
    assert looked == ["1.md", "2.md"]  # what is not ok is looked at each time
    assert held == by_memo


def test_a_document_that_left_or_came_or_moved_is_seen(stage: Open) -> None:
    first = stage()
    execute(first, product(first, documents("a", "b")))
    rows = [
        documents("a")[0],
        {"document_id": "new", "path": "0-moved.md", "text": "b"},
        {"document_id": "id9", "path": "9.md", "text": "new"},
    ]
    again, worker = stage(), Worker()
    looked, outcomes, _ = execute(again, product(again, rows), worker)
    assert looked == ["0-moved.md", "9.md"]
    assert worker.asked == ["9.md"]
    assert [row["path"] for row in outcomes] == ["0-moved.md", "0.md", "9.md"]


@pytest.mark.parametrize("damage", ["deleted", "truncated"])
def test_an_artifact_that_is_not_whole_is_made_again(stage: Open, damage: str) -> None:
    first = stage()
    _, outcomes, _ = execute(first, product(first, documents("a", "b")))
    artifact = first.outputs / "artifacts" / outcomes[1]["words"]["uri"]
    if damage == "deleted":
        artifact.unlink()
    else:
        artifact.write_bytes(b"PAR1")
    again, worker = stage(), Worker()
    looked, outcomes, _ = execute(again, product(again, documents("a", "b")), worker)
    assert looked == worker.asked == ["1.md"]
    assert again.read_part(outcomes[1]["words"]).to_pylist() == [{"word": "B"}]


def test_what_is_forgotten_is_made_again(stage: Open) -> None:
    first = stage()
    _, outcomes, _ = execute(first, product(first, documents("a", "b")))
    again, worker = stage(), Worker()
    again.memo.forget([outcomes[0]["memo_key"]])
    looked, _, _ = execute(again, product(again, documents("a", "b")), worker)
    assert (looked, worker.asked) == (["0.md", "1.md"], ["0.md"])


@pytest.mark.parametrize("change", [{"shared": "model@2"}, {"keep_last_good": True}])
def test_what_determines_all_outcomes_concerns_every_document(stage: Open, change: Row) -> None:
    first = stage()
    execute(first, product(first, documents("a", "b")), shared="model@1")
    again = stage()
    looked, _, _ = execute(again, product(again, documents("a", "b")), **({"shared": "model@1"} | change))
    assert looked == ["0.md", "1.md"]


def test_a_changed_cell_of_the_notebook_concerns_every_document(stage: Open, notebook: Path) -> None:
    first = stage()
    execute(first, product(first, documents("a")))
    notebook.write_text(notebook.read_text().replace("shout(rows)", "whisper(rows)"))
    again, worker = stage(), Worker()
    assert execute(again, product(again, documents("a")), worker)[0] == ["0.md"]
    assert worker.asked == ["0.md"]


def test_a_lost_manifest_costs_a_look_and_no_work(stage: Open) -> None:
    first = stage()
    _, _, ref = execute(first, product(first, documents("a", "b")))
    (first.outputs / "artifacts" / ref.uri).unlink()
    again, worker = stage(), Worker()
    looked, _, same = execute(again, product(again, documents("a", "b")), worker)
    assert (looked, worker.asked, same) == (["0.md", "1.md"], [], ref)


def test_a_document_that_failed_or_is_stale_is_tried_again(stage: Open) -> None:
    first = stage(max_failure_rate=1.0)
    execute(first, product(first, documents("a", "b")), keep_last_good=True)
    second = stage(max_failure_rate=1.0)
    _, outcomes, _ = execute(second, product(second, documents("a", "crash")), keep_last_good=True)
    assert [row["status"] for row in outcomes] == ["ok", "stale"]
    third, worker = stage(max_failure_rate=1.0), Worker()
    execute(third, product(third, documents("a", "crash")), worker, keep_last_good=True)
    assert worker.asked == ["1.md"]
    fourth = stage()
    looked, outcomes, _ = execute(fourth, product(fourth, documents("a", "c")), keep_last_good=True)
    assert looked == ["1.md"]
    assert [row["status"] for row in outcomes] == ["ok", "ok"]
    assert "refused" not in outcomes[0]


def test_rows_of_no_product_are_compared_with_what_the_manifest_carries(stage: Open) -> None:
    def listed(*texts: str) -> Rows:
        return Rows.of([row | {"author": None} for row in documents(*texts)])

    first = stage()
    execute(first, listed("a", "b"), carry=dict)
    again = stage()
    looked, outcomes, _ = execute(again, listed("a", "x"), carry=dict)
    assert looked == ["1.md"]
    assert [row["text"] for row in outcomes] == ["a", "x"]
    assert [row["unchanged"] for row in outcomes] == [True, False]
    third = stage()
    assert execute(third, listed("a", "x"))[0] == ["0.md", "1.md"]  # carries nothing to compare with


def test_rows_of_another_product_are_not_compared(stage: Open) -> None:
    first = stage()
    rows = product(first, documents("a"))
    execute(first, rows)
    (source,) = rows.sources
    other = Rows(rows.table, (RowSource("another.documents", source.ref, source.table),))
    assert execute(stage(), other)[0] == ["0.md"]


def test_what_is_told_of_a_document_beside_others_concerns_that_document_alone(stage: Open) -> None:
    for copies, looked in (([0, 0], ["0.md", "1.md"]), ([0, 1], ["1.md"])):
        here = stage()
        told = [row | {"copies": n} for row, n in zip(documents("a", "b"), copies, strict=True)]
        rows = here.own_rows("told", told)
        assert execute(here, rows)[0] == looked
        assert list(here.result.artifacts) == ["told", "shouted"]


@pytest.mark.parametrize(
    ("before", "after"),
    [(1, 2.5), (1, [2]), (None, [2]), ([1], None), ([1], [])],
    ids=["number", "list", "list of nothing", "nothing", "empty list"],
)
def test_a_column_may_change_its_kind(stage: Open, before: Any, after: Any) -> None:
    values = {"a": before, "b": before, "c": after}

    def work(row: Row) -> DocumentOutput:
        return DocumentOutput({"value": values[row["text"]]})

    first = stage()
    execute(first, product(first, documents("a", "b")), work)
    again = stage()
    _, outcomes, held = execute(again, product(again, documents("a", "c")), work)
    assert [(row["value"], row["unchanged"]) for row in outcomes] == [(before, True), (after, False)]
    third = stage()
    third.memo.forget([])
    assert execute(third, product(third, documents("a", "c")), work)[2] == held


def test_a_column_that_comes_changes_or_goes_concerns_the_documents_that_have_a_value_there(
    stage: Open,
) -> None:
    plain = documents("a", "b", "c")
    marked, named = (
        [row | {"mark": mark if row["text"] == "b" else None} for row in plain] for mark in (1, "one")
    )
    steps = ((plain, ["0.md", "1.md", "2.md"]), (marked, ["1.md"]), (named, ["1.md"]), (plain, ["1.md"]))
    for rows, looked in steps:
        here = stage()
        assert execute(here, product(here, rows))[0] == looked


def test_no_documents_are_fine(stage: Open) -> None:
    assert execute(stage(), Rows.of([]))[1] == []
    first = stage()
    execute(first, product(first, documents("a")))
    assert execute(stage(), Rows.of([]), carry=dict)[1] == []


def test_references_inside_other_values_are_looked_for_too(stage: Open) -> None:
    def work(row: Row) -> DocumentOutput:
        ref = opened[-1].store.put("page", row["text"].encode(), "text/plain")
        return DocumentOutput({"pages": [ref.model_dump(), None]})

    opened = [stage()]
    _, outcomes, _ = execute(opened[0], product(opened[0], documents("a", "b")), work)
    (opened[0].outputs / "artifacts" / outcomes[0]["pages"][0]["uri"]).unlink()
    opened.append(stage())
    looked, _, _ = execute(opened[1], product(opened[1], documents("a", "b")), work)
    assert looked == ["0.md"]
