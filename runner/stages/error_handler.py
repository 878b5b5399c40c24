"""What can be done about a failure, and the command that does it."""

from __future__ import annotations

import builtins
import re
from dataclasses import dataclass
from enum import StrEnum

from runner.errors import ConfigurationError, PipelineOrchestrationError, StageExecutionError
from runner.models import ExecutionContext, PipelineState
from runner.settings.pipeline_config import PipelineConfig, affects_result

_TOLERANCES = {"max_failure_rate", "max_deletion_share"}  # they have done what they are for
_A_NAME = re.compile(r"(?<![\w/.-])[a-z]+(?:_[a-z]+)+(?![\w/.])")
_FIRST_WORD = re.compile(r"([a-z_]+)(?:: | is | \(| ')")
_RAISED = re.compile(r"(\w+): ")


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


def plan_recovery(
    stage_name: str, error: BaseException, execution_id: str = "", again: str = "nic-etl run"
) -> RecoveryPlan:
    """Choose the recovery for a stage that failed.

    Args:
        stage_name: the stage.
        error: why it failed; one that names a setting asks for another value of it, and to resume with the
            same one would fail for ever.
        execution_id: of the run; empty for the last one.
        again: the command that starts such a run anew; see :func:`runner.pipeline.resume.started_by`.
    """
    resume = f"nic-etl resume {execution_id}".strip()
    passing = isinstance(error, StageExecutionError) and error.transient
    lasting = isinstance(error, StageExecutionError) and not passing
    if lasting and (name := _setting(str(error))):
        bears = affects_result(name)
        action = RecoveryAction.ABORT if bears else RecoveryAction.RESUME
        command = f"{again if bears else resume} -p {name}=VALUE"
    elif isinstance(error, ConfigurationError):
        action, command = RecoveryAction.ABORT, "nic-etl config validate"
    elif isinstance(error, PipelineOrchestrationError):
        action, command = RecoveryAction.RETRY if passing else RecoveryAction.RESUME, resume
    else:
        action, command = RecoveryAction.ABORT, f"nic-etl show {execution_id} {stage_name}".strip()
    return RecoveryPlan(action, command, (stage_name,))


def recover_from_partial_failure(failed_stage: str, pipeline_state: PipelineState) -> RecoveryPlan:
    """Plan the continuation of a run that stopped: the stages that are not whole yet, from the failed one."""
    left = [name for name in pipeline_state.stages if name not in pipeline_state.completed_stages]
    stages = tuple(dict.fromkeys([failed_stage, *left]))
    return RecoveryPlan(RecoveryAction.RESUME, f"nic-etl resume {pipeline_state.execution_id}", stages)


def _setting(sentence: str) -> str:
    """Return the setting that a sentence about a failed stage blames; empty if it blames none."""
    raised = _RAISED.match(sentence)
    if raised and hasattr(builtins, raised[1]):  # TypeError: … is a fault of the program, whatever it names
        return ""
    first = _FIRST_WORD.match(sentence)
    named = [*(first.groups() if first else ()), *_A_NAME.findall(sentence)]
    known = PipelineConfig.model_fields.keys() - _TOLERANCES
    return next((name for name in named if name in known), "")
