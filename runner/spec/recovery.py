"""Checks, saves and tidies up runs: the recovery functions of the specification.

Where a run's outputs folder is not the one that its configuration names (it was moved, or restored), give the
:class:`~runner.record.state_manager.StateManager` of the folder.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from runner.errors import StateManagementError
from runner.models import PipelineState, now
from runner.record.kernels import reap_orphans
from runner.record.state_manager import StateManager
from stagekit.base.paths import outputs_path
from stagekit.contract import ExecutionStatus


@dataclass(frozen=True)
class IntegrityReport:
    """What can be reused of a run.

    Attributes:
        execution_id: of the run.
        whole: stages whose notebook and products are as their stage left them.
        faults: what is wrong, by stage; each sentence names the file or the stage.
    """

    execution_id: str
    whole: list[str]
    faults: dict[str, list[str]] = field(default_factory=dict)

    @property
    def valid(self) -> bool:
        """Tell whether every completed stage can be reused."""
        return not self.faults


@dataclass(frozen=True)
class CleanupResult:
    """What was tidied up after a run that broke off.

    Attributes:
        execution_id: of the run.
        ended_processes: ids of kernels that had outlived their runner.
        removed_files: half-written files.
        freed_bytes: their size.
        kept_stages: finished stages, which `nic-etl resume` reuses.
    """

    execution_id: str
    ended_processes: list[int]
    removed_files: list[str]
    freed_bytes: int
    kept_stages: list[str]


def checkpoint_pipeline_state(pipeline_state: PipelineState, manager: StateManager | None = None) -> str:
    """Record a run's state, whole on disk when this returns, and return the id to load it by."""
    return (manager or _manager(pipeline_state)).save_checkpoint(pipeline_state)


def validate_pipeline_integrity(
    pipeline_state: PipelineState, manager: StateManager | None = None
) -> IntegrityReport:
    """Check what a run has finished: notebooks, artifacts, and whether its stages belong together."""
    manager = manager or _manager(pipeline_state)
    faults = {}
    for name in pipeline_state.completed_stages:
        found = manager.faults(pipeline_state.stages[name]) + _foreign_inputs(pipeline_state, name)
        if found:
            faults[name] = found
    whole = [name for name in pipeline_state.completed_stages if name not in faults]
    return IntegrityReport(pipeline_state.execution_id, whole, faults)


def cleanup_failed_execution(execution_id: str, manager: StateManager | None = None) -> CleanupResult:
    """End what a broken-off run left running, remove what it left half written, and close its record.

    Finished documents and stages stay, and so do the notebooks that broke off: they show what happened.

    Raises:
        StateManagementError: if the run is unknown, ended well, or another one goes on.
    """
    manager = manager or StateManager(outputs_path())
    state = manager.load_checkpoint(execution_id)
    if state.status in {ExecutionStatus.SUCCESS, ExecutionStatus.PARTIAL}:
        raise StateManagementError(
            f"{state.execution_id} did not fail: there is nothing to clean up.", exit_code=2
        )
    with manager.lock():
        ended = reap_orphans(manager.kernels)
        removed, freed = _remove(_half_written(manager, manager.run_dir(state.execution_id)))
        _close_record(manager, state)
        details = {"execution_id": state.execution_id, "ended": ended, "removed": len(removed)}
        manager.audit("cleaned_up", details)
    return CleanupResult(state.execution_id, ended, removed, freed, state.completed_stages)


def _manager(state: PipelineState) -> StateManager:
    return StateManager(outputs_path(str(state.pipeline_config.get("outputs_dir") or "")))


def _foreign_inputs(state: PipelineState, name: str) -> list[str]:
    """Return which products a stage has read that are not those of this run's own stages."""
    found = []
    for key, sha256 in state.stages[name].fingerprint.items():
        kind, _, product = key.partition(":")
        stage, _, product = product.partition(".")
        before = state.stages.get(stage)
        ref = before.result.artifacts.get(product) if before and before.result else None
        if kind == "input" and ref is not None and ref.sha256 != sha256:
            found.append(f"{name} was made from another {product} than the one that {stage} has now")
    return found


def _half_written(manager: StateManager, run_dir: Path) -> Iterator[Path]:
    yield from run_dir.glob(".*.tmp")
    if manager.store.local:  # nobody writes there while the lock is held
        yield from (manager.outputs / "artifacts").glob("sha256/*/.*.tmp")


def _remove(paths: Iterator[Path]) -> tuple[list[str], int]:
    removed, freed = [], 0
    for path in sorted(paths):
        freed += path.stat().st_size
        path.unlink()
        removed.append(str(path))
    return removed, freed


def _close_record(manager: StateManager, state: PipelineState) -> None:
    if state.status is not ExecutionStatus.RUNNING:
        return
    state.status, state.end_timestamp = ExecutionStatus.FAILED, now()
    state.error = f"The run was interrupted: continue it with `nic-etl resume {state.execution_id}`."
    for checkpoint in state.stages.values():
        if checkpoint.status is ExecutionStatus.RUNNING:
            checkpoint.status = ExecutionStatus.CANCELLED
    manager.save_checkpoint(state)
