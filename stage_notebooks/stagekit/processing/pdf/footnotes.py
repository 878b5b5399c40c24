"""Tells footnotes from text by what they look like: small, with a mark, at the foot of the page."""

from __future__ import annotations

import re
from collections.abc import Sequence

from docling_core.types.doc.page import TextCell

from stagekit.processing.pdf.places import place_of

Lines = Sequence[Sequence[TextCell]]
LOWEST_PART = 0.6  # of the page's height, below which footnotes begin
SMALLER = 0.93  # line height over that of the running text
NARROWER = 0.88  # the same for the mean width of a letter
LONG_LINE = 25  # letters, from which on their mean width tells the size of the font
_MARK = re.compile(r"^\s*(?:\(?\d{1,3}\)?[.)]?|[*†‡§]{1,3}|[¹²³⁰⁴-⁹]{1,3})\s*(?=[^\W\d_]|[\"“‘'(])")


def is_footnote(lines: Lines, *, top: float, body_height: float, body_letter_width: float) -> bool:
    """Whether a text region is one or several footnotes; never so with OCR, whose heights are not exact.

    Args:
        lines: Its text cells, by line.
        top: Of the region, as a share of the page's height from its top.
        body_height: Line height of the page's running text, in points.
        body_letter_width: Mean width of a letter of the running text in points; 0 if unknown.
    """
    cells = [cell for line in lines for cell in line]
    if (
        not cells
        or top < LOWEST_PART
        or any(cell.from_ocr for cell in cells)
        or not _MARK.match(_text(lines[0]))
    ):
        return False
    longest = max(cells, key=lambda cell: len(cell.text))
    if place_of(longest).height < SMALLER * body_height:
        return True
    # A raised mark makes its line as high as one of the running text; the letters are narrower all the same.
    return len(longest.text) >= LONG_LINE and letter_width(longest) < NARROWER * body_letter_width


def letter_width(cell: TextCell) -> float:
    """Return the mean width of a letter of a line, in points."""
    return place_of(cell).width / max(1, len(cell.text))


def note_starts(lines: Lines) -> list[int]:
    """Return the numbers of the lines with which a footnote begins."""
    return [index for index, line in enumerate(lines) if index == 0 or _MARK.match(_text(line))]


def _text(line: Sequence[TextCell]) -> str:
    return " ".join(cell.text.strip() for cell in line)
