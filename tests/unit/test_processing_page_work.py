"""Promises on the work that a page of a PDF costs: its own words and rules, each looked at once."""

from __future__ import annotations

import io
import random

import pypdfium2
import pytest
from docling.models.postprocessing.reading_order_rb import PageElement, SeparatorElement
from docling_core.types.doc import BoundingBox, CoordOrigin, DocItemLabel, Size
from docling_core.types.doc.page import BoundingRectangle, TextCell
from reportlab.pdfgen.canvas import Canvas

from stagekit.processing.pdf.ink.open_page import OpenPage
from stagekit.processing.pdf.places import PlacedCells, box_around, place_of
from stagekit.processing.pdf.plain_order import PlainOrder

SIZE = Size(width=600.0, height=800.0)
ROWS = 6


class CountingOrder(PlainOrder):
    """Docling's rules, and how many regions and rules they were asked to put in order."""

    def __init__(self):
        super().__init__()
        self.nodes = 0

    def _init_ud_maps(self, page_elems, state):
        self.nodes += len(page_elems)
        super()._init_ud_maps(page_elems, state)


def form(page_no: int) -> tuple[list[PageElement], list[SeparatorElement]]:
    """Labels with their values beside them, and a drawn rule below each row."""
    place = {"page_no": page_no, "page_size": SIZE, "coord_origin": CoordOrigin.BOTTOMLEFT}
    fields, rules = [], []
    for row in range(ROWS):
        bottom = 700.0 - 60 * row
        for column, left in enumerate((60.0, 250.0)):
            text = f"{'campo' if column == 0 else 'valor'} {page_no}.{row}"
            fields.append(
                PageElement(
                    cid=100 * page_no + 2 * row + column,
                    text=text,
                    label=DocItemLabel.TEXT,
                    l=left,
                    r=left + 120,
                    b=bottom,
                    t=bottom + 12,
                    **place,
                )
            )
        at = bottom - 20
        rules.append(
            SeparatorElement(
                cid=-(100 * page_no + row + 1), orientation="horizontal", l=50, r=550, b=at, t=at, **place
            )
        )
    return fields, rules


def test_a_page_of_a_long_document_is_put_in_order_with_its_own_rules_only():
    pages = [form(number) for number in range(1, 21)]
    alone, together = CountingOrder(), CountingOrder()
    one = alone.predict_reading_order(*pages[0])
    all_of_them = together.predict_reading_order(
        [field for fields, _ in pages for field in fields], [rule for _, rules in pages for rule in rules]
    )
    assert [field.text for field in all_of_them[: len(one)]] == [field.text for field in one]
    assert {field.cid for field in all_of_them} == {field.cid for fields, _ in pages for field in fields}
    assert together.nodes == len(pages) * alone.nodes > 0


def cell(box: BoundingBox) -> TextCell:
    return TextCell(rect=BoundingRectangle.from_bounding_box(box), text="x", orig="x", from_ocr=False)


@pytest.mark.parametrize("seed", range(5))
def test_words_in_a_line_are_those_of_which_docling_says_that_most_lies_in_it(seed):
    chance = random.Random(seed)

    def box() -> BoundingBox:
        left, top = chance.uniform(0, 80), chance.uniform(0, 80)
        right, bottom = left + chance.choice((0, 5, 20, 40)), top + chance.choice((0, 4, 10, 30))
        return BoundingBox(l=left, t=top, r=right, b=bottom)

    boxes = [box() for _ in range(200)]
    words = PlacedCells([cell(one) for one in boxes])
    for line in (box() for _ in range(50)):
        wanted = [number for number, one in enumerate(boxes) if one.intersection_over_self(line) > 0.6]
        assert words.inside(place_of(cell(line))) == wanted
    assert box_around(words.places) == BoundingBox.enclosing_bbox(boxes)
    assert PlacedCells([]).inside(place_of(cell(box()))) == []


@pytest.mark.parametrize("length", [1, 126, 127, 128, 129, 600])
def test_the_letters_of_a_text_are_all_there_however_many_it_has(length):
    written = ("çãé ABC xyz " * 60)[: length - 1] + "f"
    drawn = io.BytesIO()
    canvas = Canvas(drawn, pagesize=(5000, 800))
    canvas.drawString(10, 400, written)
    canvas.save()
    document = pypdfium2.PdfDocument(drawn.getvalue())
    page = OpenPage(document, 0)
    assert [page.letters(text).strip("\r\n") for text in page.texts] == [written]
    page.release().close()
    document.close()


def test_a_region_over_the_page_parts_what_stands_in_columns_above_and_below_it():
    """Also where the columns begin at different heights, and the page has many regions above them."""
    place = {"page_no": 1, "page_size": SIZE, "coord_origin": CoordOrigin.BOTTOMLEFT}
    boxes = [
        *((60, 700 - 25 * row, 540, 715 - 25 * row) for row in range(8)),
        (60, 400, 290, 480),
        (310, 410, 540, 492),
        (60, 370, 540, 385),
    ]
    regions = [
        PageElement(cid=cid, text="Texto.", label=DocItemLabel.TEXT, l=left, b=b, r=r, t=t, **place)
        for cid, (left, b, r, t) in enumerate(boxes)
    ]
    ordered = PlainOrder().predict_reading_order(list(reversed(regions)))
    assert [region.cid for region in ordered] == list(range(len(boxes)))
