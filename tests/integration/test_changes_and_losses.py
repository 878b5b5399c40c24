"""A change costs only what it touches, a loss deletes nothing unasked: what went wrong with other tools."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.crash.chain import differences, executed, read_points
from tests.crash.corpus import FOLDER, document_name
from tests.crash.fixtures import edited, first, moved
from tests.crash.shared import (
    ADDED,
    LONG,
    PDF,
    TOTAL,
    TWIN,
    Made,
    copied,
)

__all__ = ["edited", "first", "moved"]


BEFORE_STORAGE = {
    "gitlab_ingestion", "document_processing", "text_chunking", "embedding_generation", "metadata_enrichment",
}  # fmt: skip


def embedded(record: dict[str, Any]) -> int:
    """Return how many texts went through the model."""
    return int(record["stages"]["embedding_generation"]["result"]["metrics"]["vectors_made"])


def skipped(record: dict[str, Any]) -> set[str]:
    return {name for name, stage in record["stages"].items() if stage["status"] == "skipped"}


def payloads(points: Any, path: str) -> list[dict[str, Any]]:
    return [payload for _, payload in points.values() if payload["file_path"] == path]


@pytest.mark.slow
def test_a_truncated_pdf_costs_neither_its_old_version_nor_the_changed_file_beside_it(
    first: Made, edited: Made
) -> None:
    code, summary, _ = edited.told()

    assert code == 3
    assert summary["status"] == "partial"
    assert summary["documents"]["stale"] == 1
    assert summary["documents"]["failed"] == summary["documents"]["rejected"] == 0
    assert any(ADDED in payload["chunk_content"] for payload in payloads(edited.points, LONG))
    old, new = payloads(first.points, PDF), payloads(edited.points, PDF)
    assert {payload["chunk_content"] for payload in new} == {payload["chunk_content"] for payload in old}
    assert {payload["is_latest"] for payload in old} == {True}
    assert {payload["is_latest"] for payload in new} == {False}


@pytest.mark.slow
def test_a_moved_file_embeds_nothing(moved: Made) -> None:
    _, _, record = moved.told()

    new = payloads(moved.points, f"{FOLDER}/novo.md")
    assert payloads(moved.points, f"{FOLDER}/arquivo/renomeado.md")
    assert embedded(record) <= len(new)  # those of the document that was added in the same run
    # The words of its new name are put beside the vectors that it had.
    assert executed(record)["embedding_generation"] == 2


@pytest.mark.slow
def test_a_paragraph_added_to_a_long_file_embeds_two_texts_at_most(first: Made, edited: Made) -> None:
    _, _, record = edited.told()

    assert len(payloads(first.points, LONG)) >= 8
    assert 1 <= embedded(record) <= 2


@pytest.mark.slow
def test_when_the_last_step_fails_conversion_and_vectors_are_kept(first: Made) -> None:
    code, failed, broken = first.told("without_store")
    assert code == 1
    assert failed["status"] == "failed"
    assert broken["stages"]["qdrant_storage"]["status"] == "failed"
    assert "cannot be reached" in broken["error"]
    assert executed(broken)["embedding_generation"] == TOTAL

    code, summary, record = first.told()
    assert code == 0
    assert skipped(record) == BEFORE_STORAGE
    assert summary["points"]["upserted"] == summary["points"]["total"] == len(first.points)


@pytest.mark.slow
def test_a_mass_deletion_stops_with_the_list_before_storage_and_goes_on_when_it_is_meant(
    first: Made, tmp_path: Path
) -> None:
    made = copied(first, tmp_path / "emptied", own_corpus=True)
    gone = [f"{FOLDER}/{document_name(number)}" for number in range(12)]  # of 51
    contents = {path: (made.corpus / path).read_bytes() for path in gone}
    for path in gone:
        (made.corpus / path).unlink()
    copies = {path.read_bytes() for path in (made.corpus / FOLDER).rglob("*") if path.is_file()}

    code, summary, record = made.place.run()
    assert code == 1
    assert record["stages"]["qdrant_storage"]["status"] == "failed"
    named = [path for path in gone if path in record["error"]]
    assert named == [path for path in gone if contents[path] not in copies]  # the others lose no content
    assert len(named) >= 10
    assert "--allow-mass-deletion" in record["error"]
    assert differences(read_points(made.place.outputs), first.points) == []

    code, summary, record = made.place.run("--allow-mass-deletion")
    assert code == 0
    assert skipped(record) == BEFORE_STORAGE
    assert summary["documents"]["deleted"] == len(gone)
    left = {payload["file_path"] for _, payload in read_points(made.place.outputs).values()}
    assert len(left) == TOTAL - len(gone)
    assert not left & set(gone)


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["empty folder", "missing source"])
def test_a_folder_that_is_empty_or_missing_is_an_error_and_never_a_deletion(
    first: Made, tmp_path: Path, loss: str
) -> None:
    made = copied(first, tmp_path / "gone", own_corpus=True)
    shutil.rmtree(made.corpus)
    if loss == "empty folder":
        (made.corpus / FOLDER).mkdir(parents=True)

    done = made.place.call("run", "--quiet")

    assert done.returncode in {1, 2}
    assert "30-Aprovados" in done.stdout + done.stderr or "source_path" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert differences(read_points(made.place.outputs), first.points) == []


@pytest.mark.slow
def test_the_same_text_in_two_files_is_embedded_once(first: Made) -> None:
    _, _, record = first.told("without_store")
    twin, other = (payloads(first.points, path) for path in (f"{FOLDER}/{document_name(1)}", TWIN))

    vectors = {vector.tobytes() for vector, _ in first.points.values()}
    assert {payload["content_hash"] for payload in twin} == {payload["content_hash"] for payload in other}
    assert embedded(record) == len(vectors) < len(first.points)
