"""Removes what no run that is kept needs any more: old runs, stale memo rows, unreferenced artifacts, logs.

References go before the bytes that they refer to: a prune that is killed leaves files too many, which the
next one removes, and never a reference to nothing.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from runner.errors import StateManagementError
from runner.models import PipelineState
from runner.record.manifests import memo_keys, notebook_refs, read_rows
from runner.record.state_manager import StateManager
from stagekit.artifacts.known_sources import recorded_sources
from stagekit.artifacts.memo import Memo
from stagekit.artifacts.table_files import PARQUET
from stagekit.base.paths import latest_notebooks
from stagekit.contract import ExecutionStatus, artifact_refs

_GRACE = 3600.0  # seconds; a notebook that is run by hand holds no lock, and stores before it refers
_LEFTOVERS = ("logs/*.log", "*.sqlite*.damaged*")
_GOOD = {ExecutionStatus.SUCCESS, ExecutionStatus.PARTIAL}


@dataclass
class PrunePlan:
    """What a prune removes, and why the rest stays.

    Attributes:
        runs: ids of the runs that go, oldest first.
        protected: why runs stay that the limits alone would remove, by id.
        folders: remains of runs whose record is gone.
        memo_keys: of remembered outcomes that no kept run refers to.
        good_documents: (stage, document_id) of last good outcomes of documents that are gone.
        artifacts: addresses of the artifacts that nothing refers to.
        logs: files written before the oldest kept run, and the index of runs that former versions kept.
        run_bytes: of the runs and their remains; notebooks that other runs share free nothing.
        artifact_bytes: of the artifacts.
    """

    runs: list[str] = field(default_factory=list)
    protected: dict[str, str] = field(default_factory=dict)
    folders: list[Path] = field(default_factory=list)
    memo_keys: list[str] = field(default_factory=list)
    good_documents: list[tuple[str, str]] = field(default_factory=list)
    artifacts: list[str] = field(default_factory=list)
    logs: list[Path] = field(default_factory=list)
    run_bytes: int = 0
    artifact_bytes: int = 0


def plan_prune(
    manager: StateManager, *, keep: int = 20, max_age: timedelta | None = None, grace: float = _GRACE
) -> PrunePlan:
    """Say what a prune would remove; nothing is touched.

    Args:
        manager: of the outputs folder.
        keep: this many newest runs stay.
        max_age: runs that started longer ago go, even among those.
        grace: files written less than this many seconds ago stay.

    Raises:
        StateManagementError: if the newest notebooks or their products are damaged: what they refer to
            cannot be told then.
    """
    states = _states(manager)
    _require_whole(manager)
    plan = PrunePlan()
    oldest = datetime.now(UTC) - max_age if max_age is not None else datetime.min.replace(tzinfo=UTC)
    newest = {
        execution_id
        for execution_id in (manager.execution_ids()[-keep:] if keep else ())
        if _started(manager, execution_id, states[execution_id]) >= oldest
    }
    reasons = _reasons_to_stay(manager, states)
    by_themselves = {*newest, *reasons}
    reasons = _named_by(states, by_themselves) | reasons
    older = [name for name in states if name not in newest]
    plan.runs = [name for name in older if name not in reasons]
    plan.protected = {name: reasons[name] for name in older if name in reasons}
    kept = [state for name, state in states.items() if state and name not in plan.runs]
    plan.folders = [path for path in manager.runs.iterdir() if not (path / "run.json").exists()]
    gone = [*(manager.run_dir(name) for name in plan.runs), *plan.folders]
    plan.run_bytes = sum(_freed(folder) for folder in gone)
    since = min(
        (state.start_timestamp for state in kept if state.execution_id in by_themselves), default=None
    )
    _plan_contents(manager, plan, kept, since or datetime.now(UTC), grace)
    return plan


def apply_prune(manager: StateManager, plan: PrunePlan) -> None:
    """Remove what was planned. The caller holds the lock."""
    manager.audit("prune", {"runs": plan.runs, "artifacts": len(plan.artifacts)})
    for execution_id in plan.runs:
        (manager.run_dir(execution_id) / "run.json").unlink(missing_ok=True)
    for folder in (*(manager.run_dir(name) for name in plan.runs), *plan.folders):
        shutil.rmtree(folder, ignore_errors=True)
    with Memo(manager.outputs / "memo.sqlite") as memo:
        memo.forget(plan.memo_keys)
        memo.forget_good(plan.good_documents)
    for uri in plan.artifacts:
        manager.store.delete(uri)
    for log in plan.logs:
        log.unlink(missing_ok=True)


def _states(manager: StateManager) -> dict[str, PipelineState | None]:
    states: dict[str, PipelineState | None] = {}
    for execution_id in manager.execution_ids():
        try:
            states[execution_id] = manager.load_checkpoint(execution_id)
        except StateManagementError:
            states[execution_id] = None
    return states


def _require_whole(manager: StateManager) -> None:
    for stage in latest_notebooks(manager.outputs):
        last = manager.last_checkpoint(stage)
        faults = [] if last is None or last[1].withdrawn else manager.faults(last[1])
        if faults:
            raise StateManagementError(f"{faults[0]}: `nic-etl run` mends that; prune afterwards.")


def _reasons_to_stay(manager: StateManager, states: dict[str, PipelineState | None]) -> dict[str, str]:
    reasons: dict[str, str] = {}
    known = {name: state for name, state in states.items() if state is not None}
    for stage, notebook in latest_notebooks(manager.outputs).items():
        reasons[notebook.resolve().parent.name] = f"it has the newest {stage}"
        last = manager.last_checkpoint(stage)
        if last is not None:
            reasons[last[0]] = f"it has the newest {stage}"
    good = [name for name, state in known.items() if state.status in _GOOD and not state.trial]
    if good:
        reasons[good[-1]] = "it is the last good run"
    if known:
        reasons.setdefault(list(known)[-1], "it is the last run")
    return reasons


def _named_by(states: dict[str, PipelineState | None], staying: set[str]) -> dict[str, str]:
    """Return why further runs stay: those that stay name notebooks of theirs, carried over or read."""
    reasons: dict[str, str] = {}
    todo = sorted(staying)
    while todo:
        execution_id = todo.pop()
        state = states.get(execution_id)
        for stage, notebook in _notebooks(state) if state else ():
            _, other, *_ = [*Path(notebook).parts, "", ""]
            if other in states.keys() - staying - reasons.keys():
                reasons[other] = f"{execution_id} reads its {stage}"
                todo.append(other)
    return reasons


def _notebooks(state: PipelineState) -> list[tuple[str, str]]:
    """Return the stages whose executed notebooks a run's record names, with their recorded paths."""
    done = {name: one.notebook for name, one in state.stages.items() if one.notebook}
    return [*done.items(), *state.scope.upstream.items()]


def _plan_contents(
    manager: StateManager, plan: PrunePlan, kept: list[PipelineState], since: datetime, grace: float
) -> None:
    # What was made since the oldest run that stays by itself may belong to a run that broke off: it stays.
    horizon = since.replace(microsecond=0)
    keys, documents, uris = _referred(manager, kept)
    # What each source was stored from tells later what left it, though other sources were read since.
    uris.update(one.documents.uri for one in recorded_sources(manager.outputs) or () if one.documents)
    with Memo(manager.outputs / "memo.sqlite") as memo:
        for key, value in memo.values():
            if key in keys or _made(value) >= horizon:
                uris.update(ref.uri for ref in artifact_refs(value))
            else:
                plan.memo_keys.append(key)
        for stage, document_id, row in memo.good_values():
            if document_id in documents or _made(row) >= horizon:
                uris.update(ref.uri for ref in artifact_refs(row))
            else:
                plan.good_documents.append((stage, document_id))
    young = time.time() - grace
    for uri, size, modified in manager.store.entries():
        if uri not in uris and modified < young:
            plan.artifacts.append(uri)
            plan.artifact_bytes += size
    leftovers = (path for pattern in _LEFTOVERS for path in manager.outputs.glob(pattern))
    plan.logs = [path for path in leftovers if _modified(path) < horizon]
    plan.logs += manager.outputs.glob("state.sqlite*")


def _referred(manager: StateManager, kept: list[PipelineState]) -> tuple[set[str], set[str], set[str]]:
    """Return the memo keys, document ids and artifact addresses that the kept runs refer to."""
    keys: set[str] = set()
    documents: set[str] = set()
    uris: set[str] = set()
    notebooks = [
        manager.absolute(checkpoint.notebook)
        for state in kept
        for checkpoint in state.stages.values()
        if checkpoint.notebook
    ]
    for notebook in {path.stat().st_ino: path for path in notebooks if path.is_file()}.values():
        for ref in notebook_refs(notebook):
            if ref.uri in uris:
                continue
            uris.add(ref.uri)
            rows = read_rows(manager.store, ref)[0] if ref.media_type == PARQUET else []
            for row in rows:
                keys |= memo_keys(row)
                documents.add(str(row.get("document_id")))
                uris.update(inner.uri for inner in artifact_refs(row))
    return keys, documents, uris


def _made(value: dict[str, object]) -> datetime:
    made = value.get("produced_at")
    try:
        moment = datetime.fromisoformat(str(made))
    except ValueError:
        moment = datetime.max
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _started(manager: StateManager, execution_id: str, state: PipelineState | None) -> datetime:
    return state.start_timestamp if state else _modified(manager.run_dir(execution_id))


def _modified(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _freed(folder: Path) -> int:
    """Return the bytes that a folder alone holds: a file with a second hard link elsewhere frees nothing."""
    stats = [path.stat() for path in folder.rglob("*") if path.is_file()]
    return sum(entry.st_size for entry in stats if entry.st_nlink == 1)
