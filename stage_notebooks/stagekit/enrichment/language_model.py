"""Keeps py3langid's model unpacked: reading it from its package takes half a second of processor time."""

from __future__ import annotations

import lzma
from array import array
from collections.abc import Sequence
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

from stagekit.base.inference.model_cache import build_once
from stagekit.declared.language_tags import TAGS

if TYPE_CHECKING:
    import numpy as np

_FILE = "model.npz"
_TYPE_CODES = {2: "H", 4: "I", 8: "L"}


@cache
def language_identifier(languages: tuple[str, ...]) -> Any:
    """Return a ``py3langid.langid.LanguageIdentifier`` of our own, limited to languages (ISO 639-1)."""
    from py3langid.langid import MODEL_DIR, MODEL_FILE, LanguageIdentifier

    packed = MODEL_DIR / MODEL_FILE
    try:
        folder = build_once(f"py3langid-{version('py3langid')}", partial(_unpack, packed))
        arguments = _arguments(folder / _FILE)
    except (OSError, ValueError, KeyError, BadZipFile):  # no room for it, or damaged: the package has it
        identifier = LanguageIdentifier.from_model_file(packed, norm_probs=True)
    else:
        identifier = LanguageIdentifier(norm_probs=True, **arguments)
    identifier.set_languages(list(languages))
    return identifier


def warm_up() -> None:
    """Load the identifier that :func:`stagekit.enrichment.language.detect_language` asks for."""
    language_identifier(tuple(TAGS))


def _unpack(packed: Path, folder: Path) -> None:
    with lzma.open(packed) as source:
        (folder / _FILE).write_bytes(source.read())


def _arguments(path: Path) -> dict[str, Any]:
    """Return the arguments of ``LanguageIdentifier``, as ``py3langid.modelio.load_model`` reads them."""
    import numpy as np

    with path.open("rb") as file, np.load(file, allow_pickle=False) as data:
        return {
            "nb_ptc": data["ptc"],
            "nb_pc": data["pc"],
            "nb_classes": data["classes"].tolist(),
            "tk_nextmove": _integers(data["nextmove"]),
            "tk_output": data["out_feat"].tolist(),
            "tk_row": _integers(data["nextmove_row"]),
        }


def _integers(values: np.ndarray[Any, Any]) -> Sequence[int]:
    # The automaton is walked byte by byte in Python: an array is faster there than NumPy's.
    found = array(_TYPE_CODES[values.dtype.itemsize])
    found.frombytes(values.tobytes())
    return found
