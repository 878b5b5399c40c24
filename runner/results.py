"""What the runner answers: plans, checks, the history, and what a run came to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.models import now
from stagekit.contract import ExecutionStatus

if TYPE_CHECKING:
    from runner.models import PipelineState
    from stagekit.contract import ArtifactRef, StageResult


@dataclass(frozen=True)
class ResourceInfo:
    """What there is for stages to take: memory in MB."""

    available_memory_mb: float


@dataclass(frozen=True)
class PlannedStage:
    """What a run would do with a stage, and why; the action is that of a :class:`Decision`.

    ``leaving`` names the documents that would leave the collection because of it: path, and why.
    """

    name: str
    action: str
    reasons: tuple[str, ...]
    leaving: tuple[tuple[str, str], ...] = ()


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
    sequence: int = 0
    resumed: int = 0


@dataclass(frozen=True)
class ValidationResult:
    """Whether what was asked for can be run; each problem names what is wrong and the remedy."""

    problems: tuple[str, ...] = ()

    @property
    def valid(self) -> bool:
        """Tell whether there is no problem."""
        return not self.problems


@dataclass(frozen=True)
class SetupResult(ValidationResult):
    """Whether the pipeline is ready for a run, and what such a run would use.

    Attributes:
        stages: names of the stages, in the order of their execution.
        outputs: the outputs folder, which is there now.
        config_hash: sha256 of the configuration, as each run's record has it.
    """

    stages: tuple[str, ...] = ()
    outputs: Path = Path()
    config_hash: str = ""


@dataclass(frozen=True)
class DependencyValidation(ValidationResult):
    """Whether a stage finds what it reads; each problem names the stage that has to be executed before it."""

    stage: str = ""


@dataclass(frozen=True)
class HealthCheckResult:
    """Outcome of the health check: one ``(name, ok, detail)`` a component."""

    checks: tuple[tuple[str, bool, str], ...]

    @property
    def healthy(self) -> bool:
        """Tell whether every component is well."""
        return all(ok for _, ok, _ in self.checks)


@dataclass(frozen=True)
class PipelineMetrics:
    """The figures of a run as a whole.

    Attributes:
        seconds: wall time; until now, where the run goes on.
        documents: number of documents that its first stage found.
        documents_failed: outcomes that failed on our side, over all stages.
        failure_rate: their share of the documents, 0 to 1.
        documents_per_hour: at the run's own pace; None where nothing was measured.
        peak_memory_mb: highest memory of a stage's kernel and its workers, in MB.
        stages_executed: number of stages that were executed.
        stages_carried_over: number of stages in which nothing had changed.
        retries: further tries of stages whose service had failed.
    """

    seconds: float
    documents: int
    documents_failed: int
    failure_rate: float
    documents_per_hour: float | None
    peak_memory_mb: float
    stages_executed: int
    stages_carried_over: int
    retries: int

    @classmethod
    def of(cls, state: PipelineState) -> PipelineMetrics:
        """Return the figures of a run, from its record."""
        seconds = ((state.end_timestamp or now()) - state.start_timestamp).total_seconds()
        seconds -= state.paused_seconds
        results = list(state.stage_results.values())
        documents = results[0].input_count if results else 0
        failed = sum(result.failure_count for result in results)
        carried = sum(bool(checkpoint.carried_from) for checkpoint in state.stages.values())
        return cls(
            seconds=round(seconds, 3),
            documents=documents,
            documents_failed=failed,
            failure_rate=failed / documents if documents else 0.0,
            documents_per_hour=round(3600 * documents / seconds, 1) if documents and seconds > 0 else None,
            peak_memory_mb=max((c.peak_memory_mb for c in state.stages.values()), default=0.0),
            stages_executed=len(state.stages) - carried,
            stages_carried_over=carried,
            retries=sum(c.attempts - 1 for c in state.stages.values()),
        )


@dataclass(frozen=True, eq=False)
class PerformanceReport(Mapping[str, dict[str, Any]]):
    """How a run performed, by stage name: seconds, peak_memory_mb, attempts, documents_per_second.

    Attributes:
        execution_id: of the run.
        stages: the figures of each stage.
        metrics: those of the run as a whole.
    """

    execution_id: str
    stages: dict[str, dict[str, Any]]
    metrics: PipelineMetrics

    @property
    def slowest_stage(self) -> str:
        """The stage that took longest; empty where none was executed."""
        timed = {name: figures["seconds"] for name, figures in self.stages.items() if figures["seconds"]}
        return max(timed, key=lambda name: timed[name], default="")

    def __getitem__(self, stage: str) -> dict[str, Any]:
        return self.stages[stage]

    def __iter__(self) -> Iterator[str]:
        return iter(self.stages)

    def __len__(self) -> int:
        return len(self.stages)


@dataclass(frozen=True)
class PipelineResult:
    """What a run came to.

    Attributes:
        execution_id: of the run.
        overall_status: success, partial (some documents failed), failed or cancelled.
        total_duration: seconds.
        stage_results: by stage, of those that came to a result.
        state: the run's record.
        run_dir: folder with the executed notebooks and the report.
        summary: what ``nic-etl run --json`` prints.
        summary_report: the same as text, for a person.
    """

    execution_id: str
    overall_status: ExecutionStatus
    total_duration: float
    stage_results: dict[str, StageResult]
    state: PipelineState
    run_dir: Path
    summary: dict[str, Any] = field(default_factory=dict)
    summary_report: str = ""

    @classmethod
    def of(cls, state: PipelineState, run_dir: Path, summary: dict[str, Any], text: str) -> PipelineResult:
        """Return what a run that has ended came to, from its record and its summary."""
        return cls(
            execution_id=state.execution_id,
            overall_status=state.status,
            total_duration=state.seconds or 0.0,
            stage_results=state.stage_results,
            state=state,
            run_dir=run_dir,
            summary=summary,
            summary_report=text,
        )

    @property
    def final_metrics(self) -> PipelineMetrics:
        """The figures of the run as a whole."""
        return PipelineMetrics.of(self.state)

    @property
    def artifacts(self) -> dict[str, dict[str, ArtifactRef]]:
        """What the stages made: references into the artifact store, by stage and product."""
        return {name: result.artifacts for name, result in self.stage_results.items()}

    @property
    def exit_code(self) -> int:
        """The command line's exit code: 0 success, 3 partial, 130 cancelled, 1 otherwise."""
        codes = {
            ExecutionStatus.SUCCESS: 0,
            ExecutionStatus.PARTIAL: 3,
            ExecutionStatus.CANCELLED: 130,
        }
        return codes.get(self.overall_status, 1)
