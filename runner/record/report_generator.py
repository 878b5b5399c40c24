"""What a run came to, in numbers and in words: read from the artifacts, so that no file can vanish."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.errors import StateManagementError
from stagekit.artifacts.manifest import require_rows
from stagekit.artifacts.rows import Rows, require_columns
from stagekit.artifacts.tables import decode_rows
from stagekit.contract import ExecutionStatus, artifact_refs, read_scraps
from stagekit.errors import StageError

if TYPE_CHECKING:
    import pyarrow as pa

    from runner.models import Checkpoint, PipelineState
    from runner.record.state_manager import StateManager
    from stagekit.contract import ArtifactRef, StageResult

Row = dict[str, Any]
MANIFESTS = (
    ("gitlab_ingestion", "documents"),
    ("document_processing", "processed"),
    ("text_chunking", "chunks"),
    ("embedding_generation", "embeddings"),
    ("metadata_enrichment", "payloads"),
)
DOCUMENT_COUNTS = ("ok", "rejected", "failed", "stale", "ignored")
_OUTCOME = ("path", "status", "category", "message", "remedy")
_WORST = {"failed": 0, "rejected": 1, "stale": 2, "ok": 3}


class RunRows:
    """The manifests of one run; each is read once, however many ask for it."""

    def __init__(self, manager: StateManager, state: PipelineState) -> None:
        self._manager = manager
        self._state = state
        self._whole: dict[tuple[str, str], list[Row]] = {}
        self._parts: dict[tuple[str, ...], Rows] = {}

    def __call__(self, stage: str, product: str) -> list[Row]:
        """Return the rows of a product; none where the stage did not come so far."""
        if (stage, product) not in self._whole:
            checkpoint = self._state.stages.get(stage)
            rows = manifest_rows(self._manager, checkpoint, product) if checkpoint else []
            self._whole[stage, product] = rows
        return self._whole[stage, product]

    def columns(self, stage: str, product: str, *names: str) -> Rows:
        """Return some columns of a product, which may have 100,000 rows."""
        key = (stage, product, *names)
        if key not in self._parts:
            checkpoint = self._state.stages.get(stage)
            found = manifest_columns(self._manager, checkpoint, product, names) if checkpoint else Rows.of([])
            self._parts[key] = found
        return self._parts[key]

    @cached_property
    def worst(self) -> dict[str, tuple[str, int, int]]:
        """The worst status of each document by path, and where it stands: manifest and row."""
        found: dict[str, tuple[str, int, int]] = {}
        for stage, (name, product) in enumerate(MANIFESTS):
            rows = self.columns(name, product, *_OUTCOME)
            outcomes = zip(rows.column("path"), rows.column("status"), strict=True)
            for place, (path, status) in enumerate(outcomes):
                known = found.get(path)
                if known is None or _WORST[status] < _WORST[known[0]]:
                    found[path] = (status, stage, place)
        return found


def document_counts(
    manager: StateManager, state: PipelineState, rows: RunRows | None = None
) -> dict[str, int]:
    """Return how many documents of a run are ok, rejected, failed and stale, and how many files none."""
    rows = rows or RunRows(manager, state)
    statuses = Counter(status for status, _, _ in rows.worst.values())
    statuses["ignored"] = len(ignored_files(manager, state, rows))
    return {name: statuses[name] for name in DOCUMENT_COUNTS}


def run_before(manager: StateManager, state: PipelineState) -> PipelineState | None:
    """Return the run before, where this one carried over the very notebooks that it had; None otherwise.

    What was told of that run holds for this one too: reading it from the manifests again would take longer
    than all else that a run with nothing to do does.
    """
    if not state.stages or not all(done.carried_from for done in state.stages.values()):
        return None
    before = [name for name in manager.execution_ids() if name < state.execution_id]
    try:
        former = manager.load_checkpoint(before[-1])
    except (IndexError, StateManagementError):
        return None
    ours, theirs = ({n: done.notebook_sha256 for n, done in run.stages.items()} for run in (state, former))
    return former if ours == theirs else None


def carried_counts(manager: StateManager, state: PipelineState) -> dict[str, int] | None:
    """Return the counts of the run before, where they are carried over; None if there are none."""
    former = run_before(manager, state)
    return former.documents if former and set(DOCUMENT_COUNTS) <= former.documents.keys() else None


def summarize(
    manager: StateManager,
    state: PipelineState,
    rows: RunRows | None = None,
    *,
    counts: dict[str, int] | None = None,
) -> Row:
    """Return the summary of a run, as ``nic-etl run --json`` prints it.

    Args:
        manager: of the outputs folder.
        state: of the run.
        rows: its manifests, if somebody has read them before.
        counts: what :func:`document_counts` returns, if somebody knows that.
    """
    if counts is None:
        counts = document_counts(manager, state, rows)
    results = state.stage_results
    points, deleted = _stored(state.stages.get("qdrant_storage"))
    processing = results.get("document_processing")
    carried = "document_processing" in state.stages and state.stages["document_processing"].carried_from
    unchanged = processing.unchanged_count if processing else 0
    return {
        "execution_id": state.execution_id,
        "status": str(state.status),
        "documents": {
            **{name: counts[name] for name in DOCUMENT_COUNTS},
            "unchanged": counts["ok"] if carried else unchanged,
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
        "duration_seconds": None if state.seconds is None else round(state.seconds, 3),
        **({"error": state.error} if state.error else {}),
    }


def known_figures(summary: Row, state: PipelineState) -> Row:
    """Return the summary of a run of some stages only, with None for what the others would tell.

    Args:
        summary: what :func:`summarize` returns, for which a stage that is not there has counted nothing.
        state: of the run.
    """
    tellers = {"ignored": {"gitlab_ingestion"}, "unchanged": {"document_processing"}}
    tellers["deleted"] = {"qdrant_storage"}
    anyone = {name for name, _ in MANIFESTS}
    done = set(state.stages)
    documents = {
        name: count if tellers.get(name, anyone) & done else None
        for name, count in summary["documents"].items()
    }
    points = {name: count if "qdrant_storage" in done else None for name, count in summary["points"].items()}
    return summary | {"documents": documents, "points": points}


def summary_text(summary: Row, error: str = "") -> str:
    """Return the summary of a run as text of a few lines.

    Args:
        summary: what :func:`summarize` returns, with ``warnings`` if there are any.
        error: why the run ended early.
    """
    took = f" in {summary['duration_seconds']:.1f} s" if summary["duration_seconds"] is not None else ""
    lines = [f"Run {summary['execution_id']}: {summary['status']}{took}"]
    for what in ("documents", "points"):
        counts = ", ".join(f"{count:,} {name}" for name, count in summary[what].items() if count)
        lines.append(f"{what.capitalize()}: {counts or 'none'}")
    lines += [f"  {one['name']}: {one['status']}, {one['seconds']:.1f} s" for one in summary["stages"]]
    lines += [f"Warning: {warning}" for warning in summary.get("warnings", [])]
    return "\n".join([*lines, f"Error: {error}"] if error else lines)


def _stored(checkpoint: Checkpoint | None) -> tuple[Row, int]:
    if checkpoint is None or checkpoint.result is None:
        return {}, 0
    points = point_counts(checkpoint.result)
    if checkpoint.carried_from:  # the figures are those of the run that wrote them
        return {"total": points.get("total", 0), "unchanged": points.get("total", 0)}, 0
    deleted = checkpoint.result.metrics.get("documents_deleted")
    return points, deleted if isinstance(deleted, int) else 0


def point_counts(result: StageResult) -> dict[str, int]:
    """Return the figures of the collection that the last stage told: total, upserted, unchanged, deleted."""
    points = result.metrics.get("points")  # as they came out of a notebook: nobody has checked metrics
    pairs = points.items() if isinstance(points, dict) else ()
    return {name: count for name, count in pairs if isinstance(count, int)}


def document_outcomes(
    manager: StateManager, state: PipelineState, rows: RunRows | None = None, *, only_bad: bool = False
) -> list[Row]:
    """Return one row a document: path, status and, where it is not ok, stage, category, message, remedy.

    Args:
        manager: of the outputs folder.
        state: of the run.
        rows: its manifests, if somebody has read them before.
        only_bad: leave the documents out that are ok.
    """
    read = rows or RunRows(manager, state)
    found = []
    for status, stage, place in read.worst.values():
        if status != "ok" or not only_bad:
            row = read.columns(*MANIFESTS[stage], *_OUTCOME)[place]
            found.append({name: row.get(name) for name in _OUTCOME} | {"stage": MANIFESTS[stage][0]})
    return sorted(found, key=lambda row: (_WORST[row["status"]], row["path"]))


def ignored_files(manager: StateManager, state: PipelineState, rows: RunRows | None = None) -> list[Row]:
    """Return the files that are no documents of this run: path and reason."""
    read = rows or RunRows(manager, state)
    return sorted(read("gitlab_ingestion", "ignored"), key=lambda row: str(row["path"]))


def manifest_rows(manager: StateManager, checkpoint: Checkpoint, product: str) -> list[Row]:
    """Return the rows of a product that a stage glued; none where it broke off before."""
    try:
        table = _table(manager, checkpoint, product)
        rows = decode_rows(table) if table is not None else []
        require_rows(rows)
    except StageError:
        return []
    return rows


def manifest_columns(
    manager: StateManager, checkpoint: Checkpoint, product: str, names: Sequence[str]
) -> Rows:
    """Return some columns of a manifest that a stage glued; no rows where it broke off before."""
    try:
        table = _table(manager, checkpoint, product, names)
        if table is None:
            return Rows.of([])
        require_columns(table)
        rows = Rows(table)
        for name in names:
            rows.column(name)  # what is no JSON shows here
    except StageError:
        return Rows.of([])
    return rows


def _table(
    manager: StateManager, checkpoint: Checkpoint, product: str, names: Sequence[str] | None = None
) -> pa.Table | None:
    if not checkpoint.notebook or checkpoint.status in {ExecutionStatus.CANCELLED, ExecutionStatus.PENDING}:
        return None
    notebook: Path = manager.absolute(checkpoint.notebook)
    refs: list[ArtifactRef] = artifact_refs(read_scraps(notebook).get(product))
    return manager.store.read_table(refs[0], names) if refs else None


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
    figures |= {name: value for name, value in result.metrics.items() if isinstance(value, int | float | str)}
    figures |= {"documents ok": result.success_count, "documents failed": result.failure_count}
    for ref in artifact_refs([ref.model_dump() for ref in result.artifacts.values()]):
        figures[f"{ref.name} sha256"] = ref.sha256[:12]
    return figures
