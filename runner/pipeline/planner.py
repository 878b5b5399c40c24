"""What a run would do with each stage, and why: the decisions of a run that has not begun, for people."""

from __future__ import annotations

from runner.models import Decision, PipelineStage
from runner.pipeline.decide import CHANGED_OUTSIDE, decisions
from runner.pipeline.run import Run
from runner.record.source_documents import changed_documents
from runner.results import ExecutionPlan, PlannedStage
from stagekit.checks.leaving import leaving


def plan_run(run: Run) -> ExecutionPlan:
    """Return what ``nic-etl run`` would do now."""
    planned = tuple(_planned(run, stage, decision) for stage, decision in decisions(run))
    return ExecutionPlan(planned, run.resolver.groups())


def _planned(run: Run, stage: PipelineStage, decision: Decision) -> PlannedStage:
    """Add to a decision about the source which documents it is about."""
    if stage.outside != "source" or decision.action != "run" or decision.checkpoint is None:
        return PlannedStage(stage.name, decision.action, decision.reasons)
    # Where only the source changed the rules are those of then.
    only_source = decision.reasons == (CHANGED_OUTSIDE["source"],)
    changed = changed_documents(run.manager, decision.checkpoint[1], run.config) if only_source else ""
    left_out = leaving(run.config.model_dump(mode="json"), run.config.outputs, rules_hold=only_source)
    return PlannedStage(stage.name, "run", (changed,) if changed else decision.reasons, tuple(left_out))
