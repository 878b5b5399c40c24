"""Suspects fonts whose letters mean others than they show: a wrong map to Unicode, or one made to deceive.

In every proportional font an m is wide and an i is narrow. Where the widths of the letters that a font claims
to have do not go with those of other fonts, its map is doubtful; a font of equal widths is judged by how many
vowels its text has. A suspicion proves nothing: the picture of the page is asked.
"""

from __future__ import annotations

import ctypes
from collections.abc import Collection, Sequence
from statistics import correlation, pstdev
from typing import TYPE_CHECKING, Any

import pypdfium2.raw as pdfium

from stagekit.processing.pdf.ink.page_objects import PaintedText, by_font, font_name

if TYPE_CHECKING:
    from stagekit.processing.pdf.ink.open_page import OpenPage

FEWEST_LETTERS = 8  # different ones; fewer tell nothing
FITTING = 0.8  # correlation from which nothing is asked further; serif and sans go together by .9
DOUBTFUL = 0.5  # correlation of the letters in use below which the map is doubtful
EQUAL = 30.0  # spread of widths, in thousandths of the type size, of a font of equal widths
LONG_ENOUGH = 60  # letters of a text that is judged by its vowels
VOWELS = (0.28, 0.62)  # their share in Portuguese, Spanish and English, with a margin

# Advance widths of Helvetica in thousandths of the type size.
_WIDTHS = """
    a556 b556 c500 d556 e556 f278 g556 h556 i222 j222 k500 l222 m833
    n556 o556 p556 q556 r333 s500 t278 u556 v500 w722 x500 y500 z500
"""
_USUAL = {entry[0]: float(entry[1:]) for entry in _WIDTHS.split()}
_VOWELS = frozenset("aeiouyàáâãäèéêëìíîïòóôõöùúûü")


Fingerprint = tuple[bytes, tuple[float, ...]]


def doubtful_texts(page: OpenPage, texts: Sequence[PaintedText]) -> dict[Fingerprint, list[PaintedText]]:
    """Return those of some texts that are written in doubtful fonts, by what a font is known again by."""
    found: dict[Fingerprint, list[PaintedText]] = {}
    for font, written in by_font(texts):
        widths = _widths(font)
        fit = _fit(widths, _USUAL.keys())
        if fit is not None and fit >= FITTING:
            continue
        said = "".join(map(page.letters, written))
        # A subset gives one width to all letters that it lacks, so only those in use count: of Q not q.
        fit = _fit(widths, set(said))
        if fit < DOUBTFUL if fit is not None else _lacks_vowels(said.casefold()):
            known = font_name(font), tuple(widths.values())
            found[known] = found.get(known, []) + written
    return found


def _widths(font: Any) -> dict[str, float]:
    width = ctypes.c_float()
    found = {}
    for letter in _USUAL:
        if pdfium.FPDFFont_GetGlyphWidth(font, ord(letter), 1000.0, width) and width.value > 0:
            found[letter] = width.value
    return found


def _fit(widths: dict[str, float], used: Collection[str]) -> float | None:
    """Return how well widths go with the usual ones, -1 to 1; None where they tell nothing."""
    letters = [letter for letter in widths if letter in used]
    if len(letters) < FEWEST_LETTERS:
        return None
    own = [widths[letter] for letter in letters]
    usual = [_USUAL[letter] for letter in letters]
    if pstdev(own) < EQUAL or pstdev(usual) < EQUAL:
        return None
    return correlation(own, usual)


def _lacks_vowels(text: str) -> bool:
    letters = [letter for letter in text if letter.isalpha() and letter < "\u0250"]
    if len(letters) < LONG_ENOUGH:
        return False
    share = sum(letter in _VOWELS for letter in letters) / len(letters)
    return not VOWELS[0] <= share <= VOWELS[1]
