"""Runs that are killed: what is resumed ends as if nobody had been killed. The whole matrix: tests/crash."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from pathlib import Path

import pytest

from runner.errors import StageExecutionError
from runner.kernels.execution import NotebookJob, execute_notebook
from runner.kernels.kernel import StageKernel
from stagekit.base.paths import notebooks_dir
from tests.crash.chain import executed, remembered
from tests.crash.fixtures import first, moved
from tests.crash.harness import Kill, interrupt, recover, whole
from tests.crash.shared import TOTAL, Made, copied

__all__ = ["first", "moved"]


HALF = TOTAL // 2


def kill(made: Made, point: str) -> None:
    assert interrupt(made.place, Kill("", point)), f"nobody was killed at {point}"


@pytest.mark.slow
def test_outputs_are_lost_and_five_kills_later_the_collection_is_as_it_was(
    first: Made, tmp_path: Path
) -> None:
    """Nothing is left but the collection; kernels and runner are killed on the way; no doubles, no loss."""
    made = copied(first, tmp_path / "killed")
    outputs = made.place.outputs
    (outputs / "qdrant").rename(tmp_path / "kept")
    shutil.rmtree(outputs)
    outputs.mkdir()
    (tmp_path / "kept").rename(outputs / "qdrant")

    # The kernel, half-way through the conversion: the document in work is the only one that is repeated.
    kill(made, f"document_processing/before_memo#{HALF}")
    kept = remembered(outputs, "document_processing")
    assert kept == HALF - 1

    # Another kernel, with an artifact written under its temporary name.
    kill(made, "text_chunking/before_rename@artifacts#20")
    assert executed(made.place.record())["document_processing"] <= TOTAL - kept
    assert list((outputs / "artifacts").glob("sha256/*/.*.tmp"))

    # The runner, between two stages.
    kill(made, "runner/after_checkpoint@embedding_generation=success metadata_enrichment=success#1")

    # A kernel again, with half of the points replaced.
    kill(made, f"qdrant_storage/after_upsert#{HALF}")

    # The runner, before it has noted that all points are there.
    kill(made, "runner/before_checkpoint@qdrant_storage=success#1")

    assert recover(made.place) == []
    assert whole(made.place, first.points) == []


@pytest.mark.slow
def test_killed_between_upsert_and_delete(first: Made, moved: Made, tmp_path: Path) -> None:
    made = copied(moved, tmp_path / "between")
    # The collection is that of the run before: some points are to be written, others deleted.
    shutil.rmtree(made.place.outputs / "qdrant")
    shutil.copytree(first.place.outputs / "qdrant", made.place.outputs / "qdrant")

    kill(made, "qdrant_storage/before_delete#1")

    assert recover(made.place) == []
    assert whole(made.place, moved.points) == []


def test_a_store_whose_very_first_write_was_cut_off_is_begun_anew(tmp_path: Path) -> None:
    from stagekit.storage import connect

    folder = tmp_path / "qdrant" / "collections" / "nic_documents__0123456789ab"
    (folder / "shard").mkdir(parents=True)
    (folder / ".collection.json.tmp").touch()

    client = connect("embedded", tmp_path)

    assert client.get_collections().collections == []
    client.close()


def test_a_kernel_that_is_killed_while_it_imports_is_noticed_at_once(tmp_path: Path) -> None:
    (tmp_path / "slow_module.py").write_text(
        "import pathlib, time\npathlib.Path('begun').touch()\ntime.sleep(60)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    source = notebooks_dir() / "01_gitlab_ingestion.ipynb"
    kernel = StageKernel(environment, tmp_path, tmp_path / "kernel.log", tmp_path / "kernels")
    try:
        kernel.warm(["slow_module"])
        while not (tmp_path / "begun").exists():
            time.sleep(0.05)
        os.kill(kernel.pid, signal.SIGKILL)

        begin = time.monotonic()
        job = NotebookJob(
            "some_stage", source, tmp_path / "out.ipynb", {}, kernel, lambda _: None, threading.Event()
        )
        with pytest.raises(StageExecutionError, match="was killed"):
            execute_notebook(job)
        assert time.monotonic() - begin < 30
    finally:
        kernel.end()
