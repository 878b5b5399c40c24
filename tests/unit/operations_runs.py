"""Runs of a small stage through the real stage API, without kernels: for the tests of the operations."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from runner.models import Checkpoint, ExecutionMode, ExecutionStatus, PipelineState, now
from runner.record.state_manager import StateManager
from stagekit import DocumentOutput, DocumentRejected, open_stage
from stagekit.base.files import sha256_file
from stagekit.base.paths import source_notebook as stage_source
from stagekit.contract import SCRAP_MIME, stage_result
from tests.unit.core_notebooks import executed_notebook, front_end, source_notebook

Row = dict[str, Any]


class Shouting:
    """A stage `shout` whose runs are recorded as the runner does it; counts the documents in work.

    A text that begins with "locked" is rejected, one that begins with "crash" fails.
    """

    def __init__(self, folder: Path, setenv: Callable[[str, str], None]) -> None:
        self._folder = folder
        self.manager = StateManager(folder / "outputs")
        self.worked: list[str] = []
        self.notebook = source_notebook(folder / "02_shout.ipynb", ("parameters", "size = 1"), ("", "run()"))
        setenv("NIC_ETL_NOTEBOOK", str(self.notebook))
        assert stage_source("shout") == self.notebook

    def run(self, texts: dict[str, str], **changes: Any) -> PipelineState:
        """Run the stage over documents given as path -> text, and record the run."""
        manager = self.manager
        state = manager.new_run(ExecutionMode.FULL, {"outputs_dir": str(manager.outputs)}, "hash")
        manager.audit("run_started", {"execution_id": state.execution_id, "mode": "full"})
        notebook = manager.run_dir(state.execution_id) / "02_shout.ipynb"
        executed_notebook(notebook, self._scraps(texts))
        result = stage_result(notebook)
        state.stages["shout"] = Checkpoint(
            stage="shout",
            status=result.status,
            notebook=manager.relative(notebook),
            notebook_sha256=sha256_file(notebook),
            fingerprint={"input": str(sorted(texts.items()))},
            result=result,
        )
        state.status, state.end_timestamp = ExecutionStatus.SUCCESS, now()
        for name, value in changes.items():
            setattr(state, name, value)
        manager.save_checkpoint(state)
        manager.set_latest(notebook)
        manager.audit("run_finished", {"execution_id": state.execution_id})
        return state

    def manifest(self, state: PipelineState) -> str:
        """Return the sha256 of the manifest that a run has made."""
        result = state.stages["shout"].result
        assert result is not None
        return result.artifacts["shouted"].sha256

    def _scraps(self, texts: dict[str, str]) -> dict[str, Any]:
        umask = os.umask(0o077)
        try:
            with front_end(self._folder) as shown:
                self._execute(texts)
        finally:
            os.umask(umask)
        found = [message["data"][SCRAP_MIME] for message in shown if SCRAP_MIME in message["data"]]
        return {scrap["name"]: scrap["data"] for scrap in found}

    def _execute(self, texts: dict[str, str]) -> None:
        stage = open_stage("shout", outputs_dir=str(self.manager.outputs), max_failure_rate=1)
        rows = [{"document_id": f"id of {path}", "path": path, "text": text} for path, text in texts.items()]
        outcomes = stage.map_documents(
            rows,
            self._shout,
            key=lambda row: row["text"],
            carry=lambda row: {"source": {"path": row["path"], "text": row["text"]}, "age": 7},
            keep_last_good=True,
        )
        stage.glue_documents("shouted", outcomes)
        stage.glue_table("ignored", [{"path": "x.tmp"}])
        stage.glue_json("source_snapshot", {"commit": "c0ffee", "counts": {"files": 2}})
        stage.metric("embedding_model", "toy@1")
        stage.finish()

    def _shout(self, row: Row) -> DocumentOutput:
        text = row["text"]
        self.worked.append(row["path"])
        if text.startswith("locked"):
            raise DocumentRejected("encrypted", "it has a password", "upload it without one")
        if text.startswith("crash"):
            raise RuntimeError("the converter gave up")
        fields = {"title": None, "length": len(text), "words": text.split(), "share": 0.5}
        return DocumentOutput(fields, blobs={"loud": (text.upper().encode(), "text/plain")})
