"""The public face of the runner: configure, plan, run, rerun, resume."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from runner.config_manager import PipelineConfig, config_hash, load_config
from runner.errors import ConfigurationError, StateManagementError
from runner.events import Event, EventLog, Listener, fan_out
from runner.kernels.pool import KernelPool
from runner.models import (
    ExecutionMode,
    ExecutionPlan,
    HealthCheckResult,
    PipelineResult,
    PipelineStage,
    PipelineState,
    RunScope,
    SetupResult,
    ValidationResult,
    trial_collection,
)
from runner.pipeline.cluster import require_cluster, wants_cluster
from runner.pipeline.dependency_resolver import DependencyResolver
from runner.pipeline.error_handler import resumed_config
from runner.pipeline.hooks import REPORT, Hook
from runner.pipeline.notebook_progress import ProgressTracker, in_notebook
from runner.pipeline.pipeline_run import PipelineRun
from runner.pipeline.planner import plan_run
from runner.pipeline.reprocess import changed_since, forget_documents
from runner.pipeline.rerun import rerun_inputs, tried_settings
from runner.pipeline.resource_manager import ResourceManager
from runner.pipeline.stage_manager import StageManager
from runner.pipeline.stages import default_stages, notebook_parameters
from runner.record.damage import altered_notebooks
from runner.record.environment import record_environment
from runner.record.kernels import reap_orphans
from runner.record.state_manager import StateManager
from stagekit.checks.preflight import preflight
from stagekit.contract import ExecutionStatus

__all__ = ["PipelineOrchestrator"]


def _nothing(_: Event) -> None:
    return None


class PipelineOrchestrator:
    """Runs the chain of stage notebooks.

    Args:
        config_path: a profile's name or the path of a YAML file; None: the default profile.
        state_persistence: carry over what did not change; False executes every stage.
        jupyter_mode: show the progress of a run below the cell, where this is executed in a notebook.
        config: a ready configuration, in place of ``config_path``.
        listener: is told what happens, as :class:`runner.events.Event` values.
        stages: the chain; None: the six stages.
        kernels: that wait for the stages before a run and after it; None: each run has its own.
        after: what happens when a run has ended, see :mod:`runner.pipeline.hooks`; by default the report.
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
        kernels: KernelPool | None = None,
        after: Sequence[str | Hook] = (REPORT,),
    ) -> None:
        self.config = config or load_config(config_path).config
        self.jupyter_mode = jupyter_mode
        self._persistence = state_persistence
        self._listener = listener
        self._kernels = kernels
        self._after = after
        self._stages = list(stages) if stages is not None else default_stages()
        self.resolver = DependencyResolver(self._stages)
        self.stop = threading.Event()

    @property
    def state(self) -> StateManager:
        """The state below the configured outputs folder."""
        return StateManager(self.config.outputs)

    # Questions

    def setup_pipeline(self, config: PipelineConfig) -> SetupResult:
        """Take a configuration, make its outputs folder, and say whether it can be run.

        Raises:
            StateManagementError: if the outputs folder cannot be made or used.
        """
        self.config = config
        return SetupResult(
            problems=self.validate_pipeline_config(config).problems,
            stages=self.resolver.order,
            outputs=self.state.outputs,
            config_hash=config_hash(config),
        )

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
        """Check what a run depends on: configuration, folder, disk, memory, state.

        What is wrong is told as a run would tell it; without a folder nothing else can be looked at.
        """
        problems = self.validate_pipeline_config().problems
        configuration = ("configuration", not problems, "; ".join(problems) or "valid")
        try:
            state = self.state
        except StateManagementError as error:
            return HealthCheckResult((configuration, ("outputs", False, str(error))))
        try:
            state.require_free()
            outputs = (True, f"{state.outputs} is writable, and no run is at work")
        except StateManagementError as error:
            # A run at work passes by itself: whoever watches with doctor need not be called.
            outputs = (state.lock_owner() is not None, str(error))
        free_disk = shutil.disk_usage(state.outputs).free / 2**30
        free_memory = ResourceManager().available_memory_mb()
        needed = max(stage.resource_requirements.memory_mb for stage in self._stages)
        history = state.get_execution_history()
        damaged = [record.execution_id for record in history if record.status == "damaged"]
        whole = [record.execution_id for record in history if record.status != "damaged"]
        altered = altered_notebooks(state, map(state.load_checkpoint, whole))
        return HealthCheckResult(
            (
                configuration,
                ("outputs", *outputs),
                ("disk", free_disk > 1, f"{free_disk:,.1f} GB free, 1 GB wanted"),
                ("memory", free_memory > needed, f"{free_memory:,.0f} MB free, {needed:,} MB wanted"),
                ("records", not damaged, ", ".join(damaged) or "every run's record is readable"),
                ("checkpoints", not altered, "; ".join(altered) or "no executed notebook was altered"),
            )
        )

    def plan(self, config: PipelineConfig | None = None) -> ExecutionPlan:
        """Say what a run would do now, and why; no kernel starts."""
        chosen = config or self.config
        self._require_valid(chosen)
        stages = {stage.name: stage for stage in self._stages}
        return plan_run(stages, StateManager(chosen.outputs), self.resolver, chosen, reuse=self._persistence)

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

        Raises:
            ConfigurationError: if a run that is no trial has filled a collection of that name.
        """
        return self._run(_trial_config(self.config, document_limit=documents), ExecutionMode.TEST)

    def resume_from_checkpoint(
        self, checkpoint_id: str = "", *, changes: Mapping[str, Any] | None = None
    ) -> PipelineResult:
        """Continue a run as what it was: kind, scope and configuration stay.

        Args:
            checkpoint_id: of the run, or the beginning of its id; by default the last one.
            changes: other values, by name, of settings that do not bear on results: limits, times to wait,
                workers, how a service is reached.

        Raises:
            ConfigurationError: if a change is wrong, or bears on what the run has made already.
            StateManagementError: if there is no such run, it ended well, or a newer one has begun its work.
        """
        manager = self.state
        state = manager.load_checkpoint(checkpoint_id)
        _require_resumable(manager, state)
        config = resumed_config(state, self.config.outputs_dir, changes or {})
        return self._run(config, state.mode, state)

    def execute_stage(
        self,
        stage_name: str,
        dependencies: dict[str, str] | None = None,
        *,
        config: PipelineConfig | None = None,
        downstream: bool = False,
        publish: bool = False,
    ) -> PipelineResult:
        """Execute one stage anew in a run of its own; earlier runs stay as they are.

        One that would fill the collection with other settings than those in force is a trial, unless it is to
        be published: it fills the trial collection, and what readers see stays.

        Args:
            stage_name: the stage.
            dependencies: executed notebook by stage name; those left out are the newest good ones.
            config: the configuration; None: the orchestrator's.
            downstream: execute also the stages that read, directly or not, what it makes.
            publish: with other settings, too, readers are to see the result.

        Raises:
            ConfigurationError: if the trial collection is one that a run which is no trial has filled.
            StateManagementError: if what the stage reads is not there.
        """
        self.resolver.require(stage_name)
        chosen = config or self.config
        names = (stage_name, *(self.resolver.downstream(stage_name) if downstream else ()))
        state = StateManager(chosen.outputs)
        stages = self._manager(state, _nothing)
        upstream = rerun_inputs(stages.stages, state, self.resolver, chosen, names) | (dependencies or {})
        found = stages.validate_stage_dependencies(stage_name, upstream)
        if not found.valid:
            raise StateManagementError(" ".join(found.problems), exit_code=2)
        recorded = {name: state.relative(Path(path)) for name, path in upstream.items()}
        scope = RunScope(only=names, upstream=recorded)
        last = self.resolver.order[-1]
        if publish or last not in names or not tried_settings(stages.stages, state, chosen, last):
            return self._run(chosen, ExecutionMode.RERUN, scope=scope)
        return self._run(_trial_config(chosen), ExecutionMode.TEST, scope=scope)

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
        settings = self.config.stage_settings()
        manager = StageManager(state, emit, self.stop, memory_limit_mb, settings, self._kernels)
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
        scope: RunScope | None = None,
        since: datetime | None = None,
        again: Iterable[str] = (),
    ) -> PipelineResult:
        self._require_valid(config)
        manager = StateManager(config.outputs)
        with manager.lock() as note:
            reap_orphans(manager.kernels)
            chosen = [*again, *(changed_since(manager, since) if since else [])]
            stages = {stage.name: stage for stage in self._stages}
            ordered = [stages[name] for name in (scope.only if scope else self.resolver.order)]
            reuse = self._persistence and not chosen and scope is None
            if wants_cluster(ordered, config, manager, run=resumed, reuse=reuse):
                require_cluster(config)
            if chosen:
                scope = RunScope(forced=tuple(sorted(forget_documents(manager, chosen))))
            if resumed is None:
                state = manager.new_run(mode, config.model_dump(mode="json"), config_hash(config), scope)
            else:  # read and asked again: another run may have ended while this one waited for the lock
                state = manager.load_checkpoint(resumed.execution_id)
                _require_resumable(manager, state)
                state.resumed += 1
                state.paused_seconds += manager.seconds_since_end(state)
                state.pipeline_config, state.config_hash = config.model_dump(mode="json"), config_hash(config)
            note.write(state.execution_id)
            run_dir = manager.run_dir(state.execution_id)
            record_environment(run_dir, state, self._stages[0].notebook.parent)
            log = EventLog(run_dir / "events.jsonl")
            shown = [ProgressTracker()] if self.jupyter_mode and in_notebook() else []
            emit = fan_out(log, self._listener, *shown)
            run = PipelineRun(
                manager,
                state,
                config,
                self._manager(manager, emit, config.memory_limit_mb),
                self.resolver,
                emit,
                self.stop,
                reuse=self._persistence,
                after=self._after,
            )
            try:
                return run.execute()
            finally:
                log.close()


def _trial_config(config: PipelineConfig, **settings: Any) -> PipelineConfig:
    """Return the configuration of a trial: with a collection of its own, and these settings."""
    collection = trial_collection(config.collection_name)
    if served := StateManager(config.outputs).real_run_of(collection):
        raise ConfigurationError(
            f"collection_name: a trial would write into {collection}, which {served} filled and readers "
            "see: give the trial another collection_name."
        )
    # The trial before this one may have been larger.
    trial = {"collection_name": collection, "allow_mass_deletion": True} | settings
    return config.model_copy(update=trial)


def _require_resumable(manager: StateManager, state: PipelineState) -> None:
    if state.status is ExecutionStatus.SUCCESS:
        raise StateManagementError(
            f"{state.execution_id} ended successfully; there is nothing to resume. "
            "`nic-etl run` looks for changes.",
            exit_code=2,
        )
    if newer := manager.newer_run(state):
        again = "`nic-etl run --test N`" if state.trial else "`nic-etl run`"
        raise StateManagementError(
            f"{state.execution_id} cannot be resumed, for {newer.execution_id} has run since: {again} goes "
            "on from there, and makes nothing twice that either has finished.",
            exit_code=2,
        )
