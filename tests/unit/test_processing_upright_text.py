"""Pages whose text runs sideways or upside down are turned before they are read."""

import io

import pypdfium2
import pytest
from docling_core.types.doc.page import TextCellUnit
from docling_parse.pdf_parser import DoclingPdfParser

from stagekit.processing.pdf.file import inspect_pdf
from tests.unit.processing_pdfs import SENTENCES, pdf


def page_running(angle, rotation=0, mode=0, upright=""):
    """A page whose sentences run `angle` degrees counterclockwise, below a line that does not."""

    def draw(page):
        page.setPageSize((842, 842))  # ReportLab would exchange its sides
        page.setPageRotation(rotation)
        page.setFont("Helvetica", 11)
        page.drawString(40, 800, upright)
        page.translate(421, 421)
        page.rotate(angle)
        text = page.beginText(-250, 150)
        text.setTextRenderMode(mode)
        text.textLines(SENTENCES)
        page.drawText(text)

    return pdf(draw)


def lines(content):
    """What the lines of a page say, from top to bottom as it is shown."""
    page = DoclingPdfParser().load(io.BytesIO(content)).get_page(1)
    cells = [(cell.rect.to_bounding_box(), cell.text) for cell in page.iterate_cells(TextCellUnit.LINE)]
    assert all(box.r - box.l > abs(box.t - box.b) for box, _ in cells)
    return [text for _, text in sorted(cells, key=lambda cell: -cell[0].b)]


@pytest.mark.parametrize("angle", [90, 180, 270])
@pytest.mark.parametrize("rotation", [0, 90])
def test_a_page_is_turned_until_its_text_is_upright(angle, rotation):
    read = inspect_pdf(page_running(angle, rotation), 10).rewritten

    assert lines(read) == [*SENTENCES]


def test_a_header_that_stands_upright_does_not_hold_the_page():
    read = inspect_pdf(page_running(90, upright="Prefeitura Municipal"), 10).rewritten

    assert pypdfium2.PdfDocument(read)[0].get_rotation() == 90


@pytest.mark.parametrize(
    "content",
    [
        page_running(0),
        page_running(90, rotation=90),  # upright as it is shown
        page_running(45),
        page_running(90, mode=3),  # invisible letters over a picture
        page_running(90, upright="um cabeçalho tão longo que " * 12),  # neither way is right
        pdf(lambda page: (page.rotate(90), page.drawString(100, -50, "Fonte: Ouvidoria, 2024"))),
    ],
    ids=["upright", "turned already", "slanted", "invisible", "both", "a label"],
)
def test_other_pages_stay_as_they_are(content):
    before = pypdfium2.PdfDocument(content)[0].get_rotation()

    read = inspect_pdf(content, 10, ask_pictures=False).rewritten or content

    assert pypdfium2.PdfDocument(read)[0].get_rotation() == before
