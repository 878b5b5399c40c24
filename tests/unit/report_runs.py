"""Recorded runs of the whole chain, for the tests of the report, and a page as a browser reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pyarrow as pa

from runner.models import Checkpoint, ExecutionMode, ExecutionStatus, PipelineState
from runner.record.state_manager import StateManager
from tests.unit.core_notebooks import record_stage

BEGIN = datetime(2026, 3, 1, 12, tzinfo=UTC)
_VOID = {"meta", "br", "wbr", "link", "img", "input", "hr"}
Row = dict[str, Any]


def record_chain(
    manager: StateManager,
    documents: Mapping[str, str],
    *,
    status: ExecutionStatus = ExecutionStatus.SUCCESS,
    outcomes: Mapping[str, Row] | None = None,
    upto: str = "qdrant_storage",
    seconds: float = 60.0,
    mode: ExecutionMode = ExecutionMode.FULL,
    settings: Row | None = None,
) -> PipelineState:
    """Record a run as the runner does, of documents given as path -> content.

    Args:
        manager: of the outputs folder.
        documents: what the source holds.
        status: of the run.
        outcomes: by path, columns of the row of document_processing.
        upto: the last stage that was executed.
        seconds: that the run took.
        mode: of the run.
        settings: of the configuration.
    """
    config = {"chunk_size": 250, "min_confidence_threshold": 0.8} | (settings or {})
    state = manager.new_run(mode, config, "c" * 64)
    state.start_timestamp = BEGIN
    listing = [_row(path, blob_id=content) for path, content in documents.items()]
    processed = [_processed(path, (outcomes or {}).get(path, {})) for path in documents]
    usable = [row for row in processed if row["status"] in {"ok", "stale"}]
    chunks = [_chunked(manager, row["path"]) for row in usable]
    payloads = [_described(row["path"]) for row in usable]
    points = {"total": 2 * len(usable), "upserted": 2 * len(usable), "unchanged": 0, "deleted": 0}
    counts = {
        "success_count": sum(row["status"] == "ok" for row in processed),
        "rejected_count": sum(row["status"] == "rejected" for row in processed),
        "failure_count": sum(row["status"] == "failed" for row in processed),
        "stale_count": sum(row["status"] == "stale" for row in processed),
        "input_count": len(processed),
    }
    served: Row = {"success_count": len(usable), "input_count": len(usable)}
    stages: list[tuple[str, dict[str, Sequence[Row]], Row]] = [
        ("gitlab_ingestion", {"documents": listing, "ignored": [{"path": "x.csv", "reason": "type .csv"}]},
         {"success_count": len(listing), "input_count": len(listing)}),
        ("document_processing", {"processed": processed}, counts),
        ("text_chunking", {"chunks": chunks}, served),
        ("embedding_generation", {"embeddings": [_row(row["path"]) for row in usable]}, served),
        ("metadata_enrichment", {"payloads": payloads},
         served | {"metrics": {"metadata_completeness": 0.5}}),
        ("qdrant_storage", {}, served | {"metrics": {"points": points, "documents_deleted": 0}}),
    ]  # fmt: skip
    for number, (name, products, result) in enumerate(stages, 1):
        checkpoint = record_stage(
            manager, state, name, notebook=f"{number:02}_{name}.ipynb", products=products, **result
        )
        checkpoint.peak_memory_mb = 100.0 * number
        _tell_events(manager, state, name, number, len(documents))
        if name == upto:
            break
    state.status = status
    state.end_timestamp = BEGIN + timedelta(seconds=seconds)
    manager.save_checkpoint(state)
    return state


def record_nothing_changed(manager: StateManager, before: PipelineState) -> PipelineState:
    """Record a run that carried every stage over."""
    state = manager.new_run(ExecutionMode.FULL, before.pipeline_config, before.config_hash)
    state.stages = {
        name: checkpoint.model_copy(
            update={"status": ExecutionStatus.SKIPPED, "carried_from": before.execution_id, "seconds": 0.0}
        )
        for name, checkpoint in before.stages.items()
    }
    state.status = ExecutionStatus.SUCCESS
    state.end_timestamp = state.start_timestamp + timedelta(seconds=0.3)
    manager.save_checkpoint(state)
    return state


def fail_stage(
    manager: StateManager, state: PipelineState, name: str, error: str, cells: Sequence[Row] = ()
) -> None:
    """Let the last stage of a run break off; `cells` replace those of its notebook."""
    notebook = manager.absolute(state.stages[name].notebook)
    if cells:
        notebook.write_text(json.dumps({"cells": list(cells), "metadata": {}}))
    state.stages[name] = Checkpoint(
        stage=name, status=ExecutionStatus.FAILED, notebook=manager.relative(notebook), error=error
    )
    state.status, state.error = ExecutionStatus.FAILED, f"{error} To continue: `nic-etl resume`."
    manager.save_checkpoint(state)


def event_line(kind: str, stage: str = "", at: float = 0.0, **data: Any) -> str:
    """A line of events.jsonl; `at` is in seconds since the run's start."""
    return json.dumps({"at": BEGIN.timestamp() + at, "kind": kind, "stage": stage, **data}) + "\n"


def _tell_events(manager: StateManager, state: PipelineState, name: str, number: int, total: int) -> None:
    lines = [event_line("run_started")] if number == 1 else []
    lines.append(event_line("stage_started", name, number, reasons=["it has not been executed yet"]))
    lines += [
        event_line("documents", name, number + done / 10, done=done, total=total) for done in range(total + 1)
    ]
    with (manager.run_dir(state.execution_id) / "events.jsonl").open("a") as file:
        file.writelines(lines)


def _row(path: str, **more: Any) -> Row:
    reason = dict.fromkeys(("category", "message", "remedy"))
    return {"path": path, "document_id": path, "status": "ok", **reason, "memo_key": path, **more}


def _processed(path: str, outcome: Row) -> Row:
    made = {
        "file_format": path.rpartition(".")[2],
        "confidence": 0.95,
        "pages": 3 if path.endswith(".pdf") else None,
        "ocr_applied": False,
        "quality_verdict": "pass",
        "worst_page_coverage": None,
        "warnings": [],
        "seconds": 1.0,
        "produced_at": (BEGIN + timedelta(seconds=20)).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    return _row(path) | made | outcome


def _chunked(manager: StateManager, path: str) -> Row:
    ref = manager.store.put_table("chunks", pa.table({"token_count": [100, 240]}))
    return _row(path, chunks=ref.model_dump(mode="json"), chunk_count=2, chunk_tokens=[100, 240])


def _described(path: str) -> Row:
    return _row(
        path, language="pt-BR", document_type="policy", filled=["author"], validation_warnings=["no approver"]
    )


class Page(HTMLParser):
    """A parsed page: its text, its links, and what is wrong with its nesting."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.tags: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.faults: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        self.faults += [f"<{name}> is not closed" for name in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        self.links += [value or "" for name, value in attrs if name in {"href", "src"} and tag != "use"]
        self.ids += [value or "" for name, value in attrs if name == "id"]
        self.text += "\n" if tag == "br" else ""
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1] != tag:
            self.faults.append(f"</{tag}> closes {self._open[-1:]}")
        else:
            self._open.pop()
        if tag in {"td", "th", "li", "p", "h1", "h2", "h3", "summary"}:
            self.text += "\n"

    def handle_data(self, data: str) -> None:
        if self._open[-1:] != ["style"]:
            self.text += data

    @property
    def words(self) -> str:
        """The text with single spaces."""
        return " ".join(self.text.split())
