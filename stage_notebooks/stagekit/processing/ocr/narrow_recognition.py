"""The packaged recognition model without the letters of other scripts, in memory and as a file."""

from __future__ import annotations

from pathlib import Path

from stagekit.base.inference.model_cache import build_once, verify_files
from stagekit.processing.models.weights import OCR
from stagekit.processing.ocr.narrow_letters import with_narrow_letters

_LAST_LAYER = ("linear_8.w_0", "linear_8.b_0")  # of the recognition model
_LETTERS = "fetch_name_0"  # its output
_FILE = "recognition.onnx"
_VERSION = 1  # raised when other letters are left out


def narrow_recognition() -> bytes:
    """Return the model, an ONNX ModelProto.

    Raises:
        RuntimeError: The packaged weights are missing or damaged.
    """
    published = OCR["Rec"].verified().read_bytes()
    return with_narrow_letters(published, last_layer=_LAST_LAYER, output=_LETTERS)


def narrow_recognition_file() -> Path:
    """Return the model as a file of the models' cache, for an engine that takes files; written once.

    Raises:
        RuntimeError: As `narrow_recognition`.
        ModelUnavailableError: The file is damaged, or nothing can be written to the cache.
    """
    weights = OCR["Rec"]
    name = f"{Path(weights.name).stem}-narrow-{weights.sha256[:12]}-v{_VERSION}"
    directory = build_once(name, lambda folder: _write(folder / _FILE))
    verify_files(directory, [_FILE])
    return directory / _FILE


def _write(path: Path) -> None:
    path.write_bytes(narrow_recognition())
