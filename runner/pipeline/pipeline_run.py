"""One run under way: each stage decided about, executed or carried over, and recorded as it ends."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence

from runner.errors import StageCancelledError, StageExecutionError
from runner.events import Event
from runner.kernels.resource_manager import ResourceManager
from runner.models import Checkpoint, ExecutionContext, Found
from runner.pipeline.decide import decide
from runner.pipeline.ending import end_run
from runner.pipeline.once_more import OnceMore
from runner.pipeline.run import Run
from runner.pipeline.scheduler import run_in_order
from runner.pipeline.stage_manager import StageManager
from runner.pipeline.warming import WarmAhead
from runner.record.hooks import Hook, Hooks
from runner.results import PipelineResult
from stagekit.base.disk_faults import disk_fault
from stagekit.base.imports.early_imports import load_meanwhile
from stagekit.contract import ExecutionStatus


class PipelineRun:
    """A run, from its first stage to its result.

    Args:
        run: what is executed; the caller holds the lock of its outputs folder.
        stages: executes single stages.
        after: what happens when the run has ended.
    """

    def __init__(self, run: Run, stages: StageManager, after: Sequence[str | Hook] = ()) -> None:
        self._run = run
        self._stages = stages
        self._after = Hooks(after)
        self._upstream = run.given()  # executed notebook by stage
        self._guard = threading.Lock()  # stages run side by side
        self._resources = ResourceManager(parallel=run.config.parallel_processing)
        self._ahead = WarmAhead(run, stages, self._resources)
        stages.hear(self._ahead)

    def execute(self) -> PipelineResult:
        """Execute the stages and return what they came to."""
        state = self._run.state
        state.status, state.error, state.end_timestamp = ExecutionStatus.RUNNING, "", None
        once_more = OnceMore(self._run)
        begun = {"execution_id": state.execution_id, "mode": state.mode}
        resumed = {"resumed": state.resumed} if state.resumed else {}
        self._run.manager.audit("run_started", begun | resumed)
        self._run.emit(Event("run_started", data=begun | {"stages": list(self._run.order)}))
        try:
            errors = self._run_stages()
            while once_more.wanted(failed=bool(errors)):
                errors = self._run_stages()
        finally:
            self._stages.close()
        return end_run(self._run, errors, once_more, self._after)

    def _run_stages(self) -> dict[str, BaseException]:
        run = self._run
        return run_in_order(run.resolver, self._advance, self._resources, run.stop)

    def _advance(self, name: str) -> None:
        if name not in self._run.order:
            return
        try:
            self._execute_or_carry_over(name)
        except StageExecutionError:
            raise
        except Exception as error:
            if fault := disk_fault(error, self._run.manager.outputs):
                raise StageExecutionError(name, fault) from error
            raise

    def _execute_or_carry_over(self, name: str) -> None:
        decision = decide(self._run.stages[name], self._run, self._upstream)
        if decision.carries and decision.checkpoint:
            self._carry_over(decision.checkpoint)
            return
        self._run.emit(Event("stage_started", name, {"reasons": list(decision.reasons)}))
        self._record(Checkpoint(stage=name, status=ExecutionStatus.RUNNING))
        try:
            checkpoint = self._execute(name)
        except BaseException as error:
            self._fail(name, error)
            raise
        self._record(checkpoint)
        self._hand_on(checkpoint)
        self._run.emit(_finished(checkpoint))

    def _execute(self, name: str) -> Checkpoint:
        run = self._run
        context = ExecutionContext(
            pipeline_config=run.config,
            run_dir=run.manager.run_dir(run.state.execution_id),
            upstream=dict(self._upstream),
            execution_mode=run.state.mode,
            available_memory_mb=self._resources.available_memory_mb(),
            pipeline_state=run.state,
        )
        load_meanwhile("runner.kernels.execution")  # papermill; the kernel loads its own libraries
        self._stages.warm([name])
        self._ahead.begin(name, self._upstream)
        if name == run.resolver.order[-1]:  # what the end of the run needs
            self._after.prepare(run.manager, run.state)
        return self._stages.execute_stage_with_retry(name, context)

    def _carry_over(self, found: Found) -> None:
        execution_id, checkpoint = found
        run, name = self._run, checkpoint.stage
        if checkpoint is not run.state.stages.get(name):  # else it is what this run finished itself
            # Its notebook stays where it was executed: a run names it, and has no file of its own.
            checkpoint = checkpoint.model_copy(
                update={
                    "status": ExecutionStatus.SKIPPED,
                    "carried_from": execution_id,
                    "reason": "nothing that concerns it changed",
                    "seconds": 0.0,
                }
            )
            self._record(checkpoint)
        self._hand_on(checkpoint)
        run.emit(Event("stage_carried_over", name, {"from": execution_id}))

    def _fail(self, name: str, error: BaseException) -> None:
        run = self._run
        cancelled = isinstance(error, StageCancelledError)
        notebook = run.manager.run_dir(run.state.execution_id) / run.stages[name].notebook.name
        with contextlib.suppress(OSError):  # the end of the run tells, where the disk takes nothing
            self._record(
                Checkpoint(
                    stage=name,
                    status=ExecutionStatus.CANCELLED if cancelled else ExecutionStatus.FAILED,
                    notebook=run.manager.relative(notebook) if notebook.exists() else "",
                    error=str(error),
                )
            )
        run.emit(Event("stage_finished", name, {"status": "failed", "error": str(error)}))

    def _record(self, checkpoint: Checkpoint) -> None:
        state = self._run.state
        with self._guard:
            known = state.stages | {checkpoint.stage: checkpoint}
            state.stages = {name: known[name] for name in self._run.resolver.order if name in known}
            self._run.manager.save_checkpoint(state)

    def _hand_on(self, checkpoint: Checkpoint) -> None:
        """Let the stages behind it, and whoever opens ``outputs/latest/``, read what a stage has made."""
        notebook = self._run.manager.absolute(checkpoint.notebook)
        if not self._run.state.trial:
            self._run.manager.set_latest(notebook)
        with self._guard:
            self._upstream[checkpoint.stage] = str(notebook)


def _finished(checkpoint: Checkpoint) -> Event:
    result = checkpoint.result
    assert result is not None  # a checkpoint of an executed stage has one
    data = {
        "status": str(result.status),
        "seconds": checkpoint.seconds,
        **{name: result.counts[name] for name in ("ok", "rejected", "failed", "unchanged")},
        "peak_memory_mb": checkpoint.peak_memory_mb,
    }
    return Event("stage_finished", checkpoint.stage, data)
