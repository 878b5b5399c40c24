"""How a run ends: its status on disk, what came of it, and what is told of that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.errors import PipelineOrchestrationError
from runner.events import Event
from runner.models import now
from runner.pipeline.resume import started_by
from runner.record.environment import source_of
from runner.record.hooks import EndedRun
from runner.record.report_generator import DOCUMENT_COUNTS, RunRows, carried_counts, summarize, summary_text
from runner.results import PipelineResult
from runner.stages.error_handler import plan_recovery
from stagekit.base.disk_faults import disk_fault
from stagekit.base.redaction import exposed_secret_files
from stagekit.contract import ExecutionStatus

if TYPE_CHECKING:
    from runner.pipeline.once_more import OnceMore
    from runner.pipeline.run import Run
    from runner.record.hooks import Hooks


def end_run(run: Run, errors: dict[str, BaseException], once_more: OnceMore, after: Hooks) -> PipelineResult:
    """Record the end of a run, let follow what is due then, and return what it came to.

    All its stages have ended; ``errors`` are those of the stages that failed.

    Raises:
        BaseException: the first error that is none of the runner's own.
    """
    state, manager = run.state, run.manager
    state.end_timestamp = now()
    state.status = _status(run, errors)
    if errors:
        name, error = next(iter(errors.items()))
        recovery = plan_recovery(name, error, state.execution_id, started_by(state))
        state.error = f"{error} To continue: `{recovery.command}`."
    fault = _save(run)
    rows = RunRows(manager, state)
    summary = summarize(manager, state, rows, counts=carried_counts(manager, state))
    state.documents = {name: summary["documents"][name] for name in DOCUMENT_COUNTS}
    fault = _save(run, audited=True) or fault
    if fault and not errors:
        state.status = ExecutionStatus.FAILED  # as whoever reads its record will find it
        state.error = f"{fault} To continue: `nic-etl resume {state.execution_id}`."
    if fault:
        summary |= {"status": str(state.status), "error": state.error}
    due = [] if errors or run.stop.is_set() else once_more.end_well()
    due += after.finish(EndedRun(manager, state, rows, summary))
    if fault or (state.error and disk_fault(state.error)):
        due = [warning for warning in due if not disk_fault(warning)]  # it is told once
    for warning in [*run.config.renamed, *exposed_secret_files(), *once_more.warnings, *due]:
        summary.setdefault("warnings", []).append(warning)
        run.emit(Event("warning", data={"message": warning}))
    run.emit(Event("run_finished", data={"status": str(state.status), "error": state.error}))
    for error in errors.values():
        if not isinstance(error, PipelineOrchestrationError):
            raise error
    run_dir = manager.run_dir(state.execution_id)
    return PipelineResult.of(state, run_dir, summary, summary_text(summary, state.error))


def _status(run: Run, errors: dict[str, BaseException]) -> ExecutionStatus:
    if run.stop.is_set():
        return ExecutionStatus.CANCELLED
    if errors:
        return ExecutionStatus.FAILED
    results = run.state.stage_results.values()
    bad = any(result.failure_count or result.stale_count for result in results)
    return ExecutionStatus.PARTIAL if bad else ExecutionStatus.SUCCESS


def _save(run: Run, *, audited: bool = False) -> str:
    """Record how the run ended, and return a sentence where the disk does not take that."""
    try:
        run.manager.save_checkpoint(run.state)
        if audited:
            run.manager.audit("run_finished", _audited(run))
    except OSError as error:
        if fault := disk_fault(error, run.manager.outputs):
            return fault
        raise
    return ""


def _audited(run: Run) -> dict[str, Any]:
    state = run.state
    return {
        "execution_id": state.execution_id,
        "status": str(state.status),
        "configuration": state.config_hash,
        "source": source_of(run.manager, state),
        "checkpoints": {name: done.notebook_sha256 for name, done in state.stages.items()},
    }
