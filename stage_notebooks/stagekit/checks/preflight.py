"""Whether a configuration fits together, told before any kernel starts and without a heavy import."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from stagekit.artifacts.sources import known_sources
from stagekit.artifacts.store import open_store
from stagekit.base.paths import outputs_path
from stagekit.errors import StageError

__all__ = ["preflight"]

Settings = dict[str, Any]


def preflight(settings: Settings) -> list[str]:
    """Return one sentence a problem, each naming the setting and the remedy.

    Args:
        settings: every setting of the pipeline by name, as plain JSON.
    """
    return [
        *_source(settings),
        *_engines(settings),
        *_chunking(settings),
        *_authority(settings),
        *_encryption(settings),
        *_cluster(settings),
    ]


def _source(settings: Settings) -> list[str]:
    if settings["source"] == "gitlab":
        return _gitlab(settings)
    path = settings["source_path"]
    if path and not Path(path).is_dir():
        return [f"source_path: there is no folder {path}: give a git repository or a folder of documents."]
    return _approved_folders(Path(path) if path else None, settings)


def _approved_folders(path: Path | None, settings: Settings) -> list[str]:
    from stagekit.ingestion.git_source import is_git_repository
    from stagekit.ingestion.opening import sample_repository

    place = path or sample_repository()
    if is_git_repository(place):
        return []  # what counts there is a branch, not the work tree: stage 01 looks
    missing = [folder for folder in settings["target_folder"] if not (place / folder).is_dir()]
    # One that has held documents may be empty by now, and git and many tools keep no empty folders.
    known = known_sources(outputs_path(settings.get("outputs_dir", ""))) if missing else []
    emptied = {folder for source in known for folder in source.folders}
    there = ", ".join(sorted(item.name for item in place.iterdir() if item.is_dir())) or "none"
    return [
        f"target_folder: there is no folder {folder!r} in {place}: the folders there are {there}."
        for folder in missing
        if folder not in emptied
    ]


def _gitlab(settings: Settings) -> list[str]:
    problems = []
    if not settings["gitlab_project"]:
        problems.append("gitlab_project is empty: name the project, as group/name or by its number.")
    if not settings["gitlab_url"].startswith(("https://", "http://")):
        problems.append(
            f"gitlab_url is {settings['gitlab_url']!r}: give the address of the instance, https://…."
        )
    return problems


def _engines(settings: Settings) -> list[str]:
    problems = []
    if settings["ocr_engine"] == "tesseract" and not shutil.which("tesseract"):
        problems.append("ocr_engine is 'tesseract', which is not installed: install it, or use 'rapidocr'.")
    folder = settings["artifacts_path"]
    if folder and not Path(folder).is_dir():
        problems.append(f"artifacts_path: there is no folder {folder}: leave it empty to use the hub.")
    return problems


def _chunking(settings: Settings) -> list[str]:
    from stagekit.chunking.limits import check_chunk_settings
    from stagekit.embedding.registry import max_sequence_length

    try:
        limit = max_sequence_length(settings["embedding_model"], settings["model_revision"])
        check_chunk_settings(settings["chunk_size"], settings["chunk_overlap"], limit)
    except (ValueError, StageError) as error:
        return [str(error)]
    return []


def _authority(settings: Settings) -> list[str]:
    authority = settings["ca_file"]
    if authority and not Path(authority).is_file():
        return [f"ca_file: there is no file {authority}: give the PEM file of your authority."]
    return []


def _encryption(settings: Settings) -> list[str]:
    from stagekit.sealing.cipher import KEY_VARIABLE, key_from_environment

    try:
        if not settings.get("encrypt_outputs") or key_from_environment() is not None:
            return []
    except StageError as error:
        return [str(error)]
    remedy = f"make one with `nic-etl state new-key`, and give it in {KEY_VARIABLE} or {KEY_VARIABLE}_FILE"
    return [f"encrypt_outputs is true, and there is no key: {remedy}."]


def _cluster(settings: Settings) -> list[str]:
    from stagekit.cluster.admission import require_access

    problems = []
    if settings.get("dask_scheduler") and find_spec("distributed") is None:
        problems.append("dask_scheduler is set, but Dask is not installed: pip install 'nic-etl[cluster]'.")
    url = os.environ.get("NIC_ETL_ARTIFACTS_URL", "")
    if "://" in url:
        try:
            require_access(open_store(url))
        except StageError as error:
            problems.append(str(error))
    return problems
