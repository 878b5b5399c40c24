"""An OpenDocument text is read as its reader sees it."""

import io
import zipfile

import pytest

from stagekit.chunking.markdown import build_markdown
from stagekit.errors import DocumentRejected
from stagekit.processing.process import process_document
from stagekit.processing.reader import DocumentReader
from stagekit.processing.settings import ProcessingSettings

_NAMES = " ".join(
    f'xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for prefix, name in (
        ("office", "office"), ("style", "style"), ("text", "text"), ("table", "table"), ("draw", "drawing"),
        ("fo", "xsl-fo-compatible"), ("svg", "svg-compatible"), ("form", "form"),
    )
) + (
    ' xmlns:field="urn:openoffice:names:experimental:ooo-ms-interop-xmlns:field:1.0"'
    ' xmlns:xlink="http://www.w3.org/1999/xlink"'
)  # fmt: skip
STYLES = """
<style:style style:name="Riscado" style:family="text"><style:text-properties
 style:text-line-through-style="solid"/></style:style>
<style:style style:name="T1" style:family="text" style:parent-style-name="Riscado"/>
<style:style style:name="T2" style:family="text"><style:text-properties
 style:text-position="super 58%"/></style:style>
<style:style style:name="T3" style:family="text"><style:text-properties text:display="none"/></style:style>
<style:style style:name="T4" style:family="text"><style:text-properties
 style:text-position="-33% 58%"/></style:style>
<style:style style:name="T5" style:family="text"><style:text-properties
 style:text-underline-style="solid"/></style:style>
<style:style style:name="Branco" style:family="text"><style:text-properties fo:color="#ffffff"/></style:style>
<style:style style:name="Faixa" style:family="paragraph"><style:paragraph-properties
 fo:background-color="#003366"/></style:style>
<style:style style:name="Escura" style:family="table-cell"><style:table-cell-properties
 fo:background-color="#003366"/></style:style>
<style:style style:name="Cheia" style:family="graphic"><style:graphic-properties
 draw:fill="solid"/></style:style>
<style:style style:name="P1" style:family="paragraph" style:parent-style-name="Title"/>
<text:list-style style:name="L1"><text:list-level-style-number text:level="1" style:num-format="a"
 style:num-prefix="(" style:num-suffix=")" text:start-value="3"/><text:list-level-style-number text:level="2"
 style:num-format="1" style:num-suffix="." text:display-levels="2"/></text:list-style>
<text:list-style style:name="L2"><text:list-level-style-number text:level="1" style:num-format="I"
 style:num-suffix=" -"/></text:list-style>
<text:list-style style:name="L4"><text:list-level-style-number text:level="1"
 style:num-format="01, 02, 03, ..."/><text:list-level-style-number text:level="2" style:num-format="1"
 text:display-levels="2"/></text:list-style>
<text:list-style style:name="L3"><text:list-level-style-bullet text:level="1"/></text:list-style>
"""


def odt(body: str, common: str = "", parts: dict[str, str] | None = None) -> bytes:
    stream = io.BytesIO()
    content = (
        f"<office:document-content {_NAMES}><office:automatic-styles>{STYLES}</office:automatic-styles>"
        f"<office:body><office:text>{body}</office:text></office:body></office:document-content>"
    )
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        archive.writestr("content.xml", content)
        archive.writestr(
            "styles.xml", f"<office:document-styles {_NAMES}><office:styles>{common}</office:styles>"
            "</office:document-styles>"
        )  # fmt: skip
        for name, text in (parts or {}).items():
            archive.writestr(name, text)
    return stream.getvalue()


def no_models():
    raise AssertionError("an OpenDocument text needs no model")


def processed(content: bytes):
    return process_document(DocumentReader(no_models), content, "a.odt", ProcessingSettings())


def shown(body: str, **more: object) -> str:
    return build_markdown(processed(odt(body, **more)).document).text


def span(style: str, text: str) -> str:
    return f'<text:span text:style-name="{style}">{text}</text:span>'


def test_formatted_text_is_joined_as_its_source_has_it():
    read = shown(
        f"<text:p>50 m{span('T2', '2')} e CO{span('T4', '2')}, contra{span('T5', 'cheque')}"
        '<text:s text:c="2"/>de<text:tab/>dez<text:line-break/>dias</text:p>'
    )
    assert read == "50 m2 e CO2, contracheque de dez\ndias"


def test_struck_text_is_marked_and_an_underline_is_no_strike():
    read = shown(f"<text:p>{span('T1', 'Dez')} {span('T5', 'quinze')} dias.</text:p>")
    assert read == "~~Dez~~ quinze dias."


def test_hidden_text_is_left_out_and_said_and_deleted_text_is_none():
    found = processed(
        odt(
            "<text:tracked-changes><text:changed-region><text:deletion>"
            "<text:p>apagado</text:p></text:deletion>"
            "</text:changed-region></text:tracked-changes><text:p>Visto"
            f'<text:change text:change-id="a"/>{span("T3", " oculto")}.<office:annotation>'
            "<text:p>nota do revisor</text:p></office:annotation></text:p>"
            '<text:section text:display="none"><text:p>parte oculta</text:p>'
            "</text:section>"
        )
    )
    assert build_markdown(found.document).text == "Visto."
    assert any("2 passages" in warning for warning in found.warnings)


def test_white_letters_are_seen_on_a_dark_ground_and_on_white_paper_they_are_not():
    white = span("Branco", "{}").format
    found = processed(
        odt(
            f'<text:p text:style-name="Faixa">{white("Faixa")}</text:p>'
            f"<text:p>Um {white('dois')} três.</text:p>"
            f'<table:table><table:table-row><table:table-cell table:style-name="Escura"><text:p>'
            f"{white('Célula')}</text:p></table:table-cell><table:table-cell><text:p>x</text:p>"
            f'</table:table-cell></table:table-row></table:table><text:p><draw:frame draw:style-name="Cheia">'
            f"<draw:text-box><text:p>{white('Caixa')}</text:p></draw:text-box></draw:frame></text:p>"
        )
    )
    text = build_markdown(found.document).text
    assert all(word in text for word in ("Faixa", "Um três.", "Célula", "Caixa"))
    assert "Hidden text was left out (1 passage): “dois”." in found.warnings


def test_what_a_document_computes_for_itself_is_no_text_and_what_it_shows_of_it_is():
    read = shown(
        '<text:p>Taxa: <text:variable-set text:display="none">9</text:variable-set>8.</text:p>'
        '<text:section text:display="condition" text:is-hidden="true"><text:p>Nunca.</text:p></text:section>'
        "<text:p><text:ruby><text:ruby-base>base</text:ruby-base><text:ruby-text>guia</text:ruby-text>"
        "</text:ruby></text:p>"
    )
    assert read == "Taxa: 8.\n\nbase (guia)"


def test_the_cells_of_an_embedded_workbook_stand_behind_its_paragraph():
    cells = "<table:table-cell><text:p>{}</text:p></table:table-cell>"
    rows = "".join(
        f"<table:table-row>{cells.format(a)}{cells.format(b)}"
        '<table:table-cell table:number-columns-repeated="150"/></table:table-row>'
        for a, b in (("Item", "Valor"), ("Total", "R$ 77,00"))
    )
    book = (
        f"<office:document-content {_NAMES}><office:body><office:spreadsheet><table:table>{rows}"
        "</table:table></office:spreadsheet></office:body></office:document-content>"
    )
    found = processed(
        odt(
            '<text:p>Custo: <draw:frame><draw:object xlink:href="./Object 1"/></draw:frame></text:p>',
            parts={"Object 1/content.xml": book},
        )
    )
    assert build_markdown(found.document).text == (
        "Custo:\n\n| Item | Valor |\n|---|---|\n| Total | R$ 77,00 |"
    )
    assert found.text_coverage
    assert found.text_coverage.added == ()


def test_lists_are_numbered_as_shown():
    item = "<text:list-item><text:p>{}</text:p>{}</text:list-item>"
    inner = f"<text:list>{item.format('x', '')}{item.format('y', '')}</text:list>"
    read = shown(
        f'<text:list text:style-name="L1">{item.format("a", inner)}{item.format("b", "")}</text:list>'
        f'<text:p>Meio.</text:p><text:list text:style-name="L1" text:continue-numbering="true">'
        f'{item.format("c", "")}</text:list><text:list text:style-name="L2">{item.format("d", "")}'
        f"<text:list-header><text:p>sem número</text:p></text:list-header>{item.format('e', '')}</text:list>"
        f'<text:list text:style-name="L3">{item.format("f", "")}</text:list>'
    )
    lines = [line.strip() for line in read.split("\n") if line.strip()]
    assert lines == [
        "(c) a", "c.1. x", "c.2. y", "(d) b", "Meio.", "(e) c", "I - d", "- sem número", "II - e", "- f",
    ]  # fmt: skip


def test_headings_numbered_by_a_list_are_sections_and_count_over_what_stands_between():
    """As LibreOffice keeps the numbered headings of a Word file."""

    def heading(level: int, text: str) -> str:
        return f'<text:h text:outline-level="{level}">{text}</text:h>'

    def listed(attribute: str, content: str) -> str:
        return f'<text:list text:style-name="L4" {attribute}>{item.format(content)}</text:list>'

    item = "<text:list-item>{}</text:list-item>"
    inner = f"<text:list>{item}</text:list>"
    bullet = item.format("<text:p>cotação</text:p>")
    read = shown(
        listed('xml:id="a"', heading(1, "Compras") + inner.format(heading(2, "Pequeno valor")))
        + f'<text:list text:style-name="L3">{bullet}</text:list>'
        + listed('text:continue-list="a"', inner.format(heading(2, "Grande valor")))
        + listed('text:continue-list="a"', heading(1, "Frota"))
    )
    assert read == (
        "## 01 Compras\n\n### 01.1 Pequeno valor\n\n- cotação\n\n### 01.2 Grande valor\n\n## 02 Frota"
    )


def test_a_note_stands_behind_the_paragraph_of_its_mark():
    note = (
        '<text:note text:note-class="footnote"><text:note-citation>1</text:note-citation><text:note-body>'
        "<text:p>Em dias úteis.</text:p><text:p>Salvo exceção.</text:p></text:note-body></text:note>"
    )
    read = shown(f'<text:p>O prazo{note} corre.</text:p><text:h text:outline-level="1">Fim</text:h>')
    assert read == "O prazo[^1] corre.\n\n[^1]: Em dias úteis.\n\nSalvo exceção.\n\n# Fim"


def test_headings_carry_their_numbers_and_the_title_is_one():
    outline = (
        '<text:outline-style style:name="Outline">'
        '<text:outline-level-style text:level="1" style:num-format="I" '
        'style:num-prefix="CAPÍTULO " style:num-suffix=" –"/><text:outline-level-style text:level="2" '
        'style:num-format="1" text:display-levels="1"/></text:outline-style>'
    )
    found = processed(
        odt(
            '<text:p text:style-name="P1">Regimento</text:p><text:h text:outline-level="1">Objeto</text:h>'
            '<text:h text:outline-level="2">Prazos</text:h><text:h text:outline-level="1">Fim</text:h>',
            outline,
        )
    )
    assert found.title == "Regimento"
    assert build_markdown(found.document).text == (
        "# Regimento\n\n## CAPÍTULO I – Objeto\n\n### 1 Prazos\n\n## CAPÍTULO II – Fim"
    )


def test_tables_keep_header_rows_spans_and_nested_lists():
    cell = "<table:table-cell {}><text:p>{}</text:p></table:table-cell>"
    read = shown(
        "<table:table><table:table-header-rows><table:table-row>"
        + cell.format("", "Linha") + cell.format("", "Hora")
        + "</table:table-row></table:table-header-rows><table:table-row>"
        + cell.format('table:number-rows-spanned="2"', "101") + cell.format("", "5h")
        + "</table:table-row><table:table-row><table:covered-table-cell/>" + cell.format("", "6h")
        + '</table:table-row><table:table-row table:visibility="collapse">' + cell.format("", "z")
        + "</table:table-row></table:table>"
    )  # fmt: skip
    assert read == "| Linha | Hora |\n|---|---|\n| 101 | 5h |\n| 101 | 6h |"


def test_boxes_text_boxes_pictures_and_formulas_arrive():
    forms = (
        "<office:forms><form:form>"
        '<form:checkbox xml:id="c1" form:current-state="checked" form:label="Aprovado"/>'
        '<form:checkbox xml:id="c2" form:label="Reprovado"/></form:form></office:forms>'
    )
    body = (
        '<text:p><draw:control draw:control="c1"/></text:p><text:p><draw:control draw:control="c2"/></text:p>'
        "<text:p>Antes <draw:frame><draw:text-box><text:p>na caixa</text:p></draw:text-box></draw:frame>"
        "depois.</text:p>"
        '<text:p>Seja <draw:frame><draw:object xlink:href="./F"/></draw:frame>.</text:p>'
        "<text:p>O selo<draw:frame><draw:image/><svg:title>brasão</svg:title></draw:frame> vale.</text:p>"
    )
    formula = (
        '<math xmlns="http://www.w3.org/1998/Math/MathML"><semantics><mi>E</mi>'
        '<annotation encoding="StarMath 5.0">'
        "E=mc^2</annotation></semantics></math>"
    )
    read = shown(forms + body, parts={"F/content.xml": formula})
    alone = '<text:p>Seja <draw:frame><draw:object xlink:href="./F"/></draw:frame>.</text:p>'
    coverage = processed(odt(alone, parts={"F/content.xml": formula})).text_coverage
    assert coverage.losses == coverage.added == ()  # the second reader knows the formula too
    assert read == (
        "☑ Aprovado\n\n☐ Reprovado\n\nAntes depois.\n\nna caixa\n\nSeja $E=mc^2$.\n\nO selo vale.\n\nbrasão"
    )


def test_fields_of_a_form_show_their_state():
    """As LibreOffice keeps those of a Word file."""
    kind = "vnd.oasis.opendocument.field.FORM"
    param = '<field:param field:name="{}" field:value="{}"/>'.format
    entries = param("Dropdown_ListEntry", "Manhã") + param("Dropdown_ListEntry", "Tarde")
    found = processed(
        odt(
            f'<text:p>Turno: <field:fieldmark field:type="{kind}DROPDOWN">{entries}'
            f"{param('Dropdown_Selected', '1')}</field:fieldmark>.</text:p>"
            f'<text:p><field:fieldmark field:type="{kind}CHECKBOX">{param("Checkbox_Checked", "true")}'
            f'</field:fieldmark> sim <field:fieldmark field:type="{kind}CHECKBOX"/> não</text:p>'
        )
    )
    assert build_markdown(found.document).text == "Turno: Tarde.\n\n☑ sim ☐ não"
    assert found.text_coverage
    assert found.text_coverage.added == ()


def test_a_damaged_file_is_refused_in_words():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        archive.writestr("content.xml", "<office:document-content")
    with pytest.raises(DocumentRejected) as verdict:
        processed(stream.getvalue())
    assert verdict.value.category == "corrupt"
    assert "ODT" in verdict.value.message


def test_nesting_without_end_is_refused_in_words():
    with pytest.raises(DocumentRejected, match="nested too deeply"):
        processed(odt("<text:section>" * 3000 + "<text:p>x</text:p>" + "</text:section>" * 3000))
