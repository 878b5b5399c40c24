"""Promises of the errors: each has its exit code, and a person is told the command that helps."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.errors import (
    ConfigurationError,
    DependencyResolutionError,
    PipelineOrchestrationError,
    StageCancelledError,
    StageExecutionError,
    StateManagementError,
)
from runner.models import Checkpoint, ExecutionStatus, PipelineState
from runner.pipeline.resume import started_by
from runner.stages.error_handler import (
    RecoveryAction,
    plan_recovery,
    recover_from_partial_failure,
)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigurationError("x"), 2),
        (DependencyResolutionError("x"), 2),
        (StateManagementError("x"), 1),
        (StateManagementError("x", exit_code=2), 2),
        (StageExecutionError("s", "x"), 1),
        (StageCancelledError("s", "x"), 130),
    ],
)
def test_whatever_the_runner_raises_on_purpose_has_an_exit_code(
    error: PipelineOrchestrationError, code: int
) -> None:
    assert isinstance(error, PipelineOrchestrationError)
    assert error.exit_code == code
    assert str(error) == "x"


def test_a_failed_stage_says_where_it_failed() -> None:
    error = StageExecutionError("s", "x", notebook=Path("a.ipynb"), cell=3, transient=True)
    assert (error.stage, error.notebook, error.cell) == ("s", Path("a.ipynb"), 3)
    assert error.transient


@pytest.mark.parametrize(
    ("error", "action", "command"),
    [
        (ConfigurationError("x"), RecoveryAction.ABORT, "nic-etl config validate"),
        (StageCancelledError("s", "x"), RecoveryAction.RESUME, "nic-etl resume r1"),
        (StageExecutionError("s", "x", transient=True), RecoveryAction.RETRY, "nic-etl resume r1"),
        (StageExecutionError("s", "x"), RecoveryAction.RESUME, "nic-etl resume r1"),
        (ValueError("x"), RecoveryAction.ABORT, "nic-etl show r1 s"),
    ],
)
def test_each_failure_has_the_command_that_helps(
    error: Exception, action: RecoveryAction, command: str
) -> None:
    plan = plan_recovery("s", error, "r1")
    assert (plan.action, plan.command, plan.stages) == (action, command, ("s",))


HUB = "x/y: the hub has no such model: correct it, or set embedding_model to a packaged model."


@pytest.mark.parametrize(
    ("said", "command"),
    [
        (HUB, "nic-etl run -p embedding_model=VALUE"),
        (f"ModelUnavailableError: {HUB}", "nic-etl run -p embedding_model=VALUE"),
        ("source is 'gut': choose another.", "nic-etl run -p source=VALUE"),
        ("It took more than memory_limit_mb (90) allows.", "nic-etl resume r1 -p memory_limit_mb=VALUE"),
        ("3 of 4 documents failed, more than max_failure_rate (0.01) allows.", "nic-etl resume r1"),
        ("TypeError: f() got an unexpected keyword argument chunk_size", "nic-etl resume r1"),
        ("/srv/chunk_size/a.md cannot be read.", "nic-etl resume r1"),
        ("The source is away.", "nic-etl resume r1"),
    ],
)
def test_a_failure_that_blames_a_setting_is_answered_with_the_command_that_takes_another_value(
    said: str, command: str
) -> None:
    assert plan_recovery("s", StageExecutionError("s", said), "r1").command == command
    transient = plan_recovery("s", StageExecutionError("s", said, transient=True), "r1")
    assert transient.command == "nic-etl resume r1"


@pytest.mark.parametrize(
    ("state", "command"),
    [
        (PipelineState(execution_id="r"), "nic-etl run"),
        (
            PipelineState(execution_id="r", mode="test", pipeline_config={"document_limit": 3}),
            "nic-etl run --test 3",
        ),
        (PipelineState(execution_id="r", mode="rerun", scope={"only": ("a",)}), "nic-etl rerun a"),
        (
            PipelineState(execution_id="r", mode="rerun", scope={"only": ("a", "b")}),
            "nic-etl rerun a --downstream",
        ),
        (PipelineState(execution_id="r", mode="test", scope={"only": ("a",)}), "nic-etl rerun a"),
    ],
)
def test_a_run_is_started_anew_as_what_it_was(state: PipelineState, command: str) -> None:
    assert started_by(state) == command


def test_without_a_run_the_command_is_the_one_for_the_last() -> None:
    assert plan_recovery("s", StageExecutionError("s", "x")).command == "nic-etl resume"


def test_a_run_that_stopped_goes_on_with_the_failed_stage_and_what_is_left() -> None:
    states = {
        "a": ExecutionStatus.SUCCESS,
        "b": ExecutionStatus.FAILED,
        "c": ExecutionStatus.SKIPPED,
        "d": ExecutionStatus.RUNNING,
    }
    state = PipelineState(
        execution_id="r1", stages={name: Checkpoint(stage=name, status=s) for name, s in states.items()}
    )
    plan = recover_from_partial_failure("b", state)
    assert (plan.action, plan.stages) == (RecoveryAction.RESUME, ("b", "d"))
    assert plan.command == "nic-etl resume r1"
    assert (state.completed_stages, state.failed_stages) == (["a", "c"], ["b"])
