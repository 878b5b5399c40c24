"""Lost words go back to where they stood: behind a list and not into it, before what follows, or alone."""

from docling_core.types.doc import (
    BoundingBox,
    CoordOrigin,
    DocItemLabel,
    DoclingDocument,
    ProvenanceItem,
    Size,
)

from stagekit.conservation.coverage import TextCoverage
from stagekit.processing.pdf.lost_text import LayerLine, put_back_lost_text


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
