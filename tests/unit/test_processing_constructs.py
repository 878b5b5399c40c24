"""What writing programs make of symbols, struck and hidden text and tables is read, and no false alarm."""

import io
import zipfile

import openpyxl
import pptx
import pytest
from openpyxl.styles import Font, PatternFill
from pptx.util import Inches

from stagekit.chunking.markdown import build_markdown
from stagekit.processing.process import ProcessedDocument, process_document
from stagekit.processing.reader import DocumentReader
from stagekit.processing.settings import ProcessingSettings
from stagekit.processing.verdict import quality_verdict
from tests.unit.word_files import cell, paragraph, row, run, style, table, word_file

SETTINGS = ProcessingSettings()
_NAMES = " ".join(
    f'xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for prefix, name in (
        ("office", "office"), ("style", "style"), ("text", "text"), ("table", "table"), ("draw", "drawing"),
        ("svg", "svg-compatible"),
    )
) + ' xmlns:xlink="http://www.w3.org/1999/xlink"'  # fmt: skip


def no_models():
    raise AssertionError("none of these formats needs a model")


def made(content: bytes | str, name: str) -> ProcessedDocument:
    data = content.encode() if isinstance(content, str) else content
    return process_document(DocumentReader(no_models), data, name, SETTINGS)


def text_of(processed: ProcessedDocument) -> str:
    return build_markdown(processed.document).text


def passes(processed: ProcessedDocument) -> bool:
    """Whether nothing is reported of a document in which nothing is lost."""
    return quality_verdict(processed, SETTINGS) == "pass" and not processed.warnings


def font(name: str) -> str:
    return f'<w:rFonts w:ascii="{name}" w:hAnsi="{name}"/>'


def word_field(instruction: str, result: str) -> str:
    marks = [f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>' for kind in ("begin", "separate", "end")]
    asked = f'<w:r><w:instrText xml:space="preserve"> {instruction} </w:instrText></w:r>'
    return f"{marks[0]}{asked}{marks[1]}{run(result)}{marks[2]}"


def open_text(body: str, styles: str = "", pages: str = "", files: dict[str, str] | None = None) -> bytes:
    content = f"<office:automatic-styles>{styles}</office:automatic-styles><office:body><office:text>{body}"
    parts = {
        "mimetype": "application/vnd.oasis.opendocument.text",
        "content.xml": f"<office:document-content {_NAMES}>{content}</office:text></office:body>"
        "</office:document-content>",
        "styles.xml": f"<office:document-styles {_NAMES}><office:master-styles>{pages}"
        "</office:master-styles></office:document-styles>",
        "meta.xml": f"<office:document-meta {_NAMES}><office:meta/></office:document-meta>",
        **(files or {}),
    }
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return stream.getvalue()


class TestWord:
    def test_letters_of_a_symbol_font_are_signs_and_no_lost_words(self):
        body = paragraph(run("o", font("Wingdings")) + run(" sem lacre, ") + run("þ", font("Wingdings")))
        body += paragraph(run("D", font("Symbol")) + run("T é o dobro; o lacre fica."))
        body += paragraph(run("Ka") + run("b", font("Symbol")))
        found = made(word_file(body), "a.docx")
        assert text_of(found) == "☐ sem lacre, ☑\n\nΔT é o dobro; o lacre fica.\n\nKaβ"
        assert passes(found)

    def test_the_number_of_the_page_is_left_out_of_a_footer_and_nothing_is_reported(self):
        part = '<w:sectPr><w:footerReference w:type="default" r:id="footer"/></w:sectPr>'
        numbers = run("Página ") + word_field("PAGE", "1") + run(" de ") + word_field("NUMPAGES", "3")
        footer = paragraph(numbers) + paragraph("Cópia controlada 7")
        found = made(word_file(paragraph("Corpo do texto.") + part, footer=footer), "a.docx")
        assert text_of(found) == "Cópia controlada 7\n\nCorpo do texto."
        assert passes(found)

    @pytest.mark.parametrize("kind", ["page", "column"])
    def test_words_on_both_sides_of_a_break_stand_apart(self, kind):
        content = run("fim") + f'<w:r><w:br w:type="{kind}"/></w:r>' + run("início")
        assert text_of(made(word_file(paragraph(content)), "a.docx")).split() == ["fim", "início"]

    @pytest.mark.parametrize(
        ("sign", "shown"),
        [("☐", "- ☐ feito"), ("☒", "- ☑ feito"), ("•", "- feito"), ("o", "- feito")],
    )
    def test_a_bullet_that_is_a_box_is_written(self, sign, shown):
        level = f'<w:lvl w:ilvl="0"><w:numFmt w:val="bullet"/><w:lvlText w:val="{sign}"/></w:lvl>'
        lists = f'<w:abstractNum w:abstractNumId="0">{level}</w:abstractNum>'
        lists += '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>'
        item = paragraph("feito", '<w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr>')
        assert text_of(made(word_file(item, numbering=lists), "a.docx")) == shown

    def test_a_bullet_of_a_symbol_font_is_a_box(self):
        look = f"<w:rPr>{font('Wingdings')}</w:rPr>"
        level = f'<w:lvl w:ilvl="0"><w:numFmt w:val="bullet"/><w:lvlText w:val="\uf0fe"/>{look}</w:lvl>'
        lists = f'<w:abstractNum w:abstractNumId="0">{level}</w:abstractNum>'
        lists += '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>'
        item = paragraph("feito", '<w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr>')
        assert text_of(made(word_file(item, numbering=lists), "a.docx")) == "- ☑ feito"

    def test_the_words_for_a_chart_stand_in_the_text(self):
        chart = '<c:chart xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart"/>'
        drawing = (
            '<w:r><w:drawing><wp:inline><wp:docPr id="3" name="G" descr="O consumo cai pela metade"/>'
            f'<a:graphic><a:graphicData uri="c">{chart}</a:graphicData></a:graphic>'
            "</wp:inline></w:drawing></w:r>"
        )
        found = text_of(made(word_file(paragraph(drawing) + paragraph("Fim.")), "a.docx"))
        assert found == "O consumo cai pela metade\n\nFim."

    def test_hidden_rows_and_prompts_round_a_cell_are_not_put_back(self):
        prompt = "<w:sdt><w:sdtPr><w:showingPlcHdr/></w:sdtPr><w:sdtContent>{}</w:sdtContent></w:sdt>"
        asked = f"<w:tr>{cell('Nome')}{prompt.format(cell('Clique para digitar'))}</w:tr>"
        hidden = row("segredo", "guardado", properties="<w:hidden/>")
        found = made(word_file(table(row("Campo", "Valor"), asked, hidden)), "a.docx")
        assert "Clique" not in text_of(found)
        assert "segredo" not in text_of(found)
        assert quality_verdict(found, SETTINGS) == "pass"


class TestSlides:
    def test_struck_text_is_marked_and_an_underline_is_not(self):
        slides = pptx.Presentation()
        slide = slides.slides.add_slide(slides.slide_layouts[6])
        box = slide.shapes.add_textbox(Inches(1), Inches(1), Inches(6), Inches(1)).text_frame
        for text, name, value in (("Vale ", "u", "sng"), ("a taxa de R$ 7,00", "strike", "sngStrike")):
            part = box.paragraphs[0].add_run()
            part.text = text
            part._r.get_or_add_rPr().set(name, value)
        stream = io.BytesIO()
        slides.save(stream)
        found = made(stream.getvalue(), "a.pptx")
        assert text_of(found) == "Vale ~~a taxa de R$ 7,00~~"
        assert passes(found)

    def test_a_shape_in_two_forms_is_read_once_and_at_its_place(self):
        slides = pptx.Presentation()
        slide = slides.slides.add_slide(slides.slide_layouts[6])
        for number, text in enumerate(["primeiro texto", "texto do meio", "último texto"], 1):
            box = slide.shapes.add_textbox(Inches(1), Inches(number), Inches(6), Inches(1))
            box.text_frame.text = text
            if number == 2:
                markup = "http://schemas.openxmlformats.org/markup-compatibility/2006"
                both = box._element.makeelement(f"{{{markup}}}AlternateContent", {})
                choice = both.makeelement(f"{{{markup}}}Choice", {"Requires": "a14"})
                box._element.addprevious(both)
                both.append(choice)
                choice.append(box._element)
        stream = io.BytesIO()
        slides.save(stream)
        found = made(stream.getvalue(), "a.pptx")
        assert text_of(found) == "primeiro texto\n\ntexto do meio\n\núltimo texto"
        assert passes(found)


class TestWorkbook:
    def test_struck_cells_truth_values_and_labels_over_columns(self):
        book = openpyxl.Workbook()
        sheet = book.active
        for line in (
            ["Unidade", "Meta", None], [None, "Prevista", "Feita"], ["Norte", 1, True], ["Sul", 2, False]
        ):  # fmt: skip
            sheet.append(line)
        sheet.merge_cells("A1:A2")
        sheet.merge_cells("B1:C1")
        sheet["A4"].font = Font(strike=True)
        stream = io.BytesIO()
        book.save(stream)
        found = made(stream.getvalue(), "a.xlsx")
        lines = text_of(found).splitlines()
        assert "| Unidade | Meta Prevista | Meta Feita |" in lines
        assert "| Norte | 1 | VERDADEIRO |" in lines
        assert "| ~~Sul~~ | 2 | FALSO |" in lines
        assert passes(found)

    def test_what_excel_hides_by_colour_or_format_is_left_out_and_a_dark_ground_shows_it(self):
        book = openpyxl.Workbook()
        sheet = book.active
        for line in (["Item", "Valor"], ["Copa", "branco"], ["Frota", "formato"], ["Obra", "faixa"]):
            sheet.append(line)
        sheet["B2"].font = sheet["B4"].font = Font(color="FFFFFFFF")
        sheet["B3"].number_format = ";;;"
        sheet["B4"].fill = PatternFill("solid", fgColor="FF1F3864")
        stream = io.BytesIO()
        book.save(stream)
        found = made(stream.getvalue(), "a.xlsx")
        assert text_of(found).splitlines()[-3:] == ["| Copa |  |", "| Frota |  |", "| Obra | faixa |"]
        assert any("Hidden text" in warning for warning in found.warnings)

    def test_formulas_that_nobody_has_computed_are_said(self):
        book = openpyxl.Workbook()
        for line in (["Item", "Valor"], ["Copa", 5], ["Total", "=SUM(B2:B2)"]):
            book.active.append(line)
        stream = io.BytesIO()
        book.save(stream)
        found = made(stream.getvalue(), "a.xlsx")
        assert any(one.startswith("Formulas without a stored value: 1.") for one in found.warnings)


class TestPages:
    @pytest.mark.parametrize(
        "style",
        ["font-size:0", "opacity:0", "color:#fff", "position:absolute;left:-9999px", "display:none"],
    )
    def test_what_no_reader_sees_is_not_put_back(self, style):
        page = (
            f'<p>Todos veem <span style="{style}">ordem secreta</span> isto.</p><p style="{style}">Nada.</p>'
        )
        found = made(f"<html><body>{page}</body></html>", "a.html")
        assert text_of(found) == "Todos veem isto."
        assert not any("put back" in warning or "Missing" in warning for warning in found.warnings)

    def test_letters_of_a_symbol_font_are_signs(self):
        page = (
            '<p><span style="font-family:Wingdings">þ</span> pago <font face="Wingdings">o</font> devido</p>'
        )
        found = made(page + '<p style="font-family: Arial, Symbol">a letra a</p>', "a.html")
        assert text_of(found) == "☑ pago ☐ devido\n\na letra a"
        assert passes(found)

    @pytest.mark.parametrize(
        "items",
        [
            '<ul class="inline-task-list"><li class="checked">lido</li><li>assinado</li></ul>',
            '<ul><li aria-checked="true">lido</li><li aria-checked="false">assinado</li></ul>',
            '<ul><li><b class="checkbox-on"></b>lido<li><div class="checkbox-off"></div>assinado</ul>',
        ],
    )
    def test_task_lists_of_wikis_show_what_is_done(self, items):
        assert text_of(made(items, "a.html")).split("\n") == ["- ☑ lido", "- ☐ assinado"]

    def test_labels_over_columns_make_two_header_rows_of_plain_cells(self):
        header = (
            "<tr><td rowspan=2>Praça</td><td colspan=2>Horário</td></tr><tr><td>Abre</td><td>Fecha</td></tr>"
        )
        page = f"<table>{header}<tr><td>Sé</td><td>6h</td><td>22h</td></tr></table>"
        assert "| Praça | Horário Abre | Horário Fecha |" in text_of(made(page, "a.html"))

    def test_a_first_row_of_plain_cells_is_one_header_row(self):
        page = "<table><tr><td colspan=2>Praça</td><td>Hora</td></tr>"
        page += "<tr><td>a</td><td>b</td><td>c</td></tr></table>"
        assert "| a | b | c |" in text_of(made(page, "a.html"))

    @pytest.mark.parametrize(("border", "rows"), [("1", ["| Recurso | 5 dias |"]), ("0", ["| 5 | dias |"])])
    def test_a_ruled_table_keeps_its_rows_with_a_table_in_a_cell(self, border, rows):
        inner = "<table><tr><td>5</td><td>dias</td></tr></table>"
        page = (
            f"<table border={border}><tr><td>Fase</td><td>Prazo</td></tr><tr><td>Recurso</td><td>{inner}</td>"
        )
        lines = text_of(made(f"{page}</tr></table>", "a.html")).splitlines()
        assert [line for line in lines if "5" in line] == rows

    def test_readings_beside_letters_stand_once(self):
        found = made("<p><ruby>漢<rp>(</rp><rt>kan</rt><rp>)</rp></ruby> fim</p>", "a.html")
        assert text_of(found) == "漢 (kan) fim"
        assert passes(found)


class TestMarkdown:
    def test_the_box_of_a_task_with_several_paragraphs_stands_before_its_text(self):
        lines = text_of(made("- [x] **ofício** pronto\n\n  Com anexo.\n\n- [ ] envio\n", "a.md")).splitlines()
        assert [line for line in lines if line] == ["- ☑ ofício pronto", "Com anexo.", "- ☐ envio"]

    def test_the_mark_of_a_note_is_no_part_of_the_title(self):
        found = made("# Diárias[^1]\n\nTexto.\n\n[^1]: Em reais.\n", "a.md")
        assert found.title == "Diárias"
        assert text_of(found).startswith("# Diárias[^1]")

    def test_bars_in_code_and_cells_beyond_the_header_are_kept(self):
        written = "| Comando | Uso |\n|---|---|\n| `a | b` | filtra |\n| c | d | além |\n"
        found = made(written, "a.md")
        assert "| a \\| b | filtra |  |" in text_of(found)
        assert "| c | d | além |" in text_of(found)
        assert passes(found)

    def test_what_is_no_table_is_not_touched(self):
        written = "```\n| A | B |\n|---|---|\n| 1 | 2 | 3 |\n```\n\nUse `a | b` aqui.\n"
        assert text_of(made(written, "a.md")) == written.strip().replace("`a | b`", "a | b")

    @pytest.mark.parametrize("rule", ["", "---------- -------- ---------\n"])
    def test_aligned_columns_are_a_table(self, rule):
        written = f"Setor      Prazo    Valor\n{rule}Norte      5 anos   10,00\nSul        10 anos  20,00\n"
        assert text_of(made(written, "a.md")).splitlines()[2:] == [
            "| Norte | 5 anos | 10,00 |",
            "| Sul | 10 anos | 20,00 |",
        ]

    @pytest.mark.parametrize(
        "written",
        ["verso  com espaço\noutro  verso", "Texto  antes\n***\nTexto  depois", "Uma linha\ne outra."],
    )
    def test_double_blanks_in_prose_make_no_table(self, written):
        assert "|" not in text_of(made(written, "a.md"))

    @pytest.mark.parametrize("mark", ["{#prazos .unnumbered}", "{: #prazos}", '{lang="pt-BR"}'])
    def test_the_anchor_behind_a_heading_is_no_part_of_it(self, mark):
        found = made(f"# Prazos {mark}\n\nTexto do prazo.\n", "a.md")
        assert text_of(found) == "# Prazos\n\nTexto do prazo."
        assert passes(found)

    def test_braces_that_say_something_stay(self):
        assert text_of(made("# Campo {nome}\n\nTexto.\n", "a.md")).startswith("# Campo {nome}")


class TestOpenText:
    def test_headers_come_first_and_page_numbers_not_at_all(self):
        number = "<text:p>Página <text:page-number>1</text:page-number></text:p>"
        pages = "<style:master-page style:name='Standard'><style:header><text:p>Código POP-9</text:p>"
        pages += f"</style:header><style:footer>{number}</style:footer></style:master-page>"
        found = made(open_text("<text:p>Corpo do texto.</text:p>", pages=pages), "a.odt")
        assert text_of(found) == "Código POP-9\n\nCorpo do texto."
        assert passes(found)

    def test_a_table_with_a_table_in_a_cell_keeps_its_rows_and_hides_what_is_hidden(self):
        def line(*cells: str, said: str = "") -> str:
            inside = "".join(f"<table:table-cell>{text}</table:table-cell>" for text in cells)
            return f"<table:table-row {said}>{inside}</table:table-row>"

        one, two, secret, other = (f"<text:p>{t}</text:p>" for t in ("Fase", "Prazo", "segredo", "oculto"))
        inner = f"<table:table>{line(one, two)}</table:table>"
        rows = line(one, two) + line(two, inner) + line(secret, other, said='table:visibility="collapse"')
        found = made(open_text(f"<table:table>{rows}</table:table>"), "a.odt")
        assert text_of(found) == "| Fase | Prazo |\n|---|---|\n| Prazo | Fase Prazo |"
        assert [w for w in found.warnings if "put back" in w or "Missing" in w] == []

    def test_symbol_fonts_and_embedded_formulas_are_read(self):
        styles = '<style:style style:name="T1" style:family="text"><style:text-properties style:font-name='
        styles += '"Wingdings"/></style:style>'
        formula = '<draw:frame><draw:object xlink:href="Formula-0/"/></draw:frame>'
        body = f'<text:p><text:span text:style-name="T1">þ</text:span> pago se {formula}.</text:p>'
        math = '<math xmlns="http://www.w3.org/1998/Math/MathML"><mi>a</mi><mo>≤</mo><mi>b</mi></math>'
        found = made(open_text(body, styles, files={"Formula-0/content.xml": math}), "a.odt")
        assert text_of(found) == "☑ pago se $a≤b$."
        assert passes(found)


def test_the_look_of_a_style_is_that_of_its_text():
    look = f"<w:rPr>{font('Wingdings')}</w:rPr>"
    symbols = f'<w:style w:type="paragraph" w:styleId="S"><w:name w:val="S"/>{look}</w:style>'
    found = made(word_file(paragraph("þ", style("S")) + paragraph("Vale."), styles=symbols), "a.docx")
    assert text_of(found) == "☑\n\nVale."
    assert passes(found)
