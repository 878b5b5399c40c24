"""Says how common a word is in Portuguese, Spanish or English, by the lists that come with pyspellchecker.

The lists are read where a question first needs one, and are kept as hashes: 5 MB a language in place of 120.
"""

from __future__ import annotations

import gzip
import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["LANGUAGES", "frequency"]

LANGUAGES = ("pt", "es", "en")


def frequency(word: str, language: str) -> int:
    """Return how often a word was counted in the texts of which the list is made; 0 for an unknown one.

    Args:
        word: In lower case.
        language: One of `LANGUAGES`.
    """
    hashes, counts = _list(language)
    wanted = hash(word)
    place = int(np.searchsorted(hashes, wanted))
    return int(counts[place]) if place < len(hashes) and hashes[place] == wanted else 0


@cache
def _list(language: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    packed = files("spellchecker").joinpath("resources", f"{language}.json.gz").read_bytes()
    counted: dict[str, int] = json.loads(gzip.decompress(packed))
    hashes = np.fromiter(map(hash, counted), np.int64, len(counted))
    counts = np.fromiter(counted.values(), np.int64, len(counted))
    order = np.argsort(hashes)
    return hashes[order], counts[order]
