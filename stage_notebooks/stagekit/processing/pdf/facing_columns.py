"""Reads the left one of two facing pages, or of two columns of prose, before the right one.

Docling links regions that stand in one row, as the fields of a form do. Where the paragraphs of two book pages
on one scan begin at equal heights, it would read on from the one page into the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter

from docling.models.postprocessing.reading_order_rb import (
    PageElement,
    ReadingOrderPredictor,
    SeparatorElement,
)
from docling_core.types.doc import DocItemLabel

__all__ = ["FacingColumnsOrder"]

MIDDLE = (0.35, 0.65)  # of the page's width: where the white between two facing columns stands
NARROWEST_WHITE = 0.015  # of the page's width
PROSE_LETTERS = 40  # a shorter region is a heading, a label or a cell
LEAST_PROSE = 0.6  # share of a column's letters that stand in prose
PROSE_WIDTH = 0.6  # of its column's width
PROSE = (DocItemLabel.TEXT, DocItemLabel.LIST_ITEM)
EDGES = (DocItemLabel.PAGE_HEADER, DocItemLabel.PAGE_FOOTER)


class FacingColumnsOrder(ReadingOrderPredictor):
    """Docling's reading order, each of two facing columns by itself."""

    def predict_reading_order(
        self, page_elements: list[PageElement], page_separators: list[SeparatorElement] | None = None
    ) -> list[PageElement]:
        ordered: list[PageElement] = []
        by_page = attrgetter("page_no")
        for _, page in groupby(sorted(page_elements, key=by_page), key=by_page):
            for part in _columns(list(page)):
                ordered.extend(super().predict_reading_order(part, page_separators))
        return ordered


def _columns(page: list[PageElement]) -> list[list[PageElement]]:
    """Return the two facing columns of a page, or the page; running titles go with the column below them."""
    body = [element for element in page if element.label not in EDGES]
    white = _white_in_the_middle(body)
    if white is None:
        return [page]
    left = [element for element in page if (element.l + element.r) / 2 < white]
    right = [element for element in page if (element.l + element.r) / 2 >= white]
    if all(_is_prose([element for element in half if element.label not in EDGES]) for half in (left, right)):
        return [left, right]
    return [page]


def _white_in_the_middle(body: Sequence[PageElement]) -> float | None:
    """Return where the broadest upright white near the middle of a page stands that no region crosses."""
    if not body:
        return None
    width = body[0].page_size.width
    right_ends: list[tuple[float, float]] = []
    reached = 0.0
    for element in sorted(body, key=lambda element: element.l):
        right_ends.append((element.l, reached))
        reached = max(reached, element.r)
    whites = [
        (left - ended, (left + ended) / 2)
        for left, ended in right_ends
        if ended > 0 and MIDDLE[0] * width < (left + ended) / 2 < MIDDLE[1] * width
    ]
    broadest, middle = max(whites, default=(0.0, 0.0))
    return middle if broadest > NARROWEST_WHITE * width else None


def _is_prose(column: Sequence[PageElement]) -> bool:
    if not column:
        return False
    width = max(element.r for element in column) - min(element.l for element in column)
    prose = [
        element
        for element in column
        if element.label in PROSE
        and len(element.text) >= PROSE_LETTERS
        and element.r - element.l >= PROSE_WIDTH * width
    ]
    return len(prose) > 1 and _letters(prose) >= LEAST_PROSE * _letters(column)


def _letters(elements: Sequence[PageElement]) -> int:
    return sum(len(element.text) for element in elements)
