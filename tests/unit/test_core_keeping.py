"""Promises of a stage at work: what is finished is kept, and documents taken together stay documents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from stagekit.artifacts.memo import Memo
from stagekit.artifacts.store import ArtifactStore
from stagekit.errors import StageError
from stagekit.stage.execution import DocumentOutput, Effort, InBatches, Workplace
from stagekit.stage.keeping import Keeper

Row = dict[str, Any]


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "artifacts")


@pytest.fixture
def memo(tmp_path: Path) -> Iterator[Memo]:
    with Memo(tmp_path / "memo.sqlite") as memo:
        yield memo


def known(memo: Memo, *keys: str) -> set[str]:
    return set(memo.get_many(keys))


def test_quick_outcomes_are_remembered_together_and_the_last_ones_at_the_end(
    memo: Memo, store: ArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr("stagekit.stage.keeping.time.monotonic", lambda: clock[0])
    keeper = Keeper("s", memo, store)
    with keeper:
        keeper.keep("slow", {"n": 1})
        assert known(memo, "slow") == {"slow"}
        clock[0] = 0.1
        keeper.keep("quick", {"n": 2})
        assert known(memo, "quick") == set()
        clock[0] = 0.11
        keeper.keep("third", {"n": 3})
        assert known(memo, "quick", "third") == {"quick", "third"}
        keeper.keep("last", {"n": 4})
    assert known(memo, "last") == {"last"}
    keeper.finish()


def test_what_was_finished_before_an_interrupt_is_remembered(memo: Memo, store: ArtifactStore) -> None:
    keeper = Keeper("s", memo, store)

    def interrupted() -> None:
        with keeper:
            keeper.keep("first", {"n": 1})
            keeper.keep("second", {"n": 2})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert known(memo, "first", "second") == {"first", "second"}


def test_the_end_waits_until_each_artifact_is_on_the_disk(memo: Memo, store: ArtifactStore) -> None:
    synced: list[str] = []
    inner = store.sync
    store.sync = lambda uri: (inner(uri), synced.append(uri))[0]  # type: ignore[method-assign,func-returns-value]
    keeper = Keeper("s", memo, store)
    refs = [store.put("part", bytes([n]), "application/json") for n in range(5)]
    keeper.keep("k", {"parts": [ref.model_dump() for ref in refs[:4]]})
    keeper.keep("last", {"n": 1})
    keeper.sync(refs[4:])
    keeper.finish()
    assert known(memo, "k", "last") == {"k", "last"}
    assert sorted(synced) == sorted(ref.uri for ref in refs)


# Documents taken together


def rows(*sizes: int) -> list[Row]:
    return [{"path": f"{number}.md", "size": size} for number, size in enumerate(sizes)]


def worked(
    store: ArtifactStore, given: Sequence[Row], prepare: Any, function: Any = None, most: int = 4
) -> tuple[list[tuple[int, Row]], list[str]]:
    said: list[str] = []
    executor = InBatches(
        function or (lambda row: DocumentOutput(fields={"made": row["path"]})),
        prepare,
        size=lambda row: row["size"],
        most=most,
    )
    place = Workplace(store, store.url, Path(store.url) / "log")
    found = list(executor.run(given, place, lambda names: said.append(", ".join(names))))
    return found, said


def test_documents_are_prepared_together_up_to_a_size_and_made_one_by_one(store: ArtifactStore) -> None:
    batches: list[list[str]] = []
    found, said = worked(
        store, rows(1, 2, 1, 3, 1, 9, 2), lambda batch: batches.append([row["path"] for row in batch])
    )
    assert batches == [["0.md", "1.md", "2.md"], ["3.md", "4.md"], ["5.md"], ["6.md"]]
    assert [(index, value["made"]) for index, value in found] == [(n, f"{n}.md") for n in range(7)]
    assert said == ["0.md, and 2 more", "3.md, and 1 more", "5.md", "6.md"]
    assert worked(store, [], lambda _: None) == ([], [])


@pytest.mark.parametrize(
    ("sizes", "seconds"), [((1, 3), [2.002, 6.005]), ((1,), [8.006]), ((0,), [0.001])], ids=str
)
def test_the_time_of_a_batch_is_its_documents_time_by_their_size(
    store: ArtifactStore, monkeypatch: pytest.MonkeyPatch, sizes: tuple[int, ...], seconds: list[float]
) -> None:
    clock = [0.0]
    monkeypatch.setattr("stagekit.stage.execution.time.monotonic", lambda: clock[0])

    def takes(time: float) -> DocumentOutput:
        clock[0] += time
        return DocumentOutput()

    found, _ = worked(store, rows(*sizes), lambda _: takes(8.0048), lambda _: takes(0.0014))
    assert [value["seconds"] for _, value in found] == seconds


def test_the_share_of_the_work_that_is_done_goes_by_weight() -> None:
    effort = Effort([0.75, 0.25])
    assert effort.share == 0.0
    effort.finish(0)
    assert effort.share == 0.75
    effort.finish(0)
    assert effort.share == 1.0
    assert Effort([0.0]).share is None


def test_a_batch_that_cannot_be_prepared_costs_only_the_document_it_is_due_to(store: ArtifactStore) -> None:
    def prepare(batch: Sequence[Row]) -> None:
        raise ValueError(batch[1]["path"])

    def function(row: Row) -> DocumentOutput:
        if row["path"] == "1.md":
            raise ValueError("too long")
        return DocumentOutput()

    found, _ = worked(store, rows(1, 1, 1), prepare, function)
    assert [value["status"] for _, value in found] == ["ok", "failed", "ok"]


def test_a_stage_that_cannot_work_says_so_and_blames_no_document(store: ArtifactStore) -> None:
    def prepare(_: Sequence[Row]) -> None:
        raise StageError("no model")

    with pytest.raises(StageError, match="no model"):
        worked(store, rows(1), prepare)
