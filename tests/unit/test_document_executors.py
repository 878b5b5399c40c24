"""The contract of whatever executes documents: processes of this machine, and workers of a Dask cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from distributed import LocalCluster

from stagekit import StageError
from stagekit.cluster.documents import ClusterDocuments
from tests.servers.dask_cluster import cluster_here
from tests.unit.document_executors import Open, Plan, asked, column, plan, run, stage

__all__ = ["plan", "stage"]

Executor = Callable[..., Any]


@pytest.fixture(scope="module")
def here() -> Iterator[LocalCluster]:
    with cluster_here(2) as started:
        yield started


@pytest.fixture(params=["processes", "cluster"])
def executor(request: pytest.FixtureRequest, plan: Plan) -> Executor:
    if request.param == "processes":
        return plan
    address = request.getfixturevalue("here").scheduler_address
    return lambda **more: ClusterDocuments(address, plan(**more))


def test_documents_are_made_as_they_would_be_here(stage: Open, executor: Executor) -> None:
    opened = stage()
    good, rejected, failed = run(opened, executor(), "fine", "reject", "raise")
    assert (good["status"], good["length"], good["category"]) == ("ok", 4, None)
    assert opened.read_part(good["words"]).to_pylist() == [{"word": "FINE"}]
    assert opened.read_bytes(good["markdown"]) == b"fine"
    assert (rejected["status"], rejected["category"], rejected["message"]) == (
        "rejected", "encrypted", "it has a password",
    )  # fmt: skip
    assert (failed["status"], failed["category"], failed["message"]) == (
        "failed", "RuntimeError", "the converter gave up",
    )  # fmt: skip


def test_a_document_harms_no_other(stage: Open, executor: Executor) -> None:
    chosen = executor(timeout_s=5, memory_mb=300, weight=lambda row: len(row["text"]))
    outcomes = run(stage(), chosen, "fine", "exit", "sleep", "swell", "other words")
    assert column(outcomes, "path") == [f"{n}.md" for n in range(5)]
    assert column(outcomes, "category") == [None, "converter_crashed", "timed_out", "too_much_memory", None]


def test_a_documents_bytes_are_read_from_the_store(stage: Open, executor: Executor) -> None:
    opened = stage()
    content = opened.store.put("content", b"bytes of the document", "text/plain").model_dump()
    row = {"document_id": "a", "path": "a.md", "text": "", "content": content}
    [outcome] = opened.map_documents([row], executor(), key=lambda row: row["content"]["sha256"])
    assert opened.read_bytes(outcome["markdown"]) == b"bytes of the document"


def test_settings_that_the_factory_refuses_stop_the_stage(stage: Open, executor: Executor) -> None:
    with pytest.raises(StageError, match="ocr_engine is 'abc': choose another"):
        run(stage(), executor(factory="tests.unit.worker_documents:refusing_factory"), "fine")


def test_equal_contents_are_processed_once(stage: Open, executor: Executor, tmp_path: Path) -> None:
    outcomes = run(stage(), executor(), "same", "same", "other", "same")
    assert sorted(asked(tmp_path)) == ["0.md", "2.md"]
    assert column(outcomes, "document_id") == ["id0", "id1", "id2", "id3"]


def test_what_was_finished_survives_a_run_that_breaks_off(
    stage: Open, executor: Executor, plan: Plan, tmp_path: Path
) -> None:
    run(stage(), executor(), "a", "b")
    with pytest.raises(StageError, match="nobody answers"):
        run(stage(), executor(), "a", "b", "unreachable")
    # Nobody is asked for what is known, whoever has made it.
    for nobody in (plan(), ClusterDocuments("tcp://127.0.0.1:9", plan())):
        assert column(run(stage(), nobody, "a", "b"), "unchanged") == [True, True]
    assert asked(tmp_path).count("0.md") == 1
