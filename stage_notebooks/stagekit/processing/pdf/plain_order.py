"""Reads pages whose order is plain by that: a single column downwards, facing columns left before right.

Docling links regions that stand in one row, as the fields of a form do. Where the paragraphs of two book
pages on one scan begin at equal heights, it would read on from the one page into the other; and a short line
in the middle of the page, such as a letterhead above a title at the margin, would come last.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, pairwise, takewhile
from operator import attrgetter

from docling.models.postprocessing.reading_order_rb import (
    PageElement,
    ReadingOrderPredictor,
    SeparatorElement,
)
from docling_core.types.doc import DocItemLabel

MIDDLE = (0.35, 0.65)  # of the page's width: where the white between two facing columns stands
BESIDE = 0.3  # share of its height that a region has in common with one beside it
ALIGNED = 0.03  # of the page's width
REACHES = 0.8  # of the width of what follows, that a paragraph cut by a page's end has at least
NARROWEST_WHITE = 0.015  # of the page's width
PROSE_LETTERS = 40  # a shorter region is a heading, a label or a cell
LEAST_PROSE = 0.6  # share of a column's letters that stand in prose
PROSE_WIDTH = 0.6  # of its column's width
WIDE = 0.6  # of the width of all regions of a page, that one over two columns has at least
MOST_ABOVE = 6  # regions over both columns: a title, its summary
PROSE = (DocItemLabel.TEXT, DocItemLabel.LIST_ITEM)
EDGES = (DocItemLabel.PAGE_HEADER, DocItemLabel.PAGE_FOOTER)


class PlainOrder(ReadingOrderPredictor):
    """Docling's reading order where it is not plain."""

    def predict_reading_order(
        self, page_elements: list[PageElement], page_separators: list[SeparatorElement] | None = None
    ) -> list[PageElement]:
        """Return the regions of all pages in reading order."""
        ordered: list[PageElement] = []
        by_page = attrgetter("page_no")
        separators = {
            number: list(drawn)
            for number, drawn in groupby(sorted(page_separators or (), key=by_page), key=by_page)
        }
        for number, page in groupby(sorted(page_elements, key=by_page), key=by_page):
            for part in (part for band in _bands(list(page)) for part in _columns(band)):
                if _is_one_column(part):
                    ordered.extend(sorted(part, key=_downwards))
                else:  # with its own separators: those of other pages would each be put in order once more
                    ordered.extend(super().predict_reading_order(part, separators.get(number)))
        return ordered

    def predict_merges(self, sorted_elements: list[PageElement]) -> dict[int, list[int]]:
        """Return which regions go on in others, by number; not those that end in a short line."""
        by_number = {element.cid: element for element in sorted_elements}
        merges = {}
        for first, rest in super().predict_merges(sorted_elements).items():
            chain = [by_number[number] for number in (first, *rest)]
            joined = takewhile(lambda pair: _goes_on(*pair), pairwise(chain))
            if numbers := [below.cid for _, below in joined]:
                merges[first] = numbers
        return merges


def _goes_on(above: PageElement, below: PageElement) -> bool:
    """Whether a paragraph may go on over the page's end: in a small letter, or from edge to edge."""
    if above.page_no == below.page_no or below.text.lstrip()[:1].islower():
        return True
    aligned = abs(above.l - below.l) < ALIGNED * below.page_size.width
    return aligned and above.r - above.l >= REACHES * (below.r - below.l)


def _is_one_column(part: Sequence[PageElement]) -> bool:
    """Whether no region stands beside another."""
    open_above: list[PageElement] = []
    for element in sorted(part, key=attrgetter("t"), reverse=True):
        open_above = [other for other in open_above if other.b < element.t]
        for other in open_above:
            shared = min(other.t, element.t) - max(other.b, element.b)
            apart = other.r <= element.l or element.r <= other.l
            if apart and shared > BESIDE * min(other.t - other.b, element.t - element.b):
                return False
        open_above.append(element)
    return True


def _downwards(element: PageElement) -> tuple[int, float]:
    """Headers first and footers last, as Docling has them."""
    return EDGES.index(element.label) * 2 - 1 if element.label in EDGES else 0, -element.t


def _bands(page: list[PageElement]) -> list[list[PageElement]]:
    """Return what stands above, at and below each region over the page that has nothing beside it.

    What is above such a region is read before it, whatever columns it stands in.
    """
    if _is_one_column(page):
        return [page]
    body = sorted(
        (element for element in page if element.label not in EDGES), key=attrgetter("t"), reverse=True
    )
    width = max((element.r for element in body), default=0.0) - min((one.l for one in body), default=0.0)
    bands: list[list[PageElement]] = [[]]
    for at, element in enumerate(body):
        alone = all(above.b >= element.t for above in body[:at])
        alone = alone and all(below.t <= element.b for below in body[at + 1 :])
        if alone and element.r - element.l >= WIDE * width:
            bands += [[element], []]
        else:
            bands[-1].append(element)
    bands = [band for band in bands if band] or [[]]
    edges = sorted((element for element in page if element.label in EDGES), key=attrgetter("t"), reverse=True)
    headers = [element for element in edges if element.label == EDGES[0]]
    bands[0] = [*headers, *bands[0]]
    bands[-1] = [*bands[-1], *(element for element in edges if element.label != EDGES[0])]
    return bands


def _columns(page: list[PageElement]) -> list[list[PageElement]]:
    """Return what stands above two facing columns, and the columns; or the page.

    Running titles go with the column that they stand over.
    """
    edges = [element for element in page if element.label in EDGES]
    body = sorted(
        (element for element in page if element.label not in EDGES), key=attrgetter("t"), reverse=True
    )
    for above in range(min(len(body), MOST_ABOVE + 1)):
        white = _white_in_the_middle(body[above:])
        if white is None:
            continue
        left, right = _halves(body[above:], white)
        if not (_is_prose(left) and _is_prose(right)):
            return [page]
        over_left, over_right = _halves(edges, white)
        return [part for part in (body[:above], left + over_left, right + over_right) if part]
    return [page]


def _halves(elements: Sequence[PageElement], white: float) -> tuple[list[PageElement], list[PageElement]]:
    left = [element for element in elements if (element.l + element.r) / 2 < white]
    return left, [element for element in elements if (element.l + element.r) / 2 >= white]


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
