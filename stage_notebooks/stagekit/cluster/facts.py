"""What has to be alike on all machines of a cluster, or their results would differ from one another's.

Each function is called here and on every worker with the same key, and the answers are compared fact by fact.
"""

from __future__ import annotations

import hashlib
import hmac
import locale
import platform
import shutil
import subprocess
from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, files, version
from pathlib import Path
from typing import Any, Final

import stagekit
from stagekit.base.file_hashes import known_sha256
from stagekit.base.fingerprint import code_fingerprint, library_versions

SECRET_FACTS: Final = frozenset({"NIC_ETL_PDF_PASSWORDS"})
"""Facts whose values are digests under the key, and are never shown."""

Row = dict[str, Any]
_LOADED_CODE: Final = code_fingerprint([stagekit])  # whatever lies on the disk later
# Beside those in the key of each document: what they make differs in the last digits at most, but documents
# that are equal are to have equal digits on all machines.
_CONVERSION = (
    "beautifulsoup4", "docling-ibm-models", "numpy", "opencv-contrib-python-headless", "pillow", "pyclipper",
    "python-docx", "python-pptx", "shapely", "torch", "torchvision", "transformers",
)  # fmt: skip
_EMBEDDING = (
    "numpy", "onnxruntime", "openvino", "sentence-transformers", "tokenizers", "torch", "transformers",
)  # fmt: skip
_WEIGHTS = ("rapid-layout", "rapidocr")  # packages that bring models
# Where PDFium looks for the fonts that a PDF names and does not hold.
_FONTS = ("/usr/share/fonts", "/usr/share/X11/fonts", "/usr/local/share/fonts")
_NONE = "none"


def conversion_facts(key: bytes, settings: Row) -> dict[str, str]:
    """Return what a conversion depends on beside its settings.

    Args:
        key: of the digest that takes the place of the passwords of PDFs; without it nobody can try words.
        settings: of the conversion, by name; they say which models and programs are used.

    Raises:
        StageError: a model that the settings name is not on this machine, or the file with the passwords
            cannot be read.
    """
    from stagekit.processing.pdf.passwords import PASSWORDS_VARIABLE, pdf_passwords
    from stagekit.processing.settings import model_hashes

    words = "\n".join(sorted(pdf_passwords())).encode()
    facts = _common([*library_versions("document_processing"), *_CONVERSION])
    facts |= {f"models of {package}": _weights(package) for package in _WEIGHTS}
    facts |= model_hashes(settings.get("layout_profile", ""), settings.get("artifacts_path", ""))
    if settings.get("ocr_engine") == "tesseract":
        facts["tesseract"] = _tesseract()
    return facts | {
        "fonts of the system": _fonts(),
        "encoding of texts": locale.getencoding().upper(),
        PASSWORDS_VARIABLE: hmac.digest(key, words, "sha256").hex(),
    }


def embedding_facts(_: bytes, model: Row) -> dict[str, str]:
    """Return what the vectors of a model, named by the arguments of `load_model`, depend on.

    Raises:
        ModelUnavailableError: the model is not on this machine.
    """
    from stagekit.embedding.registry import resolve_model

    files = resolve_model(model["name"], model.get("revision", ""))
    return _common(_EMBEDDING) | {"embedding_model": files.fingerprint}


def _common(libraries: Iterable[str]) -> dict[str, str]:
    python = ".".join(platform.python_version_tuple()[:2])
    code = _since_loaded(_LOADED_CODE[:12], code_fingerprint([stagekit])[:12])
    versions = {name: _since_loaded(_first_version(name), _version(name)) for name in libraries}
    return {"code of nic-etl": code, "Python": python, **versions}


def _since_loaded(loaded: str, now: str) -> str:
    """Return what is in force; after an upgrade old processes have one thing, and new ones another."""
    return loaded if loaded == now else f"{loaded} when it was started, {now} since"


@cache
def _first_version(name: str) -> str:
    return _version(name)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return _NONE


def _weights(package: str) -> str:
    """Return a digest of the models in a package as they lie there now."""
    try:
        listed = sorted(str(file.locate()) for file in files(package) or [] if file.suffix == ".onnx")
    except PackageNotFoundError:
        return _NONE
    hashes = [known_sha256(Path(path)) if Path(path).is_file() else _NONE for path in listed]
    return _digest(hashes)


def _tesseract() -> str:
    """Return the version of the program and the languages that it has."""
    program = shutil.which("tesseract")
    if program is None:
        return _NONE
    said = [
        subprocess.run([program, option], capture_output=True, text=True, check=False).stdout.splitlines()
        for option in ("--version", "--list-langs")
    ]
    return " ".join([*said[0][:1], *said[1][1:]])  # the first line of the second names a folder


def _fonts() -> str:
    found = [path for folder in _FONTS for path in sorted(Path(folder).rglob("*")) if path.is_file()]
    return _digest([f"{path.name} {path.stat().st_size}" for path in found]) if found else _NONE


def _digest(parts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
