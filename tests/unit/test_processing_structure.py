"""Listings keep their lines, footnotes are told from text, links keep their address."""

from typing import Any

import matplotlib
import pytest
from docling.datamodel.base_models import Cluster
from docling_core.types.doc import BoundingBox, DocItemLabel
from docling_core.types.doc.page import BoundingRectangle, PdfCellRenderingMode, PdfTextCell, TextCell

from stagekit.processing.pdf.code_regions import code_text
from stagekit.processing.pdf.converter import build_converter
from stagekit.processing.pdf.page_structure import refine_regions
from stagekit.processing.process import process_document
from stagekit.processing.reader import DocumentReader
from stagekit.processing.settings import ProcessingSettings
from tests.unit.processing_pdfs import SENTENCES, pdf

BODY, MONO = "/AAAA+Serif", "/BBBB+DejaVuSansMono"
LISTING = ("def soma(a, b):", "    return a + b", "print(soma(1, 2))")


def cell(text, left, top, *, height=10.0, font=BODY, letter=5.0, ocr=False):
    stripped = text.lstrip()
    left += letter * (len(text) - len(stripped))
    box = BoundingBox(l=left, t=top, r=left + letter * len(stripped), b=top + height)
    shape = {"index": 0, "rect": BoundingRectangle.from_bounding_box(box), "text": stripped, "orig": stripped}
    if ocr:
        return TextCell(**shape, from_ocr=True)
    mode = PdfCellRenderingMode.FILL_TEXT
    return PdfTextCell(**shape, font_key="f", font_name=font, widget=False, rendering_mode=mode)


def region(*cells, label=DocItemLabel.TEXT):
    box = BoundingBox.enclosing_bbox([c.rect.to_bounding_box() for c in cells])
    return Cluster(id=len(cells), label=label, bbox=box, cells=list(cells))


def paragraph(top):
    return region(*(cell(text[:60], 50, top + 12 * i) for i, text in enumerate(SENTENCES[:5])))


def found(*regions):
    refined = refine_regions([paragraph(100), *regions], page_height=800)
    return {" ".join(c.text for c in r.cells): r.label for r in refined}


class TestColumns:
    LEFT = ("A chefia recebe o pedido", "e confere os documentos", "antes do parecer.")
    RIGHT = ("O parecer segue ao setor", "de pessoal, que registra", "o prazo no sistema.")

    def test_two_columns_of_prose_that_were_taken_for_one_paragraph_are_two(self):
        left = [cell(text, 50, 306 + 12 * row) for row, text in enumerate(self.LEFT)]
        right = [cell(text, 320, 300 + 12 * row) for row, text in enumerate(self.RIGHT)]
        assert {" ".join(self.LEFT), " ".join(self.RIGHT)} <= set(found(region(*left, *right)))

    def test_labels_with_their_values_and_wide_blanks_in_a_line_are_no_columns(self):
        labels = [cell(text, 50, 300 + 12 * row) for row, text in enumerate(("Nome:", "Cargo:", "Setor:"))]
        values = [cell(text, 320, 300 + 12 * row) for row, text in enumerate(self.RIGHT)]
        assert "Nome: O parecer segue ao setor Cargo:" in " ".join(found(region(*labels, *values)))


class TestListings:
    def test_a_listing_inside_a_paragraph_is_code(self):
        intro = cell("Rode o comando:", 50, 300)
        lines = [cell(text, 50, 312 + 12 * i, font=MONO) for i, text in enumerate(LISTING)]
        labels = found(region(intro, *lines))
        assert labels["Rode o comando:"] == DocItemLabel.TEXT
        assert labels["def soma(a, b): return a + b print(soma(1, 2))"] == DocItemLabel.CODE

    def test_pieces_of_a_listing_are_joined(self):
        pieces = [region(cell(text, 50, 300 + 12 * i, font=MONO)) for i, text in enumerate(LISTING)]
        far = region(cell("ls -l", 50, 500, font=MONO))
        labels = found(*pieces, far)
        assert [text for text, label in labels.items() if label == DocItemLabel.CODE] == [
            "def soma(a, b): return a + b print(soma(1, 2))",
            "ls -l",
        ]

    def test_a_long_name_that_fills_a_line_of_a_paragraph_is_no_listing(self):
        lines = (
            "o programa que está na pasta",
            "/usr/share/municipio/relatorios/anuais",
            "e o que ele grava",
        )
        fonts = (BODY, MONO, BODY)
        cells = [cell(t, 50, 300 + 12 * i, font=f) for i, (t, f) in enumerate(zip(lines, fonts, strict=True))]
        assert DocItemLabel.CODE not in found(region(*cells)).values()

    def test_a_page_written_in_a_typewriter_font_is_text(self):
        cells = [cell(text[:60], 50, 100 + 12 * i, font=MONO) for i, text in enumerate(SENTENCES)]
        refined = refine_regions([region(*cells)], page_height=800)
        assert {r.label for r in refined} == {DocItemLabel.TEXT}

    def test_line_breaks_and_indentation_are_kept(self):
        lines = [[cell(text, 50, 12 * i, font=MONO)] for i, text in enumerate(LISTING)]
        assert code_text(lines) == "\n".join(LISTING)
        assert code_text([[cell("a", 50, 0), cell("b", 100, 0)]]) == "a         b"
        assert code_text([[cell(" ", 50, 0)]]) == ""


class TestFootnotes:
    def test_small_text_with_a_mark_at_the_foot_is_a_footnote_each(self):
        first = cell("1 Conforme a Lei 13.460, de 2017.", 50, 700, height=8)
        second = cell("2 Ver o Decreto 9.492.", 50, 710, height=8)
        labels = found(region(first, second))
        assert labels[first.text] == labels[second.text] == DocItemLabel.FOOTNOTE

    def test_a_raised_mark_does_not_hide_that_the_letters_are_small(self):
        note = cell("¹ Conforme a Lei 13.460, de 26 de junho.", 50, 700, height=10, letter=4)
        assert found(region(note))[note.text] == DocItemLabel.FOOTNOTE

    @pytest.mark.parametrize(
        "line",
        [
            cell("1 Conforme a Lei 13.460, de 26 de junho de 2017.", 50, 700),
            cell("1 Conforme a Lei 13.460, de 26 de junho.", 50, 300, height=8),
            cell("Texto pequeno no pé da página, sem marca.", 50, 700, height=8),
            cell("1 Conforme a Lei 13.460, de 26 de junho.", 50, 700, height=8, ocr=True),
        ],
        ids=["as large as the text", "in the middle of the page", "no mark", "OCR"],
    )
    def test_what_is_no_footnote_stays_text(self, line):
        assert DocItemLabel.FOOTNOTE not in found(region(line)).values()


def page_with_everything(page: Any) -> None:
    metrics = pytest.importorskip("reportlab.pdfbase.pdfmetrics")
    fonts = pytest.importorskip("reportlab.pdfbase.ttfonts")
    folder = f"{matplotlib.get_data_path()}/fonts/ttf"
    metrics.registerFont(fonts.TTFont("DejaVuSans", f"{folder}/DejaVuSans.ttf"))
    metrics.registerFont(fonts.TTFont("DejaVuSansMono", f"{folder}/DejaVuSansMono.ttf"))
    page.setFont("DejaVuSans", 9)
    for index, text in enumerate(SENTENCES):
        page.drawString(60, 780 - 13 * index, text)
        page.drawString(60, 600 - 13 * index, text)
    page.drawString(60, 640, "Portal da Ouvidoria")
    page.linkURL("https://exemplo.gov.br/ouvidoria", (58, 636, 160, 652), relative=0)
    page.setFont("DejaVuSansMono", 9)
    for index, text in enumerate(LISTING):
        page.drawString(60, 440 - 12 * index, text)
    page.drawString(60, 360, "config.yaml")
    page.setFont("DejaVuSans", 9)
    page.drawString(125, 360, "é o arquivo que guarda as escolhas da equipe de atendimento.")
    page.setFont("DejaVuSans", 5)
    page.drawString(60, 112, "1")
    page.setFont("DejaVuSans", 7)
    page.drawString(64, 109, "Conforme a Lei 13.460, de 26 de junho de 2017.")
    page.showPage()


def test_a_pdf_keeps_listings_footnotes_and_links():
    reader = DocumentReader(build_converter)
    result = process_document(reader, pdf(page_with_everything), "a.pdf", ProcessingSettings())
    texts = {item.text: item for item in result.document.texts}
    assert texts["\n".join(LISTING)].label == DocItemLabel.CODE
    assert [t.text for t in result.document.texts if t.label == DocItemLabel.CODE] == ["\n".join(LISTING)]
    notes = [t.text for t in result.document.texts if t.label == DocItemLabel.FOOTNOTE]
    assert len(notes) == 1
    assert notes[0].endswith("Conforme a Lei 13.460, de 26 de junho de 2017.")
    markdown = result.document.export_to_markdown()
    assert "[Portal da Ouvidoria](https://exemplo.gov.br/ouvidoria)" in markdown
    assert "config.yaml é o arquivo" in markdown
    assert result.text_coverage.minimum == 1.0
