"""Lost words go back to where they stood: behind a list and not into it, before what follows, or alone."""

import pytest
from docling_core.types.doc import (
    BoundingBox,
    CoordOrigin,
    DocItemLabel,
    DoclingDocument,
    ProvenanceItem,
    Size,
)

from stagekit.conservation.coverage import TextCoverage
from stagekit.processing.pdf.file import text_layer_lines
from stagekit.processing.pdf.lost_text import LayerLine, put_back_lost_text
from tests.unit.processing_pdfs import pdf


def place(top, page=1, left=50, right=550):
    box = BoundingBox(l=left, t=top, r=right, b=top - 10, coord_origin=CoordOrigin.BOTTOMLEFT)
    return ProvenanceItem(page_no=page, bbox=box, charspan=(0, 1))


def line(text, top, left=50, right=550):
    return LayerLine(text, left, top - 10, right, top)


def document(pages=1):
    made = DoclingDocument(name="d")
    for number in range(1, pages + 1):
        made.add_page(page_no=number, size=Size(width=600, height=800))
    return made


def put_back(made, lines, page=1, share=0.5):
    coverage = TextCoverage(share, share, {page: share})
    return put_back_lost_text(made, coverage, 0.98, lambda pages: dict.fromkeys(pages, lines))


def texts(made):
    return [item.text for item, _ in made.iterate_items()]


def test_a_paragraph_comes_back_behind_a_list_and_not_into_it():
    made = document()
    group = made.add_list_group()
    for top, text in ((700, "primeiro item"), (680, "segundo item")):
        made.add_list_item(text=text, parent=group, prov=place(top))
    made.add_text(label=DocItemLabel.TEXT, text="sem lugar na página")
    made.add_text(label=DocItemLabel.TEXT, text="última linha", prov=place(500))
    lost = [line("a comissão delibera por mai-", 600), line("oria simples dos presentes", 588)]
    assert put_back(made, lost) == [1]
    assert texts(made) == [
        "primeiro item",
        "segundo item",
        "a comissão delibera por maioria simples dos presentes",
        "sem lugar na página",
        "última linha",
    ]
    assert made.texts[-1].prov[0].bbox.b == 578


def test_lines_far_from_one_another_are_paragraphs_of_their_own():
    made = document()
    made.add_text(label=DocItemLabel.TEXT, text="meio da página", prov=place(400))
    assert put_back(made, [line("no alto", 780), line("meio da página", 400), line("no fim", 60)]) == [1]
    assert texts(made) == ["no alto", "meio da página", "no fim"]


def test_a_column_is_followed_and_not_its_neighbour():
    made = document()
    made.add_text(label=DocItemLabel.TEXT, text="coluna esquerda", prov=place(700, left=50, right=280))
    made.add_text(label=DocItemLabel.TEXT, text="coluna direita", prov=place(700, left=320, right=550))
    put_back(made, [line("e continua deste lado", 600, right=280)])
    assert texts(made) == ["coluna esquerda", "e continua deste lado", "coluna direita"]


def test_an_empty_page_is_filled_in_its_turn():
    made = document(pages=3)
    for page in (1, 3):
        made.add_text(label=DocItemLabel.TEXT, text=f"página {page}", prov=place(700, page))
    assert put_back(made, [line("segunda folha", 700)], page=2) == [2]
    assert texts(made) == ["página 1", "segunda folha", "página 3"]
    alone = document()
    assert put_back(alone, [line("tudo o que resta", 700)]) == [1]
    assert texts(alone) == ["tudo o que resta"]


def test_nothing_is_added_where_nothing_is_missing():
    made = document()
    made.add_text(label=DocItemLabel.TEXT, text="tudo está aqui", prov=place(700))
    assert put_back(made, [line("tudo está aqui", 700)]) == []
    assert put_back(made, [line("outra coisa", 700)], share=1.0) == []
    assert texts(made) == ["tudo está aqui"]


def test_words_that_are_there_but_cut_elsewhere_are_not_put_back():
    made = document()
    made.add_text(
        label=DocItemLabel.TEXT,
        text="Nos termos da Lei n o 8.112, a área é de 50 m 2 e não mais",
        prov=place(700),
    )
    assert put_back(made, [line("Nos termos da Lei no8.112, a área é de 50 m2e não mais", 700)]) == []


def test_a_word_that_is_gone_from_the_middle_of_a_line_comes_back():
    made = document()
    made.add_text(label=DocItemLabel.TEXT, text="o prazo de contados da ciência", prov=place(700))
    assert put_back(made, [line("o prazo de trinta contados da ciência", 700)]) == [1]
    assert texts(made) == ["o prazo de contados da ciência", "trinta"]


def test_lines_of_a_text_layer_have_the_blanks_of_the_page():
    def draw(page):
        text = page.beginText(60, 700)
        for index, piece in enumerate(("A ", "Artigo ", "93 ", "do ", "Regimento")):
            text.setFont(("Helvetica", "Helvetica-Bold", "Times-Roman")[index % 3], 11)
            text.textOut(piece)
        page.drawText(text)
        page.drawString(60, 680, "segunda linha")
        page.showPage()

    lines = text_layer_lines(pdf(draw), [1])[1]
    assert [found.text for found in lines] == ["A Artigo 93 do Regimento", "segunda linha"]
    assert lines[0].left == pytest.approx(60, abs=1)
    assert lines[0].bottom == pytest.approx(699, abs=2)


@pytest.mark.parametrize(
    ("layer", "written"),
    [
        (["D", "urante o inverno a piscina fica fechada"], "Durante o inverno a piscina fica fechada"),
        (["vale a diretriz", "2019\u2013NM\u2013035\u2013AD\u201d"], 'vale a diretriz 2019-NM-035-AD"'),
    ],
    ids=["drop cap", "other dashes and quotes"],
)
def test_what_another_reader_cuts_in_other_places_is_not_written_twice(layer, written):
    made = document()
    made.add_text(label=DocItemLabel.TEXT, text=written, prov=place(700))
    assert put_back(made, [line(text, 700 - 14 * index) for index, text in enumerate(layer)]) == []
    assert texts(made) == [written]
