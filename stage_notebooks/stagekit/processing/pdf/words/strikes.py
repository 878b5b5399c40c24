"""Marks the words of a PDF that are struck: through whose middle a line is drawn.

A line below the letters underlines them, one between rows or beyond the words is the rule of a table, and
one above is neither. The words come out as `~~R$ 40,00~~`, in lines and in table cells alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from docling_core.types.doc import BoundingBox

from stagekit.processing.pdf.ink.signs import BAR_SIGNS
from stagekit.processing.pdf.places import Place
from stagekit.processing.pdf.words.line_words import PlacedWord, words_by_line
from stagekit.processing.seams.docling import parser_of

if TYPE_CHECKING:
    from docling.datamodel.base_models import Page

__all__ = ["STRUCK", "mark_struck_words"]

STRUCK = "~~"
THICKEST = 3.0  # points; a thicker bar is a box
MOST_OF_HEIGHT = 0.25  # thickness of a line, in heights of the word
MIDDLE = (0.3, 0.68)  # where it crosses a word, in heights from the top; letters stand on about .8
CROSSED = 0.7  # share of a word's width
OVERHANG = 0.8  # how far a line goes beyond its words, in their heights; rules of tables go further
SAME_LINE = 0.5  # points between the heights of parts of one line
BETWEEN = 6.0  # points between parts of one line, as where each word is struck by itself


def mark_struck_words(page: Page) -> None:
    """Mark the struck words of a page of Docling in its lines and words, before its layout is read."""
    parsed = page.parsed_page
    shapes = getattr(parser_of(page), "get_thin_shape_boxes", None)
    if parsed is None or shapes is None:
        return
    lines = _level_lines(shapes(max_thickness=THICKEST) or ())
    if not lines:
        return
    heights = np.array([(line.t + line.b) / 2 for line in lines])
    for line, words in words_by_line(parsed):
        top, bottom = min(word.box.t for word in words), max(word.box.b for word in words)
        near = np.flatnonzero((heights >= top) & (heights <= bottom))  # of hundreds in a table, few
        struck = _struck(words, [lines[index] for index in near])
        if not any(struck):
            continue
        text = line.text
        for first, last in reversed(_runs(words, struck)):
            text = f"{text[: first.start]}{STRUCK}{text[first.start : last.end]}{STRUCK}{text[last.end :]}"
        line.text = text
        for word, is_struck in zip(words, struck, strict=True):
            if is_struck:
                word.cell.text = f"{STRUCK}{word.cell.text}{STRUCK}"


def _level_lines(boxes: Sequence[BoundingBox]) -> list[BoundingBox]:
    """Return the level ones, those that continue one another joined."""
    level = [box for box in boxes if box.width > 2 * box.height]
    joined: list[BoundingBox] = []
    for box in sorted(level, key=lambda b: (round((b.t + b.b) / 2), b.l)):
        last = joined[-1] if joined else None
        if (
            last is not None
            and abs((last.t + last.b) - (box.t + box.b)) < 2 * SAME_LINE
            and box.l - last.r < BETWEEN
        ):
            joined[-1] = BoundingBox.enclosing_bbox([last, box])
        else:
            joined.append(box)
    return joined


def _struck(words: Sequence[PlacedWord], lines: Sequence[BoundingBox]) -> list[bool]:
    struck = [False] * len(words)
    boxes = [word.box for word in words]
    covers = [any(sign in word.cell.text for sign in BAR_SIGNS) for word in words]
    for line in lines:
        crossed = [index for index, box in enumerate(boxes) if _crosses(line, box) and not covers[index]]
        if not crossed:
            continue
        first, last = boxes[crossed[0]], boxes[crossed[-1]]
        slack = OVERHANG * first.height
        if first.l - line.l <= slack and line.r - last.r <= slack:
            for index in crossed:
                struck[index] = True
    return struck


def _crosses(line: BoundingBox, word: Place) -> bool:
    if word.height <= 0.0 or word.width <= 0.0 or line.height > MOST_OF_HEIGHT * word.height:
        return False
    place = ((line.t + line.b) / 2 - word.t) / word.height
    shared = min(line.r, word.r) - max(line.l, word.l)
    return bool(MIDDLE[0] <= place <= MIDDLE[1] and shared >= CROSSED * word.width)


def _runs(words: Sequence[PlacedWord], struck: Sequence[bool]) -> list[tuple[PlacedWord, PlacedWord]]:
    """Return the first and last word of each run of struck words."""
    runs: list[tuple[PlacedWord, PlacedWord]] = []
    for index, word in enumerate(words):
        if not struck[index]:
            continue
        if index and struck[index - 1]:
            runs[-1] = (runs[-1][0], word)
        else:
            runs.append((word, word))
    return runs
