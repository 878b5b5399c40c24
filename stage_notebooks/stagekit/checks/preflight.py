"""Whether a configuration fits together, told before any kernel starts and without a heavy import."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from typing import Any

from stagekit.artifacts.known_sources import known_sources
from stagekit.artifacts.store import open_store
from stagekit.base.imports.extras import install_command
from stagekit.base.inference.processor import has_bfloat16
from stagekit.base.network.authorities import require_authority
from stagekit.base.network.proxies import proxy_for
from stagekit.base.paths import outputs_path
from stagekit.base.store_address import server_key, server_url
from stagekit.errors import StageError

Settings = dict[str, Any]


class _UnknownValueError(Exception):
    """A check needs a setting whose value is not known."""


class _Known(Settings):
    def __missing__(self, name: str) -> Any:
        raise _UnknownValueError(name)


def preflight(settings: Settings) -> list[str]:
    """Return one sentence a problem, each naming the setting and the remedy.

    Whatever a stage would look at first is looked at by the function that the stage calls, so that a run,
    ``nic-etl doctor`` and a notebook that is opened by hand say the same.

    Args:
        settings: the settings of the pipeline by name, as plain JSON; a check that needs one which is left
            out, because its value is wrong, is left out, too.
    """
    checks: tuple[Callable[[Settings], list[str]], ...] = (
        _source, _engines, _processor, _passwords, _chunking, _authority, _store, _encryption, _cluster,
    )  # fmt: skip
    problems: list[str] = []
    for check in checks:
        with suppress(_UnknownValueError):
            problems += check(_Known(settings))
    return problems


def _told(look: Callable[[], object]) -> list[str]:
    """Return what a look says that is wrong, if it is."""
    try:
        look()
    except (ValueError, StageError) as error:
        return [str(error)]
    return []


def _source(settings: Settings) -> list[str]:
    from stagekit.ingestion.opening import source_folder

    if settings["source"] == "gitlab":
        return _told(lambda: _gitlab(settings))
    return _told(lambda: source_folder(settings["source_path"])) or _approved_folders(settings)


def _approved_folders(settings: Settings) -> list[str]:
    from stagekit.ingestion.git_source import is_git_repository
    from stagekit.ingestion.opening import source_folder

    place = source_folder(settings["source_path"])
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


def _gitlab(settings: Settings) -> None:
    from stagekit.ingestion.gitlab.settings import GitLabSettings
    from stagekit.ingestion.gitlab.token import gitlab_token

    known = GitLabSettings(
        settings["gitlab_url"],
        settings["gitlab_project"],
        read_timeout_s=settings["request_timeout_s"],
        file_timeout_s=settings["gitlab_file_timeout_s"],
        retry_budget_s=settings["retry_budget_s"],
    )
    gitlab_token()
    proxy_for(known.url, "requests")


def _engines(settings: Settings) -> list[str]:
    from stagekit.processing.settings import check_settings

    names = ("layout_profile", "ocr_engine", "artifacts_path", "ocr_languages")
    return _told(lambda: check_settings(*(settings[name] for name in names)))


def _processor(_: Settings) -> list[str]:
    return _told(has_bfloat16)


def _passwords(_: Settings) -> list[str]:
    from stagekit.processing.pdf.passwords import pdf_passwords

    return _told(pdf_passwords)


def _chunking(settings: Settings) -> list[str]:
    from stagekit.chunking.limits import check_chunk_settings
    from stagekit.embedding.registry import max_sequence_length

    def look() -> None:
        limit = max_sequence_length(settings["embedding_model"], settings["model_revision"])
        check_chunk_settings(settings["chunk_size"], settings["chunk_overlap"], limit)

    return _told(look)


def _authority(settings: Settings) -> list[str]:
    return _told(lambda: require_authority(settings["ca_file"]))


def _store(settings: Settings) -> list[str]:
    def look() -> None:
        if settings["qdrant_url"].strip().lower() != "embedded":
            server_key()
            proxy_for(server_url(settings["qdrant_url"]), "httpx")

    return _told(look)


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
    problems = []
    if settings.get("dask_scheduler") and find_spec("distributed") is None:
        problems.append(f"dask_scheduler is set, but Dask is not installed: {install_command('cluster')}.")
    url = os.environ.get("NIC_ETL_ARTIFACTS_URL", "")
    if "://" in url:
        # Loaded for remote stores only: what workers are compared by is the code of all of stagekit.
        from stagekit.cluster.admission import require_access

        try:
            require_access(open_store(url))
        except StageError as error:
            problems.append(str(error))
    return problems
