"""What a run came to, in numbers and in words: read from the artifacts, so that no file can vanish."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from runner.models import Checkpoint, PipelineState
from runner.state_manager import StateManager
from stagekit.contract import ArtifactRef, ExecutionStatus, artifact_refs, read_scraps
from stagekit.errors import StageError
from stagekit.tables import decode_rows

__all__ = [
    "MANIFESTS",
    "RunRows",
    "compare_stage",
    "document_outcomes",
    "ignored_files",
    "manifest_rows",
    "summarize",
]

Row = dict[str, Any]
MANIFESTS = (
    ("gitlab_ingestion", "documents"),
    ("document_processing", "processed"),
    ("text_chunking", "chunks"),
    ("embedding_generation", "embeddings"),
    ("metadata_enrichment", "payloads"),
)
_WORST = {"failed": 0, "rejected": 1, "stale": 2, "ok": 3}


class RunRows:
    """The manifests of one run; each is read once, however many ask for it."""

    def __init__(self, manager: StateManager, state: PipelineState) -> None:
        self._manager = manager
        self._state = state
        self._read: dict[tuple[str, str], list[Row]] = {}

    def __call__(self, stage: str, product: str) -> list[Row]:
        """Return the rows of a product; none where the stage did not come so far."""
        if (stage, product) not in self._read:
            self._read[stage, product] = _rows(self._manager, self._state, stage, product)
        return self._read[stage, product]


def summarize(manager: StateManager, state: PipelineState, rows: RunRows | None = None) -> Row:
    """Return the summary of a run, as ``nic-etl run --json`` prints it."""
    rows = rows or RunRows(manager, state)
    outcomes = document_outcomes(manager, state, rows)
    results = state.stage_results
    points, deleted = _stored(state.stages.get("qdrant_storage"))
    processing = results.get("document_processing")
    carried = "document_processing" in state.stages and state.stages["document_processing"].carried_from
    statuses = [row["status"] for row in outcomes]
    unchanged = processing.unchanged_count if processing else 0
    end = state.end_timestamp
    return {
        "execution_id": state.execution_id,
        "status": str(state.status),
        "documents": {
            "ok": statuses.count("ok"),
            "rejected": statuses.count("rejected"),
            "failed": statuses.count("failed"),
            "stale": statuses.count("stale"),
            "ignored": len(ignored_files(manager, state, rows)),
            "unchanged": statuses.count("ok") if carried else unchanged,
            "deleted": deleted,
        },
        "points": {name: points.get(name, 0) for name in ("total", "upserted", "unchanged", "deleted")},
        "stages": [
            {
                "name": name,
                "status": str(checkpoint.status),
                "seconds": checkpoint.seconds,
                "executed_notebook": str(manager.absolute(checkpoint.notebook))
                if checkpoint.notebook
                else "",
            }
            for name, checkpoint in state.stages.items()
        ],
        "duration_seconds": round((end - state.start_timestamp).total_seconds(), 3) if end else None,
    }


def _stored(checkpoint: Checkpoint | None) -> tuple[Row, int]:
    if checkpoint is None or checkpoint.result is None:
        return {}, 0
    metrics = checkpoint.result.metrics
    points: Row = dict(metrics.get("points", {}))
    if checkpoint.carried_from:  # the figures are those of the run that wrote them
        return {"total": points.get("total", 0), "unchanged": points.get("total", 0)}, 0
    return points, int(metrics.get("documents_deleted", 0))


def document_outcomes(manager: StateManager, state: PipelineState, rows: RunRows | None = None) -> list[Row]:
    """Return one row a document: path, status and, where it is not ok, stage, category, message, remedy."""
    read = rows or RunRows(manager, state)
    found: dict[str, Row] = {}
    for stage, product in MANIFESTS:
        for row in read(stage, product):
            known = found.get(row["path"])
            if known is None or _WORST[row["status"]] < _WORST[known["status"]]:
                names = ("path", "status", "category", "message", "remedy")
                found[row["path"]] = {name: row.get(name) for name in names} | {"stage": stage}
    return sorted(found.values(), key=lambda row: (_WORST[row["status"]], row["path"]))


def ignored_files(manager: StateManager, state: PipelineState, rows: RunRows | None = None) -> list[Row]:
    """Return the files that are no documents of this run: path and reason."""
    read = rows or RunRows(manager, state)
    return sorted(read("gitlab_ingestion", "ignored"), key=lambda row: str(row["path"]))


def manifest_rows(manager: StateManager, checkpoint: Checkpoint, product: str) -> list[Row]:
    """Return the rows of a product that a stage glued; none where it broke off before."""
    if not checkpoint.notebook or checkpoint.status in {ExecutionStatus.CANCELLED, ExecutionStatus.PENDING}:
        return []
    notebook: Path = manager.absolute(checkpoint.notebook)
    try:
        refs: list[ArtifactRef] = artifact_refs(read_scraps(notebook).get(product))
        return decode_rows(manager.store.read_table(refs[0])) if refs else []
    except StageError:
        return []


def compare_stage(before: Checkpoint, after: Checkpoint) -> list[Row]:
    """Return what differs between two executions of a stage: figure, before, after."""
    old, new = _figures(before), _figures(after)
    return [
        {"figure": name, "before": old.get(name), "after": new.get(name)}
        for name in dict.fromkeys([*old, *new])
        if old.get(name) != new.get(name)
    ]


def _figures(checkpoint: Checkpoint) -> Row:
    result = checkpoint.result
    if result is None:
        return {}
    figures: Row = {f"parameter {name}": value for name, value in result.parameters.items()}
    figures |= {name: value for name, value in result.metrics.items() if isinstance(value, int | str)}
    figures |= {"documents ok": result.success_count, "documents failed": result.failure_count}
    for ref in artifact_refs([ref.model_dump() for ref in result.artifacts.values()]):
        figures[f"{ref.name} sha256"] = ref.sha256[:12]
    return figures


def _rows(manager: StateManager, state: PipelineState, stage: str, product: str) -> list[Row]:
    checkpoint = state.stages.get(stage)
    return manifest_rows(manager, checkpoint, product) if checkpoint else []
