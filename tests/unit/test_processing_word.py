"""A Word file is read as Word shows it: revisions, fields, signs, numbers, notes, tables, page edges."""

import io
import zipfile

import docx
import pytest
from docling_core.types.doc import DocItemLabel

from stagekit.chunking.markdown import build_markdown
from stagekit.processing.office.word.number_formats import format_number
from stagekit.processing.office.word.plain import make_plain
from tests.unit.word_files import cell, paragraph, processed, read, row, run, style, table, word_file

_DIAGRAM = "http://schemas.openxmlformats.org/drawingml/2006/diagram"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def styles(*made: str) -> str:
    usual = '<w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/></w:style>'
    usual += '<w:style w:type="paragraph" w:styleId="Ttulo1"><w:name w:val="heading 1"/><w:pPr>'
    usual += '<w:outlineLvl w:val="0"/></w:pPr></w:style>'
    return usual + "".join(made)


def paragraph_style(name: str, properties: str, shown: str = "", based_on: str = "") -> str:
    base = f'<w:basedOn w:val="{based_on}"/>' if based_on else ""
    return (
        f'<w:style w:type="paragraph" w:styleId="{name}"><w:name w:val="{shown or name}"/>{base}'
        f"{properties}</w:style>"
    )


def level(number: int, form: str, text: str, more: str = "") -> str:
    return (
        f'<w:lvl w:ilvl="{number}"><w:start w:val="1"/><w:numFmt w:val="{form}"/>{more}'
        f'<w:lvlText w:val="{text}"/></w:lvl>'
    )


def numbering(*levels: str, numbers: str = '<w:num w:numId="1"><w:abstractNumId w:val="1"/></w:num>') -> str:
    return f'<w:abstractNum w:abstractNumId="1">{"".join(levels)}</w:abstractNum>{numbers}'


def in_list(level: int = 0, number: int = 1) -> str:
    return f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{number}"/></w:numPr>'


class TestUnseenText:
    WHITE = '<w:color w:val="FFFFFF"/>'

    def test_letters_in_the_colour_of_their_ground_are_left_out_and_said(self):
        black = '<w:color w:val="000000"/><w:highlight w:val="black"/>'
        found = processed(
            word_file(
                paragraph(
                    run("Preço: ") + run("sigiloso ", self.WHITE) + run("hoje", self.WHITE) + run(" fim.")
                )
                + paragraph(
                    run("CPF ") + run("111.222", black) + run("; pequeno ") + run("x y", '<w:sz w:val="1"/>')
                )
            )
        )
        assert build_markdown(found.document).text == "Preço:  fim.\n\nCPF ; pequeno"
        assert found.warnings == ["Hidden text was left out (3 passages): “sigiloso hoje”."]

    @pytest.mark.parametrize(
        "body",
        [
            paragraph(run("visto", WHITE + '<w:highlight w:val="blue"/>')),
            paragraph(run("visto", WHITE), '<w:shd w:val="clear" w:fill="1F3864"/>'),
            table(row(cell(paragraph(run("visto", WHITE)), '<w:shd w:val="clear" w:fill="1F3864"/>'))),
            table(row(cell(paragraph(run("visto", WHITE)), '<w:shd w:val="pct50" w:fill="auto"/>'))),
            paragraph(run("visto", WHITE) + '<w:r><w:pict><v:rect fillcolor="#000000"/></w:pict></w:r>'),
        ],
        ids=["highlight", "paragraph", "cell", "pattern", "shape"],
    )
    def test_white_letters_on_a_dark_or_an_unknown_ground_stay(self, body):
        found = processed(word_file(body))
        assert "visto" in build_markdown(found.document).text
        assert found.warnings == []


def test_objects_of_other_programs_are_named_and_attachments_are_not():
    shown = (
        '<w:r><w:object><o:OLEObject xmlns:o="urn:schemas-microsoft-com:office:office" {}/></w:object></w:r>'
    )
    body = paragraph(run("Custo: ") + shown.format('ProgID="Excel.Sheet.12" DrawAspect="Content"'))
    body += paragraph(shown.format('ProgID="Package" DrawAspect="Icon"')) + paragraph("Fim.")
    assert processed(word_file(body)).warnings == [
        "Embedded objects cannot be read and were left out: Excel.Sheet.12."
    ]


class TestRevisions:
    def test_a_deleted_paragraph_mark_joins_two_paragraphs_and_a_deleted_paragraph_is_gone(self):
        gone = '<w:rPr><w:del w:id="1"/></w:rPr>'
        deleted = "<w:del w:id='1'><w:r><w:delText>Revogado.</w:delText></w:r></w:del>"
        found = read(
            paragraph(run("O prazo é "), gone)
            + paragraph("de dez dias.")
            + paragraph(deleted, gone)
            + paragraph("Fim.")
        )
        assert found == "O prazo é de dez dias.\n\nFim."

    def test_former_properties_count_for_nothing(self):
        former = '<w:rPrChange w:id="1"><w:rPr><w:strike/><w:vanish/></w:rPr></w:rPrChange>'
        assert read(paragraph(run("Vale.", former))) == "Vale."

    def test_a_table_that_was_deleted_is_gone(self):
        gone = '<w:del w:id="2"/>'
        rows = row("a", "b", properties=gone), row("c", "d", properties=gone)
        assert read(table(*rows) + paragraph("Fim.")) == "Fim."

    def test_a_paragraph_of_a_cell_that_was_deleted_leaves_the_cell(self):
        deleted = "<w:del w:id='1'><w:r><w:delText>Antes.</w:delText></w:r></w:del>"
        emptied = cell(paragraph(deleted, '<w:rPr><w:del w:id="1"/></w:rPr>'))
        assert read(table(row("a", "b"), row(emptied, "c"))).splitlines()[2] == "|  | c |"

    def test_a_deleted_cell_and_a_deleted_row_are_gone(self):
        gone = '<w:cellDel w:id="1"/>'
        rows = [row("Etapa", "Prazo"), row("Análise", cell("30 dias", gone), "45 dias")]
        rows.append(row("Vistoria", "5 dias", properties='<w:del w:id="2"/>'))
        assert read(table(*rows)).splitlines()[2:] == ["| Análise | 45 dias |"]


class TestFields:
    @staticmethod
    def form(data: str, instruction: str, result: str = "") -> str:
        return (
            f'<w:r><w:fldChar w:fldCharType="begin"><w:ffData>{data}</w:ffData></w:fldChar></w:r>'
            f"<w:r><w:instrText> {instruction} </w:instrText></w:r>"
            f'<w:r><w:fldChar w:fldCharType="separate"/></w:r>{result}'
            '<w:r><w:fldChar w:fldCharType="end"/></w:r>'
        )

    @pytest.mark.parametrize(
        ("state", "sign"),
        [
            ("<w:default/><w:checked/>", "☑"),
            ('<w:default w:val="1"/>', "☑"),
            ('<w:default w:val="1"/><w:checked w:val="0"/>', "☐"),
            ("", "☐"),
        ],
    )
    def test_a_box_of_a_form_shows_its_state(self, state, sign):
        box = self.form(f"<w:checkBox>{state}</w:checkBox>", "FORMCHECKBOX")
        assert read(paragraph(box + run(" Deferido"))) == f"{sign} Deferido"

    def test_a_list_of_a_form_shows_the_chosen_entry(self):
        entries = '<w:listEntry w:val="Férias"/><w:listEntry w:val="Licença"/>'
        chosen = self.form(f'<w:ddList><w:result w:val="1"/>{entries}</w:ddList>', "FORMDROPDOWN")
        first = self.form(f"<w:ddList>{entries}</w:ddList>", "FORMDROPDOWN")
        assert read(paragraph(run("Tipo: ") + chosen)) == "Tipo: Licença"
        assert read(paragraph(run("Tipo: ") + first)) == "Tipo: Férias"

    def test_a_text_of_a_form_shows_what_was_typed(self):
        typed = self.form("<w:textInput/>", "FORMTEXT", run("Maria"))
        assert read(paragraph(run("Nome: ") + typed)) == "Nome: Maria"

    def test_a_button_and_a_symbol_show_what_stands_in_their_instruction(self):
        def bare(instruction: str) -> str:
            return (
                '<w:r><w:fldChar w:fldCharType="begin"/></w:r>'
                f"<w:r><w:instrText>{instruction}</w:instrText></w:r>"
                '<w:r><w:fldChar w:fldCharType="end"/></w:r>'
            )

        assert read(paragraph(bare("MACROBUTTON NoMacro Preencha"))) == "Preencha"
        assert read(paragraph(bare('SYMBOL 254 \\f "Wingdings"') + run(" Sim"))) == "☑ Sim"
        assert read(paragraph(run("Nada") + bare(' XE "índice" '))) == "Nada"

    @pytest.mark.parametrize(
        ("instruction", "shown"),
        [
            ('SYMBOL 254 \\f "Wingdings"', "☑"),
            ("SYMBOL 177", "±"),
            ("EQ \\f(1;2)", "1/2"),
            ("EQ \\f(a+b,c)", "(a+b)/c"),
            ("EQ \\r(3;x)", "3√x"),
            ("EQ x\\s\\up8(2)", "x2"),
            ("EQ \\b\\bc\\[(\\f(1;4))", "[1/4]"),
        ],
    )
    def test_a_field_without_a_stored_result_shows_what_its_instruction_draws(self, instruction, shown):
        begin, end = (f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>' for kind in ("begin", "end"))
        asked = f"<w:r><w:instrText>{instruction}</w:instrText></w:r>"
        middle = '<w:r><w:fldChar w:fldCharType="separate"/></w:r>'
        simple = "<w:fldSimple w:instr='{}'/>".format(instruction.replace("'", ""))
        assert read(paragraph(run("a ") + begin + asked + middle + end)) == f"a {shown}"
        assert read(paragraph(run("a ") + simple)) == f"a {shown}"
        stored = begin + asked + middle + run("resultado") + end
        assert read(paragraph(stored)) == "resultado"

    def test_a_field_that_never_ends_costs_no_text(self):
        begin = '<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText> REF a </w:instrText></w:r>'
        assert read(paragraph(begin + run("Texto.")) + paragraph("Outro.")) == "Texto.\n\nOutro."


class TestControls:
    def test_the_prompt_of_a_control_that_nobody_filled_in_is_no_text(self):
        prompt = "<w:sdt><w:sdtPr><w:showingPlcHdr/></w:sdtPr><w:sdtContent>{}</w:sdtContent></w:sdt>"
        line = paragraph(run("Nome: ") + prompt.format(run("Clique aqui")))
        cells = f"<w:tr>{cell('Nome')}{prompt.format(cell('Clique aqui'))}{cell('Maria')}</w:tr>"
        assert read(line) == "Nome:"
        assert "| Nome |  | Maria |" in read(table(row("a", "b", "c"), cells, columns=3))

    def test_a_control_without_content_is_nothing_and_an_empty_box_is_a_sign(self):
        box = "<w:sdt><w:sdtPr><w14:checkbox/></w:sdtPr><w:sdtContent></w:sdtContent></w:sdt>"
        assert read(paragraph(run("Nome") + "<w:sdt><w:sdtPr/></w:sdt>" + box)) == "Nome☐"

    def test_a_reading_above_a_text_stands_behind_it(self):
        ruby = "<w:r><w:ruby><w:rubyPr/><w:rt>{}</w:rt><w:rubyBase>{}</w:rubyBase></w:ruby></w:r>"
        assert read(paragraph(ruby.format(run("dê-é-efe"), run("PDF")))) == "PDF (dê-é-efe)"


class TestSigns:
    def test_signs_of_symbol_fonts_are_unicode_however_they_are_written(self):
        sign = '<w:r><w:sym w:font="Wingdings" w:char="F0FE"/></w:r>'
        private = run("\uf0b0", '<w:rFonts w:ascii="Symbol" w:hAnsi="Symbol"/>')
        letter = run("ü", '<w:rFonts w:ascii="Wingdings" w:hAnsi="Wingdings"/>')
        assert read(paragraph(sign + run(" Sim"))) == "☑ Sim"
        assert read(paragraph(run("40 ") + private + run("C"))) == "40 °C"
        assert read(paragraph(letter + run(" Conforme"))) == "✓ Conforme"

    def test_a_style_may_name_the_font(self):
        made = '<w:style w:type="character" w:styleId="S"><w:name w:val="S"/><w:rPr><w:rFonts '
        made += 'w:ascii="Symbol" w:hAnsi="Symbol"/></w:rPr></w:style>'
        assert (
            read(paragraph(run("x ") + run("\u00b3", '<w:rStyle w:val="S"/>')), styles=styles(made)) == "x ≥"
        )

    def test_an_unknown_sign_is_left_out_and_said(self):
        sign = '<w:r><w:sym w:font="Fonte da Casa" w:char="F041"/></w:r>'
        found = processed(word_file(paragraph(sign + run("Texto."))))
        assert found.document.texts[0].text == "Texto."
        assert found.warnings == ["Signs of these fonts cannot be read and were left out: Fonte da Casa."]

    def test_letters_of_other_fonts_stay(self):
        assert read(paragraph(run("ü é ß", '<w:rFonts w:ascii="Arial" w:hAnsi="Arial"/>'))) == "ü é ß"

    @pytest.mark.parametrize(("state", "sign"), [("1", "☑"), ("0", "☐")])
    def test_a_box_to_tick_is_a_sign_in_text_and_cell(self, state, sign):
        box = f'<w:sdt><w:sdtPr><w14:checkbox><w14:checked w14:val="{state}"/></w14:checkbox></w:sdtPr>'
        font = '<w:rFonts w:ascii="Wingdings"/>'
        box += f"<w:sdtContent>{run('x', font)}</w:sdtContent></w:sdt>"
        line = paragraph(box + run(" Servidor"))
        assert read(line) == f"{sign} Servidor"
        assert f"| {sign} Servidor | b |" in read(table(row("Opção", "Nota"), row(cell(line), "b")))


STRIKES = [
    paragraph_style("Revogado", "<w:rPr><w:strike/></w:rPr>"),
    paragraph_style("Filho", "", based_on="Revogado"),
    (
        '<w:style w:type="character" w:styleId="Riscado"><w:name w:val="Riscado"/>'
        "<w:rPr><w:strike/></w:rPr></w:style>"
    ),
]


class TestStruck:
    @pytest.mark.parametrize(
        "text",
        [
            paragraph(run("Prazo de dez dias.", "<w:strike/>")),
            paragraph(run("Prazo de dez dias.", "<w:dstrike/>")),
            paragraph(
                run("Prazo de ", "<w:strike/>")
                + run("dez", "<w:b/><w:strike/>")
                + run(" dias.", "<w:strike/>")
            ),
            paragraph("Prazo de dez dias.", style("Revogado")),
            paragraph("Prazo de dez dias.", style("Filho")),
            paragraph(run("Prazo de dez dias.", '<w:rStyle w:val="Riscado"/>')),
        ],
    )
    def test_struck_text_is_marked(self, text):
        assert read(text, styles=styles(*STRIKES)) == "~~Prazo de dez dias.~~"

    def test_the_marks_stand_at_the_words_and_in_cells_too(self):
        parts = run("Taxa: ") + run(" R$ 35,00 ", "<w:strike/>") + run("R$ 52,00")
        assert read(paragraph(parts)) == "Taxa:  ~~R$ 35,00~~ R$ 52,00"
        content = table(
            row("Taxa", "Valor"), row("Poda", cell(paragraph(run("35", "<w:strike/>") + run(" 52"))))
        )
        assert "| Poda | ~~35~~ 52 |" in read(content)

    def test_a_style_of_a_table_strikes_too(self):
        made = '<w:style w:type="table" w:styleId="T"><w:name w:val="T"/><w:rPr><w:strike/></w:rPr></w:style>'
        struck = table(row("Taxa", "Valor"), row("Poda", "35")).replace(
            "<w:tblPr/>", '<w:tblPr><w:tblStyle w:val="T"/></w:tblPr>'
        )
        assert "| ~~Poda~~ | ~~35~~ |" in read(struck, styles=styles(made))

    @pytest.mark.parametrize("text", ["Art. 5º “Texto” (Revogado pela Lei 5)", "O til ~ e o traço – ficam"])
    def test_words_on_revocation_and_signs_of_the_text_strike_nothing(self, text):
        assert read(paragraph(text), styles=styles(*STRIKES)) == text

    @pytest.mark.parametrize(
        "text",
        [
            paragraph(run("Vale.", '<w:strike w:val="0"/>')),
            paragraph(run("Vale.", '<w:strike w:val="false"/><w:u w:val="single"/>')),
            paragraph(run("Vale.", '<w:u w:val="double"/>')),
            paragraph(run("Vale.", '<w:strike w:val="0"/>'), style("Revogado")),
            paragraph(run("Vale.", '<w:rStyle w:val="Riscado"/>'), style("Revogado")),
        ],
    )
    def test_what_word_does_not_strike_is_not_marked(self, text):
        assert read(text, styles=styles(*STRIKES)) == "Vale."


class TestHidden:
    HIDING = paragraph_style("Oculto", "<w:rPr><w:vanish/></w:rPr>")

    def test_hidden_text_and_rows_are_left_out_and_counted(self):
        body = paragraph(run("Vale. ") + run("Nota do redator.", "<w:vanish/>"))
        body += paragraph("Segredo aqui.", style("Oculto"))
        body += table(row("a", "b"), row("c", "oculta", properties="<w:hidden/>"), row("d", "e"))
        found = processed(word_file(body, styles=styles(self.HIDING)))
        assert "redator" not in found.document.export_to_markdown()
        assert "Segredo" not in found.document.export_to_markdown()
        assert found.warnings == ["Hidden text was left out: 7 words that Word does not show."]

    def test_what_is_shown_after_all_stays(self):
        body = paragraph(run("Visível.", '<w:vanish w:val="0"/>'), style("Oculto"))
        body += paragraph(run("Também.", "<w:webHidden/>"))
        assert read(body, styles=styles(self.HIDING)) == "Visível.\n\nTambém."

    def test_comments_are_no_text(self):
        comment = f'<w:comment w:id="0" w:author="Ana">{paragraph("Revoga a Portaria 5.")}</w:comment>'
        marks = (
            '<w:commentRangeStart w:id="0"/>',
            '<w:commentRangeEnd w:id="0"/><w:r><w:commentReference w:id="0"/></w:r>',
        )
        found = processed(word_file(paragraph(marks[0] + run("Vale.") + marks[1]), comments=comment))
        assert [item.text for item in found.document.texts] == ["Vale."]


class TestWords:
    @pytest.mark.parametrize(
        ("parts", "shown"),
        [
            ((("contra", "<w:b/>"), ("cheque", "")), "contracheque"),
            ((("art. 5º (", ""), ("caput", "<w:i/>"), (")", "")), "art. 5º (caput)"),
            ((("D", "<w:b/>"), ("ecreto-", ""), ("L", "<w:b/>"), ("ei", "")), "Decreto-Lei"),
            ((("40 m", ""), ("2", '<w:vertAlign w:val="superscript"/>'), (" de", "")), "40 m2 de"),
            ((("Lei n", ""), ("o", '<w:vertAlign w:val="superscript"/>'), (" 8.112", "")), "Lei nº 8.112"),
            ((("a 1", ""), ("a", '<w:vertAlign w:val="superscript"/>'), (" via", "")), "a 1ª via"),
            ((("10", ""), ("6", '<w:vertAlign w:val="superscript"/>'), (" UFC", "")), "10⁶ UFC"),
            ((("valor de ", ""), ("R$ 50,00", "<w:b/>"), (".", "")), "valor de R$ 50,00."),
            ((("um ", ""), ("dois", "<w:b/>"), (" três", "")), "um dois três"),
        ],
    )
    def test_formats_invent_no_blanks(self, parts, shown):
        made = "".join(run(*part) for part in parts)
        assert read(paragraph(made)) == shown
        assert f"| {shown} |" in read(table(row("a", "b"), row("c", cell(paragraph(made)))))

    @pytest.mark.parametrize("place", ["drop", "margin"])
    @pytest.mark.parametrize(
        "between", ["", '<w:bookmarkStart w:id="1" w:name="a"/><w:bookmarkEnd w:id="1"/>']
    )
    def test_a_letter_set_large_over_several_lines_begins_its_word(self, place, between):
        frame = f'<w:keepNext/><w:framePr w:dropCap="{place}" w:lines="3" w:wrap="around"/>'
        initial = paragraph(run("E", '<w:b/><w:position w:val="-6"/><w:sz w:val="116"/>'), frame)
        found = read(initial + between + paragraph("ste guia orienta.", style("Corpo")) + paragraph("Fim."))
        assert found == "Este guia orienta.\n\nFim."

    def test_a_frame_without_a_drop_cap_is_a_paragraph(self):
        frames = ('<w:framePr w:w="2000" w:wrap="around"/>', '<w:framePr w:dropCap="none"/>')
        body = "".join(paragraph("Nota à margem", frame) + paragraph("Texto.") for frame in frames)
        assert read(body) == "Nota à margem\n\nTexto.\n\nNota à margem\n\nTexto."

    def test_a_drop_cap_with_nothing_behind_it_stays(self):
        frame = '<w:framePr w:dropCap="drop" w:lines="3"/>'
        assert read(paragraph("A", frame) + table(row("a", "b"))).startswith("A\n\n|")

    def test_lines_in_a_typewriter_face_have_the_words_of_the_file_only(self):
        face = '<w:rFonts w:ascii="Courier New" w:hAnsi="Courier New"/>'
        lines = ("def soma(a, b):", "    return a + b", "print(soma(1, 2))")
        found = read("".join(paragraph(run(line, face)) for line in lines))
        assert found.startswith("```\ndef soma")

    def test_a_format_of_whole_words_is_kept(self):
        found = processed(word_file(paragraph(run("um ") + run("dois", "<w:b/>") + run(" três"))))
        assert [item.formatting.bold for item in found.document.texts if item.formatting] == [
            False,
            True,
            False,
        ]

    def test_a_link_within_a_word_divides_nothing(self):
        link = '<w:hyperlink r:id="l1">' + run("manual") + "</w:hyperlink>"
        address = (
            f'<Relationship Id="l1" Type="{_OFFICE}/hyperlink" Target="https://a.b/" TargetMode="External"/>'
        )
        body = paragraph(run("Ver (") + link + run(") e ") + link + run("."))
        assert read(body, links=address) == "Ver (manual) e manual."

    def test_signs_that_are_marks_of_this_program_are_no_text(self):
        assert read(paragraph("\ufdd0Falso\ufdd1 \ufdd2texto.") + paragraph(run("a", "<w:strike/>"))) == (
            "Falso texto.\n\n~~a~~"
        )


class TestNumbers:
    def test_a_heading_has_the_number_of_its_style(self):
        heading = paragraph_style(
            "Cap", '<w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr>', "heading 2", "Ttulo1"
        )
        chapter = level(0, "upperRoman", "CAPÍTULO %1 –", '<w:pStyle w:val="Cap"/>')
        section = level(1, "decimal", "Seção %1.%2", "<w:isLgl/>")
        found = read(
            paragraph("Das férias", style("Cap")) + paragraph("Do gozo", style("Ttulo1") + in_list(1))
            + paragraph("Das licenças", style("Cap")),
            styles=styles(heading), numbering=numbering(chapter, section),
        )  # fmt: skip
        assert [line.lstrip("# ") for line in found.splitlines() if line] == [
            "CAPÍTULO I – Das férias", "Seção 1.1 Do gozo", "CAPÍTULO II – Das licenças",
        ]  # fmt: skip

    def test_articles_stand_as_text_with_their_number(self):
        articles = numbering(level(0, "decimal", "Art. %1."), level(1, "ordinal", "§ %2"))
        found = read(
            paragraph("O prazo corre.", in_list()) + paragraph("Suspende-se.", in_list(1))
            + paragraph("Texto.") + paragraph("Vale hoje.", in_list()) + paragraph("Em férias.", in_list(1)),
            numbering=articles,
        )  # fmt: skip
        assert found.split("\n\n") == [
            "Art. 1. O prazo corre.", "§ 1º Suspende-se.", "Texto.", "Art. 2. Vale hoje.", "§ 1º Em férias.",
        ]  # fmt: skip

    def test_a_list_goes_on_and_starts_anew_as_in_word(self):
        again = '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="1"/></w:lvlOverride>'
        fifth = '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="48"/></w:lvlOverride>'
        numbers = "".join(
            f'<w:num w:numId="{n}"><w:abstractNumId w:val="1"/>{o}</w:num>'
            for n, o in ((1, ""), (2, ""), (3, again), (4, fifth))
        )
        made = numbering(level(0, "lowerLetter", "%1)"), numbers=numbers)
        body = "".join(paragraph(f"item {n}", in_list(0, n)) for n in (1, 1, 2, 3, 3, 4))
        found = [line for line in read(body, numbering=made).splitlines() if line]
        assert found == ["a) item 1", "b) item 1", "c) item 2", "a) item 3", "b) item 3", "vv) item 4"]

    @pytest.mark.parametrize(
        ("restart", "last"),
        [("", "1)"), ('<w:lvlRestart w:val="0"/>', "3)"), ('<w:lvlRestart w:val="1"/>', "1)")],
    )
    def test_a_level_starts_anew_after_the_level_that_it_names(self, restart, last):
        made = numbering(level(0, "upperLetter", "%1."), level(1, "decimal", "%2)", restart))
        body = "".join(paragraph("x", in_list(n)) for n in (0, 1, 1, 0, 1))
        assert read(body, numbering=made).splitlines()[-1].split()[0] == last

    @pytest.mark.parametrize(
        ("form", "shown"),
        [
            ("decimal", "3"), ("decimalZero", "03"), ("upperRoman", "III"), ("lowerRoman", "iii"),
            ("upperLetter", "C"), ("lowerLetter", "c"), ("ordinal", "3º"), ("cardinalText", "Três"),
            ("ordinalText", "Terceiro"), ("numberInDash", "- 3 -"), ("decimalEnclosedCircle", "③"),
            ("chicago", "‡"), ("hindiNumbers", "3"),
        ],
    )  # fmt: skip
    def test_each_format_is_written_as_in_word(self, form, shown):
        body = "".join(paragraph("texto", in_list()) for _ in range(3))
        assert f"{shown}) texto" in read(body, numbering=numbering(level(0, form, "%1)")))

    def test_high_numbers_are_words_letters_and_zeros_as_in_word(self):
        written = {
            style: format_number(21, style, pattern="001, 002")
            for style in ("cardinalText", "ordinalText", "custom", "lowerLetter")
        }
        assert list(written.values()) == ["Vinte e um", "Vigésimo primeiro", "021", "u"]
        assert [format_number(n, "ordinal", "en") for n in (1, 12, 22)] == ["1st", "12th", "22nd"]
        assert format_number(3, "ordinal", "es") == "3.º"
        assert format_number(20, "cardinalText") == "Vinte"
        assert format_number(28, "lowerLetter") == "bb"

    def test_an_item_that_begins_in_another_format_has_its_number(self):
        item = run("Prazo: ", "<w:b/>") + run("dez dias")
        found = read(paragraph(item, in_list()), numbering=numbering(level(0, "lowerLetter", "%1)")))
        assert found == "a) Prazo: dez dias"

    def test_a_formula_may_be_an_item(self):
        formula = "<m:oMath><m:r><m:t>x</m:t></m:r></m:oMath>"
        found = read(paragraph(formula, in_list()), numbering=numbering(level(0, "decimal", "%1)")))
        assert found.startswith("1)")
        assert "x" in found

    def test_a_list_that_is_not_defined_is_none(self):
        assert read(paragraph("um", in_list(0, 7)), numbering=numbering(level(0, "decimal", "%1)"))) == "- um"

    def test_a_list_may_be_defined_by_a_style(self):
        linked = '<w:style w:type="numbering" w:styleId="Lista"><w:name w:val="Lista"/><w:pPr><w:numPr>'
        linked += '<w:numId w:val="2"/></w:numPr></w:pPr></w:style>'
        made = (
            '<w:abstractNum w:abstractNumId="1"><w:numStyleLink w:val="Lista"/></w:abstractNum>'
            f'<w:abstractNum w:abstractNumId="2"><w:styleLink w:val="Lista"/>{level(0, "upperRoman", "%1 -")}'
            '</w:abstractNum><w:num w:numId="1"><w:abstractNumId w:val="1"/></w:num>'
            '<w:num w:numId="2"><w:abstractNumId w:val="2"/></w:num>'
        )
        assert read(paragraph("item", in_list()), styles=styles(linked), numbering=made) == "I - item"

    def test_numbers_in_cells_and_bullets_in_cells_are_text(self):
        made = numbering(
            level(0, "decimal", "%1."),
            numbers='<w:num w:numId="1"><w:abstractNumId w:val="1"/></w:num><w:num w:numId="2">'
            '<w:abstractNumId w:val="2"/></w:num><w:abstractNum w:abstractNumId="2">'
            f"{level(0, 'bullet', '·')}</w:abstractNum>",
        )
        items = cell(paragraph("um", in_list()) + paragraph("dois", in_list()))
        dots = cell(paragraph("três", in_list(0, 2)))
        assert "| 1. um 2. dois | • três |" in read(table(row("a", "b"), row(items, dots)), numbering=made)

    def test_numbers_typed_by_hand_and_a_style_without_number_stay(self):
        heading = paragraph_style(
            "Cap", '<w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr>', "heading 2"
        )
        body = paragraph("Art. 7º Vale.") + paragraph(
            "Anexo", style("Cap") + '<w:numPr><w:numId w:val="0"/></w:numPr>'
        )
        found = read(body, styles=styles(heading), numbering=numbering(level(0, "decimal", "%1.")))
        assert [line.lstrip("# ") for line in found.splitlines() if line] == ["Art. 7º Vale.", "Anexo"]

    def test_bullets_stay_a_list(self):
        made = numbering(level(0, "bullet", "·"), level(1, "bullet", "o"))
        body = paragraph("três cotações", in_list()) + paragraph("com CNPJ", in_list(1))
        assert read(body, numbering=made) == "- três cotações\n    - com CNPJ"


class TestTables:
    MERGE, MERGED = '<w:vMerge w:val="restart"/>', "<w:vMerge/>"

    def test_a_label_stands_in_each_row_that_it_spans(self):
        content = table(
            row("Unidade", "Saldo"),
            row(cell("Norte", self.MERGE), "10"),
            row(cell("", self.MERGED), "20"),
            row("Sul", "30"),
        )
        assert read(content).splitlines()[2:] == ["| Norte | 10 |", "| Norte | 20 |", "| Sul | 30 |"]

    def test_a_long_text_that_spans_rows_stands_once(self):
        text = "palavra " * 40
        content = table(row("a", "b"), row(cell(text, self.MERGE), "10"), row(cell("", self.MERGED), "20"))
        assert read(content).count("palavra") == 40

    def test_two_header_rows_are_one_by_their_marks_or_their_shape(self):
        head = [
            row(cell("Unidade", self.MERGE), cell("Semestre", '<w:gridSpan w:val="2"/>')),
            row(cell("", self.MERGED), "Previsto", "Pago"),
        ]
        marked = [one.replace("<w:tr>", "<w:tr><w:trPr><w:tblHeader/></w:trPr>") for one in head]
        for rows in (head, marked):
            found = read(table(*rows, row("Norte", "1", "2"), columns=3)).splitlines()
            assert found[0] == "| Unidade | Semestre Previsto | Semestre Pago |"
            assert found[2:] == ["| Norte | 1 | 2 |"]

    def test_a_first_row_that_spans_all_is_no_group_of_columns(self):
        rows = [
            row(cell("Saldos de 2024", '<w:gridSpan w:val="2"/>')),
            row("Unidade", "Saldo"),
            row("Sul", "3"),
        ]
        assert read(table(*rows)).splitlines()[-1] == "| Sul | 3 |"

    def test_a_table_in_a_cell_is_text_of_the_cell(self):
        inner = table(row("Parcela", "Data"), row("1ª", "10/03"))
        outer = table(
            row("Convênio", "Detalhe"), row("CV-07", cell(paragraph("Assim:") + inner + paragraph("Fim.")))
        )
        assert "| CV-07 | Assim: Parcela – Data; 1ª – 10/03; Fim. |" in read(outer)

    def test_a_frame_is_no_table(self):
        inner = table(row("a", "b"), row("c", "d"))
        frame = table(row(cell(paragraph("Objeto", style("Ttulo1")) + inner + "<w:p/>")), columns=1)
        assert read(frame, styles=styles()) == "## Objeto\n\n| a | b |\n|---|---|\n| c | d |"
        listed = table(row(cell(paragraph("um", in_list()) + paragraph("dois", in_list()))), columns=1)
        made = numbering(level(0, "lowerLetter", "%1)"))
        assert read(listed, numbering=made) == "a) um\nb) dois"

    def test_cells_beyond_the_grid_arrive(self):
        assert "| c | d | e |" in read(table(row("a", "b"), row("c", "d", "e"), columns=1))

    def test_a_table_without_a_grid_arrives(self):
        bare = (
            table(row("a", "b"), row("c", "d")).replace("<w:tblGrid>", "<!--").replace("</w:tblGrid>", "-->")
        )
        assert "| c | d |" in read(bare)


class TestNotes:
    @staticmethod
    def mark(kind: str, number: int, more: str = "") -> str:
        raised = '<w:rPr><w:vertAlign w:val="superscript"/></w:rPr>'
        return f'<w:r>{raised}<w:{kind}Reference w:id="{number}"{more}/></w:r>'

    @staticmethod
    def note(kind: str, number: int, *texts: str) -> str:
        paragraphs = "".join(paragraph(f"<w:r><w:{kind}Ref/></w:r>" + run(f" {text}")) for text in texts)
        return f'<w:{kind} w:id="{number}">{paragraphs}</w:{kind}>'

    def test_a_note_stands_behind_the_paragraph_of_its_mark(self):
        body = paragraph("Jornada", style("Ttulo1"))
        body += paragraph(
            run("São oito horas") + self.mark("footnote", 2) + run(" por dia") + self.mark("endnote", 2)
        )
        body += paragraph("Diárias", style("Ttulo1")) + paragraph(
            run("R$ 320") + self.mark("footnote", 3) + run(".")
        )
        found = processed(
            word_file(
                body, styles=styles(),
                footnotes='<w:footnote w:type="separator" w:id="0"><w:p/></w:footnote>'
                + self.note("footnote", 2, "Exceto idosos.", "Com laudo.")
                + self.note("footnote", 3, "Pelo IPCA."),
                endnotes=self.note("endnote", 2, "Ver parecer."),
            )
        )  # fmt: skip
        assert [item.text for item in found.document.texts] == [
            "Jornada", "São oito horas[^1] por dia[^i]", "[^1]: Exceto idosos.", "Com laudo.",
            "[^i]: Ver parecer.", "Diárias", "R$ 320[^2].", "[^2]: Pelo IPCA.",
        ]  # fmt: skip
        notes = [item.text for item in found.document.texts if item.label == DocItemLabel.FOOTNOTE]
        assert len(notes) == 4

    def test_a_note_to_a_cell_stands_behind_the_table_and_a_mark_of_ones_own_is_kept(self):
        marked = cell(paragraph(run("10") + self.mark("footnote", 1)))
        found = read(table(row("a", "b"), row("c", marked)), footnotes=self.note("footnote", 1, "Estimado."))
        assert found.endswith("| c | 10[^1] |\n\n[^1]: Estimado.")
        own = '<w:r><w:footnoteReference w:id="1" w:customMarkFollows="1"/><w:t>*</w:t></w:r>'
        found = read(paragraph(run("Valor") + own), footnotes=self.note("footnote", 1, "Estimado."))
        assert found == "Valor*\n\n[^*]: Estimado."

    def test_a_table_in_a_note_is_text(self):
        inside = f'<w:footnote w:id="1">{table(row("ano", "2024"), row("valor", "10"))}</w:footnote>'
        found = read(paragraph(run("Ver") + self.mark("footnote", 1)), footnotes=inside)
        assert found == "Ver[^1]\n\n[^1]: ano – 2024\n\nvalor – 10"

    def test_the_blank_behind_the_mark_in_a_note_goes(self):
        tabbed = "<w:r><w:footnoteRef/></w:r><w:r><w:tab/></w:r>" + run(" ") + run(" Estimado.")
        inside = f'<w:footnote w:id="1">{paragraph(tabbed)}</w:footnote>'
        found = read(paragraph(run("Valor") + self.mark("footnote", 1)), footnotes=inside)
        assert found == "Valor[^1]\n\n[^1]: Estimado."

    def test_a_note_without_a_mark_is_not_shown(self):
        assert read(paragraph("Texto."), footnotes=self.note("footnote", 1, "Perdida.")) == "Texto."

    def test_notes_count_in_the_format_of_the_section(self):
        section = '<w:sectPr><w:footnotePr><w:numFmt w:val="chicago"/></w:footnotePr></w:sectPr>'
        body = paragraph(run("Valor") + self.mark("footnote", 1)) + section
        assert read(body, footnotes=self.note("footnote", 1, "Estimado.")) == "Valor[^*]\n\n[^*]: Estimado."


class TestPageEdges:
    SECTION = '<w:sectPr><w:headerReference w:type="default" r:id="header"/><w:footerReference '
    SECTION += 'w:type="default" r:id="footer"/>{}</w:sectPr>'

    def test_one_copy_of_each_line_stands_first_and_page_numbers_nowhere(self):
        header = table(row("IN-047", "Revisão 6")) + paragraph("Uso interno")
        pages = '<w:fldSimple w:instr=" PAGE ">' + run("1") + "</w:fldSimple>"
        footer = paragraph(run("Página ") + pages + run(" de 9")) + paragraph("Uso interno")
        found = processed(
            word_file(paragraph("Texto.") + self.SECTION.format(""), header=header, footer=footer)
        )  # fmt: skip
        assert [(item.text, item.label.value) for item in found.document.texts] == [
            ("IN-047 – Revisão 6", "page_header"), ("Uso interno", "page_header"), ("Texto.", "text"),
        ]  # fmt: skip

    def test_numbers_of_pages_go_whatever_field_they_are(self):
        def number(name):
            marks = [
                f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>' for kind in ("begin", "separate", "end")
            ]
            said = f"<w:r><w:instrText> {name} </w:instrText></w:r>"
            return marks[0] + said + marks[1] + run("7") + marks[2]

        header = paragraph(run("IN-047 ") + number("PAGE")) + paragraph("Manual  de compras")
        footer = paragraph(run("Fl. ") + number("PAGE") + run(" de ") + number("NUMPAGES"))
        body = paragraph("Texto.") + paragraph(run("Na página ") + number("PAGE"))
        found = read(body + self.SECTION.format(""), header=header, footer=footer)
        assert found.split("\n\n") == ["IN-047", "Manual de compras", "Texto.", "Na página 7"]

    def test_only_what_word_shows_is_copied(self):
        first = '<w:headerReference w:type="first" r:id="header2"/>'
        first += '<w:headerReference w:type="even" r:id="header3"/>'
        parts = {"header": paragraph("Geral"), "footer": "<w:p/>"}
        parts |= {"header2": paragraph("Capa"), "header3": paragraph("Pares")}
        assert read(paragraph("Texto.") + self.SECTION.format(first), **parts) == "Geral\n\nTexto."
        shown = self.SECTION.format(first + "<w:titlePg/>")
        both = read(paragraph("Texto.") + shown, **parts, settings="<w:evenAndOddHeaders/>")
        assert both.split("\n\n") == ["Geral", "Capa", "Pares", "Texto."]

    def test_a_watermark_is_no_text_but_is_said(self):
        shape = '<w:r><w:pict><v:shape id="PowerPlusWaterMarkObject1"><v:textpath string="MINUTA"/>'
        shape += "</v:shape></w:pict></w:r>"
        content = word_file(
            paragraph("Texto.") + self.SECTION.format(""), header=paragraph(shape), footer="<w:p/>"
        )
        found = processed(content)
        assert (found.watermark, [item.text for item in found.document.texts]) == ("MINUTA", ["Texto."])
        assert found.warnings == ['The pages carry the watermark "MINUTA": a draft may have slipped in.']


class TestDrawings:
    @staticmethod
    def picture(described: str) -> str:
        return (
            f'<w:r><w:drawing><wp:inline><wp:docPr id="1" name="Imagem 1" {described}/><a:graphic>'
            '<a:graphicData><pic:pic><pic:blipFill><a:blip r:embed="p1"/></pic:blipFill></pic:pic>'
            "</a:graphicData></a:graphic></wp:inline></w:drawing></w:r>"
        )

    @pytest.mark.parametrize(
        ("described", "shown"),
        [
            ('descr="Planta com saída a leste"', "Planta com saída a leste\n\n"),
            ('descr="C:\\fotos\\planta.png"', ""),
            (
                'descr="Uma imagem contendo mapa&#10;&#10;Descrição gerada automaticamente"',
                "Uma imagem contendo mapa\n\n",
            ),
            ("", ""),
        ],
    )
    def test_the_words_for_a_picture_are_text(self, described, shown):
        body = paragraph(run("Veja:") + self.picture(described)) + paragraph("Fim.")
        assert read(body) == f"Veja:\n\n{shown}Fim."

    def test_a_decoration_has_no_words(self):
        described = 'descr="Faixa azul no topo"><a:decorative val="1"/></wp:docPr><a:x'
        assert read(paragraph(run("Texto.") + self.picture(described))) == "Texto."

    def test_texts_of_shapes_and_word_art_arrive(self):
        shape = (
            "<w:r><w:drawing><a:txBody><a:p><a:r><a:t>No balão</a:t></a:r></a:p></a:txBody></w:drawing></w:r>"
        )
        art = '<w:r><w:pict><v:shape id="x"><v:textpath string="Em arco"/></v:shape></w:pict></w:r>'
        assert read(paragraph(run("Antes.") + shape + art)) == "Antes.\n\nNo balão\n\nEm arco"

    def test_of_two_forms_the_one_that_word_shows_is_read(self):
        forms = '<w:r><mc:AlternateContent><mc:Choice Requires="{}"><w:t>Mostrado.</w:t></mc:Choice>'
        forms += "<mc:Fallback><w:t>De reserva.</w:t></mc:Fallback></mc:AlternateContent></w:r>"
        assert read(paragraph(forms.format("wps"))) == "Mostrado."
        assert read(paragraph(forms.format("desconhecido"))) == "De reserva."

    def test_the_texts_of_smart_art_arrive(self):
        art = '<w:r><w:drawing><wp:inline><wp:docPr id="1" name="d"/><a:graphic><a:graphicData '
        art += f'uri="{_DIAGRAM}"><dgm:relIds r:dm="d1"/></a:graphicData></a:graphic></wp:inline>'
        art += "</w:drawing></w:r>"
        data = f'<dgm:dataModel xmlns:dgm="{_DIAGRAM}" xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main">'
        data += "<dgm:ptLst>" + "".join(
            f"<dgm:pt><dgm:t><a:p><a:r><a:t>{text}</a:t></a:r></a:p></dgm:t></dgm:pt>"
            for text in ("Diretoria", "Divisão")
        )
        link = f'<Relationship Id="d1" Type="{_OFFICE}/diagramData" Target="diagrams/data1.xml"/>'
        files = {"word/diagrams/data1.xml": f"{data}</dgm:ptLst></dgm:dataModel>".encode()}
        assert read(paragraph(art), links=link, files=files) == "Diretoria\n\nDivisão"


class TestImports:
    @staticmethod
    def imported(name: str, data: bytes) -> str:
        link = f'<Relationship Id="i1" Type="{_OFFICE}/aFChunk" Target="{name}"/>'
        body = paragraph("Segue:") + '<w:altChunk r:id="i1"/>' + paragraph("Fim.")
        return processed(word_file(body, links=link, files={f"word/{name}": data}))

    def test_html_is_taken_in_with_its_tables(self):
        page = "<html><head><title>x</title><style>p{}</style></head><body><p>Foram <b>412</b> chamados.<br>"
        page += "Dois <s>graves</s></p><table><tr><th>Mês</th><th>N</th></tr><tr><td><p>Maio</p></td>"
        page += "<td>9</td></tr></table>"
        found = self.imported("a.html", page.encode()).document.export_to_markdown()
        assert found.index("Segue:") < found.index("Foram 412 chamados.") < found.index("Dois ~~graves~~")
        assert found.index("graves") < found.index("Maio") < found.index("Fim.")
        assert "p{}" not in found

    def test_mail_archives_and_plain_text_are_taken_in(self):
        archive = b"MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Do arquivo.</p>"
        assert "Do arquivo." in self.imported("a.mht", archive).document.export_to_markdown()
        assert "Do texto." in self.imported("a.txt", b"Do texto.").document.export_to_markdown()

    def test_what_cannot_be_read_is_named(self):
        found = self.imported("a.rtf", b"{\\rtf1 x}")
        assert found.warnings == ["Imported parts cannot be read and were left out: word/a.rtf."]


class TestTitles:
    def test_the_title_style_of_any_language_gives_the_title(self):
        made = paragraph_style("Ttulo", "", "Title")
        found = processed(
            word_file(paragraph("Plano Diretor", style("Ttulo")) + paragraph("a"), styles=styles(made))
        )
        assert found.document.texts[0].label == DocItemLabel.TITLE
        assert found.title == "Plano Diretor"

    def test_the_heading_of_a_contents_list_is_no_heading(self):
        made = paragraph_style("CabealhodoSumrio", "", "TOC Heading", "Ttulo1")
        gallery = '<w:docPartObj><w:docPartGallery w:val="Table of Contents"/></w:docPartObj>'
        block = f"<w:sdt><w:sdtPr>{gallery}</w:sdtPr><w:sdtContent>{paragraph('Sumário', style('Ttulo1'))}"
        body = f"{block}{paragraph('Objeto 1')}</w:sdtContent></w:sdt>"
        body += paragraph("Índice", style("CabealhodoSumrio")) + paragraph("Plano Diretor", style("Ttulo1"))
        found = processed(word_file(body, styles=styles(made)))
        assert found.title == "Plano Diretor"
        assert "Sumário" in found.document.export_to_markdown()


class TestPackage:
    def test_a_plain_file_is_not_touched(self):
        document = docx.Document()
        document.add_heading("Título", 1)
        document.add_paragraph("Texto comum.").add_run(" em negrito").bold = True
        document.add_table(2, 2).cell(1, 1).text = "valor"
        stream = io.BytesIO()
        document.save(stream)
        content = stream.getvalue()
        assert make_plain(content).content is content

    def test_a_strict_package_is_read_like_any_other(self):
        content = word_file(paragraph(run("R$ 35", "<w:strike/>") + run(" R$ 52")), numbering=numbering())
        stream = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(content)) as former, zipfile.ZipFile(stream, "w") as made:
            for name in former.namelist():
                data = former.read(name).replace(
                    b"http://schemas.openxmlformats.org/officeDocument/2006/",
                    b"http://purl.oclc.org/ooxml/officeDocument/",
                )
                data = data.replace(b"http://schemas.openxmlformats.org/wordprocessingml/2006/main",
                                    b"http://purl.oclc.org/ooxml/wordprocessingml/main")  # fmt: skip
                made.writestr(name, data)
        assert processed(stream.getvalue()).document.texts[0].text == "~~R$ 35~~ R$ 52"

    @pytest.mark.parametrize("content", [b"PK\x03\x04 no archive", word_file("<w:p><w:r>")])
    def test_a_broken_package_comes_back_as_it_is(self, content):
        assert make_plain(content).content is content

    def test_the_prefix_of_the_namespace_counts_for_nothing(self):
        content = word_file(paragraph(run("R$ 35", "<w:strike/>") + run(" R$ 52")) + paragraph("Fim."))
        stream = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(content)) as former, zipfile.ZipFile(stream, "w") as made:
            for name in former.namelist():
                data = former.read(name)
                for before, after in (
                    (b"<w:", b"<ns0:"),
                    (b"</w:", b"</ns0:"),
                    (b" w:", b" ns0:"),
                    (b":w=", b":ns0="),
                ):
                    data = data.replace(before, after)
                made.writestr(name, data)
        found = processed(stream.getvalue()).document.texts
        assert [item.text for item in found] == ["~~R$ 35~~ R$ 52", "Fim."]

    def test_remarks_of_programs_between_the_elements_are_no_text(self):
        remark = "<!-- de outro programa --><?mso aviso?>"
        text = f"<w:r><w:t>con{remark}trato</w:t></w:r>{remark}"
        body = f"{remark}{paragraph(text)}{remark}{table(row('a', 'b'), remark, row('c', 'd'))}"
        assert read(body) == "contrato\n\n| a | b |\n|---|---|\n| c | d |"

    def test_the_main_part_is_found_by_its_type_whatever_its_name(self):
        content = word_file(paragraph(run("R$ 35", "<w:strike/>") + run(" R$ 52")))
        stream = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(content)) as former, zipfile.ZipFile(stream, "w") as made:
            for name in former.namelist():
                data = former.read(name).replace(b"word/document.xml", b"word/document2.xml")
                made.writestr(name.replace("/document.xml", "/document2.xml"), data)
        found = processed(stream.getvalue())
        assert found.file_format == "docx"
        assert found.document.texts[0].text == "~~R$ 35~~ R$ 52"

    def test_equal_files_are_made_plain_equally(self):
        content = word_file(paragraph(run("a", "<w:strike/>")))
        assert make_plain(content) == make_plain(content)
