"""Promises of document workers in a real kernel: whatever becomes of a document or kernel, none is left."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import papermill
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from stagekit.artifacts.store import ArtifactStore
from stagekit.artifacts.tables import decode_rows
from stagekit.base.paths import latest_notebooks
from stagekit.contract import artifact_refs, read_scraps, stage_result
from tests.crash.fixtures import first
from tests.crash.shared import Made

__all__ = ["first"]

ROOT = Path(__file__).parents[2]
_MAP = """
from stagekit import open_stage
from stagekit.workers.team import DocumentWorkers
stage = open_stage("shout", outputs_dir=outputs_dir)
rows = [{"document_id": t, "path": f"{n}.md", "text": t} for n, t in enumerate(texts)]
factory = "tests.unit.worker_documents:open_misbehaving"
pool = DocumentWorkers(factory, {"folder": folder}, 2, timeout_s=timeout)
outcomes = stage.map_documents(rows, pool, key=lambda row: row["text"])
stage.glue_documents("shouted", outcomes)
stage.finish()
"""


@pytest.fixture
def notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "02_shout.ipynb"
    parameters = new_code_cell(
        "texts = []; folder = outputs_dir = ''; timeout = 5", metadata={"tags": ["parameters"]}
    )
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}}
    nbformat.write(new_notebook(cells=[parameters, new_code_cell(_MAP)], metadata=kernel), path)
    monkeypatch.setenv("NIC_ETL_NOTEBOOK", str(path))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.chdir(ROOT)
    return path


def execute(notebook: Path, outputs: Path, *texts: str, timeout: float = 5) -> Path:
    executed = notebook.with_name("executed.ipynb")
    folder = {"folder": str(notebook.parent), "outputs_dir": str(outputs)}
    parameters = {"texts": list(texts), "timeout": timeout, **folder}
    papermill.execute_notebook(
        str(notebook), str(executed), parameters=parameters, kernel_name="python3", progress_bar=False
    )
    return executed


def kernels_and_workers() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


def workers() -> Iterator[psutil.Process]:
    for process in kernels_and_workers():
        try:
            if "stagekit.workers.main" in process.cmdline():
                yield process
        except psutil.Error:
            continue


def runs(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def rows(executed: Path, outputs: Path, product: str) -> list[dict[str, Any]]:
    [ref] = artifact_refs(read_scraps(executed)[product])
    return decode_rows(ArtifactStore(outputs / "artifacts").read_table(ref))


@pytest.mark.filterwarnings("default")
def test_a_stage_survives_documents_that_crash_or_hang_in_a_papermill_kernel(
    notebook: Path, outputs: Path
) -> None:
    executed = execute(notebook, outputs, "fine", "segfault", "child", "chatter", "good")
    found = rows(executed, outputs, "shouted")
    assert [row["status"] for row in found] == ["ok", "failed", "rejected", "ok", "ok"]
    assert [row["category"] for row in found[1:3]] == ["converter_crashed", "timed_out"]
    assert stage_result(executed).status == "partial"
    assert "chatter on" not in executed.read_text()
    assert not any(runs(process) for process in workers())


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_kernel_that_is_interrupted_or_killed_leaves_no_worker(
    notebook: Path, outputs: Path, number: signal.Signals
) -> None:
    family: list[psutil.Process] = []

    def strike() -> None:
        child = notebook.parent / "child"
        deadline = time.monotonic() + 60
        while not (child.exists() and child.read_text()) and time.monotonic() < deadline:
            time.sleep(0.02)  # it exists before its number stands in it
        found = list(workers())
        kernel = found[0].parent()
        family.extend([*found, psutil.Process(int(child.read_text()))])
        assert kernel is not None
        os.kill(kernel.pid, number)

    thread = threading.Thread(target=strike)
    thread.start()
    with pytest.raises(Exception, match="KeyboardInterrupt|[Kk]ernel died"):
        execute(notebook, outputs, "child", "sleep", timeout=300)
    thread.join()
    deadline = time.monotonic() + 2
    assert len(family) >= 2
    while any(runs(process) for process in family):
        assert time.monotonic() < deadline, family
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_the_real_stage_gives_with_other_workers_what_the_run_gave_and_imports_no_docling(
    first: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    source = ROOT / "stage_notebooks" / "02_document_processing.ipynb"
    content = nbformat.read(source, as_version=4)
    content.cells.append(
        new_code_cell("import sys; assert not {'docling', 'torch', 'cv2'} & set(sys.modules)")
    )
    copy, executed, outputs = (tmp_path / name for name in (source.name, "executed.ipynb", "outputs"))
    nbformat.write(content, copy)
    shutil.copytree(first.place.outputs / "artifacts", outputs / "artifacts")
    notebooks = latest_notebooks(first.place.outputs)
    parameters = {
        "upstream": {"gitlab_ingestion": str(notebooks["gitlab_ingestion"])},
        "outputs_dir": str(outputs),
        "workers": 2 if os.cpu_count() == 1 else 1,  # the run had one a core
    }
    papermill.execute_notebook(
        str(copy), str(executed), parameters=parameters, kernel_name="python3", progress_bar=False
    )
    assert stage_result(executed).unchanged_count == 0
    of_the_moment = {"seconds": 0.0, "produced_at": "", "memo_key": ""}
    made, known = (
        [row | of_the_moment for row in rows(notebook, folder, "processed")]
        for notebook, folder in (
            (executed, outputs),
            (notebooks["document_processing"], first.place.outputs),
        )
    )
    assert made == known
