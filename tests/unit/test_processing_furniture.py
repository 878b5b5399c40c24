"""Letterheads and running titles: one copy of each stands at the start, and none is lost unseen."""

import io

import pytest
from docling_core.types.doc import ContentLayer, DocItemLabel, DoclingDocument, ProvenanceItem, Size
from docling_core.types.doc.base import BoundingBox

from stagekit.chunking.markdown import build_markdown
from stagekit.processing.furniture import is_page_number, keep_one_copy
from stagekit.processing.pdf.converter import build_converter
from stagekit.processing.pdf.page_coverage import measure_coverage
from stagekit.processing.process import process_document
from stagekit.processing.reader import DocumentReader
from stagekit.processing.settings import ProcessingSettings
from tests.unit.processing_pdfs import PAGE, SENTENCES, pdf


@pytest.fixture(scope="module")
def reader():
    return DocumentReader(lambda: build_converter(ocr_engine="none", threads=1))


def document_with(*furniture, body=("O texto da norma.",)):
    """A document with texts at the head of its pages: (page number, text)."""
    document = DoclingDocument(name="d")
    for number in sorted({1, *(page for page, _ in furniture)}):
        document.add_page(page_no=number, size=Size(width=600, height=800))
    for page, text in furniture:
        place = ProvenanceItem(
            page_no=page, bbox=BoundingBox(l=50, t=20, r=300, b=30), charspan=(0, len(text))
        )
        document.add_text(
            label=DocItemLabel.PAGE_HEADER, text=text, prov=place, content_layer=ContentLayer.FURNITURE
        )
    for text in body:
        place = ProvenanceItem(page_no=1, bbox=BoundingBox(l=50, t=99, r=300, b=120), charspan=(0, len(text)))
        document.add_text(label=DocItemLabel.TEXT, text=text, prov=place)
    return document


def texts(document):
    return [block for block in build_markdown(document).text.split("\n\n") if block]


def test_each_distinct_header_stands_once_at_the_start():
    document = document_with(
        (1, "PO-017 Revisão 3"), (1, "Página 1 de 3"), (2, "PO-017 Revisão 3"), (3, "Anexo do PO-017")
    )
    keep_one_copy(document)
    assert texts(document) == ["PO-017 Revisão 3", "Anexo do PO-017", "O texto da norma."]


def test_a_header_that_only_counts_the_pages_stands_once():
    document = document_with(*((n, f"PO-017, folha {n} de 3, válido até 2026") for n in (1, 2, 3)))
    keep_one_copy(document)
    assert texts(document) == ["PO-017, folha 1 de 3, válido até 2026", "O texto da norma."]


def test_what_the_body_says_already_is_not_said_again():
    document = document_with((2, "MANUAL DE COMPRAS"), body=("Manual de compras", "Texto."))
    keep_one_copy(document)
    assert texts(document) == ["Manual de compras", "Texto."]


def test_a_header_of_later_pages_does_not_move_the_start_of_the_document_there():
    document = document_with((2, "Título corrente"))
    keep_one_copy(document)
    assert [prov.page_no for item in document.texts[:1] for prov in item.prov] == [2]  # the one left out
    first = document.body.children[0].resolve(document)
    assert (first.text, first.prov) == ("Título corrente", [])


def test_furniture_without_a_copy_counts_as_lost():
    document = document_with((1, "Aviso da biblioteca"))
    layer = ["Aviso da biblioteca O texto da norma."]
    assert measure_coverage(layer, document).total < 1
    keep_one_copy(document)
    assert measure_coverage(layer, document).total == 1


@pytest.mark.parametrize("text", ["4", "- 12 -", "xii", "Página 3 de 9", "pág. 3/9", "fl. 7"])
def test_page_numbers_are_told(text):
    assert is_page_number(text)


@pytest.mark.parametrize("text", ["Art. 4", "Lei 8112", "2 de maio", "Revisão 3", "PO-17", "civil"])
def test_other_short_texts_are_no_page_numbers(text):
    assert not is_page_number(text)


def read(reader, content):
    return process_document(reader, content, "x.pdf", ProcessingSettings(upright_scans=False))


@pytest.mark.parametrize("top", [40, 420, 800])
def test_a_document_of_one_line_says_that_line_wherever_it_stands(reader, top):
    def draw(page):
        page.setFont("Helvetica", 12)
        page.drawString(72, top, "A biblioteca fecha nesta sexta-feira, às 12 horas.")

    processed = read(reader, pdf(draw))
    assert texts(processed.document) == ["A biblioteca fecha nesta sexta-feira, às 12 horas."]


def test_letters_that_differ_in_name_and_amount_keep_every_sentence(reader):
    names = ("Aurora", "Benício", "Catarina")

    def draw(page):
        for number, name in enumerate(names, start=1):
            page.setFont("Helvetica", 11)
            page.drawString(70, 790, f"Cara {name},")
            page.drawString(70, 774, "a taxa de lixo deste imóvel não foi paga até o vencimento.")
            page.drawString(70, 758, f"Faltam R$ {number * 31},00.")
            for index, sentence in enumerate(SENTENCES[:5]):
                page.drawString(70, 700 - 16 * index, sentence)
            page.drawString(70, 60, "O pagamento em parcelas pode ser pedido na prefeitura.")
            page.showPage()

    written = "\n".join(texts(read(reader, pdf(draw)).document))
    assert written.count("a taxa de lixo deste imóvel") == len(names)
    assert written.count("O pagamento em parcelas") == len(names)


def test_the_code_and_revision_in_a_header_are_in_the_text_once(reader):
    def draw(page):
        for number in (1, 2, 3):
            page.setFont("Helvetica", 9)
            page.drawString(60, 810, "POP-044 rev. 7, vigente até 31/12/2027")
            page.setFont("Helvetica", 11)
            for index, sentence in enumerate(SENTENCES):
                page.drawString(60, 740 - 16 * index, f"{number * 7 + index}. {sentence}")
            page.drawString(280, 30, f"{number}")
            page.showPage()

    written = texts(read(reader, pdf(draw)).document)
    assert written[0] == "POP-044 rev. 7, vigente até 31/12/2027"
    assert sum("POP-044" in text for text in written) == 1


def test_another_writer_of_pdfs_gives_the_same(reader):
    figure = pytest.importorskip("matplotlib.figure")
    pages = pytest.importorskip("matplotlib.backends.backend_pdf").PdfPages
    stream = io.BytesIO()
    with pages(stream) as out:
        sheet = figure.Figure(figsize=(PAGE[0] / 72, PAGE[1] / 72))
        sheet.text(0.1, 0.96, "O balcão de atendimento muda de endereço em maio.", fontsize=12)
        out.savefig(sheet)
    assert texts(read(reader, stream.getvalue()).document) == [
        "O balcão de atendimento muda de endereço em maio."
    ]
