"""Whether the cluster of the settings can be used: asked before stage 01, which may take an hour."""

from __future__ import annotations

from collections.abc import Iterable

from runner.config_manager import PipelineConfig
from runner.errors import PipelineOrchestrationError
from runner.models import PipelineStage, PipelineState
from runner.pipeline.decide import decide
from runner.pipeline.stages import notebook_parameters
from runner.record.state_manager import StateManager
from runner.tools import run_tool

__all__ = ["require_cluster", "wants_cluster"]


def wants_cluster(
    stages: Iterable[PipelineStage],
    config: PipelineConfig,
    record: StateManager,
    *,
    run: PipelineState | None = None,
    reuse: bool = True,
) -> bool:
    """Tell whether a stage that works on the cluster may be executed; one that is carried over asks nothing.

    Args:
        stages: that the run is about, in their order.
        config: the configuration.
        record: what is known of runs.
        run: the run that is resumed.
        reuse: what earlier runs made may be carried over; otherwise each of them is executed.
    """
    if not config.dask_scheduler:
        return False
    upstream: dict[str, str] = {}
    for stage in stages:
        on_cluster = "dask_scheduler" in notebook_parameters(stage.notebook)
        decision = decide(stage, config, upstream, record, run=run, reuse=reuse)
        if decision.carries and decision.checkpoint:
            upstream[stage.name] = str(record.absolute(decision.checkpoint[1].notebook))
        elif on_cluster:
            return True
    return False


def require_cluster(config: PipelineConfig) -> None:
    """Have the cluster looked at, as ``nic-etl doctor`` does.

    Raises:
        PipelineOrchestrationError: it cannot be used, with the sentence of the doctor.
    """
    request = {"settings": config.model_dump(mode="json"), "outputs_dir": str(config.outputs)}
    rows = run_tool("stagekit.checks.doctor_cluster", request)
    if faults := [row["detail"] for row in rows if not row["ok"]]:
        raise PipelineOrchestrationError("\n".join(faults))
