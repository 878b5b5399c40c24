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

STRUCK = "~~"
THICKEST = 3.0  # points; a thicker bar is a box
MOST_OF_HEIGHT = 0.25  # thickness of a line, in heights of the word
MIDDLE = (0.3, 0.68)  # where it crosses a word, in heights from the top; letters stand on about .8
CROSSED = 0.7  # share of a word's width
LETTER = 0.6  # heights of a word: a line that is shorter by less is that of the whole word
EXACT = 0.1  # heights of a word, between the ends of a line and of the letters for which it was drawn
OVERHANG = 0.8  # how far a line goes beyond its words, in their heights; rules of tables go further
SAME_LINE = 0.5  # points between the heights of parts of one line
BETWEEN = 6.0  # points between parts of one line, as where each word is struck by itself

# Widths of letters as most fonts have them, in thousandths of their size: a parsed page has no letters.
_WIDTHS = {
    letter: width
    for letters, width in {
        "ijlíì'|": 222, "I.,:;!ftÍ": 278, "r()-": 333, "ckçsvxyzJ": 500, "FTZ": 611, "ABEKPSVXYÁÀÂÃÉÊ": 667,
        "wCDHNRUÇÚ": 722, "GOQÓÔÕ": 778, "mM": 833, "W": 944,
    }.items()
    for letter in letters
}  # fmt: skip
_USUAL_WIDTH = 556  # of the other small letters, and of digits


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
        for start, end in reversed(_runs(words, struck)):
            line.text = _marked(line.text, start, end)
        for word, part in zip(words, struck, strict=True):
            if part is not None:
                word.cell.text = _marked(word.cell.text, *part)


def _marked(text: str, start: int, end: int) -> str:
    return f"{text[:start]}{STRUCK}{text[start:end]}{STRUCK}{text[end:]}"


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


def _struck(words: Sequence[PlacedWord], lines: Sequence[BoundingBox]) -> list[tuple[int, int] | None]:
    """Return of each word which of its letters are struck, from the first to before the last; None: none."""
    struck: list[tuple[int, int] | None] = [None] * len(words)
    boxes = [word.box for word in words]
    covers = [any(sign in word.cell.text for sign in BAR_SIGNS) for word in words]
    for line in lines:
        touched = [index for index, box in enumerate(boxes) if not covers[index] and _crosses(line, box)]
        crossed = [index for index in touched if _shared(line, boxes[index]) >= CROSSED * boxes[index].width]
        exact = bool(touched) and _begins_or_ends_with(line, boxes[touched[0]], boxes[touched[-1]])
        found = touched if exact else crossed
        if not found:
            continue
        first, last = boxes[found[0]], boxes[found[-1]]
        slack = OVERHANG * first.height
        if first.l - line.l <= slack and line.r - last.r <= slack:
            for index in found:
                whole = 0, len(words[index].text)
                struck[index] = _crossed_letters(line, words[index]) if exact else whole
    return struck


def _crosses(line: BoundingBox, word: Place) -> bool:
    """Tell whether a line goes through the middle of a word, over the width of a letter or more."""
    if word.height <= 0.0 or word.width <= 0.0 or line.height > MOST_OF_HEIGHT * word.height:
        return False
    place = ((line.t + line.b) / 2 - word.t) / word.height
    least = min(CROSSED * word.width, LETTER * word.height)
    return bool(MIDDLE[0] <= place <= MIDDLE[1] and _shared(line, word) >= least)


def _shared(line: BoundingBox, word: Place) -> float:
    return float(min(line.r, word.r) - max(line.l, word.l))


def _begins_or_ends_with(line: BoundingBox, first: Place, last: Place) -> bool:
    """Tell a line that was drawn for letters from one that only stands near them."""
    return min(abs(line.l - first.l), abs(line.r - last.r)) <= EXACT * first.height


def _crossed_letters(line: BoundingBox, word: PlacedWord) -> tuple[int, int]:
    """Return the letters that a line goes through: all, or those before or behind what was put to a word.

    Where text was replaced and its changes are shown, the new stands right behind the old: `dezquinze`.
    """
    box, text = word.box, word.text
    widths = [_WIDTHS.get(letter, _USUAL_WIDTH) for letter in text]
    unit = box.width / sum(widths)
    edges = [box.l + unit * sum(widths[:at]) for at in range(len(text) + 1)]
    start = 0 if line.l - box.l < LETTER * box.height else _nearest(edges, line.l)
    end = len(text) if box.r - line.r < LETTER * box.height else _nearest(edges, line.r)
    return (start, end) if start < end else (0, len(text))


def _nearest(edges: Sequence[float], place: float) -> int:
    return min(range(len(edges)), key=lambda at: abs(edges[at] - place))


def _runs(words: Sequence[PlacedWord], struck: Sequence[tuple[int, int] | None]) -> list[tuple[int, int]]:
    """Return where in the line's text each run of struck letters begins and ends."""
    runs: list[tuple[int, int]] = []
    for index, (word, part) in enumerate(zip(words, struck, strict=True)):
        if part is None:
            continue
        start, end = word.start + part[0], word.start + part[1]
        before = struck[index - 1] if index else None
        if part[0] == 0 and before is not None and before[1] == len(words[index - 1].text):
            runs[-1] = (runs[-1][0], end)
        else:
            runs.append((start, end))
    return runs
