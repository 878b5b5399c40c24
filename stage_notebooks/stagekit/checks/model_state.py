"""Tells which model a setting leads to now: files in a folder are replaced while its name stays."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from stagekit.errors import StageError


def model_states(settings: Mapping[str, Any]) -> dict[str, str]:
    """Return the identity of each model that is no packaged one, by the setting that names it.

    Large files are hashed once for each path, size, times and inode. What is not on this machine is left
    out: the stage itself says what is missing.
    """
    asked = {"embedding_model": _embedding_model, "artifacts_path": _conversion_models}
    found = {name: state(settings) for name, state in asked.items() if settings.get(name)}
    return {name: state for name, state in found.items() if state}


def _embedding_model(settings: Mapping[str, Any]) -> str:
    name = str(settings["embedding_model"])
    if name.startswith("packaged/"):
        return ""
    from stagekit.embedding.registry import resolve_model  # only such a model needs it

    try:
        return resolve_model(name, str(settings.get("model_revision", ""))).revision
    except (OSError, ValueError, StageError):
        return ""


def _conversion_models(settings: Mapping[str, Any]) -> str:
    from stagekit.processing.settings import model_hashes

    try:
        hashes = model_hashes(str(settings.get("layout_profile", "")), str(settings["artifacts_path"]))
    except (OSError, StageError):
        return ""
    return hashlib.sha256(json.dumps(hashes).encode()).hexdigest() if hashes else ""
