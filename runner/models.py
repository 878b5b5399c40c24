"""The values that the runner's parts hand to each other: the stages, and what is recorded of a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from runner.settings.pipeline_config import PipelineConfig
from stagekit.contract import ExecutionStatus, StageResult

_FORMER_FIELDS = {"based_on"}
_TRIAL_COLLECTION = "_test"


def now() -> datetime:
    """Return the present moment in UTC."""
    return datetime.now(UTC)


class ExecutionMode(StrEnum):
    """Which kind of run it is; a run stays of its kind when it is resumed."""

    FULL = "full"
    INCREMENTAL = "incremental"
    RESUME = "resume"  # a name of the specification; in records only those of former versions have it
    TEST = "test"
    RERUN = "rerun"


@dataclass(frozen=True)
class RetryConfig:
    """How long to wait before a stage is tried again (exponential, with jitter), in seconds."""

    initial_wait: float = 1.0
    max_wait: float = 60.0


@dataclass(frozen=True)
class ResourceRequirements:
    """What a stage needs at its peak; the estimate decides what may run side by side."""

    memory_mb: int = 500


@dataclass(frozen=True)
class ValidationRule:
    """What a stage's result must be like; checked when the stage ends, before its checkpoint is written.

    Attributes:
        name: what is checked, for example ``every document has chunks``.
        check: tells whether a result is as it must be.
        remedy: what to do where it is not, as a sentence.
    """

    name: str
    check: Callable[[StageResult], bool]
    remedy: str = "Look into the executed notebook."


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
        common_warm_up: ``module:function`` called likewise, but in the process that kernels are forked from:
            once for all stages that name it. Where kernels are programs of their own, it is not called.
        worker_imports: modules of its document workers, which are forked from a process that has them.
        outside: what it reads or writes outside ``outputs/``: ``source``, ``store``, or nothing. Equal
            inputs make it superfluous only if that is as it was, too.
        executor_function: is given a :class:`runner.kernels.execution.NotebookJob` and leaves the executed
            notebook at its ``target``; None: papermill does that in the job's kernel. It has no part in the
            stage's fingerprint: whoever executes a notebook, the notebook says what comes of it.
        validation_rules: what the stage's result must be like, or the stage has failed.
    """

    name: str
    description: str
    notebook: Path
    dependencies: tuple[str, ...] = ()
    code: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    warm_imports: tuple[str, ...] = ()
    warm_up: str = ""
    common_warm_up: str = ""
    worker_imports: tuple[str, ...] = ()
    outside: str = ""
    retry_config: RetryConfig = RetryConfig()
    resource_requirements: ResourceRequirements = ResourceRequirements()
    executor_function: Callable[..., None] | None = None
    validation_rules: tuple[ValidationRule, ...] = ()

    def broken_rules(self, result: StageResult) -> list[str]:
        """Return a sentence for each rule that a result breaks."""
        broken = (rule for rule in self.validation_rules if not rule.check(result))
        return [f"{self.name} breaks the rule {rule.name!r}. {rule.remedy}" for rule in broken]


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


Found = tuple[str, Checkpoint]
"""A checkpoint of the record, behind the id of the run that made it."""


class RunScope(BaseModel):
    """What a run concerns, beyond its configuration; a run that is resumed keeps it.

    Attributes:
        only: the stages that it executes; empty for the whole chain.
        upstream: executed notebook by name of a stage that it does not execute, below the outputs folder.
        forced: stages that it executes whatever is known of them: their documents were asked for.
    """

    model_config = ConfigDict(extra="forbid")

    only: tuple[str, ...] = ()
    upstream: dict[str, str] = Field(default_factory=dict)
    forced: tuple[str, ...] = ()


class PipelineState(BaseModel):
    """Everything that is known of one run; ``run.json`` in its folder.

    Its place among the runs is its ``sequence``, drawn under the lock, whatever the clock says; a record of a
    former version has none (0) and comes before those. ``resumed`` counts how often it was continued, and
    ``paused_seconds`` is the time that passed between its ends and its continuations.
    """

    model_config = ConfigDict(extra="forbid")

    execution_id: str
    mode: ExecutionMode = ExecutionMode.FULL
    sequence: int = Field(default=0, ge=0)
    resumed: int = Field(default=0, ge=0)
    paused_seconds: float = Field(default=0.0, ge=0)
    scope: RunScope = Field(default_factory=RunScope)
    status: ExecutionStatus = ExecutionStatus.RUNNING
    start_timestamp: AwareDatetime = Field(default_factory=now)
    end_timestamp: AwareDatetime | None = None
    pipeline_config: dict[str, Any] = Field(default_factory=dict)
    config_hash: str = ""
    stages: dict[str, Checkpoint] = Field(default_factory=dict)
    error: str = ""
    documents: dict[str, int] = Field(default_factory=dict)  # how many came to what, once the run has ended

    @model_validator(mode="before")
    @classmethod
    def _as_it_is_now(cls, record: Any) -> Any:
        """Read a record of a former version: fields that are gone, and runs whose resuming hid their kind."""
        return upgraded_record(record) if isinstance(record, dict) else record

    @property
    def trial(self) -> bool:
        """Whether it is a trial, which has a collection of its own and never counts for the real one."""
        return self.mode is ExecutionMode.TEST

    @property
    def seconds(self) -> float | None:
        """How long it worked, without its pauses; None before its end."""
        if self.end_timestamp is None:
            return None
        return (self.end_timestamp - self.start_timestamp).total_seconds() - self.paused_seconds

    @property
    def kind(self) -> str:
        """Its kind in words, with whether it was resumed."""
        return f"{self.mode} (resumed)" if self.resumed else str(self.mode)

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

    @property
    def current_stage(self) -> str:
        """The stage that is being executed, the first of several; empty between stages and after the last."""
        running = (name for name, c in self.stages.items() if c.status is ExecutionStatus.RUNNING)
        return next(running, "")

    @property
    def checkpoint_data(self) -> dict[str, Any]:
        """The checkpoints by stage, as plain JSON: what a resumed run goes by."""
        return {name: checkpoint.model_dump(mode="json") for name, checkpoint in self.stages.items()}


def trial_collection(collection_name: str) -> str:
    """Return the collection that a trial fills in place of the configured one."""
    return f"{collection_name}{_TRIAL_COLLECTION}"


def upgraded_record(record: dict[str, Any]) -> dict[str, Any]:
    """Return a run's record, or a part of it, in the form of this version.

    A former version gave a resumed run the mode ``resume``: what it was shows in its configuration.
    """
    known = {name: value for name, value in record.items() if name not in _FORMER_FIELDS}
    if known.get("mode") == ExecutionMode.RESUME:
        config = known.get("pipeline_config") or {}
        collection = str(config.get("collection_name", "")) if isinstance(config, dict) else ""
        trial = collection.endswith(_TRIAL_COLLECTION) and config.get("document_limit")
        known["mode"] = ExecutionMode.TEST if trial else ExecutionMode.FULL
        known.setdefault("resumed", 1)
    return known


@dataclass(frozen=True)
class ExecutionContext:
    """What a stage is executed with.

    Attributes:
        pipeline_config: the configuration.
        run_dir: folder of the run, in which the executed notebook is kept.
        upstream: executed notebook by name of the stage that made it.
        execution_mode: why the run was started.
        available_memory_mb: memory that was free when the stage began, in MB.
        pipeline_state: the record of the run; None where a stage is executed by hand, outside of one.
    """

    pipeline_config: PipelineConfig
    run_dir: Path
    upstream: dict[str, str]
    execution_mode: ExecutionMode = ExecutionMode.FULL
    available_memory_mb: float = 0.0
    pipeline_state: PipelineState | None = None

    @property
    def stage_dependencies(self) -> dict[str, str]:
        """``upstream`` under the specification's name: the executed notebooks that the stage reads."""
        return self.upstream

    @property
    def available_memory(self) -> float:
        """``available_memory_mb`` under the specification's name, in MB."""
        return self.available_memory_mb


@dataclass(frozen=True)
class Decision:
    """What is to be done with a stage, and why.

    Attributes:
        action: "run", "carry over", or in a plan "decide": that depends on what the stages before it produce.
        reasons: in words.
        checkpoint: what its execution would only repeat, with the id of the run that made it; where it has to
            run, the one that is in force until then; None if there is none.
    """

    action: str
    reasons: tuple[str, ...]
    checkpoint: Found | None = None

    @property
    def carries(self) -> bool:
        """Whether the stage need not be executed."""
        return self.action == "carry over"
