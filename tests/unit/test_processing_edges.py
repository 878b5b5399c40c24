"""Running headers and footers: what repeats at the edges of the pages is told from text that stands there."""

import pytest
from docling.datamodel.base_models import AssembledUnit, Cluster, Page, Table, TextElement
from docling_core.types.doc import BoundingBox, DocItemLabel, Size
from docling_core.types.doc.page import BoundingRectangle, PdfCellRenderingMode, PdfTextCell

from stagekit.processing.pdf.running_edges import mark_running_edges

BODY, BOLD = "/AAAA+Serif", "/BBBB+Serif-Bold"
HEADER, FOOTER, TEXT = DocItemLabel.PAGE_HEADER, DocItemLabel.PAGE_FOOTER, DocItemLabel.TEXT
HEADING = DocItemLabel.SECTION_HEADER


def cell(text, top, *, font=BODY, height=10.0):
    box = BoundingBox(l=50, t=top, r=50 + 5.0 * len(text), b=top + height)
    return PdfTextCell(
        index=0,
        rect=BoundingRectangle.from_bounding_box(box),
        text=text,
        orig=text,
        font_key="f",
        font_name=font,
        widget=False,
        rendering_mode=PdfCellRenderingMode.FILL_TEXT,
    )


def element(page, number, label, *cells, table=False):
    box = BoundingBox.enclosing_bbox([c.rect.to_bounding_box() for c in cells])
    cluster = Cluster(id=number, label=label, bbox=box, cells=list(cells))
    common = {"label": label, "id": number, "page_no": page, "cluster": cluster}
    if table:
        return Table(**common, otsl_seq=[], num_rows=1, num_cols=1, table_cells=[])
    return TextElement(**common, text=" ".join(c.text for c in cells))


def paragraph(page, number):
    lines = (f"linha {index} da página {page}, que ocupa a largura da coluna" for index in range(5))
    return element(page, number, TEXT, *(cell(text, 300 + 12 * i) for i, text in enumerate(lines)))


def page_of(number, *elements):
    unit = AssembledUnit(elements=[*elements, paragraph(number, 90)])
    return Page(page_no=number, size=Size(width=600, height=800), assembled=unit)


def marked(pages):
    """The (text, label) of the elements of each page, the body paragraph left out."""
    mark_running_edges(pages, " ".join)
    for page in pages:
        unit = page.assembled
        assert {id(e) for e in unit.headers} | {id(e) for e in unit.body} == {id(e) for e in unit.elements}
        assert all(e.label in (HEADER, FOOTER) for e in unit.headers)
        assert len({e.cluster.id for e in unit.elements}) == len(unit.elements)
    return [[(e.text, e.label) for e in page.assembled.elements if e.cluster.id != 90] for page in pages]


def test_a_line_drawn_into_a_paragraph_is_taken_out_of_it():
    pages = [
        page_of(n, element(n, 1, TEXT, cell("Câmara Municipal", 30), cell(f"começo {n * n} do texto", 60)))
        for n in range(1, 4)
    ]
    assert marked(pages) == [
        [("Câmara Municipal", HEADER), (f"começo {n * n} do texto", TEXT)] for n in range(1, 4)
    ]


def test_numbers_follow_the_page_in_any_writing():
    def page(n, roman):
        return page_of(
            n,
            element(n, 1, TEXT, cell(f"- {n + 4} -", 770)),
            element(n, 2, TEXT, cell(roman, 30)),
            element(n, 3, TEXT, cell(f"Ata nº {n * 7} de 2024", 50)),
        )

    found = marked([page(1, "ii"), page(2, "iii"), page(3, "iv"), page(4, "v")])
    for n, (page, roman) in enumerate(zip(found, ("ii", "iii", "iv", "v"), strict=True), start=1):
        assert page == [(f"- {n + 4} -", FOOTER), (roman, HEADER), (f"Ata nº {n * 7} de 2024", TEXT)]


def test_chapters_that_begin_at_the_same_place_stay_headings():
    pages = [page_of(n, element(n, 1, HEADING, cell(f"Capítulo {n}º dos prazos", 40))) for n in (1, 4, 9)]
    for position, page in enumerate(pages, start=1):
        page.page_no = 2 * position + 1
    assert [page[0][1] for page in marked(pages)] == [HEADING] * 3


def test_a_repeated_title_stays_a_heading_on_the_first_page_only():
    pages = [page_of(n, element(n, 1, HEADING, cell("Manual de Compras", 40))) for n in range(1, 5)]
    assert [page[0][1] for page in marked(pages)] == [HEADING, HEADER, HEADER, HEADER]


def test_a_heading_that_repeats_on_few_pages_of_many_stays():
    pages = [
        page_of(n, element(n, 1, HEADING, cell("Cronograma" if n < 5 else f"Parte {n * n}", 40)))
        for n in range(1, 12)
    ]
    assert all(page[0][1] == HEADING for page in marked(pages))


def test_a_header_that_does_not_repeat_is_text_or_a_heading():
    pages = [
        page_of(1, element(1, 1, HEADER, cell("7.2. Introdução ao sistema", 40, font=BOLD))),
        page_of(2, element(2, 1, FOOTER, cell("e o texto termina aqui embaixo.", 770))),
        page_of(3),
    ]
    assert marked(pages) == [
        [("7.2. Introdução ao sistema", HEADING)],
        [("e o texto termina aqui embaixo.", TEXT)],
        [],
    ]


@pytest.mark.parametrize("pages", [1, 2])
def test_what_stands_alone_at_an_edge_of_a_short_document_is_text(pages):
    document = [
        page_of(1, element(1, 1, HEADER, cell("A sala fecha às 12 horas.", 40))),
        *(page_of(n) for n in range(2, pages + 1)),
    ]
    assert marked(document)[0] == [("A sala fecha às 12 horas.", TEXT)]


@pytest.mark.parametrize("number", ["1", "- 1 -", "Página 1 de 1", "fl. 1", "i"])
def test_a_page_number_is_a_footer_also_on_a_single_page(number):
    assert marked([page_of(1, element(1, 1, FOOTER, cell(number, 770)))]) == [[(number, FOOTER)]]


def test_the_copies_of_a_form_letter_keep_all_that_they_have_in_common():
    def letter(n, name):
        lines = ["O débito não foi pago.", f"Valor: {n * 37} reais.", "Pague no banco.", "Ou no balcão."]
        body = [cell(line, 120 + 16 * index) for index, line in enumerate(lines)]
        unit = AssembledUnit(
            elements=[
                element(n, 1, HEADING, cell("Notificação", 40)),
                element(n, 2, TEXT, cell(f"Prezada {name},", 70), *body),
                element(n, 3, TEXT, cell("O parcelamento é pedido no balcão.", 740)),
                element(n, 90, FOOTER, cell(f"Folha {n}", 780)),
            ]
        )
        return Page(page_no=n, size=Size(width=600, height=800), assembled=unit)

    for page in (letters := [letter(n, name) for n, name in enumerate(("Ana", "Bia", "Clara"), start=1)]):
        page.assembled.headers = []
    mark_running_edges(letters, " ".join)
    for page in letters:
        assert [e.label for e in page.assembled.elements] == [HEADING, TEXT, TEXT, FOOTER]


def test_a_sentence_that_repeats_in_the_flow_of_the_text_is_text():
    def page(n, gap):
        lines = [cell(f"O item {n * n} foi entregue", 705), cell("nos termos da lei.", 705 + gap)]
        return page_of(n, element(n, 1, TEXT, *lines))

    assert [p[0][1] for p in marked([page(n, 12) for n in (1, 2, 3)])] == [TEXT] * 3
    assert [p[-1] for p in marked([page(n, 40) for n in (1, 2, 3)])] == [("nos termos da lei.", FOOTER)] * 3


def test_what_repeats_between_lines_of_the_text_is_text():
    def page(n):
        return page_of(
            n, element(n, 1, TEXT, cell(f"Prezado {n * 71}", 40)), element(n, 2, TEXT, cell("Prezados", 70))
        )

    assert all(label == TEXT for found in marked([page(n) for n in (1, 2, 3)]) for _, label in found)


def test_a_table_at_the_top_of_every_page_is_a_header_as_a_whole_or_not_at_all():
    def page(n, second):
        return page_of(
            n, element(n, 1, DocItemLabel.TABLE, cell("Setor de Obras", 30), cell(second, 45), table=True)
        )

    whole = marked([page(n, f"Folha {n}") for n in range(1, 4)])
    assert whole == [[(f"Setor de Obras Folha {n}", HEADER)] for n in range(1, 4)]
    headed = [page(n, f"Escola {n * n}") for n in range(1, 4)]
    marked(headed)
    assert all(isinstance(page.assembled.elements[0], Table) for page in headed)


def test_text_that_stands_elsewhere_each_time_is_no_header():
    pages = [page_of(n, element(n, 1, TEXT, cell("Observação", 20 + 25 * n))) for n in range(1, 4)]
    assert [page[0][1] for page in marked(pages)] == [TEXT] * 3
