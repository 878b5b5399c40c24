"""Promises of the map over many documents: batches change nothing, and hardly any of them stay in memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from typing import Any

import pytest

from stagekit import DocumentOutput, DocumentRejected
from stagekit.artifacts.rows import Rows
from stagekit.stage import document_map
from stagekit.stage.document_map import DocumentMap, MapMemory
from stagekit.stage.execution import InProcess, Show, Workplace, document_value
from tests.unit.core_stages import Open, Row, notebook, same_umask, stage

__all__ = ["notebook", "same_umask", "stage"]


def key(row: Row) -> Any:
    return row["text"]


def shout(row: Row) -> DocumentOutput:
    if row["text"] == "locked":
        raise DocumentRejected("encrypted", "it has a password", "upload it without one")
    if row["text"] == "crash":
        raise RuntimeError("the converter gave up")
    words = [{"word": word, "length": len(word)} for word in row["text"].upper().split()]
    return DocumentOutput({"words": words, "title": row["text"].title()})


def documents(count: int) -> Rows:
    texts = {3: "crash", 7: "locked"}
    return Rows.of(
        [
            {
                "document_id": f"id{number}",
                "path": f"{number:06}.md",
                "text": texts.get(number, " ".join([f"palavra{number % (count - 5)}"] * 2)),
            }
            for number in range(count)
        ]
    )


def known(outcomes: Sequence[Row]) -> list[Row]:
    return [{k: v for k, v in row.items() if k not in {"seconds", "produced_at"}} for row in list(outcomes)]


@pytest.mark.parametrize("last_good", [False, True])
def test_small_batches_tell_the_same_as_one(
    stage: Open, monkeypatch: pytest.MonkeyPatch, last_good: bool
) -> None:
    options: Row = {"key": key, "keep_last_good": last_good, "carry": lambda row: {"source": row}}
    whole = stage().map_documents(documents(20), shout, **options)
    monkeypatch.setattr(document_map, "_AT_ONCE", 3)
    opened = stage()
    for path in opened.outputs.glob("memo.sqlite*"):
        path.unlink()
    opened = stage()
    parts = opened.map_documents(documents(20), shout, **options)

    assert known(parts) == known(whole)
    assert parts.table.schema.equals(whole.table.schema, check_metadata=True)
    assert [row["status"] for row in parts].count("ok") == 18
    assert opened.result.retry_count == opened.result.failure_count == 1

    again = stage().map_documents(documents(20), shout, **options)
    assert [row["unchanged"] for row in again] == [number != 3 for number in range(20)]
    assert [row | {"unchanged": False} for row in known(again)] == [
        row | {"unchanged": False} for row in known(parts)
    ]


def test_the_memory_of_a_stage_hardly_grows_with_its_documents(stage: Open) -> None:
    peaks = []
    for count, word in ((300, "um"), (1300, "dois")):
        texts = [{"document_id": f"id{n}", "path": f"{n}", "text": f"{word} {n} " * 25} for n in range(count)]
        rows = Rows.of(texts)
        opened = stage()
        tracemalloc.start()
        try:
            opened.map_documents(rows, shout, key=key, carry=lambda row: {"source": row})
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    as_objects = 50 * 200  # bytes: fifty words of a document are as many dicts
    assert (peaks[1] - peaks[0]) / 1000 < as_objects / 2


def test_whoever_prepares_for_the_end_is_told_once_a_few_seconds_before_it(
    stage: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr("stagekit.stage.display.time.monotonic", lambda: clock[0])

    class Weighed(InProcess):
        def run(self, rows: Sequence[Row], place: Workplace, show: Show) -> Any:
            for at, row in enumerate(rows):
                show([row["path"]], share=at / len(rows))
                clock[0] += 1.0
                yield at, document_value(row, shout, place.store)

    told: list[tuple[int, float]] = []
    opened = stage()
    memory = MapMemory("shout", opened.memo, opened._place, opened._keeper)
    work = DocumentMap("", key, Weighed(shout), None, False, lambda count: told.append((count, clock[0])))
    rows = [{"document_id": f"id{n}", "path": f"{n}.md", "text": str(n)} for n in range(8)]
    assert [len(batch) for batch in work.outcomes(rows, memory)] == [8]
    assert told == [(8, 3.0)]  # 5 s before the end
