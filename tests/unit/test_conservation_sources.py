"""The second readers: what each of them counts as shown, as left out, and as allowed beside it."""

import io
import time
import zipfile

import pytest

from stagekit.conservation.sources import read_source
from stagekit.conservation.sources.number_readings import number_readings
from stagekit.conservation.words import words_of

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MC = "http://schemas.openxmlformats.org/markup-compatibility/2006"
RELS = "http://schemas.openxmlformats.org/package/2006/relationships"


def package(parts):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def docx(body, related=(), **parts):
    """A Word document; `related` has pairs of a relation's type and its target."""
    names = f'xmlns:w="{W}" xmlns:r="{R}" xmlns:mc="{MC}" xmlns:v="v"'
    relations = "".join(
        f'<Relationship Id="{target}" Type="{R}/{kind}" Target="{target}"/>' for kind, target in related
    )
    return package(
        {
            "_rels/.rels": f'<Relationships xmlns="{RELS}">'
            f'<Relationship Id="d" Type="{R}/officeDocument" Target="/word/document.xml"/></Relationships>',
            "word/document.xml": f"<w:document {names}><w:body>{body}</w:body></w:document>",
            "word/_rels/document.xml.rels": f'<Relationships xmlns="{RELS}">{relations}</Relationships>',
            **{
                f"word/{name.replace('_', '.')}": text.replace("NAMES", names) for name, text in parts.items()
            },
        }
    )


def run(text, look=""):
    return f"<w:r><w:rPr>{look}</w:rPr><w:t>{text}</w:t></w:r>"


def texts(source, kind=None):
    return [unit.text for unit in source.units if kind in (None, unit.kind)]


class TestWord:
    def test_runs_are_joined_without_blanks_and_breaks_divide(self):
        body = f"<w:p>{run('contra')}{run('cheque', '<w:b/>')}<w:r><w:br/></w:r>{run('fim')}</w:p>"
        assert texts(read_source(docx(body), "docx")) == ["contracheque\nfim"]

    def test_struck_text_keeps_its_words_and_its_mark(self):
        styles = (
            "<w:styles NAMES><w:style w:styleId='R'><w:rPr><w:dstrike/></w:rPr></w:style>"
            "<w:style w:styleId='F'><w:basedOn w:val='R'/></w:style></w:styles>"
        )
        struck = run("Revogado", '<w:rStyle w:val="F"/>') + run(" todo", "<w:strike/>")
        valid = run(" vale", '<w:rStyle w:val="F"/><w:dstrike w:val="0"/>')
        found = read_source(
            docx(f"<w:p>{struck}{valid}</w:p>", [("styles", "styles.xml")], styles_xml=styles), "docx"
        )
        assert texts(found) == ["~~Revogado todo~~ vale"]

    def test_the_entry_that_a_form_shows_is_chosen_by_its_number(self):
        choice = (
            '<w:ffData><w:ddList><w:result w:val="1"/><w:listEntry w:val="médica"/>'
            '<w:listEntry w:val="capacitação"/></w:ddList></w:ffData>'
        )
        marks = f'<w:r><w:fldChar w:fldCharType="begin">{choice}</w:fldChar></w:r>'
        marks += (
            '<w:r><w:instrText> FORMDROPDOWN </w:instrText></w:r><w:r><w:fldChar w:fldCharType="end"/></w:r>'
        )
        assert texts(read_source(docx(f"<w:p>{run('Licença-')}{marks}</w:p>"), "docx")) == [
            "Licença-capacitação"
        ]

    @pytest.mark.parametrize(("even", "shown"), [(False, ["ímpar"]), (True, ["ímpar", "par"])])
    def test_headers_count_where_they_are_shown(self, even, shown):
        kinds = (("default", "h1.xml", "ímpar"), ("even", "h2.xml", "par"), ("first", "h3.xml", "primeira"))
        section = "".join(f'<w:headerReference w:type="{kind}" r:id="{part}"/>' for kind, part, _ in kinds)
        parts = {
            part.replace(".", "_"): f"<w:hdr NAMES><w:p>{run(text)}</w:p></w:hdr>" for _, part, text in kinds
        }
        settings = f"<w:settings NAMES>{'<w:evenAndOddHeaders/>' if even else ''}</w:settings>"
        related = [("header", part) for _, part, _ in kinds] + [("settings", "settings.xml")]
        content = docx(f"<w:sectPr>{section}</w:sectPr>", related, settings_xml=settings, **parts)
        assert texts(read_source(content, "docx"), "furniture") == shown

    def test_a_first_header_counts_where_the_section_has_a_title_page(self):
        section = '<w:sectPr><w:headerReference w:type="first" r:id="h.xml"/><w:titlePg/></w:sectPr>'
        header = f"<w:hdr NAMES><w:p>{run('capa')}</w:p></w:hdr>"
        assert texts(read_source(docx(section, [("header", "h.xml")], h_xml=header), "docx")) == ["capa"]

    @pytest.mark.parametrize(
        ("part", "content"),
        [
            ("a.html", "<p>412 chamados</p>"),
            ("a.txt", "412 chamados"),
            ("a.docx", docx(f"<w:p>{run('412 chamados')}</w:p>")),
            ("a.mht", "Content-Type: text/html; charset=utf-8\n\n<p>412 chamados</p>"),
        ],
    )
    def test_what_word_imports_when_it_opens_a_document_counts(self, part, content):
        outer = docx(f'<w:altChunk r:id="{part}"/><w:p>{run("fim")}</w:p>', [("aFChunk", part)])
        with zipfile.ZipFile(io.BytesIO(outer)) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        found = read_source(package({**parts, f"word/{part}": content}), "docx")
        assert [text.strip() for text in texts(found)] == ["412 chamados", "fim"]

    def test_an_import_in_another_format_is_passed_over(self):
        content = docx('<w:altChunk r:id="a.rtf"/>', [("aFChunk", "a.rtf")], a_rtf="{\\rtf1 x}")
        assert texts(read_source(content, "docx")) == []

    def test_diagrams_count_and_labels_of_charts_are_left_out(self):
        diagram = "<d xmlns:a='a'><a:p><a:r><a:t>Diretoria</a:t></a:r></a:p></d>"
        chart = "<c xmlns:c='c'><c:v>Norte</c:v></c>"
        related = [("diagramData", "d.xml"), ("chart", "c.xml")]
        found = read_source(docx(f"<w:p>{run('Texto')}</w:p>", related, d_xml=diagram, c_xml=chart), "docx")
        assert texts(found) == ["Texto", "Diretoria"]
        assert found.left_out["chart"] == ["Norte"]

    def test_a_drop_cap_is_the_first_letter_of_the_next_paragraph(self):
        frame = '<w:pPr><w:framePr w:dropCap="drop"/></w:pPr>'
        body = f"<w:p>{frame}{run('E')}</w:p><w:p>{run('ste guia')}</w:p><w:p>{run('Fim')}</w:p>"
        assert texts(read_source(docx(body), "docx")) == ["Este guia", "Fim"]

    def test_the_words_for_a_table_are_left_out_by_name(self):
        said = '<w:tblPr><w:tblCaption w:val="Taxas"/><w:tblDescription w:val="de 2025"/></w:tblPr>'
        found = read_source(
            docx(f"<w:tbl>{said}<w:tr><w:tc><w:p>{run('a')}</w:p></w:tc></w:tr></w:tbl>"), "docx"
        )
        assert texts(found) == ["a"]
        assert found.left_out["table_title"] == ["Taxas", "de 2025"]

    def test_watermarks_are_left_out_and_alternative_texts_may_stand(self):
        shape = '<w:r><w:pict><v:shape alt="Brasão"><v:textpath string="MINUTA"/></v:shape></w:pict></w:r>'
        found = read_source(docx(f"<w:p>{run('Texto')}{shape}</w:p>"), "docx")
        assert (found.left_out["watermark"], found.may_stand) == (["MINUTA"], ["Brasão"])

    def test_words_of_a_numbering_may_stand(self):
        numbering = '<w:numbering NAMES><w:lvl><w:lvlText w:val="CAPÍTULO %1"/></w:lvl></w:numbering>'
        content = docx(f"<w:p>{run('Das férias')}</w:p>", [("numbering", "n.xml")], n_xml=numbering)
        assert read_source(content, "docx").may_stand == ["CAPÍTULO %1"]

    def test_a_cell_below_a_merged_one_is_left_out(self):
        def cell(text, merge):
            return f"<w:tc><w:tcPr>{merge}</w:tcPr><w:p>{run(text)}</w:p></w:tc>"

        rows = [cell("Norte", '<w:vMerge w:val="restart"/>'), cell("coberta", "<w:vMerge/>")]
        table = f"<w:tbl>{''.join(f'<w:tr>{row}</w:tr>' for row in rows)}</w:tbl>"
        found = read_source(docx(table), "docx")
        assert (texts(found, "cell"), found.left_out["covered"]) == (["Norte"], ["coberta"])

    def test_base_and_ruby_are_both_read(self):
        ruby = (
            f"<w:r><w:ruby><w:rt>{run('leitura')}</w:rt><w:rubyBase>{run('base')}</w:rubyBase></w:ruby></w:r>"
        )
        assert words_of(texts(read_source(docx(f"<w:p>{ruby}</w:p>"), "docx"))[0]) == ["leitura", "base"]

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (b"PK", "zip"),
            (package({"a.xml": "<a/>"}), "word/document.xml: there is no such part"),
            (package({"word/document.xml": "<a>"}), "word/document.xml: no element found"),
        ],
    )
    def test_a_file_that_cannot_be_read_is_named(self, content, said):
        with pytest.raises(ValueError, match=said):
            read_source(content, "docx")

    def test_a_file_that_is_nested_too_deeply_is_named(self):
        depth = 3000
        body = "<w:sdt><w:sdtContent>" * depth + f"<w:p>{run('x')}</w:p>" + "</w:sdtContent></w:sdt>" * depth
        with pytest.raises(ValueError, match="nested too deeply"):
            read_source(docx(body), "docx")


class TestHtml:
    def read(self, body, head=""):
        return read_source(f"<html><head>{head}</head><body>{body}</body></html>", "html")

    def test_open_cells_and_items_end_at_the_next(self):
        found = self.read("<ul><li>um<li>dois</ul><table><tr><td>a<td>b<tr><td>c</table>")
        assert texts(found) == ["um", "dois", "a", "b", "c"]
        assert [unit.place for unit in found.units[2:]] == [(0, 0, 0), (0, 0, 1), (0, 1, 0)]

    def test_navigation_is_left_out_and_may_stand(self):
        found = self.read("<nav>Início</nav><p>Texto</p><script>x()</script><noscript>y</noscript>")
        assert (texts(found), found.may_stand) == (["Texto"], ["Início"])
        assert found.left_out == {"navigation": ["Início"]}

    def test_margins_of_the_page_count_as_such_and_those_of_an_article_as_text(self):
        found = self.read("<header>Prefeitura</header><article><header>Título</header><p>Texto</p></article>")
        assert [(unit.text, unit.kind) for unit in found.units] == [
            ("Prefeitura", "furniture"),
            ("Título", "paragraph"),
            ("Texto", "paragraph"),
        ]

    def test_struck_text_keeps_its_mark(self):
        assert texts(self.read("<p>é <s>meia</s> inteira</p>")) == ["é ~~meia~~ inteira"]

    def test_a_sheet_for_print_hides_nothing(self):
        head = "<style>@media print { .a { display: none } } .b, p.c { display:none }</style>"
        found = self.read(
            '<p class="a">visto</p><p class="b">um</p><p class="c">dois</p><b class="c">três</b>', head
        )
        assert [text.strip() for text in texts(found)] == ["visto", "três"]
        assert found.left_out["hidden"] == ["um", "dois"]

    def test_what_is_in_fields_and_pictures_may_stand(self):
        body = (
            '<input value="valor"><input type="hidden" value="segredo"><img alt="foto" title="dica">'
            '<select><option>um<option selected>dois</select><p title="nota">Texto</p>'
        )
        found = self.read(body, "<title>Página</title>")
        assert {"valor", "foto", "dica", "um", "nota", "Página"} <= set(found.may_stand)
        assert "segredo" not in found.may_stand
        assert texts(found) == ["dois", "Texto"]


class TestMarkdown:
    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("[x]: https://exemplo.org 'Nota'\n\nVer [norma][x].", ["Ver norma."]),
            ("- [x] entregue\n- [ ] quitada", ["entregue quitada"]),
            ("Prazo de <PRAZO> dias, <b>todos</b>", ["Prazo de <PRAZO> dias, todos"]),
            ("`<!-- não é comentário -->` e `a | b`", ["<!-- não é comentário --> e a | b"]),
            ("Ver [[alvo|a norma]] e [[Horários]]", ["Ver a norma e Horários"]),
            ("É ~~meia~~ inteira <del>toda</del>", ["É ~~meia~~ inteira ~~toda~~"]),
            (
                "Valor[^1]\n\n[^1]: Corrigido.\n\n    Segundo parágrafo.",
                ["Valor", "Corrigido.", "Segundo parágrafo."],
            ),
            ("[![foto](f.png)](https://x.org/a_(b)) fim", ["fim"]),
            ("> [!WARNING] Atenção\n> texto", ["Atenção texto"]),
            ("<script>x()</script>\n\n<p hidden>nada</p>\n\nFim", ["Fim"]),
            ("a &lt; b e **contra**cheque", ["a < b e contracheque"]),
            ("<pessoa@exemplo.br> 10. fim", ["pessoa@exemplo.br 10. fim"]),
            ("10. Disposição", ["Disposição"]),
        ],
    )
    def test_only_words_are_left(self, text, shown):
        assert [" ".join(part.split()) for part in texts(read_source(text, "md"))] == shown

    def test_cells_have_their_place_and_a_bar_may_be_written(self):
        found = read_source("Antes:\n| A | B |\n|---|:-:|\n| a\\|b | c |", "md")
        assert [(unit.text.strip(), unit.place) for unit in found.units] == [
            ("Antes:", None),
            ("A", (0, 0, 0)),
            ("B", (0, 0, 1)),
            ("a\\|b", (0, 1, 0)),
            ("c", (0, 1, 1)),
        ]

    def test_the_language_of_code_may_stand_and_code_is_not_touched(self):
        found = read_source("```sql\nselect <a> -- [x](y)\n```\nfim", "md")
        assert texts(found) == ["select <a> -- [x](y)", "fim"]
        assert "sql" in found.may_stand


class TestWorkbook:
    @pytest.mark.parametrize(
        ("value", "shown"),
        [
            ("0.125", "12,5 %"),
            ("1234.5", "R$ 1.234,50"),
            ("45726", "10/03/2025"),
            ("45726", "2025-03-10 00:00:00"),
            ("0.375", "09:00"),
            ("-3.14159", "-3,14"),
            ("1", "VERDADEIRO"),
            ("1E3", "1.000"),
        ],
    )
    def test_a_number_may_be_shown_as_its_format_wants(self, value, shown):
        readings = [set(words_of(reading)) for reading in (value, *number_readings(value))]
        assert any(reading <= set(words_of(shown)) for reading in readings)

    @pytest.mark.parametrize("value", ["texto", "nan", "1e400"])
    def test_what_is_no_number_has_no_other_reading(self, value):
        assert number_readings(value) == ()

    def test_a_number_is_not_read_as_any_other(self):
        assert not any(words_of(reading) == ["126"] for reading in number_readings("0.125"))


def test_formats_without_a_second_reader_say_so():
    assert read_source(b"%PDF-", "pdf") is None
    assert read_source(b"", "png") is None


SIGNS = [
    "<!--", "<a ", '<a "', "<![x", "</", "<p hidden>", "<style>", "<style>a", "*a ", "**a", "`a", "[a",
    "[a](", "![", "[^a", "[[a", "%%a%", "&", "&#", "| a ", "a-", "> ", "- ", "1. ",
    "<tr><td>", "~~a", "```\n", "[a]: ",
]  # fmt: skip


@pytest.mark.parametrize("kind", ["md", "html", "txt"])
@pytest.mark.parametrize("sign", SIGNS)
def test_no_repeated_sign_takes_more_than_its_share_of_time(kind, sign):
    for text in (sign * 20_000, f"[a]({' ' * 20_000}", f"{sign}{' ' * 20_000}{sign}"):
        began = time.process_time()
        read_source(text, kind)
        assert time.process_time() - began < 3
