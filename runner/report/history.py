"""What the report says of earlier runs: the one to compare with, what differs, and the trend of the last."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from runner.errors import StateManagementError
from runner.models import ExecutionMode
from runner.record.report_generator import DOCUMENT_COUNTS, compare_stage, run_before
from runner.report.model import Figure, RunReport, TrendRun
from runner.wording import stored
from stagekit.base.plain_json import parse_json

if TYPE_CHECKING:
    from runner.models import PipelineState
    from runner.record.state_manager import StateManager

HTML_NAME = "report.html"
JSON_NAME = "report.json"
_RUNS = 20
_LOOKED_AT = 50  # runs before this one among which a comparable one is looked for
_WHOLE = {"success", "partial"}
_NOISE = 0.2  # share by which time and memory differ between equal runs
_ENOUGH = 5  # earlier durations before a run is called slow or fast

Row = dict[str, Any]


def comparable_run(manager: StateManager, state: PipelineState) -> PipelineState | None:
    """Return the newest earlier run that came to its end and has every stage of this one.

    A trial (mode ``test``) is compared with trials only: it writes into a collection of its own.
    """
    for record in _earlier(manager, state.execution_id):
        trial = record.get("mode") == ExecutionMode.TEST
        if record.get("status") not in _WHOLE or trial is not (state.mode is ExecutionMode.TEST):
            continue
        if set(state.stages) <= set(record.get("stages") or {}):
            try:
                return manager.load_checkpoint(str(record["execution_id"]))
            except StateManagementError:
                continue
    return None


def carried_report(manager: StateManager, state: PipelineState) -> RunReport | None:
    """Return the report of the run before, where what it says of documents is carried over."""
    former = run_before(manager, state)
    try:
        text = (manager.run_dir(former.execution_id) / JSON_NAME).read_bytes() if former else b""
        report = RunReport.model_validate_json(text)
    except (OSError, ValidationError):
        return None
    ours = {name: done.notebook_sha256 for name, done in state.stages.items()}
    counted = set(DOCUMENT_COUNTS) <= report.documents.keys()
    return report if counted and report.notebooks == ours and not report.gaps else None


def differing_figures(before: PipelineState, state: PipelineState) -> list[Figure]:
    """Return the figures of the stages that are not as in the earlier run, the time of each stage among them.

    Digests of products are left out: a reader learns nothing from them.
    """
    figures = []
    for name, checkpoint in state.stages.items():
        former = before.stages.get(name)
        if former is None or checkpoint.result is None or checkpoint.carried_from == before.execution_id:
            continue
        rows = [row for row in compare_stage(former, checkpoint) if not row["figure"].endswith(" sha256")]
        if not (checkpoint.carried_from or former.carried_from):
            rows += _change("seconds", former.seconds, checkpoint.seconds)
            rows += _change("peak memory, MB", former.peak_memory_mb, checkpoint.peak_memory_mb)
        figures += [Figure(**row | {"figure": f"{name}: {row['figure']}"}) for row in rows]
    return figures


def _change(figure: str, before: float, after: float) -> list[Row]:
    if abs(after - before) <= _NOISE * max(before, after):
        return []
    return [{"figure": figure, "before": round(before, 1), "after": round(after, 1)}]


def trend(manager: StateManager, state: PipelineState) -> list[TrendRun]:
    """Return the last runs up to this one, oldest first, each from its own record; none that is damaged."""
    runs = [_trend_run(manager, json.loads(state.model_dump_json()), own=True)]
    for record in _earlier(manager, state.execution_id):
        if len(runs) == _RUNS:
            break
        try:
            runs.append(_trend_run(manager, record))
        except (KeyError, TypeError, ValueError, AttributeError):
            continue
    return runs[::-1]


def trend_title(runs: list[TrendRun]) -> str:
    """Say how long the last run took, against the usual."""
    executed = [run.seconds for run in runs[:-1] if run.seconds and run.status in _WHOLE]
    last = runs[-1].seconds if runs else None
    if len(executed) < _ENOUGH or not last:
        return stored(f"The last {len(runs)} runs") if len(runs) > 1 else stored("The first run")
    usual = sorted(executed)[len(executed) // 2]
    if usual / 1.5 <= last <= usual * 1.5:
        return stored("This run took about as long as usual")
    return stored(f"This run took {last / usual:.1f} times as long as usual")


def _earlier(manager: StateManager, execution_id: str) -> Iterator[Row]:
    """Yield the records of earlier runs, newest first, as plain JSON: checking each would take far longer."""
    earlier = [name for name in manager.execution_ids() if name < execution_id]
    for name in earlier[: -_LOOKED_AT - 1 : -1]:
        try:
            record = parse_json((manager.run_dir(name) / "run.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(record, dict) and record.get("execution_id") == name:
            yield record


def _trend_run(manager: StateManager, record: Row, *, own: bool = False) -> TrendRun:
    started = datetime.fromisoformat(record["start_timestamp"])
    ended = datetime.fromisoformat(record["end_timestamp"]) if record.get("end_timestamp") else None
    paused = float(record.get("paused_seconds", 0.0))
    results = {name: stage["result"] for name, stage in record["stages"].items() if stage.get("result")}
    served = results.get("metadata_enrichment", {}).get("success_count")
    points = results.get("qdrant_storage", {}).get("metrics", {}).get("points", {}).get("total")
    execution_id = str(record["execution_id"])
    there = own or (manager.run_dir(execution_id) / HTML_NAME).is_file()
    return TrendRun(
        execution_id=execution_id,
        started=started,
        mode=str(record["mode"]),
        status=str(record["status"]),
        seconds=round((ended - started).total_seconds() - paused, 3) if ended else None,
        documents=served,
        points=points,
        failures=sum(row.get("failure_count", 0) + row.get("rejected_count", 0) for row in results.values()),
        report=f"../{execution_id}/{HTML_NAME}" if there else "",
    )
