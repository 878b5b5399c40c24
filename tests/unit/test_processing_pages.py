"""Corrections to what layout model and OCR give: text out of pictures, headings, lists, level lines."""

from types import SimpleNamespace

import numpy as np
from docling.datamodel.base_models import Cluster
from docling_core.types.doc import BoundingBox, DocItemLabel, DoclingDocument, ProvenanceItem, Size
from docling_core.types.doc.page import BoundingRectangle, PdfCellRenderingMode, PdfTextCell, TextCell

from stagekit.processing.ocr.page_ocr import level_boxes, regions_to_read
from stagekit.processing.pdf import page_structure
from stagekit.processing.pdf.page_coverage import measure_coverage
from stagekit.processing.pdf.words.touching_lines import join_touching_lines
from stagekit.processing.text.broken_text import is_broken_text

PAGE = Size(width=600, height=800)
BODY, BOLD = "/AAAA+Serif", "/BBBB+Serif-Bold"
counter = iter(range(100_000))


def refine_regions(clusters, **options):
    return page_structure.refine_regions(clusters, page_height=800, **options)


def cell(text, left, top, *, height=10.0, width=None, font=BODY, ocr=False):
    box = BoundingBox(l=left, t=top, r=left + (width or 5.0 * len(text)), b=top + height)
    rect = BoundingRectangle.from_bounding_box(box)
    if ocr:
        return TextCell(index=next(counter), rect=rect, text=text, orig=text, from_ocr=True)
    return PdfTextCell(
        index=next(counter),
        rect=rect,
        text=text,
        orig=text,
        font_key="f",
        font_name=font,
        widget=False,
        rendering_mode=PdfCellRenderingMode.FILL_TEXT,
    )


def region(label, *cells, identity=None, children=()):
    box = BoundingBox.enclosing_bbox([c.rect.to_bounding_box() for c in cells])
    number = next(counter) if identity is None else identity
    return Cluster(id=number, label=label, bbox=box, cells=list(cells), children=list(children))


def paragraph(top, lines=4):
    texts = [f"linha {n} de um texto corrido que ocupa a largura da coluna toda" for n in range(lines)]
    return region(DocItemLabel.TEXT, *(cell(t, 50, top + 12 * i, width=300) for i, t in enumerate(texts)))


def described(regions):
    return {" ".join(c.text for c in r.cells): r.label for r in regions if r.cells}


def test_text_inside_a_picture_becomes_text_of_the_page():
    label = region(DocItemLabel.TEXT, cell("Entrada do prédio", 60, 100))
    picture = region(DocItemLabel.PICTURE, *label.cells, children=[label])
    found = refine_regions([paragraph(300), picture])
    assert found[0].label == DocItemLabel.PICTURE or picture in found
    assert described([r for r in found if r is not picture])["Entrada do prédio"] == DocItemLabel.TEXT
    assert picture.children == []


def test_no_text_cell_is_lost_and_none_is_doubled():
    label = region(DocItemLabel.TEXT, cell("rótulo", 60, 700))
    regions = [
        paragraph(100),
        region(
            DocItemLabel.TEXT, cell("• primeiro", 50, 200), cell("• segundo", 50, 214), cell("fim", 60, 226)
        ),
        region(DocItemLabel.PICTURE, *label.cells, children=[label]),
        region(DocItemLabel.TEXT, cell("solta", 50, 500)),
    ]
    before = sorted(c.index for r in regions for c in r.cells)
    after = refine_regions(regions)
    assert sorted(c.index for r in after for c in r.cells) == before
    assert len({r.id for r in after}) == len(after)


def test_a_line_the_model_left_out_joins_its_paragraph():
    body = paragraph(100)
    last = region(DocItemLabel.TEXT, cell("e a última linha.", 50, 148))
    texts = described(refine_regions([body, last]))
    assert len(texts) == 1
    assert next(iter(texts)).endswith("e a última linha.")


def test_lines_that_touch_are_one_and_columns_marks_and_words_are_not():
    def joined(*pieces):
        words = [cell(*piece[:3], **(piece[3] if len(piece) > 3 else {})) for piece in pieces]
        lines = [one.model_copy(deep=True) for one in words]
        page = SimpleNamespace(textline_cells=lines, word_cells=words)
        join_touching_lines(page)
        assert [one.text for one in page.word_cells] == [one.text for one in page.textline_cells]
        return [one.text for one in page.textline_cells]

    assert joined(("3º", 50, 100), ("-A.", 60.2, 101), ("” (NR)", 74.9, 100)) == ["3º-A.” (NR)"]
    assert joined(("Unidade", 50, 100), ("Meta", 86.5, 100)) == ["Unidade", "Meta"]
    assert joined(("prazo", 50, 100), ("12", 75, 98, {"height": 4})) == ["prazo", "12"]
    assert joined(("em cima", 50, 100), ("embaixo", 85, 112)) == ["em cima", "embaixo"]


def test_an_indented_first_line_and_a_short_last_one_are_of_their_paragraph():
    first = region(DocItemLabel.TEXT, cell("Art. 1º O trabalho remoto no âmbito da", 110, 300))
    last = region(DocItemLabel.TEXT, cell("secretaria.", 50, 313, height=8))
    whole = region(DocItemLabel.TEXT, cell("Parágrafo único. Não se aplica:", 110, 400, width=240))
    below = region(DocItemLabel.TEXT, cell("I - aos estagiários;", 50, 413))
    texts = described(refine_regions([paragraph(100), first, last, whole, below]))
    assert "Art. 1º O trabalho remoto no âmbito da secretaria." in texts
    assert {"Parágrafo único. Não se aplica:", "I - aos estagiários;"} <= set(texts)


def test_a_piece_of_a_line_that_the_model_left_out_stands_where_the_line_ends():
    line = region(DocItemLabel.TEXT, cell("matrícula nº", 50, 300))
    rest = region(DocItemLabel.TEXT, cell("______, declaro", 120, 306, height=4))
    column = region(DocItemLabel.TEXT, cell("Diretoria", 230, 300))
    texts = described(refine_regions([paragraph(100), line, rest, column]))
    assert {"matrícula nº ______, declaro", "Diretoria"} <= set(texts)


def test_a_chapter_with_its_name_below_is_a_heading_also_where_the_model_says_caption():
    chapter = region(
        DocItemLabel.CAPTION, cell("CAPÍTULO II", 120, 300, font=BOLD), cell("DA ADESÃO", 125, 312, font=BOLD)
    )
    plain = region(DocItemLabel.CAPTION, cell("Anexo I do edital de 2024 traz o modelo.", 50, 400))
    found = described(refine_regions([paragraph(100), chapter, plain]))
    assert found["CAPÍTULO II DA ADESÃO"] == DocItemLabel.SECTION_HEADER
    assert found["Anexo I do edital de 2024 traz o modelo."] == DocItemLabel.TEXT


def test_a_heading_region_over_running_text_is_text_with_a_heading_in_it():
    drawn = region(
        DocItemLabel.SECTION_HEADER,
        cell("§ 3º O silêncio não importa deferimento.", 110, 300, width=240),
        cell("Art. 4º O servidor tem prioridade.", 110, 324, width=240),
        cell("CAPÍTULO III", 170, 348, font=BOLD),
        cell("DISPOSIÇÕES FINAIS", 160, 360, font=BOLD),
    )
    found = described(refine_regions([paragraph(100), drawn]))
    assert found["§ 3º O silêncio não importa deferimento."] == DocItemLabel.TEXT
    assert found["CAPÍTULO III DISPOSIÇÕES FINAIS"] == DocItemLabel.SECTION_HEADER


def test_the_bold_end_of_a_remark_in_brackets_is_no_heading():
    clause = region(
        DocItemLabel.TEXT,
        cell("Art. 3º A adesão depende de autorização. (Redação dada", 50, 300, width=300),
        cell("pela Portaria nº 77, de 2025)", 50, 312, font=BOLD),
    )
    [_, text] = described(refine_regions([paragraph(100), clause])).items()
    assert text[1] == DocItemLabel.TEXT
    assert text[0].endswith("(Redação dada pela Portaria nº 77, de 2025)")


def test_regions_that_overlap_are_read_line_by_line_and_columns_are_not():
    first = region(DocItemLabel.TEXT, cell("4. Riscos", 50, 300, font=BOLD), cell("na veia.", 50, 324))
    second = region(
        DocItemLabel.TEXT,
        cell("Nunca sem diluição: a velocidade é a menor", 50, 312, width=300),
        cell("Sem abreviaturas.", 50, 348),
    )
    texts = described(refine_regions([paragraph(100), first, second]))
    assert "Nunca sem diluição: a velocidade é a menor na veia." in texts
    beside = region(DocItemLabel.TEXT, cell("de dia", 50, 500), cell("e de noite", 50, 524))
    column = region(DocItemLabel.TEXT, cell("Chefia", 400, 512))
    assert {"de dia e de noite", "Chefia"} <= set(described(refine_regions([paragraph(100), beside, column])))


def test_a_larger_or_bold_line_is_a_heading_and_a_sentence_is_not():
    larger = region(DocItemLabel.TEXT, cell("Objeto", 50, 60, height=14))
    bold = region(DocItemLabel.CAPTION, cell("Prazos por tipo", 50, 170, font=BOLD))
    sentence = region(DocItemLabel.TEXT, cell("Atenção a isto.", 50, 200, height=14))
    table = region(DocItemLabel.CAPTION, cell("Tabela 1 - Prazos", 50, 230, font=BOLD))
    found = described(refine_regions([larger, paragraph(100), bold, sentence, table, paragraph(300)]))
    assert found["Objeto"] == DocItemLabel.SECTION_HEADER
    assert found["Prazos por tipo"] == DocItemLabel.SECTION_HEADER
    assert found["Atenção a isto."] == DocItemLabel.TEXT
    assert found["Tabela 1 - Prazos"] == DocItemLabel.CAPTION


def test_a_heading_inside_a_paragraph_region_is_taken_out():
    mixed = region(
        DocItemLabel.TEXT,
        *(cell("texto corrido que ocupa a largura", 50, 100 + 12 * i, width=300) for i in range(3)),
        cell("Porca de aço", 50, 136, font=BOLD),
        *(cell("mais texto corrido na mesma coluna", 50, 148 + 12 * i, width=300) for i in range(3)),
    )
    found = described(refine_regions([mixed]))
    assert found["Porca de aço"] == DocItemLabel.SECTION_HEADER
    assert len(found) == 3


def test_a_bold_line_on_top_of_the_first_page_is_a_title_and_later_a_running_header():
    def page():
        return [region(DocItemLabel.PAGE_HEADER, cell("Política de Uso", 50, 40, font=BOLD)), paragraph(100)]

    assert (
        described(refine_regions(page(), first_page=True))["Política de Uso"] == DocItemLabel.SECTION_HEADER
    )
    assert described(refine_regions(page()))["Política de Uso"] == DocItemLabel.PAGE_HEADER


def test_a_header_in_the_middle_of_the_page_is_text():
    middle = region(DocItemLabel.PAGE_HEADER, cell("responder no prazo", 50, 400))
    footer = region(DocItemLabel.PAGE_FOOTER, cell("página 3", 50, 770))
    found = described(refine_regions([paragraph(100), middle, footer]))
    assert found["responder no prazo"] == DocItemLabel.TEXT
    assert found["página 3"] == DocItemLabel.PAGE_FOOTER


def test_a_title_region_without_letters_is_text():
    numbers = region(DocItemLabel.SECTION_HEADER, cell("12 345", 50, 40))
    assert described(refine_regions([numbers, paragraph(100)]))["12 345"] == DocItemLabel.TEXT


def test_numbered_lines_become_list_items_and_a_single_number_does_not():
    items = region(DocItemLabel.TEXT, cell("1. abrir", 50, 300), cell("2. fechar", 50, 314))
    single = region(DocItemLabel.TEXT, cell("3. isto é só um parágrafo", 50, 400))
    found = described(refine_regions([paragraph(100), items, single]))
    assert found["1. abrir"] == found["2. fechar"] == DocItemLabel.LIST_ITEM
    assert found["3. isto é só um parágrafo"] == DocItemLabel.TEXT


def test_in_ocr_a_full_stop_and_a_capital_begin_a_new_paragraph():
    first = region(DocItemLabel.TEXT, cell("A delegação será publicada.", 50, 100, width=300, ocr=True))
    second = region(DocItemLabel.TEXT, cell("Art. 5º A competência", 50, 116, width=300, ocr=True))
    third = region(DocItemLabel.TEXT, cell("pode ser delegada", 50, 132, width=280, ocr=True))
    assert set(described(refine_regions([first, second, third]))) == {
        "A delegação será publicada.",
        "Art. 5º A competência pode ser delegada",
    }


def box(left, top, right, bottom):
    return BoundingBox(l=left, t=top, r=right, b=bottom)


def test_a_page_without_text_is_read_whole():
    assert regions_to_read(PAGE, [], []) == [box(0, 0, 600, 800)]


def test_of_a_page_with_text_only_uncovered_pictures_are_read():
    text = [box(50, 20 * i, 550, 20 * i + 12) for i in range(1, 20)]
    background, logo = box(0, 0, 600, 400), box(10, 10, 40, 30)
    scan, inside = box(50, 450, 550, 700), box(60, 460, 500, 690)
    assert regions_to_read(PAGE, text, [background, logo, scan, inside]) == [scan]


def test_a_text_layer_of_unmapped_glyphs_is_broken():
    assert is_broken_text(["GLYPH<c=3>GLYPH<c=7> ab"])
    assert is_broken_text(["\ufffd\ufffd\ufffdabc"])
    assert not is_broken_text(["Texto com um \ufffd só, no meio de uma frase comprida."])
    assert not is_broken_text([])


def test_lines_of_a_skewed_scan_are_made_level():
    slope = np.tan(np.radians(2.0))
    boxes = np.array(
        [
            [
                [x, y + slope * x],
                [x + 400, y + slope * (x + 400)],
                [x + 400, y + 20 + slope * (x + 400)],
                [x, y + 20 + slope * x],
            ]
            for x, y in ((50, 100), (50, 140), (300, 180))
        ],
        np.float32,
    )
    level = level_boxes(boxes)
    assert np.allclose(level[:, 0, 1], level[:, 1, 1])
    assert np.allclose(level[:, 3, 1] - level[:, 0, 1], 20, atol=0.5)
    assert np.allclose(np.diff(level[:, 0, 1]), 40, atol=1.0)


def test_boxes_that_stand_upright_are_not_turned():
    tall = np.array([[[10, 10], [30, 10], [30, 200], [10, 200]]], np.float32)
    assert np.allclose(level_boxes(tall), tall)


def document_with(text, page=1):
    document = DoclingDocument(name="d")
    prov = ProvenanceItem(page_no=page, bbox=box(0, 0, 1, 1), charspan=(0, len(text)))
    document.add_text(label=DocItemLabel.TEXT, text=text, prov=prov)
    return document


def test_coverage_counts_the_words_that_arrived():
    found = measure_coverage(["uma frase com cinco palavras", ""], document_with("Uma frase, com CINCO"))
    assert found.total == 0.8
    assert found.pages == {1: 0.8}


def test_coverage_is_blind_to_hyphens_ligatures_and_line_ends():
    layer = "a adminis-\r\ntração e o ﬁm: dirigir-\r\nse"
    assert measure_coverage([layer], document_with("A administração e o fim: dirigir-se")).total == 1.0


def test_a_page_whose_text_went_elsewhere_is_the_worst_page():
    found = measure_coverage(["palavra repetida", "outra coisa"], document_with("palavra repetida"))
    assert (found.total, found.minimum) == (0.5, 0.0)


def test_a_word_that_occurs_twice_must_arrive_twice():
    assert measure_coverage(["sim não sim"], document_with("sim não")).total == 2 / 3


def test_there_is_no_coverage_without_a_usable_text_layer():
    assert measure_coverage(["", "\ufffd\ufffd\ufffd\ufffd a"], document_with("texto")) is None
