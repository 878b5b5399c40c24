"""Single stages, by name: for callers that steer the chain themselves."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partialmethod

from runner.events import tell_nobody
from runner.kernels.resource_manager import ResourceManager
from runner.models import ExecutionContext, PipelineStage
from runner.pipeline.dependency_resolver import DependencyResolver
from runner.pipeline.stage_manager import StageManager
from runner.record.state_manager import StateManager
from runner.results import ExecutionPlan, PlannedStage, ResourceInfo
from stagekit.contract import StageResult

Condition = bool | Callable[[ExecutionContext | None], bool]


def execute_stage_with_retry(stage: PipelineStage, context: ExecutionContext) -> StageResult:
    """Execute one stage in a context, with its own ``retry_config``, outside of any run.

    Raises:
        StageExecutionError: when the last try failed, or what it left is not whole.
    """
    config = context.pipeline_config
    stages = StageManager(StateManager(config.outputs), tell_nobody, threading.Event(), config)
    stages.register_stage(stage)
    try:
        return StageExecutor(stages).execute(stage.name, context)
    finally:
        stages.close()


class StageExecutor:
    """Executes one stage in a context; each method returns the stage's result.

    Every method raises :class:`runner.errors.StageExecutionError` if the stage does not come to its end.
    """

    def __init__(self, stages: StageManager) -> None:
        self._stages = stages

    def execute(self, stage_name: str, context: ExecutionContext) -> StageResult:
        """Execute the stage of that name."""
        result = self._stages.execute_stage_with_retry(stage_name, context).result
        assert result is not None  # a checkpoint of an executed stage has one
        return result

    execute_gitlab_ingestion = partialmethod(execute, "gitlab_ingestion")
    execute_document_processing = partialmethod(execute, "document_processing")
    execute_text_chunking = partialmethod(execute, "text_chunking")
    execute_embedding_generation = partialmethod(execute, "embedding_generation")
    execute_metadata_enrichment = partialmethod(execute, "metadata_enrichment")
    execute_vector_storage = partialmethod(execute, "qdrant_storage")


@dataclass(frozen=True)
class ExecutionSchedule:
    """Which stages start together, wave by wave, under a given amount of memory (MB)."""

    waves: tuple[tuple[str, ...], ...]
    available_memory_mb: float


class AdvancedOrchestration:
    """Plans and executes stages beside each other, under conditions, within the memory there is."""

    def __init__(self, stages: StageManager) -> None:
        self._stages = stages
        self._resolver = DependencyResolver(stages.stages.values())
        self._executor = StageExecutor(stages)

    def parallel_stage_execution(
        self, independent_stages: list[str], context: ExecutionContext
    ) -> dict[str, StageResult]:
        """Execute stages side by side and return their results by name.

        Raises:
            ValueError: if one of them depends on another of them.
        """
        for name in independent_stages:
            if after := set(self._resolver.downstream(name)) & set(independent_stages):
                raise ValueError(f"{', '.join(sorted(after))} cannot run beside {name}: it reads its result.")
        with ThreadPoolExecutor(max_workers=max(1, len(independent_stages))) as pool:
            running = {
                name: pool.submit(self._executor.execute, name, context) for name in independent_stages
            }
            return {name: future.result() for name, future in running.items()}

    def conditional_stage_execution(
        self, condition_checks: Mapping[str, Condition], context: ExecutionContext | None = None
    ) -> ExecutionPlan:
        """Return a plan in which a stage whose condition is false is skipped, and what depends on it too.

        Args:
            condition_checks: condition by stage name, as a value or as a function of the context; a stage
                that is not named is executed.
            context: what the functions are given.
        """
        planned: dict[str, PlannedStage] = {}
        for name in self._resolver.order:
            blocked = [n for n in self._resolver.graph[name] if planned[n].action == "skip"]
            condition = condition_checks.get(name, True)
            if not (condition(context) if callable(condition) else condition):
                planned[name] = PlannedStage(name, "skip", ("its condition is not met",))
            elif blocked:
                planned[name] = PlannedStage(name, "skip", (f"{' and '.join(blocked)} is skipped",))
            else:
                planned[name] = PlannedStage(name, "run", ("its condition is met",))
        return ExecutionPlan(tuple(planned.values()), self._resolver.groups())

    def resource_aware_scheduling(
        self, available_resources: ResourceInfo | float | None = None
    ) -> ExecutionSchedule:
        """Return which stages start together within the resources there are.

        Args:
            available_resources: those, or the free memory in MB; None: what is free now.
        """
        if isinstance(available_resources, ResourceInfo):
            available_resources = available_resources.available_memory_mb
        resources = ResourceManager(available_mb=available_resources)
        waves: list[tuple[str, ...]] = []
        for group in self._resolver.groups():
            wave: list[str] = []
            for name in group:
                beside = [self._stages.stages[other] for other in wave]
                if not resources.fits(self._stages.stages[name], beside):
                    waves.append(tuple(wave))
                    wave = []
                wave.append(name)
            waves.append(tuple(wave))
        return ExecutionSchedule(tuple(waves), resources.available_memory_mb())
