"""What can be done about a failure, and the command that does it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from runner.errors import (
    ConfigurationError,
    PipelineOrchestrationError,
    StageCancelledError,
    StageExecutionError,
)
from runner.models import ExecutionContext, PipelineState

__all__ = [
    "RecoveryAction",
    "RecoveryPlan",
    "handle_stage_failure",
    "plan_recovery",
    "recover_from_partial_failure",
]


class RecoveryAction(StrEnum):
    """What a person can do after a failure."""

    RETRY = "retry"
    RESUME = "resume"
    ABORT = "abort"


@dataclass(frozen=True)
class RecoveryPlan:
    """An action, the command that takes it, and the stages that will be executed."""

    action: RecoveryAction
    command: str
    stages: tuple[str, ...] = ()


def handle_stage_failure(stage_name: str, error: Exception, context: ExecutionContext) -> RecoveryAction:
    """Return what can be done about a stage that failed; :func:`plan_recovery` says with which command."""
    state = context.pipeline_state
    return plan_recovery(stage_name, error, state.execution_id if state else "").action


def plan_recovery(stage_name: str, error: Exception, execution_id: str = "") -> RecoveryPlan:
    """Choose the recovery for a stage that failed; without an id it is that of the last run."""
    resume = f"nic-etl resume {execution_id}".strip()
    if isinstance(error, ConfigurationError):
        return RecoveryPlan(RecoveryAction.ABORT, "nic-etl config validate", (stage_name,))
    if isinstance(error, StageCancelledError):
        return RecoveryPlan(RecoveryAction.RESUME, resume, (stage_name,))
    if isinstance(error, StageExecutionError) and error.transient:
        return RecoveryPlan(RecoveryAction.RETRY, resume, (stage_name,))
    if isinstance(error, PipelineOrchestrationError):
        return RecoveryPlan(RecoveryAction.RESUME, resume, (stage_name,))
    return RecoveryPlan(
        RecoveryAction.ABORT, f"nic-etl show {execution_id} {stage_name}".strip(), (stage_name,)
    )


def recover_from_partial_failure(failed_stage: str, pipeline_state: PipelineState) -> RecoveryPlan:
    """Plan the continuation of a run that stopped: the stages that are not whole yet, from the failed one."""
    left = [name for name in pipeline_state.stages if name not in pipeline_state.completed_stages]
    stages = tuple(dict.fromkeys([failed_stage, *left]))
    return RecoveryPlan(RecoveryAction.RESUME, f"nic-etl resume {pipeline_state.execution_id}", stages)
