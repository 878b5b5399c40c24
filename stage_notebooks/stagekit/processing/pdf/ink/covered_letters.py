"""Finds the words of a line that something opaque was laid over: a bar that redacts a name, a picture on top.

A writing program paints a line in one piece, so that a bar on a word of it hides a part of a text only. The
letters below later shapes are asked for one by one; what remains is written anew, word by word,
with a sign for what does not.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pypdfium2.raw as pdfium

from stagekit.processing.pdf.ink.page_objects import Box, Matrix, PaintedShape, PaintedText, address_of
from stagekit.processing.pdf.ink.page_view import READING, changed_pixels
from stagekit.processing.pdf.ink.signs import BAR, GAP

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from stagekit.processing.pdf.ink.open_page import OpenPage
    from stagekit.processing.pdf.ink.page_view import Picture

SOLID = 230  # opacity from which a shape hides what is below it
TALLEST_RULE = 0.6  # heights of a text; what is less high strikes or underlines it
NARROWEST = 0.3  # of the width that a bar shares with a text, in sizes of its letters
COVERED = 0.5  # share of a letter below a shape
WHITE = 235  # level from which a cover is taken for paper
INNER = 0.2  # share of a letter's width at each side where its neighbour's ink may stand


@dataclass(frozen=True)
class SeenPart:
    """A word that is seen of a text some letters of which are covered, or a sign for those."""

    letters: str  # of the word, with the blank behind it; or `BAR` or `GAP`
    matrix: Matrix  # how its text is set, with the place of its first letter
    width: float | None = None  # how far the covered letters go, in points; None of a word


@dataclass(frozen=True)
class _Letter:
    sign: str
    box: Box
    matrix: Matrix


def covered_letters(
    page: OpenPage, texts: Sequence[PaintedText]
) -> tuple[dict[int, list[SeenPart]], dict[int, str]]:
    """Return what is seen of the texts that are covered in part, and which letters are covered.

    Both are given by the order of the text. Asked are those texts of the page that leave some ink; it is
    drawn anew where shapes are painted over them, and left as it is.
    """
    bars = _bars_over(page.objects, texts)
    if not bars:
        return {}, {}
    below = [text for text in texts if text.order in bars]
    whole = page.view.drawn(READING)
    with page.view.without(below):
        changed = changed_pixels(whole, page.view.drawn(READING))
    letters = _letters_of(page, below)
    seen: dict[int, list[SeenPart]] = {}
    covered: dict[int, str] = {}
    for text in below:
        own = letters.get(text.order, [])
        is_seen = [not _is_covered(letter, bars[text.order], whole, changed) for letter in own]
        if all(is_seen):
            continue
        seen[text.order] = list(_parts(own, is_seen, whole))
        covered[text.order] = "".join(
            " " if is_there else letter.sign for letter, is_there in zip(own, is_seen, strict=True)
        )
    return seen, covered


def _bars_over(
    objects: Sequence[PaintedText | PaintedShape], texts: Sequence[PaintedText]
) -> dict[int, list[Box]]:
    """Return, by the order of the text, the solid shapes painted over a part of it."""
    first = min((text.order for text in texts), default=0)
    shapes = [
        item
        for item in objects
        if isinstance(item, PaintedShape)
        and item.order > first
        and item.box.area > 0.0
        and (item.colour is None or item.colour[3] >= SOLID)
    ]
    if not shapes:
        return {}
    orders = np.array([shape.order for shape in shapes])
    left, bottom, right, top = np.array(
        [(s.box.left, s.box.bottom, s.box.right, s.box.top) for s in shapes], float
    ).T
    found = {}
    for text in texts:
        box = text.box
        wide = np.minimum(right, box.right) - np.maximum(left, box.left) >= NARROWEST * text.size
        high = np.minimum(top, box.top) - np.maximum(bottom, box.bottom) >= TALLEST_RULE * box.height
        over = np.flatnonzero((orders > text.order) & wide & high)
        if over.size:
            found[text.order] = [shapes[int(index)].box for index in over]
    return found


def _letters_of(page: OpenPage, texts: Sequence[PaintedText]) -> dict[int, list[_Letter]]:
    """Return the letters of texts and the blanks between them, by the order of their text."""
    text_page = page.text_page()
    wanted = {address_of(text.handle): text.order for text in texts}
    found: dict[int, list[_Letter]] = {text.order: [] for text in texts}
    parts = [ctypes.c_double() for _ in range(4)]
    x, y, matrix = ctypes.c_double(), ctypes.c_double(), pdfium.FS_MATRIX()
    for index in range(pdfium.FPDFText_CountChars(text_page)):
        order = wanted.get(address_of(pdfium.FPDFText_GetTextObject(text_page, index)))
        if order is None or pdfium.FPDFText_IsGenerated(text_page, index) == 1:
            continue
        pdfium.FPDFText_GetCharBox(text_page, index, *parts)
        left, right, bottom, top = (part.value for part in parts)
        pdfium.FPDFText_GetCharOrigin(text_page, index, x, y)
        pdfium.FPDFText_GetMatrix(text_page, index, matrix)
        found[order].append(
            _Letter(
                chr(pdfium.FPDFText_GetUnicode(text_page, index)),
                Box(left, bottom, right, top),
                (matrix.a, matrix.b, matrix.c, matrix.d, x.value, y.value),
            )
        )
    return found


def _is_covered(letter: _Letter, bars: Sequence[Box], whole: Picture, changed: NDArray[np.bool_]) -> bool:
    """Whether a letter lies below a bar, and the page looks the same without it."""
    box = letter.box
    if letter.sign.isspace() or not any(bar.overlap(box) >= COVERED * box.area > 0.0 for bar in bars):
        return False
    edge = INNER * box.width
    inner = Box(box.left + edge, box.bottom, box.right - edge, box.top)
    return not changed[whole.place(inner, margin=0)].any()


def _parts(letters: Sequence[_Letter], is_seen: Sequence[bool], whole: Picture) -> Iterator[SeenPart]:
    """Yield the words that are seen, and a sign for each run of covered ones."""
    part: list[_Letter] = []
    seen = True  # are the letters of the part
    for letter, is_there in zip(letters, is_seen, strict=True):
        if letter.sign.isspace():
            if part and seen:
                yield _word(part, " ")
                part = []
            continue
        if part and seen != is_there:
            yield _word(part) if seen else _sign(part, whole)
            part = []
        part.append(letter)
        seen = is_there
    if part:
        yield _word(part) if seen else _sign(part, whole)


def _word(letters: Sequence[_Letter], blank: str = "") -> SeenPart:
    return SeenPart("".join(letter.sign for letter in letters) + blank, letters[0].matrix)


def _sign(letters: Sequence[_Letter], whole: Picture) -> SeenPart:
    left, right = letters[0].box, letters[-1].box
    box = Box(left.left, min(left.bottom, right.bottom), right.right, max(left.top, right.top))
    pixels = whole.at(box)
    is_white = bool(pixels.size) and float(np.median(pixels)) >= WHITE
    return SeenPart(GAP if is_white else BAR, letters[0].matrix, max(box.width, box.height))
