"""What determines a stage's result, piece by piece: its code, parameters, models, libraries and inputs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from runner.config_manager import PipelineConfig
from runner.models import PipelineStage
from runner.pipeline.stages import code_parts, notebook_parameters
from stagekit.base.fingerprint import library_versions
from stagekit.checks.model_state import model_states
from stagekit.contract import artifact_refs, read_scraps

__all__ = ["stage_fingerprint", "stage_parameters"]

# These say where things are, or how fast they are done, never what comes of them.
_NOT_IN_FINGERPRINT = {
    "upstream",
    "outputs_dir",
    "workers",
    "batch_size",
    "gitlab_file_timeout_s",
    "request_timeout_s",
    "retry_budget_s",
    "upsert_batch_size",
    "collection_grace_hours",
}


def stage_parameters(
    stage: PipelineStage, config: PipelineConfig, upstream: dict[str, str], outputs: Path
) -> dict[str, Any]:
    """Return the parameters that a stage's notebook is executed with."""
    declared = notebook_parameters(stage.notebook)
    values = {name: value for name, value in config.stage_settings().items() if name in declared}
    wanted = {name: upstream[name] for name in stage.dependencies if name in upstream}
    return values | {"upstream": wanted, "outputs_dir": str(outputs)}


def stage_fingerprint(
    stage: PipelineStage, config: PipelineConfig, upstream: dict[str, str], outputs: Path
) -> dict[str, str]:
    """Return what determines a stage's result, by name of the piece.

    Args:
        stage: the stage.
        config: the configuration.
        upstream: executed notebook by stage name; a dependency that is left out has no part in it.
        outputs: the outputs folder.
    """
    parts = {f"code:{name}": value for name, value in code_parts(stage).items()}
    values = stage_parameters(stage, config, {}, outputs)
    for name, value in values.items():
        if name not in _NOT_IN_FINGERPRINT:
            parts[f"parameter:{name}"] = json.dumps(value, sort_keys=True, ensure_ascii=False)
    parts |= {f"model:{name}": state for name, state in model_states(values).items()}
    parts |= {f"library:{name}": version for name, version in library_versions(stage.name).items()}
    for name in stage.dependencies:
        if name in upstream:
            for ref in artifact_refs(list(read_scraps(upstream[name]).values())):
                parts[f"input:{name}.{ref.name}"] = ref.sha256
    return parts
