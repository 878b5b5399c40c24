"""Notebooks, and what their readers see, without a kernel: for the tests of stagekit and the runner."""

from __future__ import annotations

import ast
import json
import types
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from runner.models import Checkpoint, ExecutionMode, PipelineState
from runner.record.hooks import EndedRun
from runner.record.report_generator import RunRows, summarize
from runner.record.state_manager import StateManager
from stagekit.artifacts.store import ArtifactStore
from stagekit.artifacts.tables import encode_rows
from stagekit.base.files import sha256_file
from stagekit.contract import SCRAP_MIME, STAGE_RESULT, ExecutionStatus, StageResult

START = "2026-03-01T12:00:00Z"


@contextmanager
def front_end(folder: Path) -> Iterator[list[dict[str, Any]]]:
    """An IPython shell, as in a kernel; yields the display messages that it would send."""
    config = Config()
    config.HistoryManager.enabled = False
    shell = InteractiveShell.instance(
        config=config, ipython_dir=str(folder / "ipython"), user_module=types.ModuleType("front_end")
    )
    shell.display_pub = CapturingDisplayPublisher(parent=shell)
    try:
        yield shell.display_pub.outputs
    finally:
        InteractiveShell.clear_instance()


def printed_scraps(text: str) -> dict[str, Any]:
    """The scraps in what IPython printed where no front end listens."""
    shown = [ast.literal_eval(line) for line in text.splitlines() if line.startswith("{")]
    return {item[SCRAP_MIME]["name"]: item[SCRAP_MIME]["data"] for item in shown if SCRAP_MIME in item}


def executed_notebook(path: Path, scraps: Mapping[str, Any]) -> Path:
    """Write an executed notebook that holds these scraps, one cell each."""
    cells = [
        {
            "id": f"cell-{number}",
            "cell_type": "code",
            "metadata": {},
            "source": "",
            "execution_count": None,
            "outputs": [
                {"output_type": "display_data", "metadata": {}, "data": {SCRAP_MIME: scrap(name, data)}}
            ],
        }
        for number, (name, data) in enumerate(scraps.items())
    ]
    return _write(path, cells)


def scrap(name: str, data: Any) -> dict[str, Any]:
    return {"name": name, "data": data, "encoder": "json", "version": 1}


def source_notebook(path: Path, *cells: tuple[str, str]) -> Path:
    """Write a notebook of code cells, each given as (tag, source)."""
    listed = [
        {
            "id": f"cell-{number}",
            "cell_type": "code",
            "metadata": {"tags": [tag]} if tag else {},
            "source": code,
            "outputs": [],
            "execution_count": None,
        }
        for number, (tag, code) in enumerate(cells)
    ]
    return _write(path, listed)


def _write(path: Path, cells: list[dict[str, Any]]) -> Path:
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    content = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def record_stage(
    manager: StateManager,
    state: PipelineState,
    stage: str,
    *,
    status: ExecutionStatus = ExecutionStatus.SUCCESS,
    notebook: str = "",
    products: Mapping[str, Sequence[dict[str, Any]]] | None = None,
    fingerprint: dict[str, str] | None = None,
    **result: Any,
) -> Checkpoint:
    """Record a stage as a run does when its notebook has ended: products, notebook, checkpoint."""
    store = ArtifactStore(manager.outputs / "artifacts")
    refs = {name: store.put_table(name, encode_rows(rows)) for name, rows in (products or {}).items()}
    made = StageResult(
        stage_name=stage, status=status, start_time=START, end_time=START, artifacts=refs, **result
    )
    scraps = {name: ref.model_dump(mode="json") for name, ref in refs.items()}
    path = executed_notebook(
        manager.run_dir(state.execution_id) / (notebook or f"01_{stage}.ipynb"),
        scraps | {STAGE_RESULT: made.model_dump(mode="json")},
    )
    checkpoint = Checkpoint(
        stage=stage,
        status=status,
        notebook=manager.relative(path),
        notebook_sha256=sha256_file(path),
        fingerprint=fingerprint or {},
        seconds=1.5,
        result=made,
    )
    state.stages[stage] = checkpoint
    manager.save_checkpoint(state)
    return checkpoint


def record_run(
    manager: StateManager, status: ExecutionStatus = ExecutionStatus.SUCCESS, **changes: Any
) -> PipelineState:
    """Record a run without stages that has come to its end."""
    state = manager.new_run(ExecutionMode.FULL, {}, "")
    for name, value in changes.items():
        setattr(state, name, value)
    state.status = status
    if status is not ExecutionStatus.RUNNING:
        state.end_timestamp = state.start_timestamp
    manager.save_checkpoint(state)
    return state


def ended(manager: StateManager, state: PipelineState) -> EndedRun:
    """Return a recorded run as its hooks meet it."""
    rows = RunRows(manager, state)
    return EndedRun(manager, state, rows, summarize(manager, state, rows))
