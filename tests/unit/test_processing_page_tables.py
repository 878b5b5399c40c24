"""Tables and columns of whole pages, by several writers: a table is one, and what is none is read as text."""

import io
import random

import pytest
from PIL import Image, ImageDraw, ImageFont

from stagekit.chunking.markdown import build_markdown
from stagekit.processing.pdf.converter import build_converter
from stagekit.processing.process import process_document
from stagekit.processing.reader import DocumentReader
from stagekit.processing.settings import ProcessingSettings
from tests.unit.processing_pdfs import FONT, PAGE, SENTENCES, pdf

SERVICES = (
    "Cópia autenticada",
    "Vistoria de obra",
    "Poda de árvore",
    "Busca em arquivo",
    "Segunda via",
    "Alvará",
)
UNITS = ("por folha", "por visita", "por pedido")


@pytest.fixture(scope="module")
def read():
    reader = DocumentReader(lambda: build_converter(threads=1))

    def markdown(content, name="x.pdf"):
        settings = ProcessingSettings(upright_scans=False)
        return build_markdown(process_document(reader, content, name, settings).document).text

    return markdown


def rows_of(seed, count=5):
    chance = random.Random(seed)
    return [
        (service, chance.choice(UNITS), f"R$ {chance.randint(1, 99)},{chance.randint(10, 99)}")
        for service in chance.sample(SERVICES, count)
    ]


@pytest.mark.parametrize("seed", [1, 2])
def test_a_scanned_table_without_lines_has_its_rows(read, seed):
    rows = rows_of(seed)
    image = Image.new("RGB", (1240, 900), "white")
    draw = ImageDraw.Draw(image)
    font = ImageFont.truetype(str(FONT), 26)
    draw.text((120, 90), "Preços dos serviços do município", fill="black", font=font)
    for index, row in enumerate([("Serviço", "Unidade", "Valor"), *rows]):
        for left, cell in zip((120, 560, 880), row, strict=True):
            draw.text((left, 190 + 58 * index), cell, fill="black", font=font)
    stream = io.BytesIO()
    image.save(stream, "PNG")
    lines = read(stream.getvalue(), "x.png").split("\n")
    for service, unit, _ in rows:
        assert sum(service in line and unit in line for line in lines) == 1
    assert not any(sum(row[0] in line for row in rows) > 1 for line in lines)


@pytest.mark.parametrize("repeat", [0, 1], ids=["header once", "header on each page"])
def test_a_ruled_table_over_pages_is_one_table(read, repeat):
    platypus = pytest.importorskip("reportlab.platypus")
    rows = [
        [f"{n:03}.{n % 7}", f"Processos da unidade número {n}", f"{n % 9 + 1} anos"] for n in range(1, 71)
    ]
    table = platypus.Table(
        [["Código", "Assunto", "Prazo"], *rows], repeatRows=repeat, colWidths=(80, 260, 100)
    )
    table.setStyle(platypus.TableStyle([("GRID", (0, 0), (-1, -1), 0.5, "black")]))
    stream = io.BytesIO()
    platypus.SimpleDocTemplate(stream, pagesize=PAGE, invariant=1).build([table])
    lines = [line for line in read(stream.getvalue()).split("\n") if line]
    assert lines[0] == "| Código | Assunto | Prazo |"
    assert sum(line.startswith("|---") for line in lines) == 1
    assert sum("Código" in line for line in lines) == 1
    for code, subject, term in rows:
        assert f"| {code} | {subject} | {term} |" in lines


def two_columns(draw, left, right):
    for column, x in ((left, 55), (right, 310)):
        for index, line in enumerate(column):
            draw(x, 760 - 14 * index, line)


def folded(words, width=44):
    lines, line = [], ""
    for word in words.split():
        if len(line) + len(word) >= width:
            lines.append(line.strip())
            line = ""
        line += f" {word}"
    return [*lines, line.strip()]


LEFT, RIGHT = folded(" ".join(SENTENCES)), folded(" ".join(reversed(SENTENCES)))


def by_reportlab():
    def draw(page):
        page.setFont("Helvetica", 10)
        two_columns(page.drawString, LEFT, RIGHT)

    return pdf(draw)


def by_matplotlib():
    figure = pytest.importorskip("matplotlib.figure")
    pages = pytest.importorskip("matplotlib.backends.backend_pdf").PdfPages
    stream = io.BytesIO()
    with pages(stream) as out:
        sheet = figure.Figure(figsize=(PAGE[0] / 72, PAGE[1] / 72))
        two_columns(lambda x, y, text: sheet.text(x / PAGE[0], y / PAGE[1], text, fontsize=8.5), LEFT, RIGHT)
        out.savefig(sheet)
    return stream.getvalue()


@pytest.mark.parametrize("write", [by_reportlab, by_matplotlib])
def test_a_letter_in_two_columns_is_read_column_by_column(read, write):
    written = " ".join(read(write()).split())
    assert "|" not in written
    assert " ".join(LEFT) in written
    assert " ".join(RIGHT) in written


def test_the_left_one_of_two_facing_pages_is_read_first(read):
    image = Image.new("RGB", (1754, 1240), "white")
    draw = ImageDraw.Draw(image)
    font = ImageFont.truetype(str(FONT), 22)
    halves = SENTENCES[:4], SENTENCES[4:8]
    for left, half in zip((100, 980), halves, strict=True):
        for index, sentence in enumerate(half):
            draw.multiline_text(
                (left, 110 + 130 * index), "\n".join(folded(sentence, 52)), fill="black", font=font, spacing=8
            )
    stream = io.BytesIO()
    image.save(stream, "PNG")
    written = " ".join(read(stream.getvalue(), "x.png").split())
    places = [written.find(" ".join(sentence.split()[1:4])) for half in halves for sentence in half]
    assert -1 not in places
    assert places == sorted(places)


def test_a_letterhead_in_the_middle_is_read_before_a_title_at_the_margin(read):
    def draw(page):
        page.setFont("Helvetica", 9)
        page.drawCentredString(297, 790, "Secretaria de Obras - Rua do Sol, 40")
        page.setFont("Helvetica-Bold", 14)
        page.drawString(50, 750, "Aviso")
        page.setFont("Helvetica", 11)
        for index, sentence in enumerate(SENTENCES):
            page.drawString(50, 720 - 30 * index, sentence)

    written = read(pdf(draw))
    assert written.index("Rua do Sol") < written.index("Aviso") < written.index("A ouvidoria")


@pytest.mark.parametrize("columns", [(60, 170, 430), (60, 170, 320, 440)], ids=["three", "four"])
def test_a_table_without_rules_whose_columns_stand_far_apart_has_its_rows(read, columns):
    rows = [(name, f"atende {unit}", price, f"sala {n}") for n, (name, unit, price) in enumerate(rows_of(3))]

    def draw(page):
        page.setFont("Helvetica", 11)
        page.drawString(60, 780, "Os serviços abaixo são prestados no balcão da sede do município.")
        for index, row in enumerate([("Serviço", "Como", "Valor", "Lugar"), *rows]):
            for left, cell in zip(columns, row, strict=False):
                page.drawString(left, 740 - 17 * index, cell)
        page.drawString(60, 610, "O pagamento é feito no banco até o quinto dia útil.")

    lines = read(pdf(draw)).split("\n")
    for row in rows:
        assert f"| {' | '.join(row[: len(columns)])} |" in lines
    assert "O pagamento é feito no banco até o quinto dia útil." in lines


def test_a_table_without_rules_keeps_its_short_columns(read):
    rows = [(str(40100 + 7 * n), SERVICES[n % 6], UNITS[n % 3], ("Manhã", "Tarde")[n % 2]) for n in range(32)]
    columns = (32, 120, 330, 500)

    def draw(page):
        page.setFont("Helvetica-Bold", 11)
        page.drawString(32, 790, "Relação dos serviços da unidade")
        for left, label in zip(columns, ("Código", "Serviço", "Como", "Turno"), strict=True):
            page.drawString(left, 765, label)
        page.setFont("Helvetica", 11)
        for index, row in enumerate(rows):
            for left, cell in zip(columns, row, strict=True):
                page.drawString(left, 748 - 17 * index, cell)

    written = read(pdf(draw))
    assert "| Código | Serviço | Como | Turno |" in written
    for row in rows:
        assert f"| {' | '.join(row)} |" in written


def test_signatures_beside_one_another_are_no_table(read):
    def draw(page):
        page.setFont("Helvetica", 11)
        for index, sentence in enumerate(SENTENCES[:4]):
            page.drawString(60, 760 - 15 * index, sentence)
        for left, name, office in (
            (60, "Ana Prado", "Presidente"),
            (240, "Rui Lemos", "Secretário"),
            (420, "Eva Sá", "Fiscal"),
        ):
            page.drawString(left, 600, name)
            page.drawString(left, 586, office)

    assert "|" not in read(pdf(draw))


def test_a_letter_does_not_go_on_in_the_next_one(read):
    platypus = pytest.importorskip("reportlab.platypus")
    styles = pytest.importorskip("reportlab.lib.styles")
    body = styles.ParagraphStyle("body", fontSize=11, leading=13, spaceAfter=11)
    head = styles.ParagraphStyle("head", parent=body, alignment=1)
    story = []
    for name in ("Abelardo", "Dirceu", "Eunice"):
        lines = (f"Ao senhor {name},", SENTENCES[0], SENTENCES[1], "Quitéria Lopes<br/>Presidente")
        story += [
            platypus.Paragraph("Câmara de Vale Verde", head),
            *(platypus.Paragraph(t, body) for t in lines),
        ]
        story.append(platypus.PageBreak())
    stream = io.BytesIO()
    platypus.SimpleDocTemplate(stream, pagesize=PAGE, invariant=1).build(story)
    written = read(stream.getvalue())
    assert "Presidente Câmara" not in written
    for name in ("Abelardo", "Dirceu", "Eunice"):
        assert f"Ao senhor {name},\n" in written


def test_a_page_of_a_title_and_a_table_has_a_title(read):
    platypus = pytest.importorskip("reportlab.platypus")
    styles = pytest.importorskip("reportlab.lib.styles").getSampleStyleSheet()
    table = platypus.Table([["Área", "Documento", "Prazo"], *([a, "Nota", "5 anos"] for a in SERVICES)])
    table.setStyle(platypus.TableStyle([("GRID", (0, 0), (-1, -1), 0.5, "black")]))
    stream = io.BytesIO()
    title = platypus.Paragraph("Prazos de guarda", styles["Heading1"])
    platypus.SimpleDocTemplate(stream, pagesize=PAGE, invariant=1).build([title, table])
    assert read(stream.getvalue()).startswith("## Prazos de guarda\n")


def test_boxes_and_ticks_that_a_page_prints_stand_before_their_labels(read):
    def draw(page):
        page.setFont("Helvetica-Bold", 14)
        page.drawString(70, 790, "Ficha de adesão ao transporte")
        for index, (sign, label) in enumerate((("✔", "Linha Norte"), ("❑", "Linha Sul"), ("✔", "Noite"))):
            page.setFont("ZapfDingbats", 12)
            page.drawString(70, 760 - 20 * index, sign)
            page.setFont("Helvetica", 11)
            page.drawString(90, 760 - 20 * index, label)

    lines = [line for line in read(pdf(draw)).split("\n") if line]
    assert lines[1:] == ["☑ Linha Norte", "☐ Linha Sul", "☑ Noite"]


def test_a_form_without_lines_keeps_label_and_value_together(read):
    def draw(page):
        page.setFont("Helvetica-Bold", 14)
        page.drawString(70, 790, "Cadastro de fornecedor")
        page.setFont("Helvetica", 11)
        for index, (label, value) in enumerate(
            (
                ("Nome:", "Oficina Boa Hora"),
                ("Cidade:", "Pedra Azul"),
                ("Ramo:", "Pintura"),
                ("Ramal:", "417"),
            )
        ):
            page.drawString(70, 750 - 20 * index, label)
            page.drawString(160, 750 - 20 * index, value)
        page.drawString(70, 640, SENTENCES[0])

    written = read(pdf(draw)).replace(" | ", " ")
    for pair in ("Nome: Oficina Boa Hora", "Cidade: Pedra Azul", "Ramo: Pintura", "Ramal: 417"):
        assert pair in written
