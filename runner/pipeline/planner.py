"""What a run would do with each stage, and why: the decisions of a run that has not begun."""

from __future__ import annotations

from collections.abc import Mapping

from runner.config_manager import PipelineConfig
from runner.models import Checkpoint, Decision, ExecutionPlan, PipelineStage, PlannedStage
from runner.pipeline.decide import CHANGED_OUTSIDE, decide
from runner.pipeline.dependency_resolver import DependencyResolver
from runner.record.report_generator import manifest_columns, manifest_rows
from runner.record.state_manager import StateManager
from stagekit.checks.leaving import leaving
from stagekit.checks.outside import source_changes

__all__ = ["plan_run"]


_SHOWN = 5  # documents named in a reason


def plan_run(
    stages: Mapping[str, PipelineStage],
    state: StateManager,
    resolver: DependencyResolver,
    config: PipelineConfig,
    *,
    reuse: bool = True,
) -> ExecutionPlan:
    """Return what ``nic-etl run`` would do now."""
    planned: list[PlannedStage] = []
    upstream: dict[str, str] = {}  # of the stages whose result is known now
    for name in resolver.order:
        decision = decide(stages[name], config, upstream, state, reuse=reuse)
        if decision.carries and decision.checkpoint:
            upstream[name] = str(state.absolute(decision.checkpoint[1].notebook))
        reasons = _source_reasons(state, decision, config) or decision.reasons
        planned.append(
            PlannedStage(name, decision.action, reasons, _leaving(stages[name], decision, state, config))
        )
    return ExecutionPlan(tuple(planned), resolver.groups())


def _leaving(
    stage: PipelineStage, decision: Decision, state: StateManager, config: PipelineConfig
) -> tuple[tuple[str, str], ...]:
    """Return the stored documents that a stage which reads the source would leave out, and why."""
    if stage.outside != "source" or decision.action != "run" or decision.checkpoint is None:
        return ()
    # Where only the source changed the rules are those of then, and what did not change need not be read.
    rules_hold = decision.reasons == (CHANGED_OUTSIDE["source"],)
    return tuple(leaving(config.model_dump(mode="json"), state.outputs, rules_hold=rules_hold))


def _source_reasons(state: StateManager, decision: Decision, config: PipelineConfig) -> tuple[str, ...]:
    """Name the documents that changed, where a local source is why a stage runs."""
    if decision.reasons != (CHANGED_OUTSIDE["source"],) or decision.checkpoint is None:
        return ()
    return tuple(filter(None, [_changed_documents(state, decision.checkpoint[1], config)]))


def _changed_documents(state: StateManager, checkpoint: Checkpoint, config: PipelineConfig) -> str:
    documents = manifest_columns(state, checkpoint, "documents", ("path", "status", "blob_id"))
    read = dict(zip(documents.column("path"), documents.column("blob_id"), strict=True))
    aside = {row["path"] for row in manifest_rows(state, checkpoint, "ignored")}
    changes = source_changes(config.model_dump(mode="json"), config.outputs, read, aside)
    if not changes:
        return ""
    more = f" and {len(changes) - _SHOWN} more" if len(changes) > _SHOWN else ""
    plural = "documents" if len(changes) > 1 else "document"
    return f"{len(changes)} {plural} changed: {', '.join(changes[:_SHOWN])}{more}"
