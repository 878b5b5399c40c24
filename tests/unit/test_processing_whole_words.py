"""Words stay words: letter-spaced titles, drop caps, and hyphens at line ends, in PDFs of several writers."""

import io

import pytest

from stagekit.chunking.markdown import build_markdown
from stagekit.processing.pdf.converter import build_converter
from stagekit.processing.process import process_document
from stagekit.processing.reader import DocumentReader
from stagekit.processing.settings import ProcessingSettings
from tests.unit.processing_pdfs import FONT, SENTENCES, pdf


@pytest.fixture(scope="module")
def read():
    reader = DocumentReader(lambda: build_converter(ocr_engine="none", threads=1))

    def markdown(content):
        settings = ProcessingSettings(upright_scans=False)
        return build_markdown(process_document(reader, content, "x.pdf", settings).document).text

    return markdown


def page_with(title, spacing=0.0, size=14, font="Helvetica-Bold"):
    """A page with a title and running text, drawn by reportlab; `spacing` is between the title's letters."""

    def draw(page):
        text = page.beginText(70, 780)
        text.setFont(font, size)
        text.setCharSpace(spacing)
        text.textOut(title)
        page.drawText(text)
        page.setFont("Helvetica", 11)
        for index, sentence in enumerate(SENTENCES):
            page.drawString(70, 740 - 16 * index, sentence)

    return pdf(draw)


@pytest.mark.parametrize(
    ("title", "spacing"),
    [
        ("PORTARIA CONJUNTA", 4.0),
        ("PORTARIA CONJUNTA", 8.0),
        ("P O R T A R I A   C O N J U N T A", 0.0),
        ("P O R T A R I A C O N J U N T A", 0.0),
    ],
)
def test_a_letter_spaced_title_is_written_as_words_and_only_once(read, title, spacing):
    written = read(page_with(title, spacing))
    assert "## PORTARIA CONJUNTA\n" in written
    assert written.count("PORTARIA") == 1
    assert "P O R T" not in written


@pytest.mark.parametrize(
    ("title", "written_as"),
    [
        ("R E S O L U Ç Ã O  Nº 45 / 2020", "RESOLUÇÃO Nº 45 / 2020"),
        ("ANEXO I - E D I T A L", "ANEXO I - EDITAL"),
        ("Turmas A B C D de 2024", "Turmas A B C D de 2024"),
    ],
)
def test_a_title_is_closed_beside_its_number_too(read, title, written_as):
    assert written_as in read(page_with(title))


def test_another_writer_spaces_letters_with_blanks(read):
    figure = pytest.importorskip("matplotlib.figure")
    pages = pytest.importorskip("matplotlib.backends.backend_pdf").PdfPages
    stream = io.BytesIO()
    with pages(stream) as out:
        sheet = figure.Figure(figsize=(8.27, 11.69))
        sheet.text(0.1, 0.92, "E D I T A L", fontsize=16, weight="bold")
        for index, sentence in enumerate(SENTENCES):
            sheet.text(0.1, 0.85 - 0.03 * index, sentence, fontsize=9)
        out.savefig(sheet)
    assert "EDITAL" in read(stream.getvalue())


@pytest.mark.parametrize(
    "title",
    [
        "SECRETARIA DE OBRAS",
        "Anexo A",
        "A B C da gestão",
        "WWW MMM WWW",
        "Classes A, B e C",
        "A B C D E",
        "S T Q Q S S D",
        "x = a + b",
    ],
)
def test_a_title_of_ordinary_words_and_letters_stays_as_it_is(read, title):
    assert title in read(page_with(title))


def test_the_letters_of_a_row_of_a_table_stay_apart(read):
    def draw(page):
        page.setFont("Helvetica", 11)
        page.drawString(70, 800, SENTENCES[0])
        for row, cells in enumerate(
            (("Etapa", "X", "Y", "Z"), ("Compra", "I", "C", "A"), ("Obra", "R", "I", "C"))
        ):
            for column, cell in enumerate(cells):
                page.drawString(70 + 110 * column, 760 - 20 * row, cell)
        for x in (65, 170, 280, 390, 480):
            page.line(x, 775, x, 712)
        for y in (775, 755, 735, 712):
            page.line(65, y, 480, y)

    written = read(pdf(draw))
    assert "| Compra | I | C | A |" in written


@pytest.mark.parametrize(
    ("letter", "rest", "words"),
    [
        ("N", "este semestre a sala", "Neste semestre a sala"),
        ("A", " sala nova fica no térreo", "A sala nova fica"),
    ],
)
def test_a_drop_cap_joins_its_word(read, letter, rest, words):
    def draw(page):
        page.setFont("Helvetica-Bold", 18)
        page.drawString(70, 800, "Boletim interno")
        page.setFont("Helvetica-Bold", 36)
        page.drawString(70, 738, letter)
        page.setFont("Helvetica", 11)
        left = 72 + page.stringWidth(letter, "Helvetica-Bold", 36)
        page.drawString(left, 752, rest.strip() + " abriu as portas para quem estuda à noite e")
        page.drawString(left, 738, "para os servidores que chegam cedo, de segunda a sexta,")
        for index, sentence in enumerate(SENTENCES):
            page.drawString(70, 722 - 15 * index, sentence)

    assert words in read(pdf(draw))


def test_a_divided_word_is_one_and_a_true_hyphen_stays(read):
    halves = (("pre", "feitura"), ("ex", "periência"), ("sub", "região"), ("ex", "diretor"))

    def draw(page):
        page.setFont("Helvetica", 11)
        y = 780
        for before, after in halves:
            page.drawString(60, y, f"Na forma da lei e do regulamento da casa, cabe a cada {before}-")
            page.drawString(60, y - 14, f"{after} o que segue, nos termos do parecer que foi aprovado.")
            y -= 28

    written = read(pdf(draw))
    for word in ("prefeitura", "experiência", "sub-região", "ex-diretor"):
        assert word in written


def test_a_word_that_the_document_writes_with_a_hyphen_keeps_it(read):
    metrics = pytest.importorskip("reportlab.pdfbase.pdfmetrics")
    fonts = pytest.importorskip("reportlab.pdfbase.ttfonts")
    metrics.registerFont(fonts.TTFont("DejaVu", str(FONT)))

    def draw(page):
        page.setFont("DejaVu", 10)
        page.drawString(
            60, 780, "O sub-sistema de arquivos é o único que grava, e cada pedido passa pelo sub-"
        )
        page.drawString(60, 766, "sistema antes de ser aceito pela rede.")

    assert read(pdf(draw)).count("sub-sistema") == 2


@pytest.mark.parametrize(
    ("half", "rest", "word"), [("regula", "mento", "regulamento"), ("sub", "região", "sub-região")]
)
def test_a_word_over_a_page_break_is_one_and_each_page_knows_its_part(half, rest, word):
    first, second = f"cabe à comissão de cada {half}-", f"{rest} o que segue, nos termos do parecer aprovado."

    def draw(page):
        page.setFont("Helvetica", 11)
        for index in range(46):
            page.drawString(
                60, 790 - 16 * index, f"{index}a linha do texto corrido que vai até o fim da página e"
            )
        page.drawString(60, 790 - 16 * 46, first)
        page.showPage()
        page.setFont("Helvetica", 11)
        page.drawString(60, 790, second)
        for index in range(1, 40):
            page.drawString(
                60, 790 - 16 * index, f"{index}b linha do texto corrido que vai até o fim da página e"
            )

    reader = DocumentReader(lambda: build_converter(ocr_engine="none", threads=1))
    settings = ProcessingSettings(upright_scans=False)
    document = process_document(reader, pdf(draw), "x.pdf", settings).document
    item = next(item for item in document.texts if word in item.text)
    assert [prov.page_no for prov in item.prov] == [1, 2]
    start, end = item.prov[1].charspan
    assert item.text[start:end].startswith(rest)
    assert item.text[: item.prov[0].charspan[1]].startswith("0a linha")


def test_short_words_with_accents_stay_apart_in_a_standard_font(read):
    def draw(page):
        page.setFont("Helvetica", 11)
        for index, sentence in enumerate(SENTENCES):
            page.drawString(70, 740 - 16 * index, f"Já há à á é à á à lá já, nº 12: {sentence}")

    assert "Já há à á é à á à lá já, nº 12:" in read(pdf(draw))
