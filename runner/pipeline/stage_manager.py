"""Executes one stage: its parameters, its kernel, its retries, and the check of what it left."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.errors import StageCancelledError, StageExecutionError, StageMemoryError
from runner.events import Event, Listener, fan_out
from runner.kernels.pool import KernelPool
from runner.models import Checkpoint, DependencyValidation, ExecutionContext, PipelineStage
from runner.pipeline.decide import outside_of
from runner.pipeline.fingerprint import stage_fingerprint, stage_parameters
from runner.record.kernels import remove_dead_logs
from runner.record.state_manager import StateManager, file_sha256
from stagekit.base.paths import latest_notebooks
from stagekit.contract import ExecutionStatus, stage_result
from stagekit.errors import StageError

if TYPE_CHECKING:
    from tenacity import RetryCallState

    from runner.kernels.kernel import StageKernel

__all__ = ["StageManager"]


class StageManager:
    """The registered stages and their execution."""

    def __init__(
        self,
        state: StateManager,
        emit: Listener,
        stop: threading.Event,
        memory_limit_mb: float = 0.0,
        settings: dict[str, Any] | None = None,
        kernels: KernelPool | None = None,
    ) -> None:
        self._state = state
        self._emit = emit
        self._stop = stop
        self._lent = kernels is not None  # they outlive the run
        self._warming: dict[str, threading.Lock] = {}
        self._begun: set[str] = set()
        first = not latest_notebooks(state.outputs)
        self._kernels = kernels or KernelPool(state.outputs, settings or {}, memory_limit_mb, plots=first)
        self.stages: dict[str, PipelineStage] = {}

    def hear(self, listener: Listener) -> None:
        """Tell a listener, too, what happens while stages are executed."""
        self._emit = fan_out(self._emit, listener)

    def register_stage(self, stage: PipelineStage) -> None:
        """Add a stage to the chain, or replace the one of its name."""
        self.stages[stage.name] = stage
        self._warming[stage.name] = threading.Lock()

    def validate_stage_dependencies(
        self, stage_name: str, upstream: Mapping[str, Path | str] | None = None
    ) -> DependencyValidation:
        """Check that the executed notebooks are there that a stage would read.

        Args:
            stage_name: the stage.
            upstream: executed notebook by stage name; None: the newest good ones, as ``outputs/latest/`` has.
        """
        found = latest_notebooks(self._state.outputs) if upstream is None else upstream
        missing = []
        for name in self.stages[stage_name].dependencies:
            try:
                if stage_result(found[name]).status is ExecutionStatus.FAILED:
                    missing.append(f"{stage_name} cannot read {name}: it failed.")
            except KeyError:
                missing.append(f"{stage_name} needs {name}, which has not been executed: use `nic-etl run`.")
            except StageError as error:
                missing.append(str(error))
        return DependencyValidation(stage_name, tuple(missing))

    def warm(self, names: Iterable[str]) -> None:
        """Start kernels ahead and let them import what their stages will need."""
        for name in names:
            with self._warming[name]:
                if not self._stop.is_set() and name not in self._begun:  # else it would wait for nothing
                    self._kernels.warm([self.stages[name]])

    def execute_stage_with_retry(self, stage_name: str, context: ExecutionContext) -> Checkpoint:
        """Execute a stage, again where its service failed in passing, and return its checkpoint.

        Raises:
            StageExecutionError: when the last try failed, or what it left is not whole.
        """
        # With Tornado, if that is there: a run with nothing to do need not import either.
        from tenacity import Retrying, retry_if_exception, stop_after_attempt
        from tenacity.wait import wait_exponential_jitter

        stage = self.stages[stage_name]
        retry = stage.retry_config
        attempts = Retrying(
            stop=stop_after_attempt(1 + context.pipeline_config.max_retries),
            wait=wait_exponential_jitter(
                multiplier=retry.initial_wait, max=retry.max_wait, jitter=retry.initial_wait
            ),
            retry=retry_if_exception(lambda e: isinstance(e, StageExecutionError) and e.transient),
            sleep=self._sleep,
            before_sleep=lambda call: self._tell_retry(stage_name, call),
            reraise=True,
        )
        begin = time.monotonic()
        found = outside_of(stage, context.pipeline_config, self._state)
        try:
            for attempt in attempts:
                with attempt:
                    kernel = self._execute_once(stage, context)
        except StageMemoryError as error:
            kernel = self._execute_smaller(stage, context, error)
        checkpoint = self._checkpoint(stage, context)
        left = outside_of(stage, context.pipeline_config, self._state)
        # A store is as its own writer left it. Of a source that changed while it was read nobody can tell
        # what was seen, and were it changed back it would look as it was at first: nothing is noted then.
        checkpoint.outside = left if stage.outside == "store" or left == found else ""
        checkpoint.attempts = attempts.statistics["attempt_number"]
        checkpoint.seconds = round(time.monotonic() - begin, 3)
        checkpoint.peak_memory_mb = round(kernel.peak_memory_mb, 1)
        self.cleanup_stage_resources(stage_name)
        return checkpoint

    def cleanup_stage_resources(self, stage_name: str) -> None:
        """Free what a stage holds that is not being executed: its waiting kernel, and what ended ones left.

        A kernel that is only being started is waited for and ended, and none is started ahead any more; the
        stage can be executed all the same. Logs go whose process has ended; one that runs keeps its own.
        """
        with self._warming[stage_name]:
            self._begun.add(stage_name)
        self._kernels.discard(stage_name)
        remove_dead_logs(self._state.outputs / "logs", stage_name)

    def close(self) -> None:
        """End every kernel that is left; none can be started afterwards. Lent ones go on waiting."""
        if not self._lent:
            self._kernels.close()

    def _execute_once(self, stage: PipelineStage, context: ExecutionContext) -> StageKernel:
        # papermill's import takes a second, which commands that execute nothing need not pay.
        from runner.kernels.execution import NotebookJob, execute_notebook

        with self._warming[stage.name]:  # of this stage alone: another kernel may take a second to start
            self._begun.add(stage.name)
        kernel = None if self._stop.is_set() else self._kernels.take(stage)
        if kernel is None or self._stop.is_set():
            if kernel is not None:
                kernel.end()
            raise StageCancelledError(stage.name, f"{stage.name} was cancelled before it began.")
        config = context.pipeline_config
        job = NotebookJob(
            stage=stage.name,
            source=stage.notebook,
            target=context.run_dir / stage.notebook.name,
            parameters=stage_parameters(stage, config, context.upstream, self._state.outputs),
            kernel=kernel,
            emit=self._emit,
            stop=self._stop,
            timeout=config.stage_timeout_s,
        )
        try:
            (stage.executor_function or execute_notebook)(job)
        finally:
            kernel.end()
        return kernel

    def _execute_smaller(
        self, stage: PipelineStage, context: ExecutionContext, error: StageMemoryError
    ) -> StageKernel:
        halved = max(1, context.pipeline_config.batch_size // 2)
        details = {"attempt": 1, "wait": 0, "error": f"{error} Once more, with batch_size {halved}."}
        self._emit(Event("stage_retried", stage.name, details))
        config = context.pipeline_config.model_copy(update={"batch_size": halved})
        return self._execute_once(stage, replace(context, pipeline_config=config))

    def _checkpoint(self, stage: PipelineStage, context: ExecutionContext) -> Checkpoint:
        notebook = context.run_dir / stage.notebook.name
        try:
            result = stage_result(notebook)
        except StageError as error:
            raise StageExecutionError(stage.name, str(error), notebook=notebook) from None
        checkpoint = Checkpoint(
            stage=stage.name,
            status=result.status,
            notebook=self._state.relative(notebook),
            notebook_sha256=file_sha256(notebook),
            fingerprint=stage_fingerprint(
                stage, context.pipeline_config, context.upstream, self._state.outputs
            ),
            result=result,
        )
        if faults := [*self._state.faults(checkpoint), *stage.broken_rules(result)]:
            raise StageExecutionError(stage.name, "; ".join(faults), notebook=notebook)
        return checkpoint

    def _sleep(self, seconds: float) -> None:
        self._stop.wait(seconds)

    def _tell_retry(self, stage_name: str, call: RetryCallState) -> None:
        error = call.outcome.exception() if call.outcome else None
        wait = call.next_action.sleep if call.next_action else 0.0
        details = {"attempt": call.attempt_number, "wait": round(wait, 1), "error": str(error)}
        self._emit(Event("stage_retried", stage_name, details))
