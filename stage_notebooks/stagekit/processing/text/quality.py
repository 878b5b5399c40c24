"""Tells text whose letters are wrong: lost accents, mixed alphabets, bytes read in the wrong encoding.

A PDF shows such a page well, because the glyphs are right and only their mapping to Unicode is not; search
finds nothing on it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from itertools import groupby, islice
from math import ceil

from stagekit.processing.text.broken_text import is_broken_text

FAULTS = {
    "unmapped": "its characters have lost their meaning",
    "mojibake": "it was decoded in the wrong encoding (as in 'informaÃ§Ã£o')",
    "detached_accents": "its accents stand apart from their letters",
    "mixed_alphabets": "it mixes letters of several alphabets within words",
    "lost_accents": "its letters have lost their accents",
}

FEWEST_WORDS = 80  # a shorter text may have no accent by chance
FUNCTION_WORD_SHARE = 0.12  # of the words of a text that is Portuguese or Spanish, not a listing of commands
# Words with an accent: 8 to 16 % of a Portuguese page, 5 to 10 % of a Spanish one.
ACCENTED_SHARE = 0.01
FEWEST_SIGNS = 3  # wrong signs that a text may hold because it is about them

_WORD = re.compile(r"[^\W\d_]+")
_ACCENTED = re.compile("[à-öø-ÿÀ-ÖØ-ß]")
_FUNCTION_WORDS = re.compile(
    r"(de|d[ao]s?|em|para|com|que|uma?|[ao]s|por|ou|ao|n[ao]s?|se|del|l[ao]s|el|en|con|una|y|su)",
    re.IGNORECASE,
)
_MOJIBAKE = re.compile("Ã[\u0080-\u00bf\u0152-\u0192\u2018-\u2122]|Â[\u00a0-\u00bf]|â€|Ã ")
_DETACHED = re.compile(
    r"(?<=[^\W\d_])\s?[\u00b4\u00b8\u02c6\u02dc\u00a8]|[\u00b4\u00b8\u02c6\u02dc\u00a8]\s?(?=[^\W\d_])"
)
_LONE_ACCENT = re.compile("[\u00b4\u00b8\u02c6\u02dc\u00a8]")  # most texts have none, which is known sooner
_NOT_LATIN = re.compile("[\u0370-\u052f\u3040-\u9fff\uac00-\ud7af]")


def text_fault(text: str) -> str | None:
    """Return which fault of `FAULTS` a page's text has, or None.

    Faults are judged by how often they occur: a text may speak about `Ã§`, cite a Greek letter, or be a
    listing of commands without a single accent.
    """
    if not text.strip():
        return None
    if is_broken_text([text]):
        return "unmapped"
    composed = unicodedata.normalize("NFC", text)
    words = _WORD.findall(composed)
    enough = max(FEWEST_SIGNS, 0.01 * len(words))
    if len(_MOJIBAKE.findall(composed)) >= enough:
        return "mojibake"
    if _LONE_ACCENT.search(composed) and len(_DETACHED.findall(composed)) >= enough:
        return "detached_accents"
    if _NOT_LATIN.search(composed) and sum(map(_mixes_alphabets, words)) >= enough:
        return "mixed_alphabets"
    return "lost_accents" if _lacks_accents(words) else None


def page_ranges(pages: Iterable[int]) -> str:
    """Return page numbers in words, runs joined: `Page 3`, `Pages 1, 4-6`."""
    numbers = sorted(set(pages))
    runs = [
        [number for _, number in run]
        for _, run in groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0])
    ]
    shown = ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
    return f"{'Page' if len(numbers) == 1 else 'Pages'} {shown}"


def _lacks_accents(words: list[str]) -> bool:
    if len(words) < FEWEST_WORDS:
        return False
    accented = filter(_ACCENTED.search, words)
    if len(list(islice(accented, ceil(ACCENTED_SHARE * len(words))))) >= ACCENTED_SHARE * len(words):
        return False  # as of most texts, after a look at a tenth of their words
    functional = sum(map(bool, map(_FUNCTION_WORDS.fullmatch, words)))
    return functional >= FUNCTION_WORD_SHARE * len(words)


def _mixes_alphabets(word: str) -> bool:
    """Whether a word has Latin letters beside others, and is no unit like `kΩ` or `μmol`."""
    if len(word) < 3 or not _NOT_LATIN.search(word):
        return False
    greek = sum(_alphabet(letter) == "GREEK" for letter in word)
    alphabets = {_alphabet(letter) for letter in word}
    return "LATIN" in alphabets and len(alphabets) > 1 and not (greek == 1 and len(alphabets) == 2)


@lru_cache(maxsize=4096)
def _alphabet(letter: str) -> str:
    return unicodedata.name(letter, "LATIN").split(" ", 1)[0]
