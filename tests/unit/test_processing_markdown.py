"""Markdown and HTML are read as their reader sees them: every word, nothing hidden, no blank invented."""

import random
import re

import pytest
from docling_core.types.doc import DocItemLabel, ListItem, SectionHeaderItem, TitleItem

from stagekit.chunking.markdown import build_markdown
from stagekit.errors import DocumentRejected
from stagekit.processing.text.html_document import read_html
from stagekit.processing.text.markdown_html import markdown_to_html


def shown(text: str) -> str:
    return build_markdown(read_html(markdown_to_html(text)).document).text


def page(html: str) -> str:
    return build_markdown(read_html(html).document).text


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


class TestFormattedText:
    @pytest.mark.parametrize(
        ("written", "read"),
        [
            ("o contra**cheque** de *ontem*", "o contracheque de ontem"),
            ("prazo de {- dez -}{+ quinze +} dias", "prazo de ~~dez~~ quinze dias"),
            ("[- no balcão -] [+ pela internet +]", "~~no balcão~~ pela internet"),
            ("~R$ 30,00~ R$ 50,00", "~~R$ 30,00~~ R$ 50,00"),
            (
                "de ~10 a ~20; ~/a e ~/b; CO~2~; `{- x -}`; [-1, 1]",
                "de ~10 a ~20; ~/a e ~/b; CO2; {- x -}; [-1, 1]",
            ),
            ("- [~] tarefa **posta** de lado", "- ~~tarefa posta de lado~~"),
            ('(*caput*), (**anexo II**) e "*in verbis*"', '(caput), (anexo II) e "in verbis"'),
            ("até **R$ 800**,00 e **10**º", "até R$ 800,00 e 10º"),
            ("50 m<sup>2</sup>, CO<sub>2</sub>, n<sup>o</sup> 8", "50 m2, CO2, nº 8"),
            ("são 10<sup>3</sup> e 2<sup>-1</sup>", "são 10³ e 2⁻¹"),
            ("Art. 1<sup><u>o</u></sup>, 2<sup>a</sup> via, caf<sup>a</sup>", "Art. 1º, 2ª via, cafa"),
            ("um <u>pré-</u>**seleção**", "um pré-seleção"),
            ("ver [a *norma*](https://exemplo.gov.br).", "ver a norma."),
            ("[o modelo](data:application/pdf;base64,AAAA)", "o modelo"),
            ("rode `x --y` hoje", "rode x --y hoje"),
            ("são ~~10~~ 15 dias", "são ~~10~~ 15 dias"),
            ("são <del>10</del><s> dias</s>, <strike>úteis</strike>", "são ~~10 dias~~, ~~úteis~~"),
            ("~~**Art. 4º** É *exigido*.~~", "~~Art. 4º É exigido.~~"),
            ("a<br>b", "a\nb"),
            ("a  \nb\\\nc", "a\nb\nc"),
            ("regula\u00admen\u200btação", "regulamentação"),
            ("visto <!-- não publicar --> assinado", "visto assinado"),
            ("[[Norma 3|a norma]], [[Horários]]", "a norma, Horários"),
        ],
    )
    def test_is_joined_as_its_source_has_it(self, written, read):
        assert shown(written) == read

    @pytest.mark.parametrize(
        "text",
        [
            "a pasta ~/pasta~ e o arquivo a_b_c.txt",
            "são 2 * 3 * 4 e x < y e z > 1",
            "encaminhe a <NOME DO SETOR> em <PRAZO> dias, até <DATA>",
            "custa R$ 10 e não R$ 20",
            "a lista [1] e o vetor v[i]",
            "o total (100%) é de 3/4",
            "use a @ b & c",
        ],
    )
    def test_what_only_looks_like_formatting_stays(self, text):
        assert shown(text) == text

    def test_an_address_between_angles_is_text(self):
        assert shown("escreva a <a@b.gov.br>") == "escreva a a@b.gov.br"

    def test_code_keeps_its_signs(self):
        code = "<NOME> - [ ] x ~~y~~ **z**\n  a_b <b>c</b>"
        assert shown(f"```\n{code}\n```") == f"```\n{code}\n```"


class TestBlocks:
    def test_a_note_stands_in_the_section_of_its_mark(self):
        text = (
            "# T\n\n## Prazo\n\nÉ de 30 dias[^1], salvo exceção.[^b]\n\n## Fim\n\nTexto.\n\n"
            "[^1]: Prorrogável.\n[^b]: Nota\n    longa.\n\n    Segundo parágrafo.\n"
        )
        read = shown(text)
        assert "30 dias[^1], salvo exceção.[^2]\n\n[^1]: Prorrogável.\n\n[^2]: Nota longa.\n\nSegundo" in read
        assert read.index("Segundo parágrafo.") < read.index("## Fim")

    def test_a_note_within_its_line_and_one_without_a_mark_are_kept(self):
        read = shown("É de dez dias.^[dias úteis]\n\nFim.\n\n[^x]: Sem marca.\n")
        assert read.startswith("É de dez dias.[^1]\n\n[^1]: dias úteis\n\nFim.")
        assert read.endswith("[^x]: Sem marca.")

    def test_a_note_in_a_cell_stands_behind_its_table(self):
        read = shown("| A | B |\n|---|---|\n| um[^1] | dois |\n\nFim.\n\n[^1]: Vide anexo.\n")
        assert "| um[^1] | dois |\n\n[^1]: Vide anexo.\n\nFim." in read

    def test_boxes_show_whether_they_are_ticked(self):
        assert shown("- [x] Aprovado\n- [ ] Reprovado") == "- ☑ Aprovado\n- ☐ Reprovado"

    def test_numbers_of_lists_are_those_that_are_shown(self):
        assert shown("5. a\n6. b\n\n3) c\n4) d") == "5. a\n6. b\n\n3) c\n4) d"
        assert shown("10\\. à mão") == "10. à mão"

    def test_what_stands_below_a_list_item_stays_with_it(self):
        read = shown(
            "1. um\n\n   segundo parágrafo\n\n   | A | B |\n   |---|---|\n   | x | y |\n\n"
            "2. dois:\n   - sub\n\n     ```\n     código\n     ```\n"
        )
        assert re.sub(r"\s+", " ", read) == (
            "1. um segundo parágrafo | A | B | |---|---| | x | y | 2. dois: - sub ``` código ```"
        )

    def test_clauses_keep_their_lines_and_other_lines_flow(self):
        text = "Art. 1º O uso depende\nde reserva:\nI - audiências;\na) ensino médio;\n§ 1º Sem ônus."
        assert shown(text).split("\n") == [
            "Art. 1º O uso depende de reserva:", "I - audiências;", "a) ensino médio;", "§ 1º Sem ônus.",
        ]  # fmt: skip

    def test_headings_with_formatting_and_underlined_ones_are_headings(self):
        document = read_html(markdown_to_html("Norma *X*\n=====\n\nPrazo de `N`\n-----\n\nTexto.\n")).document
        found = [(type(item), item.text) for item in document.texts[:2]]
        assert found == [(TitleItem, "Norma X"), (SectionHeaderItem, "Prazo de N")]

    def test_of_several_headings_of_the_first_level_each_is_a_section(self):
        document = read_html(markdown_to_html("# A\n\nx\n\n# B\n\ny\n\n## C\n")).document
        found = [(item.text, item.level) for item in document.texts if isinstance(item, SectionHeaderItem)]
        assert found == [("A", 1), ("B", 1), ("C", 2)]

    def test_alerts_admonitions_details_and_definitions_are_text(self):
        text = (
            '> [!WARNING]\n> Não sai.\n\n> [!tip] Dica\n> Leia.\n\n!!! note "Atenção"\n    Fecha.\n\n'
            "<details>\n<summary>Quem</summary>\n\nQualquer pessoa.\n\n</details>\n\nPrazo\n: dez dias\n"
        )
        assert words(shown(text)) == words(
            "Warning Não sai. Tip: Dica Leia. Atenção Fecha. Quem Qualquer pessoa. Prazo dez dias"
        )

    def test_examples_are_numbered_through_and_named_by_their_number(self):
        text = "(@) Um.\n(@bom) Dois,\nque segue.\n\nVeja (@bom), @bom, não `@bom` nem a@b.org.\n\n(@) Três."
        read = ["(1) Um.", "(2) Dois, que segue.", "Veja (2), 2, não @bom nem a@b.org.", "(3) Três."]
        assert shown(text).split("\n\n") == read

    def test_a_title_block_names_the_document(self):
        read = read_html(
            markdown_to_html("% Guia do uso\n  da sala\n% Ana; Rui\n% 3 de maio\n\nTexto.")
        ).document
        assert [item.text for item in read.texts] == [
            "Guia do uso da sala",
            "Ana; Rui",
            "3 de maio",
            "Texto.",
        ]
        assert isinstance(read.texts[0], TitleItem)
        assert shown("% do valor total\nsegue aqui") == "% do valor total segue aqui"

    def test_divisions_verses_and_raised_digits_are_text(self):
        text = (
            "::: {.nota}\nÁrea de 10 m^2^ e CO~2~.\n:::\n\n:::tip[Dica]\nLeia.\n:::\n\n| Um\n| Dois\n\n"
            "```\n::: nada\n```"
        )
        assert words(shown(text)) == words("Área de 10 m2 e CO2. Dica Leia. Um Dois nada")
        assert "Um\nDois" in shown(text)
        assert shown("a^b^c e ~cinco~") == "a^b^c e ~cinco~"

    def test_a_word_that_a_line_end_divides_is_one(self):
        text = (
            "O ar-\ncondicionado da presi-\ndência foi con-\nsertado, pré-\ne pós-uso, e o SIGA-\nSEI também."
        )
        assert shown(text) == (
            "O ar-condicionado da presidência foi consertado, pré- e pós-uso, e o SIGA-SEI também."
        )

    def test_pictures_do_not_part_a_sentence(self):
        assert shown("O selo ![do órgão](a.png) vale.") == "O selo vale.\n\ndo órgão"

    def test_a_formula_of_its_own_is_one(self):
        assert shown("$$\na_i * b_i\n$$") == "$$a_i * b_i$$"

    def test_nesting_without_end_is_refused_in_words(self):
        with pytest.raises(DocumentRejected, match="nested too deeply"):
            markdown_to_html(">" * 5000 + " fundo")


class TestPages:
    def test_struck_text_is_marked_however_it_is_struck(self):
        read = page(
            "<style>.rev{text-decoration:line-through} li > .x{text-decoration-line:line-through}</style>"
            "<p><strike>A tarifa.</strike></p><del><p>Meia.</p></del><p class=rev>Velho.</p>"
            '<p><span style="text-decoration: line-through red">Um</span> dois</p><p><u>Três</u></p>'
            "<ul><li><i class=x>q</i> r</li></ul>"
            "<table><tr><th>A</th></tr><tr><td><s>b</s> c</td></tr></table>"
        )
        for marked in ("~~A tarifa.~~", "~~Meia.~~", "~~Velho.~~", "~~Um~~ dois", "- ~~q~~ r", "| ~~b~~ c |"):
            assert marked in read
        assert "Três" in read
        assert "~~Três~~" not in read

    @pytest.mark.parametrize(
        "hiding",
        [
            "<dialog>X</dialog>",
            "<p hidden>X</p>",
            '<p style="display:none">X</p>',
            '<p style="visibility: hidden">X</p>',
            '<div style="opacity:0"><p>X</p></div>',
            '<p style="font-size:0px">X</p>',
            '<p style="position:absolute; left:-9999px">X</p>',
            '<p style="color:#fff">X</p>',
            '<font color="white">X</font>',
            '<p style="color:rgb(0,0,0); background:#000">X</p>',
            '<p class="h b">X</p>',
            '<p id="i">X</p>',
            "<details hidden><p>X</p></details>",
            "<ul><li hidden>X</li></ul>",
            '<table><tr><th>A</th><th style="display:none">X</th></tr><tr><td>b</td></tr></table>',
            "<table><tr><th>A</th></tr><tr hidden><td>X</td></tr></table>",
            '<h2 style="display:none">X</h2>',
            "<pre hidden>X</pre>",
        ],
    )
    def test_what_no_reader_sees_is_left_out_and_said(self, hiding):
        styles = (
            "<style>@media screen { .h.b { display: none } } body #i { display: none !important }</style>"
        )
        reading = read_html(f"{styles}<p>Antes.</p>{hiding}<p>Depois.</p>")
        assert reading.hidden == ["X"]
        read = build_markdown(reading.document).text
        assert "X" not in read
        assert "Antes." in read
        assert "Depois." in read

    @pytest.mark.parametrize(
        "seen",
        [
            '<div style="background:#003366"><p style="color:#fff">X</p></div>',
            '<td bgcolor="navy"><font color="white">X</font></td>',
            '<div style="background:url(a.png)"><p style="color:white">X</p></div>',
            '<p class="p">X</p>',
            '<p class="n">X</p>',
            '<div style="visibility:hidden"><p style="visibility:visible">X</p></div>',
            '<p class="off" style="display:block">X</p>',
            "<dialog open>X</dialog>",
            '<p aria-hidden="true">X</p>',
            "<nav>X</nav>",
            "<footer>X</footer>",
        ],
    )
    def test_what_a_reader_sees_stays(self, seen):
        styles = (
            "<style>@media print { .p { display: none } } @media (max-width: 9px) { .n { display: none } }"
            " .off { display: none } .p:hover { display: none }</style>"
        )
        reading = read_html(f"{styles}{seen}")
        assert "X" in build_markdown(reading.document).text
        assert reading.hidden == []

    def test_text_before_the_first_heading_is_text(self):
        assert page("<p>Antes.</p><h1>Lei</h1><p>Depois.</p>") == "Antes.\n\n# Lei\n\nDepois."

    def test_lists_are_numbered_as_shown(self):
        assert page('<ol type="a" start="3"><li>x</li><li>y</li></ol>') == "c. x\nd. y"
        assert page("<ol type=I><li>x<li value=9>y</ol>") == "I. x\nIX. y"
        assert page("<ol reversed><li>x</li><li>y</li></ol>") == "2. x\n1. y"
        assert page("<ol style='list-style-type:lower-roman'><li>x</ol>") == "i. x"
        assert page("<ol style='list-style:none'><li>1º x</ol>") == "- 1º x"

    @pytest.mark.parametrize(
        "menu",
        [
            '<ol class="breadcrumb"><li><a href="/">Início</a></li><li><a href="/n">Normas</a></li></ol>',
            "<nav><ul><li><a href='/'>Início</a></li><li><a href='/n'>Normas</a></li></ul></nav>",
            "<ol><li><a href='/'>Início</a></li><li><a href='/n'>Normas</a></li></ol>",
        ],
    )
    def test_a_menu_or_trail_is_one_line_and_no_list_of_the_document(self, menu):
        read = page(f"{menu}<h1>Lei</h1><p>Texto.</p>")
        assert read == "Início · Normas\n\n# Lei\n\nTexto."

    @pytest.mark.parametrize(
        "content",
        [
            '<h1>Lei</h1><ol><li><a href="/">Um</a></li><li><a href="/n">Dois</a></li></ol>',
            '<h1>Lei</h1><ol class="menu"><li>Um</li><li>Dois</li></ol>',
            '<ol><li><a href="/">Um</a></li><li><a href="/n">Dois</a></li></ol>',
        ],
        ids=["links in the text", "a list without links", "a page of links"],
    )
    def test_a_list_of_the_text_is_no_menu(self, content):
        assert page(content).endswith("1. Um\n2. Dois")

    def test_a_label_that_spans_stands_in_each_row_and_column(self):
        read = page(
            "<table><thead><tr><th rowspan=2>Linha<th colspan=2>Horário<tr><th>Início<th>Fim</thead>"
            "<tr><td rowspan=2>101<td>5h<td>23h<tr><td>6h<td>22h</table>"
        )
        assert read.split("\n") == [
            "| Linha | Horário Início | Horário Fim |", "|---|---|---|", "| 101 | 5h | 23h |",
            "| 101 | 6h | 22h |",
        ]  # fmt: skip

    def test_a_table_that_only_arranges_the_page_is_no_table(self):
        read = page("<table><tr><td><h2>Lei</h2><p>Texto.</p><td><table><tr><th>A<tr><td>b</table></table>")
        assert read == "## Lei\n\nTexto.\n\n| A |\n|---|\n| b |"

    def test_notes_of_a_page_made_by_word_stand_at_their_place(self):
        read = page(
            '<p>O prazo<a href="#_ftn1" name="_ftnref1"><sup>[1]</sup></a> corre.</p>'
            "<h2>Fim</h2><p>Texto.</p>"
            '<div id="ftn1"><p><a href="#_ftnref1" name="_ftn1">[1]</a> Em dias úteis.</p></div>'
        )
        assert read.startswith("O prazo[^1] corre.\n\n[^1]: Em dias úteis.\n\n##")

    def test_a_contents_list_is_no_list_of_notes(self):
        read = page(
            '<ul><li><a id="t1" href="#s1">1</a> Objeto</li></ul><h2 id="s1"><a href="#t1">Objeto</a></h2>'
            "<p>Texto."
        )
        assert read == "- 1 Objeto\n\n## Objeto\n\nTexto."

    def test_forms_show_what_was_entered(self):
        read = page(
            "<form><label>Nome <input value='Fulana'></label><input type=hidden value=q><input type=checkbox "
            "checked> Sim <input type=radio> Não <select><option>A<option selected>B</select></form>"
        )
        assert read == "Nome Fulana ☑ Sim ☐ Não B"

    def test_scripts_and_remarks_are_no_text(self):
        assert (
            page("<p>a</p><script>x()</script><noscript>n</noscript><!-- c --><template>t</template>") == "a"
        )

    def test_nesting_without_end_is_refused_in_words(self):
        for deep in ("<div>" * 900, "<ul><li>" * 4000):
            with pytest.raises(DocumentRejected, match="nested too deeply"):
                read_html(deep + "x")


class Written:
    """Writes Markdown of random constructs, each with words of its own."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.words: list[str] = []
        self.notes: list[str] = []

    def word(self) -> str:
        word = f"palavra{len(self.words)}ção"
        self.words.append(word)
        return word

    def inline(self, depth: int = 2) -> str:
        if depth == 0:
            return self.word()
        forms = ["{}", "**{}**", "*{}*", "~~{}~~", "<u>{}</u>", "<mark>{}</mark>", "[{}](https://x.gov.br)",
                 "<sup>{}</sup>", "x({})", "“{}”", "{}<br>{}", "{} {}", "<span>{}</span>"]  # fmt: skip
        form = self.random.choice(forms)
        return form.format(*(self.inline(depth - 1) for _ in range(form.count("{}"))))

    def note(self, _: int) -> str:
        self.notes.append(f"[^n{len(self.notes)}]: {self.word()}")
        return f"{self.word()}[^n{len(self.notes) - 1}]"

    def block(self, depth: int) -> str:
        kinds = ["paragraph", "heading", "code", "table", "box", "note", "html", "html_table"]
        kinds += ["list", "quote", "ordered", "details"] if depth else []
        return getattr(self, self.random.choice(kinds))(depth)

    def paragraph(self, _: int) -> str:
        return f"{self.word()} {self.inline()} {self.inline()}"

    def heading(self, _: int) -> str:
        return f"{'#' * self.random.randint(1, 4)} {self.word()} {self.inline(1).replace('<br>', ' ')}"

    def code(self, _: int) -> str:
        return f"```python\n{self.word()}\n  {self.word()}\n```"

    def table(self, _: int) -> str:
        rows = [f"| {self.word()} | {self.inline(1)} |" for _ in range(3)]
        return "\n".join([rows[0], "|---|:-:|", *rows[1:]])

    def box(self, _: int) -> str:
        return f"- [x] {self.word()}\n- [ ] {self.inline(1)}"

    def html(self, _: int) -> str:
        terms = f"<dl><dt>{self.word()}</dt><dd>{self.word()}</dd></dl>"
        return f"<div><p>{self.word()}</p>{terms}{self.word()}</div>"

    def html_table(self, _: int) -> str:
        cells = f"<td>{self.word()}<ul><li>{self.word()}</li></ul></td><td>{self.word()}</td>"
        return f"<table><tr><th>{self.word()}</th><th>{self.word()}</th></tr><tr>{cells}</tr></table>"

    def quote(self, depth: int) -> str:
        return self._indented("> ", "> ", depth)

    def list(self, depth: int) -> str:
        return f"- {self.word()}\n\n{self._indented('  ', '  ', depth)}\n\n- {self.word()}"

    def ordered(self, depth: int) -> str:
        return f"3. {self.word()}\n\n{self._indented('   ', '   ', depth)}\n\n4. {self.word()}"

    def details(self, depth: int) -> str:
        return f"<details>\n<summary>{self.word()}</summary>\n\n{self.block(depth - 1)}\n\n</details>"

    def _indented(self, first: str, others: str, depth: int) -> str:
        lines = "\n\n".join(self.block(depth - 1) for _ in range(2)).split("\n")
        return "\n".join((first if at == 0 else others) + line for at, line in enumerate(lines))

    def text(self) -> str:
        blocks = [self.block(3) for _ in range(6)]
        return "\n\n".join([*blocks, self.word(), *self.notes]) + "\n"


@pytest.mark.parametrize("seed", range(60))
def test_every_word_of_whatever_markdown_arrives_once_and_whole(seed):
    written = Written(seed)
    read = shown(written.text())
    found = re.findall(r"palavra\d+ção", read)
    assert sorted(found) == sorted(written.words), written.text()
    assert not re.search(r"palavra\d+ção\s+\S{0,3}ção", read)


def test_items_and_labels_are_those_of_docling():
    document = read_html(
        markdown_to_html("- a\n\n```bash\nls\n```\n\n![x](y.png)\n\n**Só negrito**\n")
    ).document
    assert [type(item) for item in document.texts if isinstance(item, ListItem)] == [ListItem]
    assert document.texts[1].code_language.value == "Bash"
    assert document.pictures[0].captions[0].resolve(document).label == DocItemLabel.CAPTION
    assert document.texts[-1].formatting.bold
