"""The public face of the runner: configure, plan, run, rerun, resume."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from runner.config_manager import PipelineConfig, config_hash, load_config
from runner.dependency_resolver import DependencyResolver
from runner.environment import record_environment
from runner.error_handler import handle_stage_failure
from runner.errors import (
    ConfigurationError,
    PipelineOrchestrationError,
    StageCancelledError,
    StateManagementError,
)
from runner.events import Event, EventLog, Listener, fan_out
from runner.kernels import reap_orphans
from runner.models import (
    Checkpoint,
    ExecutionContext,
    ExecutionMode,
    ExecutionPlan,
    HealthCheckResult,
    PipelineResult,
    PipelineStage,
    PipelineState,
    ValidationResult,
    now,
)
from runner.planner import differences, plan_run
from runner.report_generator import summarize
from runner.reprocess import changed_since, forget_documents
from runner.resource_manager import ResourceManager
from runner.scheduler import run_in_order
from runner.stage_manager import StageManager
from runner.stages import default_stages, notebook_parameters
from runner.state_manager import StateManager, file_sha256
from stagekit.contract import ExecutionStatus, StageResult
from stagekit.preflight import preflight

__all__ = ["PipelineOrchestrator"]


def _nothing(_: Event) -> None:
    return None


class PipelineOrchestrator:
    """Runs the chain of stage notebooks.

    Args:
        config_path: a profile's name or the path of a YAML file; None: the default profile.
        state_persistence: carry over what did not change; False executes every stage.
        jupyter_mode: accepted for callers inside a notebook; kernels are separate processes either way.
        config: a ready configuration, in place of ``config_path``.
        listener: is told what happens, as :class:`runner.events.Event` values.
        stages: the chain; None: the six stages.
    """

    def __init__(
        self,
        config_path: str | None = None,
        state_persistence: bool = True,
        jupyter_mode: bool = True,
        *,
        config: PipelineConfig | None = None,
        listener: Listener = _nothing,
        stages: Iterable[PipelineStage] | None = None,
    ) -> None:
        self.config = config or load_config(config_path).config
        self.jupyter_mode = jupyter_mode
        self._persistence = state_persistence
        self._listener = listener
        self._stages = list(stages) if stages is not None else default_stages()
        self.resolver = DependencyResolver(self._stages)
        self.stop = threading.Event()

    @property
    def state(self) -> StateManager:
        """The state below the configured outputs folder."""
        return StateManager(self.config.outputs)

    # Questions

    def setup_pipeline(self, config: PipelineConfig) -> ValidationResult:
        """Take a configuration, and say whether it can be run."""
        self.config = config
        return self.validate_pipeline_config(config)

    def validate_pipeline_config(self, config: PipelineConfig | None = None) -> ValidationResult:
        """Check a configuration as a whole, before any kernel starts."""
        chosen = config or self.config
        problems = []
        try:
            for stage in self._stages:
                notebook_parameters(stage.notebook)
        except ConfigurationError as error:
            problems.append(str(error))
        return ValidationResult((*problems, *preflight(chosen.model_dump(mode="json"))))

    def validate_pipeline_health(self) -> HealthCheckResult:
        """Check what a run depends on: configuration, folder, disk, memory, state."""
        problems = self.validate_pipeline_config().problems
        outputs = self.state.outputs
        free_disk = shutil.disk_usage(outputs).free / 2**30
        free_memory = ResourceManager().available_memory_mb()
        needed = max(stage.resource_requirements.memory_mb for stage in self._stages)
        damaged = [record.execution_id for record in self.state.get_execution_history() if record.error]
        return HealthCheckResult(
            (
                ("configuration", not problems, "; ".join(problems) or "valid"),
                ("outputs", os.access(outputs, os.W_OK), f"{outputs} is writable"),
                ("disk", free_disk > 1, f"{free_disk:,.1f} GB free, 1 GB wanted"),
                ("memory", free_memory > needed, f"{free_memory:,.0f} MB free, {needed:,} MB wanted"),
                ("records", not damaged, ", ".join(damaged) or "every run's record is readable"),
            )
        )

    def plan(self, config: PipelineConfig | None = None) -> ExecutionPlan:
        """Say what a run would do now, and why; no kernel starts."""
        chosen = config or self.config
        self._require_valid(chosen)
        state = StateManager(chosen.outputs)
        return plan_run(self._manager(state, _nothing), state, self.resolver, chosen)

    # Runs

    def execute_full_pipeline(
        self, config: PipelineConfig | None = None, resume_from: str | None = None
    ) -> PipelineResult:
        """Execute the chain; stages in which nothing changed are carried over.

        Raises:
            ConfigurationError: if the configuration cannot be run; nothing was started then.
            StateManagementError: if another run holds the outputs folder.
        """
        if resume_from is not None:
            return self.resume_from_checkpoint(resume_from)
        chosen = config or self.config
        return self._run(chosen, ExecutionMode.FULL)

    def execute_incremental_update(
        self, since: datetime | None = None, force_reprocess: list[str] | None = None
    ) -> PipelineResult:
        """Execute the chain for what changed, as every run does, and for what is asked for besides.

        Args:
            since: process documents that were changed at or after this moment again.
            force_reprocess: process these documents again, by path in the repository.

        Raises:
            ConfigurationError: if one of them is no document of the last run.
        """
        return self._run(self.config, ExecutionMode.INCREMENTAL, since=since, again=force_reprocess or [])

    def execute_test_run(self, documents: int) -> PipelineResult:
        """Try the chain on the first documents, in a collection of its own; nothing else is touched.

        Args:
            documents: how many; the collection is the configured one with ``_test`` behind its name.
        """
        trial = {"document_limit": documents, "collection_name": f"{self.config.collection_name}_test"}
        trial |= {"allow_mass_deletion": True}  # the trial before this one may have been larger
        return self._run(self.config.model_copy(update=trial), ExecutionMode.TEST)

    def resume_from_checkpoint(self, checkpoint_id: str = "") -> PipelineResult:
        """Continue a run (by default the last one) with its own configuration.

        Raises:
            StateManagementError: if there is no such run, or it ended well.
        """
        state = self.state.load_checkpoint(checkpoint_id)
        if state.status is ExecutionStatus.SUCCESS:
            raise StateManagementError(
                f"{state.execution_id} ended successfully; there is nothing to resume. "
                "`nic-etl run` looks for changes.",
                exit_code=2,
            )
        # Its own settings, but here: the outputs folder may have been moved or restored since.
        recorded = state.pipeline_config | {"outputs_dir": self.config.outputs_dir}
        config = load_config(None, recorded).config
        state.mode = ExecutionMode.RESUME
        return self._run(config, ExecutionMode.RESUME, state)

    def execute_stage(
        self,
        stage_name: str,
        dependencies: dict[str, str] | None = None,
        *,
        config: PipelineConfig | None = None,
        downstream: bool = False,
    ) -> PipelineResult:
        """Execute one stage anew in a run of its own; earlier runs stay as they are.

        Args:
            stage_name: the stage.
            dependencies: executed notebook by stage name; those left out are the newest good ones.
            config: the configuration; None: the orchestrator's.
            downstream: execute also the stages that read, directly or not, what it makes.
        """
        self.resolver.require(stage_name)
        chosen = config or self.config
        names = (stage_name, *(self.resolver.downstream(stage_name) if downstream else ()))
        state = StateManager(chosen.outputs)
        upstream: dict[str, str] = {}
        for name in self.resolver.order:
            last = state.last_checkpoint(name)
            if name not in names and last is not None:
                upstream[name] = str(state.absolute(last[1].notebook))
        upstream |= dependencies or {}
        missing = self._manager(state, _nothing).validate_stage_dependencies(stage_name, upstream)
        if missing:
            raise StateManagementError(" ".join(missing), exit_code=2)
        return self._run(chosen, ExecutionMode.RERUN, only=names, upstream=upstream)

    def out_of_date(self, stage_name: str) -> list[str]:
        """Return the stages whose last result was made from an earlier result of ``stage_name``."""
        state = self.state
        latest = state.last_checkpoint(stage_name)
        if latest is None or latest[1].result is None:
            return []
        current = {
            f"input:{stage_name}.{name}": ref.sha256 for name, ref in latest[1].result.artifacts.items()
        }
        stale: list[str] = []
        for name in self.resolver.downstream(stage_name):
            checkpoint = state.last_checkpoint(name)
            used = checkpoint[1].fingerprint if checkpoint else {}
            direct = any(key in used and used[key] != value for key, value in current.items())
            if direct or set(stale) & set(self.resolver.graph[name]):
                stale.append(name)
        return stale

    # Internals

    def _manager(self, state: StateManager, emit: Listener, memory_limit_mb: float = 0.0) -> StageManager:
        manager = StageManager(state, emit, self.stop, memory_limit_mb)
        for stage in self._stages:
            manager.register_stage(stage)
        return manager

    def _require_valid(self, config: PipelineConfig) -> None:
        validation = self.validate_pipeline_config(config)
        if not validation.valid:
            raise ConfigurationError("\n".join(validation.problems))

    def _run(
        self,
        config: PipelineConfig,
        mode: ExecutionMode,
        resumed: PipelineState | None = None,
        *,
        only: tuple[str, ...] = (),
        upstream: dict[str, str] | None = None,
        since: datetime | None = None,
        again: Iterable[str] = (),
    ) -> PipelineResult:
        self._require_valid(config)
        manager = StateManager(config.outputs)
        with manager.lock() as note:
            reap_orphans(manager.kernels)
            chosen = [*again, *(changed_since(manager, since) if since else [])]
            forced = forget_documents(manager, chosen) if chosen else set()
            state = resumed or manager.new_run(mode, config.model_dump(mode="json"), config_hash(config))
            note.write(state.execution_id)
            run_dir = manager.run_dir(state.execution_id)
            record_environment(run_dir, state, self._stages[0].notebook.parent)
            log = EventLog(run_dir / "events.jsonl")
            run = _Run(self, manager, state, config, fan_out(log, self._listener), only, upstream or {})
            run.not_reusable |= forced
            try:
                return run.execute()
            finally:
                log.close()


class _Run:
    """One run, from its first stage to its result."""

    def __init__(
        self,
        owner: PipelineOrchestrator,
        manager: StateManager,
        state: PipelineState,
        config: PipelineConfig,
        emit: Listener,
        only: tuple[str, ...],
        upstream: dict[str, str],
    ) -> None:
        self._manager = manager
        self._state = state
        self._config = config
        self._emit = emit
        self._only = only
        self._upstream = dict(upstream)
        self._resolver = owner.resolver
        self._stop = owner.stop
        self._guard = threading.Lock()
        self._stages = owner._manager(manager, emit, config.memory_limit_mb)
        self._resources = ResourceManager(parallel=config.parallel_processing)
        self._reuse = owner._persistence and config.skip_existing and not config.force_refresh and not only

        self.not_reusable: set[str] = set()

    def execute(self) -> PipelineResult:
        """Execute the stages and return what they came to."""
        state = self._state
        state.status, state.error, state.end_timestamp = ExecutionStatus.RUNNING, "", None
        self._manager.audit("run_started", {"execution_id": state.execution_id, "mode": state.mode})
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
            errors = run_in_order(
                self._resolver, self._stages.stages, self._advance, self._resources, self._stop
            )
        finally:
            self._stages.close()
        return self._finish(errors)

    def _advance(self, name: str) -> None:
        if self._only and name not in self._only:
            return
        if self._keep_own(name) or self._carry_over(name):
            return
        self._emit(Event("stage_started", name, {"reasons": self._reasons(name)}))
        self._record(Checkpoint(stage=name, status=ExecutionStatus.RUNNING))
        self._warm_next(name)
        context = ExecutionContext(
            pipeline_config=self._config,
            run_dir=self._manager.run_dir(self._state.execution_id),
            upstream=dict(self._upstream),
            execution_mode=self._state.mode,
            available_memory_mb=self._resources.available_memory_mb(),
        )
        try:
            checkpoint = self._stages.execute_stage_with_retry(name, context)
        except BaseException as error:
            self._fail(name, error)
            raise
        self._record(checkpoint)
        self._publish(self._manager.absolute(checkpoint.notebook))
        self._finished(checkpoint)

    def _keep_own(self, name: str) -> bool:
        # A resumed run keeps what it had finished, also of stages that look outside: it is the same run.
        own = self._state.stages.get(name)
        if own is None or name not in self._state.completed_stages or self._manager.faults(own):
            return False
        current = self._stages.fingerprint(self._stages.stages[name], self._config, self._upstream)
        if own.fingerprint != current:
            return False
        self._take(name, own)
        self._emit(Event("stage_carried_over", name, {"from": self._state.execution_id}))
        return True

    def _carry_over(self, name: str) -> bool:
        if not self._reuse or name in self.not_reusable:
            return False
        found = self._stages.current(self._stages.stages[name], self._config, self._upstream)
        if found is None:
            return False
        execution_id, checkpoint = found
        source = self._manager.absolute(checkpoint.notebook)
        target = self._manager.run_dir(self._state.execution_id) / source.name
        _link(source, target)
        carried = checkpoint.model_copy(
            update={
                "status": ExecutionStatus.SKIPPED,
                "notebook": self._manager.relative(target),
                "notebook_sha256": file_sha256(target),
                "carried_from": checkpoint.carried_from or execution_id,
                "reason": "nothing that concerns it changed",
                "seconds": 0.0,
            }
        )
        self._record(carried)
        self._publish(source)
        self._take(name, carried)
        self._emit(Event("stage_carried_over", name, {"from": carried.carried_from}))
        return True

    def _publish(self, notebook: Path) -> None:
        if self._state.mode is not ExecutionMode.TEST:
            self._manager.set_latest(notebook)

    def _reasons(self, name: str) -> list[str]:
        last = self._manager.last_checkpoint(name)
        if last is None:
            return ["it has not been executed yet"]
        stage = self._stages.stages[name]
        current = self._stages.fingerprint(stage, self._config, self._upstream)
        return differences(last[1].fingerprint, current)

    def _warm_next(self, name: str) -> None:
        # The next kernel imports its libraries while this one works; a stage that will probably be
        # carried over gets none, for its imports would take the processor from this one.
        after = self._resolver.order[self._resolver.order.index(name) + 1 :]
        for candidate in after[:2]:
            if self._only and candidate not in self._only:
                continue
            stage = self._stages.stages[candidate]
            sure = self._manager.last_checkpoint(candidate) is None or not self._reuse
            follows = name in stage.dependencies and self._stages.stages[name].outside != "source"
            if (sure or follows) and self._resources.fits(stage, [self._stages.stages[name]]):
                threading.Thread(target=self._stages.warm, args=([candidate],), daemon=True).start()
                return

    def _fail(self, name: str, error: BaseException) -> None:
        cancelled = isinstance(error, StageCancelledError)
        notebook = self._manager.run_dir(self._state.execution_id) / self._stages.stages[name].notebook.name
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

    def _finish(self, errors: dict[str, BaseException]) -> PipelineResult:
        state = self._state
        state.end_timestamp = now()
        state.status = _overall(state, errors, stopped=self._stop.is_set())
        if errors:
            name, error = next(iter(errors.items()))
            recovery = handle_stage_failure(name, _as_exception(error), state.execution_id)
            state.error = f"{error} To continue: `{recovery.command}`."
        self._manager.save_checkpoint(state)
        summary = summarize(self._manager, state)
        self._manager.audit("run_finished", {"execution_id": state.execution_id, "status": str(state.status)})
        self._emit(Event("run_finished", data={"status": str(state.status), "error": state.error}))
        unexpected = [e for e in errors.values() if not isinstance(e, PipelineOrchestrationError)]
        if unexpected:
            raise unexpected[0]
        return PipelineResult(
            execution_id=state.execution_id,
            overall_status=state.status,
            total_duration=(state.end_timestamp - state.start_timestamp).total_seconds(),
            stage_results=state.stage_results,
            state=state,
            run_dir=self._manager.run_dir(state.execution_id),
            summary=summary,
        )


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
