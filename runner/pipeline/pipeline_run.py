"""One run: each stage executed or carried over, recorded as it ends, and what came of it."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from runner.config_manager import PipelineConfig
from runner.errors import PipelineOrchestrationError, StageCancelledError, StageExecutionError
from runner.events import Event, Listener
from runner.models import Checkpoint, ExecutionContext, PipelineResult, PipelineState, now
from runner.pipeline.decide import decide
from runner.pipeline.dependency_resolver import DependencyResolver
from runner.pipeline.error_handler import plan_recovery, started_by
from runner.pipeline.hooks import EndedRun, Hook, Hooks
from runner.pipeline.reread import changed_unnoticed
from runner.pipeline.resource_manager import ResourceManager
from runner.pipeline.scheduler import run_in_order
from runner.pipeline.stage_manager import StageManager
from runner.pipeline.warming import WarmAhead
from runner.record.damage import forget_lost, lost_artifacts, scrub_share
from runner.record.environment import source_of
from runner.record.report_generator import DOCUMENT_COUNTS, RunRows, counts_carried, summarize, summary_text
from runner.record.state_manager import StateManager, file_sha256
from stagekit.base.disk_faults import disk_fault
from stagekit.base.files import READ_ONLY
from stagekit.base.imports.early_imports import load_meanwhile
from stagekit.base.redaction import exposed_secret_files
from stagekit.contract import ExecutionStatus, StageResult

__all__ = ["PipelineRun"]

_HEALINGS = 3  # times that a run begins anew with a stage that made what is damaged now


class PipelineRun:
    """One run, from its first stage to its result.

    Args:
        manager: the state, whose lock the caller holds.
        state: the run's own record, with its kind and scope; what it has finished and still holds is kept.
        config: the configuration.
        stages: the registered stages.
        resolver: their graph.
        emit: is told what happens.
        stop: set from outside to cancel the run.
        reuse: carry over stages that an earlier run finished under the same fingerprint.
        after: what happens when the run has ended.
    """

    def __init__(
        self,
        manager: StateManager,
        state: PipelineState,
        config: PipelineConfig,
        stages: StageManager,
        resolver: DependencyResolver,
        emit: Listener,
        stop: threading.Event,
        *,
        reuse: bool = True,
        after: Sequence[str | Hook] = (),
    ) -> None:
        self._manager = manager
        self._state = state
        self._config = config
        self._emit = emit
        self._only = state.scope.only
        self._upstream = {name: str(manager.absolute(path)) for name, path in state.scope.upstream.items()}
        self._resolver = resolver
        self._stop = stop
        self._after = Hooks(after)
        self._guard = threading.Lock()
        self._lost: set[str] = set()  # before the run
        self._met: set[str] = set()  # while it worked
        self._healings = 0
        self._warnings: list[str] = []
        self._stages = stages
        self._resources = ResourceManager(parallel=config.parallel_processing)
        self._reuse = reuse
        self._ahead = WarmAhead(manager, state, config, stages, resolver, self._resources, reuse=reuse)
        stages.hear(self._ahead)

    def execute(self) -> PipelineResult:
        """Execute the stages and return what they came to."""
        state = self._state
        state.status, state.error, state.end_timestamp = ExecutionStatus.RUNNING, "", None
        self._lost = lost_artifacts(self._manager)
        audited = {"execution_id": state.execution_id, "mode": state.mode}
        self._manager.audit("run_started", audited | ({"resumed": state.resumed} if state.resumed else {}))
        self._emit(
            Event(
                "run_started",
                data={
                    "execution_id": state.execution_id,
                    "mode": state.mode,
                    "stages": list(self._only or self._resolver.order),
                },
            )
        )
        try:
            errors = self._run_stages()
            while errors and self._may_heal():
                errors = self._run_stages()
            if not errors and self._must_read_again():
                errors = self._run_stages()
        finally:
            self._stages.close()
        return self._finish(errors)

    def _run_stages(self) -> dict[str, BaseException]:
        return run_in_order(self._resolver, self._stages.stages, self._advance, self._resources, self._stop)

    def _may_heal(self) -> bool:
        """Tell whether a stage has met a damaged artifact that an earlier one can make again now.

        Whoever meets one sets it aside, so that each time there is another reason; a disk that damages more
        and more is left to whoever is told of it.
        """
        found = lost_artifacts(self._manager) - self._lost - self._met
        if not found or self._only or self._stop.is_set() or self._healings == _HEALINGS:
            return False
        self._healings += 1
        self._met |= found
        named = sorted(found)
        more = f" and {len(named) - 1} more" if len(named) > 1 else ""
        message = f"{named[0]}{more} was damaged or lost: the stage that made it is executed again."
        self._warnings.append(message)
        self._manager.audit("artifacts_damaged", {"artifacts": named})
        return True

    def _must_read_again(self) -> bool:
        """Tell whether files were changed under their old stamps, having let their stage be executed then.

        It is asked where a run has worked and taken over what was read of the source: one that has read the
        source knows all of it, and one with nothing to do reads nothing.
        """
        done = self._state.stages
        reader = next((one for one in self._stages.stages.values() if one.outside == "source"), None)
        read = done.get(reader.name) if reader else None
        if read is None or not read.carried_from or self._only or self._state.trial or self._stop.is_set():
            return False
        if all(one.carried_from for one in done.values()):
            return False
        changed = changed_unnoticed(self._manager, read, self._config)
        if not changed:
            return False
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        self._warnings.append(
            f"{changed[0]}{more} changed, although size, time and inode did not: the source is read anew."
        )
        scope = self._state.scope
        self._state.scope = scope.model_copy(update={"forced": (*scope.forced, read.stage)})
        del done[read.stage]
        return True

    def _advance(self, name: str) -> None:
        if self._only and name not in self._only:
            return
        try:
            self._execute_or_carry_over(name)
        except StageExecutionError:
            raise
        except Exception as error:
            if fault := disk_fault(error, self._manager.outputs):
                raise StageExecutionError(name, fault) from error
            raise

    def _execute_or_carry_over(self, name: str) -> None:
        stage = self._stages.stages[name]
        decision = decide(
            stage, self._config, self._upstream, self._manager, run=self._state, reuse=self._reuse
        )
        if decision.carries and decision.checkpoint:
            self._carry_over(*decision.checkpoint)
            return
        self._emit(Event("stage_started", name, {"reasons": list(decision.reasons)}))
        self._record(Checkpoint(stage=name, status=ExecutionStatus.RUNNING))
        context = ExecutionContext(
            pipeline_config=self._config,
            run_dir=self._manager.run_dir(self._state.execution_id),
            upstream=dict(self._upstream),
            execution_mode=self._state.mode,
            available_memory_mb=self._resources.available_memory_mb(),
            pipeline_state=self._state,
        )
        try:
            load_meanwhile("runner.kernels.execution")  # papermill; the kernel loads its own libraries
            self._stages.warm([name])
            self._load_ahead(name)
            checkpoint = self._stages.execute_stage_with_retry(name, context)
        except BaseException as error:
            self._fail(name, error)
            raise
        self._record(checkpoint)
        self._publish(self._manager.absolute(checkpoint.notebook))
        self._finished(checkpoint)

    def _carry_over(self, execution_id: str, checkpoint: Checkpoint) -> None:
        name = checkpoint.stage
        if checkpoint is not self._state.stages.get(name):  # else it is what this run finished itself
            source = self._manager.absolute(checkpoint.notebook)
            target = self._manager.run_dir(self._state.execution_id) / source.name
            _link(source, target)
            checkpoint = checkpoint.model_copy(
                update={
                    "status": ExecutionStatus.SKIPPED,
                    "notebook": self._manager.relative(target),
                    "notebook_sha256": file_sha256(target),
                    "carried_from": execution_id,
                    "reason": "nothing that concerns it changed",
                    "seconds": 0.0,
                }
            )
            self._record(checkpoint)
        self._publish(self._manager.absolute(checkpoint.notebook))
        self._take(name, checkpoint)
        self._emit(Event("stage_carried_over", name, {"from": execution_id}))

    def _publish(self, notebook: Path) -> None:
        if not self._state.trial:
            self._manager.set_latest(notebook)

    def _load_ahead(self, name: str) -> None:
        self._ahead.begin(name, self._upstream)
        if name == self._resolver.order[-1]:  # what the end of the run needs
            self._after.prepare(self._manager, self._state)

    def _fail(self, name: str, error: BaseException) -> None:
        cancelled = isinstance(error, StageCancelledError)
        notebook = self._manager.run_dir(self._state.execution_id) / self._stages.stages[name].notebook.name
        with contextlib.suppress(OSError):  # the end of the run tells, where the disk takes nothing
            self._record(
                Checkpoint(
                    stage=name,
                    status=ExecutionStatus.CANCELLED if cancelled else ExecutionStatus.FAILED,
                    notebook=self._manager.relative(notebook) if notebook.exists() else "",
                    error=str(error),
                )
            )
        self._emit(Event("stage_finished", name, {"status": "failed", "error": str(error)}))

    def _finished(self, checkpoint: Checkpoint) -> None:
        result = checkpoint.result or StageResult(
            stage_name=checkpoint.stage, status=checkpoint.status, start_time=now()
        )
        self._take(checkpoint.stage, checkpoint)
        data: dict[str, Any] = {
            "status": str(result.status),
            "seconds": checkpoint.seconds,
            "ok": result.success_count,
            "rejected": result.rejected_count,
            "failed": result.failure_count,
            "unchanged": result.unchanged_count,
            "peak_memory_mb": checkpoint.peak_memory_mb,
        }
        self._emit(Event("stage_finished", checkpoint.stage, data))

    def _take(self, name: str, checkpoint: Checkpoint) -> None:
        with self._guard:
            self._upstream[name] = str(self._manager.absolute(checkpoint.notebook))

    def _record(self, checkpoint: Checkpoint) -> None:
        with self._guard:
            self._state.stages[checkpoint.stage] = checkpoint
            ordered = {n: self._state.stages[n] for n in self._resolver.order if n in self._state.stages}
            self._state.stages = ordered
            self._manager.save_checkpoint(self._state)

    def _audited(self, state: PipelineState) -> dict[str, Any]:
        return {
            "execution_id": state.execution_id,
            "status": str(state.status),
            "configuration": state.config_hash,
            "source": source_of(self._manager, state),
            "checkpoints": {name: done.notebook_sha256 for name, done in state.stages.items()},
        }

    def _finish(self, errors: dict[str, BaseException]) -> PipelineResult:
        state = self._state
        state.end_timestamp = now()
        state.status = _overall(state, errors, stopped=self._stop.is_set())
        if errors:
            name, error = next(iter(errors.items()))
            recovery = plan_recovery(name, _as_exception(error), state.execution_id, started_by(state))
            state.error = f"{error} To continue: `{recovery.command}`."
        fault = self._note_end()
        rows = RunRows(self._manager, state)
        summary = summarize(self._manager, state, rows, counts=counts_carried(self._manager, state))
        state.documents = {name: summary["documents"][name] for name in DOCUMENT_COUNTS}
        fault = self._note_end(audit=True) or fault
        if fault and not errors:
            state.status = ExecutionStatus.FAILED  # as whoever reads its record will find it
            state.error = f"{fault} To continue: `nic-etl resume {state.execution_id}`."
        if fault:
            summary |= {"status": str(state.status), "error": state.error}
        due = self._look_after_artifacts(errors)
        due += self._after.finish(EndedRun(self._manager, state, rows, summary))
        if fault or (state.error and disk_fault(state.error)):
            due = [warning for warning in due if not disk_fault(warning)]  # it is told once
        for warning in [*self._config.renamed, *exposed_secret_files(), *self._warnings, *due]:
            summary.setdefault("warnings", []).append(warning)
            self._emit(Event("warning", data={"message": warning}))
        self._emit(Event("run_finished", data={"status": str(state.status), "error": state.error}))
        unexpected = [e for e in errors.values() if not isinstance(e, PipelineOrchestrationError)]
        if unexpected:
            raise unexpected[0]
        return PipelineResult(
            execution_id=state.execution_id,
            overall_status=state.status,
            total_duration=state.seconds or 0.0,
            stage_results=state.stage_results,
            state=state,
            run_dir=self._manager.run_dir(state.execution_id),
            summary=summary,
            summary_report=summary_text(summary, state.error),
        )

    def _note_end(self, *, audit: bool = False) -> str:
        """Record how the run ended, and return a sentence where the disk does not take that."""
        try:
            self._manager.save_checkpoint(self._state)
            if audit:
                self._manager.audit("run_finished", self._audited(self._state))
        except OSError as error:
            if fault := disk_fault(error, self._manager.outputs):
                return fault
            raise
        return ""

    def _look_after_artifacts(self, errors: dict[str, BaseException]) -> list[str]:
        """Take note that what was lost has been made again, and return warnings of what is damaged now."""
        state = self._state
        ended_well = not errors and not self._stop.is_set()
        if ended_well and not state.trial and not self._only:
            forget_lost(self._manager, self._lost)
        seconds = sum(done.seconds for done in state.stages.values() if not done.carried_from)
        return scrub_share(self._manager, seconds) if ended_well and seconds else []


def _overall(state: PipelineState, errors: dict[str, BaseException], *, stopped: bool) -> ExecutionStatus:
    if stopped:
        return ExecutionStatus.CANCELLED
    if errors:
        return ExecutionStatus.FAILED
    results = state.stage_results.values()
    bad = any(result.failure_count or result.stale_count for result in results)
    return ExecutionStatus.PARTIAL if bad else ExecutionStatus.SUCCESS


def _as_exception(error: BaseException) -> Exception:
    return error if isinstance(error, Exception) else RuntimeError(str(error))


def _link(source: Path, target: Path) -> None:
    # A hard link: an executed notebook is never written again, and a run with nothing to do costs no disk.
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
    with contextlib.suppress(OSError):  # earlier versions left them writable; not every disk has modes
        target.chmod(READ_ONLY)
