"""The values that the runner's parts hand to each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from runner.config_manager import PipelineConfig
from stagekit.contract import ExecutionStatus, StageResult

__all__ = [
    "Checkpoint",
    "ExecutionContext",
    "ExecutionMode",
    "ExecutionPlan",
    "ExecutionRecord",
    "ExecutionStatus",
    "HealthCheckResult",
    "PipelineResult",
    "PipelineStage",
    "PipelineState",
    "PlannedStage",
    "ResourceRequirements",
    "RetryConfig",
    "StageResult",
    "ValidationResult",
    "now",
]


def now() -> datetime:
    """Return the present moment in UTC."""
    return datetime.now(UTC)


class ExecutionMode(StrEnum):
    """Why a run was started."""

    FULL = "full"
    INCREMENTAL = "incremental"
    RESUME = "resume"
    TEST = "test"
    RERUN = "rerun"


@dataclass(frozen=True)
class RetryConfig:
    """How often a stage is tried again, and how long to wait (exponential, with jitter), in seconds."""

    max_retries: int = 3
    initial_wait: float = 1.0
    max_wait: float = 60.0


@dataclass(frozen=True)
class ResourceRequirements:
    """What a stage needs at its peak; the estimate decides what may run side by side."""

    memory_mb: int = 500


@dataclass(frozen=True)
class PipelineStage:
    """One stage of the chain.

    Attributes:
        name: the stage's name, as the notebook gives it to ``open_stage``.
        notebook: the source notebook.
        dependencies: stages whose executed notebooks it reads.
        code: modules and subpackages of ``stagekit`` whose change concerns this stage.
        secrets: environment variables with secrets that its kernel gets; no other kernel does.
        warm_imports: modules imported while the stages before it still run.
        warm_up: ``module:function`` called after that, with those of the stage's settings that it names.
        worker_imports: modules of its document workers, which are forked from a process that has them.
        outside: what it reads or writes outside ``outputs/``: ``source``, ``store``, or nothing. Equal
            inputs make it superfluous only if that is as it was, too.
    """

    name: str
    description: str
    notebook: Path
    dependencies: tuple[str, ...] = ()
    code: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    warm_imports: tuple[str, ...] = ()
    warm_up: str = ""
    worker_imports: tuple[str, ...] = ()
    outside: str = ""
    retry_config: RetryConfig = RetryConfig()
    resource_requirements: ResourceRequirements = ResourceRequirements()


class Checkpoint(BaseModel):
    """The record of one stage of one run: written only after its notebook and artifacts were verified.

    ``withdrawn`` says why a whole checkpoint must not be reused: documents in it are to be tried again.

    ``carried_from`` names the run that did the work when this run had nothing to do; ``outside`` is the
    state of the source or the store that the stage found or left.
    """

    # A number that is none would be written as null, which no later reader takes.
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    stage: str
    status: ExecutionStatus
    notebook: str = ""
    notebook_sha256: str = ""
    fingerprint: dict[str, str] = Field(default_factory=dict)
    reason: str = ""
    carried_from: str = ""
    outside: str = ""
    attempts: int = 1
    peak_memory_mb: float = 0.0
    seconds: float = 0.0
    result: StageResult | None = None
    error: str = ""
    withdrawn: str = ""


class PipelineState(BaseModel):
    """Everything that is known of one run; ``run.json`` in its folder."""

    model_config = ConfigDict(extra="forbid")

    execution_id: str
    mode: ExecutionMode = ExecutionMode.FULL
    status: ExecutionStatus = ExecutionStatus.RUNNING
    start_timestamp: AwareDatetime = Field(default_factory=now)
    end_timestamp: AwareDatetime | None = None
    based_on: str = ""
    pipeline_config: dict[str, Any] = Field(default_factory=dict)
    config_hash: str = ""
    stages: dict[str, Checkpoint] = Field(default_factory=dict)
    error: str = ""
    documents: dict[str, int] = Field(default_factory=dict)  # how many came to what, once the run has ended

    @property
    def completed_stages(self) -> list[str]:
        """Stages whose results can be used."""
        good = {ExecutionStatus.SUCCESS, ExecutionStatus.PARTIAL, ExecutionStatus.SKIPPED}
        return [name for name, checkpoint in self.stages.items() if checkpoint.status in good]

    @property
    def failed_stages(self) -> list[str]:
        """Stages that did not come to a usable end."""
        bad = {ExecutionStatus.FAILED, ExecutionStatus.CANCELLED}
        return [name for name, checkpoint in self.stages.items() if checkpoint.status in bad]

    @property
    def stage_results(self) -> dict[str, StageResult]:
        """The results of the stages that have one."""
        return {name: c.result for name, c in self.stages.items() if c.result is not None}


@dataclass(frozen=True)
class ExecutionContext:
    """What a stage is executed with."""

    pipeline_config: PipelineConfig
    run_dir: Path
    upstream: dict[str, str]
    execution_mode: ExecutionMode = ExecutionMode.FULL
    available_memory_mb: float = 0.0


@dataclass(frozen=True)
class PlannedStage:
    """What a run would do with a stage, and why."""

    name: str
    action: str  # "run", "carry over" or "decide": the last depends on what the stages before it produce
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class ExecutionPlan:
    """What a run would do, in order, with the groups that may run side by side."""

    stages: tuple[PlannedStage, ...]
    groups: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class ExecutionRecord:
    """One line of the history."""

    execution_id: str
    mode: str
    status: str
    started: datetime
    seconds: float | None
    stages: dict[str, str]
    error: str


@dataclass(frozen=True)
class ValidationResult:
    """Whether a configuration can be run; each problem names its setting and the remedy."""

    problems: tuple[str, ...] = ()

    @property
    def valid(self) -> bool:
        """Tell whether there is no problem."""
        return not self.problems


@dataclass(frozen=True)
class HealthCheckResult:
    """Outcome of the health check: one ``(name, ok, detail)`` a component."""

    checks: tuple[tuple[str, bool, str], ...]

    @property
    def healthy(self) -> bool:
        """Tell whether every component is well."""
        return all(ok for _, ok, _ in self.checks)


@dataclass(frozen=True)
class PipelineResult:
    """What a run came to."""

    execution_id: str
    overall_status: ExecutionStatus
    total_duration: float
    stage_results: dict[str, StageResult]
    state: PipelineState
    run_dir: Path
    summary: dict[str, Any] = field(default_factory=dict)
    summary_report: str = ""

    @property
    def exit_code(self) -> int:
        """The command line's exit code: 0 success, 3 partial, 130 cancelled, 1 otherwise."""
        codes = {
            ExecutionStatus.SUCCESS: 0,
            ExecutionStatus.PARTIAL: 3,
            ExecutionStatus.CANCELLED: 130,
        }
        return codes.get(self.overall_status, 1)
