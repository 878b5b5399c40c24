"""The public face of the runner: configure, plan, run, rerun, resume."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from runner.config_manager import config_hash, load_config
from runner.errors import ConfigurationError, StateManagementError
from runner.events import EventLog, Listener, fan_out, tell_nobody
from runner.kernels.pool import KernelPool
from runner.models import ExecutionMode, PipelineStage, PipelineState, RunScope
from runner.pipeline.cluster import require_cluster, wants_cluster
from runner.pipeline.dependency_resolver import DependencyResolver
from runner.pipeline.pipeline_run import PipelineRun
from runner.pipeline.planner import plan_run
from runner.pipeline.rerun import rerun_inputs, tried_settings
from runner.pipeline.resume import require_resumable, resumed_config
from runner.pipeline.run import Run
from runner.pipeline.stage_manager import StageManager
from runner.record.environment import record_environment
from runner.record.freshness import outdated_stages
from runner.record.health import record_checks
from runner.record.hooks import REPORT, Hook
from runner.record.kernels import reap_orphans
from runner.record.notebook_progress import ProgressTracker, in_notebook
from runner.record.reprocess import changed_since, chosen_documents
from runner.record.state_manager import StateManager
from runner.record.trials import trial_config
from runner.results import ExecutionPlan, HealthCheckResult, PipelineResult, SetupResult, ValidationResult
from runner.settings.pipeline_config import PipelineConfig
from runner.stages.chain import default_stages
from runner.stages.notebook_parameters import notebook_parameters
from runner.wording import stored
from stagekit.checks.preflight import preflight


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
        after: what happens when a run has ended, see :mod:`runner.record.hooks`; by default the report.
    """

    def __init__(
        self,
        config_path: str | None = None,
        state_persistence: bool = True,
        jupyter_mode: bool = True,
        *,
        config: PipelineConfig | None = None,
        listener: Listener = tell_nobody,
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
        self.resolver = DependencyResolver(default_stages() if stages is None else stages)
        self.stop = threading.Event()

    @property
    def manager(self) -> StateManager:
        """The record of all runs below the configured outputs folder."""
        return StateManager(self.config.outputs)

    @property
    def state(self) -> StateManager:
        """``manager`` under its former name."""
        return self.manager

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
            outputs=self.manager.outputs,
            config_hash=config_hash(config),
        )

    def validate_pipeline_config(self, config: PipelineConfig | None = None) -> ValidationResult:
        """Check a configuration as a whole, before any kernel starts."""
        chosen = config or self.config
        problems = []
        try:
            for stage in self.resolver.stages.values():
                notebook_parameters(stage.notebook)
        except ConfigurationError as error:
            problems.append(str(error))
        return ValidationResult((*problems, *preflight(chosen.model_dump(mode="json"))))

    def validate_pipeline_health(self) -> HealthCheckResult:
        """Check what a run depends on: configuration, folder, disk, memory, records, executed notebooks.

        What is wrong is told as a run would tell it; without a folder nothing else can be looked at.
        """
        problems = self.validate_pipeline_config().problems
        configuration = ("configuration", not problems, "; ".join(problems) or stored("valid"))
        needed = max(stage.resource_requirements.memory_mb for stage in self.resolver.stages.values())
        return HealthCheckResult((configuration, *record_checks(self.config.outputs, needed)))

    def plan(self, config: PipelineConfig | None = None) -> ExecutionPlan:
        """Say what a run would do now, and why; no kernel starts."""
        chosen = config or self.config
        self._require_valid(chosen)
        return plan_run(self._planned(chosen))

    def out_of_date(self, stage_name: str) -> list[str]:
        """Return the stages whose last result was made from an earlier result of ``stage_name``."""
        readers = {name: self.resolver.graph[name] for name in self.resolver.downstream(stage_name)}
        return outdated_stages(self.manager, stage_name, readers)

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
        return self._run(config or self.config, ExecutionMode.FULL)

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
        return self._run(trial_config(self.config, document_limit=documents), ExecutionMode.TEST)

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
        state = self.manager.load_checkpoint(checkpoint_id)
        require_resumable(self.manager, state)
        config = resumed_config(state, self.config.outputs_dir, changes or {})
        return self._run(config, state.mode, resumes=state.execution_id)

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
        run = self._planned(chosen)
        upstream = rerun_inputs(run, names) | (dependencies or {})
        found = self._stage_manager(run).validate_stage_dependencies(stage_name, upstream)
        if not found.valid:
            raise StateManagementError(" ".join(found.problems), exit_code=2)
        recorded = {name: run.manager.relative(Path(path)) for name, path in upstream.items()}
        scope = RunScope(only=names, upstream=recorded)
        if publish or self.resolver.order[-1] not in names or not tried_settings(run):
            return self._run(chosen, ExecutionMode.RERUN, scope=scope)
        return self._run(trial_config(chosen), ExecutionMode.TEST, scope=scope)

    # Internals

    def _planned(self, config: PipelineConfig, state: PipelineState | None = None) -> Run:
        """Return a run that has not begun; by default one of the whole chain."""
        manager = StateManager(config.outputs)
        planned = Run(config, manager, self.resolver, reuse=self._persistence, stop=self.stop)
        return replace(planned, state=state) if state else planned

    def _stage_manager(self, run: Run) -> StageManager:
        stages = StageManager(run.manager, run.emit, run.stop, run.config, self._kernels)
        for stage in run.stages.values():
            stages.register_stage(stage)
        return stages

    def _require_valid(self, config: PipelineConfig) -> None:
        validation = self.validate_pipeline_config(config)
        if not validation.valid:
            raise ConfigurationError("\n".join(validation.problems))

    def _run(
        self,
        config: PipelineConfig,
        mode: ExecutionMode,
        *,
        resumes: str = "",
        scope: RunScope | None = None,
        since: datetime | None = None,
        again: Iterable[str] = (),
    ) -> PipelineResult:
        self._require_valid(config)
        manager = StateManager(config.outputs)
        with manager.lock() as note:
            reap_orphans(manager.kernels)
            chosen = chosen_documents(manager, [*again, *(changed_since(manager, since) if since else [])])
            if resumes:  # read and asked again: another run may have ended while this one waited for the lock
                state = manager.load_checkpoint(resumes)
                require_resumable(manager, state)
            else:
                scope = scope or RunScope(forced=chosen.stages)
                state = PipelineState(execution_id="", mode=mode, scope=scope)
            run = self._planned(config, state)
            if wants_cluster(run):
                require_cluster(run)
            chosen.forget(manager)
            begun = manager.begin_run(state, config.model_dump(mode="json"), config_hash(config))
            note.update(execution_id=begun.execution_id)
            return self._execute(replace(run, state=begun))

    def _execute(self, run: Run) -> PipelineResult:
        run_dir = run.manager.run_dir(run.state.execution_id)
        record_environment(run_dir, run.state, next(iter(run.stages.values())).notebook.parent)
        log = EventLog(run_dir / "events.jsonl")
        shown = [ProgressTracker()] if self.jupyter_mode and in_notebook() else []
        run = replace(run, emit=fan_out(log, self._listener, *shown))
        try:
            return PipelineRun(run, self._stage_manager(run), self._after).execute()
        finally:
            log.close()
