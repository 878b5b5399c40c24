"""Looks for the models of the settings for ``nic-etl doctor``, by the functions of their stages."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from stagekit.embedding.arithmetic import resolve_backend
from stagekit.embedding.registry import resolve_model
from stagekit.errors import StageError
from stagekit.processing.models.weights import LAYOUT, OCR, Weights
from stagekit.processing.settings import model_hashes, models_in_hub_cache

Row = dict[str, Any]


def check_models(settings: Row) -> list[Row]:
    """Return one row (check, ok, detail) for each kind of model; nothing is loaded or downloaded.

    A packaged embedding model is converted once for all, as its first use would do.
    """
    rows = [_row("embedding model", lambda: _embedding(settings))]
    if settings["layout_profile"] == "packaged":
        rows.append(_row("layout model", lambda: _packaged([LAYOUT])))
    else:
        rows.append(_row("layout model", lambda: _docling(settings)))
    if settings["ocr_engine"] == "rapidocr":
        rows.append(_row("OCR models", lambda: _packaged(OCR.values())))
    return rows


def _row(check: str, look: Callable[[], str]) -> Row:
    try:
        return {"check": check, "ok": True, "detail": look()}
    except (StageError, ValueError, RuntimeError, OSError) as error:
        return {"check": check, "ok": False, "detail": str(error)}


def _embedding(settings: Row) -> str:
    files = resolve_model(settings["embedding_model"], settings["model_revision"], verify_weights=True)
    number_type, device = settings["embedding_dtype"], settings["device"]
    resolve_backend(settings["embedding_backend"], files, dtype=number_type, device=device)
    return f"{files.fingerprint}, intact"


def _docling(settings: Row) -> str:
    from huggingface_hub.constants import is_offline_mode

    if folder := settings["artifacts_path"]:
        names = model_hashes(settings["layout_profile"], folder)
        return f"Docling's: its {len(names)} files are in {folder}"
    if models_in_hub_cache():
        return "Docling's, in the cache of the model hub"
    if is_offline_mode():
        raise StageError(
            "Docling's models are not on this machine, and HF_HUB_OFFLINE forbids to fetch them: run "
            "`docling-tools models download layout tableformer -o FOLDER` where there is a network, and name "
            "the folder in artifacts_path."
        )
    return "Docling's, which are fetched from the model hub when the first page is read"


def _packaged(weights: Collection[Weights]) -> str:
    names = [one.verified().name for one in weights]
    package = next(iter(weights)).package.replace("_", "-")
    return f"{package}: {', '.join(names)}, intact"
