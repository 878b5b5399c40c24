"""Joins lines of which one begins where the other ends: `Art. 3º` and `-A. O servidor`, `fim.` and `” (NR)`.

The parser ends a line where a program has begun a new run of text without a blank, as LibreOffice does behind
an ordinal or before a quotation mark. Each piece may then become a paragraph of its own, far from the other.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

from docling_core.types.doc.page import BoundingRectangle, PdfTextCell

from stagekit.processing.pdf.places import Place, box_around, place_of

if TYPE_CHECKING:
    from docling_core.types.doc.page import SegmentedPdfPage, TextCell

WHITE = 0.05  # between the pieces, in heights of the smaller; a blank is five times as wide
SAME_ROW = 0.6  # share of the smaller height that both have in common


def join_touching_lines(page: SegmentedPdfPage) -> None:
    """Join the lines of a page that touch, and the words at the joint."""
    page.textline_cells = _joined(page.textline_cells, page)


def _joined(cells: list[TextCell], page: SegmentedPdfPage) -> list[TextCell]:
    printed = ((place_of(cell), cell) for cell in cells if cell.text.strip() and not cell.from_ocr)
    placed = sorted(printed, key=lambda one: one[0].l)
    lefts = [place.l for place, _ in placed]
    gone: set[int] = set()
    for place, line in placed:
        while id(line) not in gone:
            reach = WHITE * place.height
            near = placed[bisect_left(lefts, place.r - reach) : bisect_right(lefts, place.r + reach)]
            behind = next(
                (one for one in near if _goes_on(place, line, *one) and id(one[1]) not in gone), None
            )
            if behind is None:
                break
            _join_words(page, place, behind[0])
            _join(line, behind[1])
            gone.add(id(behind[1]))
            place = place_of(line)  # noqa: PLW2901 - it has grown
    return [cell for cell in cells if id(cell) not in gone] if gone else cells


def _goes_on(place: Place, line: TextCell, other_place: Place, other: TextCell) -> bool:
    low, high = sorted((place, other_place), key=lambda one: one.height)
    shared = min(low.b, high.b) - max(low.t, high.t)
    if line is other or shared < SAME_ROW * low.height or abs(other_place.l - place.r) > WHITE * low.height:
        return False
    # What a blank ends was not cut; small letters above or below the line are marks and exponents.
    raised = low.b < (high.t + high.b) / 2 or low.t > (high.t + high.b) / 2
    small = line if low is place else other
    return not (line.text[-1:].isspace() or other.text[:1].isspace() or (raised and small.text.isalnum()))


def _join(line: TextCell, behind: TextCell) -> None:
    if (
        isinstance(line, PdfTextCell)
        and isinstance(behind, PdfTextCell)
        and len(behind.text) > len(line.text)
    ):
        line.font_name, line.font_key = behind.font_name, behind.font_key
    box = box_around((place_of(line), place_of(behind)))
    line.text += behind.text
    line.rect = BoundingRectangle.from_bounding_box(box)


def _join_words(page: SegmentedPdfPage, left: Place, right: Place) -> None:
    """Make one word of the last of one line and the first of the other."""
    ends = [w for w in page.word_cells if _is_at(place_of(w).r, left.r, place_of(w), left)]
    begins = [w for w in page.word_cells if _is_at(place_of(w).l, right.l, place_of(w), right)]
    if len(ends) != 1 or len(begins) != 1 or ends[0] is begins[0]:
        return
    [last], [first] = ends, begins
    last.text += first.text
    last.rect = BoundingRectangle.from_bounding_box(box_around((place_of(last), place_of(first))))
    page.word_cells = [word for word in page.word_cells if word is not first]


def _is_at(edge: float, line_edge: float, word: Place, line: Place) -> bool:
    middle = (word.t + word.b) / 2
    return abs(edge - line_edge) < WHITE * line.height and line.t <= middle <= line.b
