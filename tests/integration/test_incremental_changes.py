"""What a run does when little or nothing changed: counted in stages, documents and points."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.crash.chain import differences, executed
from tests.crash.corpus import FOLDER
from tests.crash.fixtures import edited, first, moved
from tests.crash.shared import LONG, PDF, TOTAL, Made, copied

__all__ = ["edited", "first", "moved"]


STAGES = (
    "gitlab_ingestion",
    "document_processing",
    "text_chunking",
    "embedding_generation",
    "metadata_enrichment",
    "qdrant_storage",
)
LOOKING_AT_THE_PDF = ("gitlab_ingestion", "metadata_enrichment", "qdrant_storage")


def paths_of(made: Made) -> dict[str, set[str]]:
    """Return the ids of the points of each document."""
    found: dict[str, set[str]] = {}
    for point, (_, payload) in made.points.items():
        found.setdefault(payload["file_path"], set()).add(point)
    return found


@pytest.mark.slow
def test_a_run_with_nothing_changed_starts_no_kernel_and_writes_no_point(first: Made, tmp_path: Path) -> None:
    made = copied(first, tmp_path / "again")
    logs = {path: path.stat().st_mtime_ns for path in (made.place.outputs / "logs").iterdir()}
    stored = {path: path.stat().st_mtime_ns for path in (made.place.outputs / "qdrant").rglob("*")}

    begin = time.monotonic()
    code, summary, record = made.place.run()
    seconds = time.monotonic() - begin

    assert code == 0
    assert {stage["status"] for stage in record["stages"].values()} == {"skipped"}
    assert executed(record) == {}
    assert summary["points"]["upserted"] == summary["points"]["deleted"] == 0
    assert summary["points"]["unchanged"] == summary["points"]["total"] == len(first.points)
    assert summary["documents"]["unchanged"] == summary["documents"]["ok"] == TOTAL
    # Every kernel has a log from its start on.
    assert {path: path.stat().st_mtime_ns for path in (made.place.outputs / "logs").iterdir()} == logs
    assert {path: path.stat().st_mtime_ns for path in (made.place.outputs / "qdrant").rglob("*")} == stored
    events = (made.place.outputs / "runs" / summary["execution_id"] / "events.jsonl").read_text()
    assert "stage_started" not in {json.loads(line)["kind"] for line in events.splitlines()}
    assert summary["duration_seconds"] < seconds < 20  # far below what a single kernel's imports would take


@pytest.mark.slow
def test_of_one_changed_document_each_stage_processes_only_that_one(first: Made, edited: Made) -> None:
    """Beside it a PDF was replaced by an unusable one: it is read, refused, and marked as not the latest."""
    _, summary, record = edited.told()

    wanted = dict.fromkeys(STAGES, 1) | dict.fromkeys(LOOKING_AT_THE_PDF, 2)
    assert executed(record) == wanted
    assert all(record["stages"][name]["result"]["input_count"] == TOTAL for name in STAGES)
    assert summary["documents"]["unchanged"] == TOTAL - 2
    before, after = paths_of(first), paths_of(edited)
    assert {path for path in after if after[path] != before[path]} == {LONG}
    others = {point for path in before if path not in {LONG, PDF} for point in before[path]}
    assert (
        differences(
            {point: edited.points[point] for point in others},
            {point: first.points[point] for point in others},
        )
        == []
    )


@pytest.mark.slow
def test_one_renamed_one_deleted_and_one_added_change_exactly_those(first: Made, moved: Made) -> None:
    code, summary, record = moved.told()
    before, after = paths_of(first), paths_of(moved)
    gone = before.keys() - after.keys()
    come = after.keys() - before.keys()

    assert code == 0
    assert len(gone) == 2
    assert come == {f"{FOLDER}/arquivo/renomeado.md", f"{FOLDER}/novo.md"}
    assert all(after[path] == before[path] for path in before.keys() & after.keys())
    assert summary["documents"]["deleted"] == 2  # the deleted one, and the old name
    assert summary["points"]["deleted"] == sum(len(before[path]) for path in gone)
    assert summary["points"]["upserted"] == sum(len(after[path]) for path in come)
    assert summary["points"]["unchanged"] == sum(len(after[path]) for path in after.keys() & before.keys())
    done = executed(record)
    # The renamed one is neither read, converted nor chunked again, and its vectors are those it had: only the
    # words of its name and its metadata are new.
    for name in ("gitlab_ingestion", "document_processing", "text_chunking"):
        assert done[name] == 1, name
    assert done["embedding_generation"] == 2
    assert done["metadata_enrichment"] == 2
