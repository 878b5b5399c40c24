"""Whether the cluster of the settings can be used: asked before stage 01, which may take an hour."""

from __future__ import annotations

from runner.errors import PipelineOrchestrationError
from runner.pipeline.decide import decisions
from runner.pipeline.run import Run
from runner.stages.notebook_parameters import notebook_parameters
from runner.tools import run_tool


def wants_cluster(run: Run) -> bool:
    """Tell whether a stage may be executed that works on the cluster."""
    return bool(run.config.dask_scheduler) and any(
        not decision.carries and "dask_scheduler" in notebook_parameters(stage.notebook)
        for stage, decision in decisions(run)
    )


def require_cluster(run: Run) -> None:
    """Have the cluster looked at, as ``nic-etl doctor`` does.

    Raises:
        PipelineOrchestrationError: it cannot be used, with the sentence of the doctor.
    """
    request = {"settings": run.config.model_dump(mode="json"), "outputs_dir": str(run.manager.outputs)}
    found = run_tool("stagekit.checks.doctor_cluster", request)
    if faults := [row["detail"] for row in found if not row["ok"]]:
        raise PipelineOrchestrationError("\n".join(faults))
