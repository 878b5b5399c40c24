"""Joins a label, or the sign of a box to tick, with what stands right behind it in another font.

The parser ends a line where the font changes. Where a layout model finds no paragraph, each piece is one, and
all labels of a form may come before all values.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

from docling_core.types.doc.page import BoundingRectangle, PdfTextCell

from stagekit.processing.pdf.ink.signs import BOX_SIGNS
from stagekit.processing.pdf.places import box_around, place_of
from stagekit.processing.pdf.words.line_words import words_by_line

if TYPE_CHECKING:
    from docling_core.types.doc.page import SegmentedPdfPage, TextCell

GAP = 0.6  # white between the pieces, in heights of the larger
BOX_GAP = 1.5  # the same behind the sign of a box, which never ends a text
SAME_ROW = 0.6  # share of the smaller height that both have in common

_BOXES = tuple(BOX_SIGNS)


def join_labels(page: SegmentedPdfPage) -> None:
    """Join labels and box signs with what they belong to among the lines of a page."""
    _write_boxes_into_lines(page)
    if not any(_opens(line.text) for line in page.textline_cells):
        return
    lines = sorted(page.textline_cells, key=lambda line: place_of(line).l)
    lefts = [place_of(line).l for line in lines]
    gone: set[int] = set()
    for line in lines:
        while id(line) not in gone and _opens(line.text):
            box = place_of(line)
            reach = (BOX_GAP if line.text.rstrip().endswith(_BOXES) else GAP) * box.height
            near = lines[bisect_left(lefts, box.r - reach / 2) : bisect_right(lefts, box.r + reach)]
            behind = next(
                (
                    cell
                    for cell in near
                    if cell is not line and id(cell) not in gone and _is_beside(line, cell)
                ),
                None,
            )
            if behind is None:
                break
            _join(line, behind)
            gone.add(id(behind))
    if gone:
        page.textline_cells = [line for line in page.textline_cells if id(line) not in gone]


def _write_boxes_into_lines(page: SegmentedPdfPage) -> None:
    """Write the sign of a box that stands within a line (`Concordo ☐ Discordo`) before the word behind it."""
    signs = {id(cell): place_of(cell) for cell in page.textline_cells if cell.text.strip() in _BOXES}
    if not signs:
        return
    written: set[int] = set()
    for line, words in words_by_line(page):
        place = place_of(line)
        inside = [
            (next((word.start for word in words if word.box.l >= (box.l + box.r) / 2), None), cell)
            for cell in page.textline_cells
            if (box := signs.get(id(cell))) is not None
            and place.l < box.l < box.r < place.r
            and place.t < (box.t + box.b) / 2 < place.b
            and cell is not line
        ]
        found = [(at, cell) for at, cell in inside if at is not None]
        for at, cell in sorted(found, key=lambda one: one[0], reverse=True):
            line.text = f"{line.text[:at]}{cell.text.strip()} {line.text[at:]}"
        written |= {id(cell) for _, cell in found}
    if written:
        page.textline_cells = [line for line in page.textline_cells if id(line) not in written]


def _opens(text: str) -> bool:
    return text.rstrip().endswith((":", "?", *_BOXES))


def _is_beside(line: TextCell, cell: TextCell) -> bool:
    one, other = place_of(line), place_of(cell)
    shared = min(one.b, other.b) - max(one.t, other.t)
    return bool(cell.text.strip()) and shared >= SAME_ROW * min(one.height, other.height) > 0.0


def _join(line: TextCell, behind: TextCell) -> None:
    box = box_around((place_of(line), place_of(behind)))
    if (
        isinstance(line, PdfTextCell)
        and isinstance(behind, PdfTextCell)
        and len(behind.text) > len(line.text)
    ):
        line.font_name, line.font_key = behind.font_name, behind.font_key
    line.text = f"{line.text.rstrip()} {behind.text.lstrip()}"
    line.rect = BoundingRectangle.from_bounding_box(box)
