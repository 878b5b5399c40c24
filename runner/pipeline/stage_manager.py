"""Executes one stage: its parameters, its kernel, its retries, and the check of what it left."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import StageCancelledError, StageExecutionError, StageMemoryError
from runner.events import Listener, fan_out
from runner.kernels.attempts import attempts, retried
from runner.kernels.pool import KernelPool
from runner.models import Checkpoint, ExecutionContext, PipelineStage
from runner.pipeline.decide import outside_of
from runner.record.kernels import remove_dead_logs
from runner.record.state_manager import StateManager
from runner.results import DependencyValidation
from runner.settings.pipeline_config import PipelineConfig
from runner.stages.fingerprint import stage_fingerprint, stage_parameters
from stagekit.base.files import sha256_file
from stagekit.base.paths import latest_notebooks
from stagekit.contract import ExecutionStatus, stage_result
from stagekit.errors import StageError

if TYPE_CHECKING:
    from runner.kernels.kernel import StageKernel


class StageManager:
    """The registered stages and their execution.

    Args:
        manager: the record of all runs.
        emit: is told what happens.
        stop: set from outside to cancel.
        config: what own kernels are started with; None: no limit, and nothing to warm up with.
        kernels: that are lent, and go on waiting afterwards; None: own ones.
    """

    def __init__(
        self,
        manager: StateManager,
        emit: Listener,
        stop: threading.Event,
        config: PipelineConfig | None = None,
        kernels: KernelPool | None = None,
    ) -> None:
        self._manager = manager
        self._emit = emit
        self._stop = stop
        self._lent = kernels is not None  # they outlive the run
        first = not latest_notebooks(manager.outputs)
        self._kernels = kernels or KernelPool(manager.outputs, config, plots=first)
        self._warming: dict[str, threading.Lock] = {}
        self._begun: set[str] = set()
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
        """Check that the executed notebooks are there that a stage would read; by default the newest."""
        found = latest_notebooks(self._manager.outputs) if upstream is None else upstream
        missing = []
        for name in self.stages[stage_name].dependencies:
            try:
                if stage_result(found[name]).status is ExecutionStatus.FAILED:
                    missing.append(f"{stage_name} cannot read {name}: it failed.")
            except KeyError:
                missing.append(f"{stage_name} needs {name}, which has not been executed: use `nic-etl run`.")
            except StageError as error:
                missing.append(str(error))
        return DependencyValidation(tuple(missing), stage_name)

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
        stage, config = self.stages[stage_name], context.pipeline_config
        tries = attempts(stage, config.max_retries, self._emit, self._stop)
        begin = time.monotonic()
        found = outside_of(stage, config, self._manager)
        try:
            for attempt in tries:
                with attempt:
                    kernel = self._execute_once(stage, context)
        except StageMemoryError as error:
            kernel = self._execute_smaller(stage, context, error)
        checkpoint = self._checkpoint(stage, context)
        left = outside_of(stage, config, self._manager)
        # A store is as its own writer left it. Of a source that changed while it was read nobody can tell
        # what was seen, and were it changed back it would look as it was at first: nothing is noted then.
        checkpoint.outside = left if stage.outside == "store" or left == found else ""
        checkpoint.attempts = tries.statistics["attempt_number"]
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
        remove_dead_logs(self._manager.outputs / "logs", stage_name)

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
            parameters=stage_parameters(stage, config, context.upstream, self._manager.outputs),
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
        self._emit(retried(stage.name, 1, 0, f"{error} Once more, with batch_size {halved}."))
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
            notebook=self._manager.relative(notebook),
            notebook_sha256=sha256_file(notebook),
            fingerprint=stage_fingerprint(stage, context.pipeline_config, context.upstream),
            result=result,
        )
        if faults := [*self._manager.faults(checkpoint), *stage.broken_rules(result)]:
            raise StageExecutionError(stage.name, "; ".join(faults), notebook=notebook)
        return checkpoint
