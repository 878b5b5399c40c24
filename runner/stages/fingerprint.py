"""What determines a stage's result, piece by piece: its code, parameters, models, libraries and inputs."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from runner.models import PipelineStage
from runner.settings.pipeline_config import PipelineConfig, affects_result
from runner.stages.notebook_parameters import notebook_parameters
from stagekit.base.fingerprint import library_versions, notebook_code, sources_fingerprint
from stagekit.base.paths import package_dir
from stagekit.checks.model_state import model_states
from stagekit.contract import artifact_refs, read_scraps

COMMON = ("__init__", "artifacts", "base", "contract", "errors", "sealing", "stage")
"""Modules and rooms of stagekit that every stage is made with."""


def stage_parameters(
    stage: PipelineStage, config: PipelineConfig, upstream: dict[str, str], outputs: Path
) -> dict[str, Any]:
    """Return the parameters that a stage's notebook is executed with."""
    wanted = {name: upstream[name] for name in stage.dependencies if name in upstream}
    return _settings(stage, config) | {"upstream": wanted, "outputs_dir": str(outputs)}


def stage_fingerprint(
    stage: PipelineStage, config: PipelineConfig, upstream: dict[str, str]
) -> dict[str, str]:
    """Return what determines a stage's result, by name of the piece.

    Args:
        stage: the stage.
        config: the configuration.
        upstream: executed notebook by stage name; a dependency that is left out has no part in it.
    """
    parts = {f"code:{name}": value for name, value in code_parts(stage).items()}
    settings = _settings(stage, config)
    for name, value in settings.items():
        if affects_result(name):
            parts[f"parameter:{name}"] = json.dumps(value, sort_keys=True, ensure_ascii=False)
    parts |= {f"model:{name}": state for name, state in model_states(settings).items()}
    parts |= {f"library:{name}": version for name, version in library_versions(stage.name).items()}
    for name in stage.dependencies:
        if name in upstream:
            for ref in artifact_refs(list(read_scraps(upstream[name]).values())):
                parts[f"input:{name}.{ref.name}"] = ref.sha256
    return parts


def code_parts(stage: PipelineStage) -> dict[str, str]:
    """Return the sha256 of each piece of code that bears on a stage's result, by name."""
    parts = {f"stagekit.{name}": _digest((name,)) for name in sorted(stage.code)}
    parts["stagekit"] = _digest(COMMON)
    parts["notebook"] = hashlib.sha256(json.dumps(notebook_code(stage.notebook)).encode()).hexdigest()
    return parts


def _settings(stage: PipelineStage, config: PipelineConfig) -> dict[str, Any]:
    declared = notebook_parameters(stage.notebook)
    return {name: value for name, value in config.stage_settings().items() if name in declared}


@lru_cache(maxsize=64)
def _digest(names: tuple[str, ...]) -> str:
    """Return the sha256 of modules and rooms of stagekit, as this process has found them."""
    places = [package_dir() / name for name in names]
    modules = [place.with_suffix(".py") for place in places if not place.is_dir()]
    return sources_fingerprint([*modules, *(file for place in places for file in place.rglob("*.py"))])
