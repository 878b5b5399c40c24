"""Words of a PDF page come out whole, struck where a line goes through them, and nowhere else."""

import random
from typing import ClassVar

import pytest
from docling_core.types.doc import DocItemLabel, DoclingDocument, TableCell, TableData

from stagekit.processing.pdf.words.carried_signs import write_signs
from tests.unit.parsed_pages import ParsedPage
from tests.unit.processing_pdfs import SENTENCES, pdf
from tests.unit.written_pdfs import WrittenPdf, line


def struck_words(text):
    return text.split("~~")[1::2]


class TestStruckWords:
    @pytest.mark.parametrize("seed", range(6))
    @pytest.mark.parametrize("how", ["line", "rectangle", "two lines", "word by word"])
    def test_words_with_a_line_through_their_middle_are_struck(self, seed, how):
        chance = random.Random(seed)
        font, size = chance.choice(["Helvetica", "Times-Roman", "Courier"]), chance.choice([9, 11, 14])
        words = SENTENCES[seed][:60].split()
        first = chance.randint(0, len(words) - 2)
        last = chance.randint(first, len(words) - 1)

        def draw(page):
            def width(text):
                return page.stringWidth(text, font, size)

            def strike(left, right):
                if how == "rectangle":
                    page.rect(left, 700 + 0.22 * size, right - left, 0.8, stroke=0, fill=1)
                    return
                for height in (0.18, 0.3) if how == "two lines" else (0.25,):
                    page.line(left, 700 + height * size, right, 700 + height * size)

            page.setFont(font, size)
            page.setLineWidth(0.6)
            page.drawString(60, 700, " ".join(words))
            page.drawString(60, 680, "Esta linha fica como está.")
            starts = [60 + width(" ".join([*words[:index], ""])) for index in range(len(words))]
            if how == "word by word":
                for index in range(first, last + 1):
                    strike(starts[index], starts[index] + width(words[index]))
            else:
                strike(starts[first], starts[last] + width(words[last]))
            page.showPage()

        page = ParsedPage(pdf(draw))
        assert struck_words(page.text) == [" ".join(words[first : last + 1])]
        assert [word for word in page.words if "~~" in word] == [f"~~{w}~~" for w in words[first : last + 1]]

    @pytest.mark.parametrize("font", ["Helvetica", "Times-Roman"])
    @pytest.mark.parametrize(("before", "struck", "behind"), [("", "dez", "quinze"), ("trinta", "dias", "")])
    def test_what_stands_right_beside_struck_letters_is_not_struck(self, font, before, struck, behind):
        def draw(page):
            page.setFont(font, 12)
            page.drawString(60, 700, f"prazo {before}{struck}{behind} corridos")
            left = 60 + page.stringWidth(f"prazo {before}", font, 12)
            page.line(left, 703, left + page.stringWidth(struck, font, 12), 703)
            page.showPage()

        page = ParsedPage(pdf(draw))
        assert page.text == f"prazo {before}~~{struck}~~{behind} corridos"
        assert f"{before}~~{struck}~~{behind}" in page.words

    LOOK_ALIKES: ClassVar = {
        "underlined": lambda page, right: page.line(60, 698, right, 698),
        "underlined twice": lambda page, right: (
            page.line(60, 698, right, 698),
            page.line(60, 696.5, right, 696.5),
        ),
        "overlined": lambda page, right: page.line(60, 709.5, right, 709.5),
        "a rule between rows": lambda page, right: page.line(40, 692, right + 400, 692),
        "a rule across the page": lambda page, right: page.line(20, 703, right + 390, 703),
        "a box around it": lambda page, right: page.rect(56, 696, right - 52, 14),
        "a highlighter": lambda page, right: (
            page.setFillColorRGB(1, 1, 0),
            page.rect(60, 698, right - 60, 10, stroke=0, fill=1),
            page.setFillGray(0),
            page.drawString(60, 700, "O prazo é de dez dias."),
        ),
        "a line up the page": lambda page, right: page.line(right - 30, 600, right - 30, 760),
    }

    @pytest.mark.parametrize("kind", LOOK_ALIKES)
    def test_other_lines_strike_nothing(self, kind):
        def draw(page):
            page.setFont("Helvetica", 11)
            page.setLineWidth(0.6)
            page.drawString(60, 700, "O prazo é de dez dias.")
            self.LOOK_ALIKES[kind](page, 60 + page.stringWidth("O prazo é de dez dias.", "Helvetica", 11))
            page.showPage()

        page = ParsedPage(pdf(draw))
        assert "O prazo é de dez dias." in page.text
        assert "~~" not in page.text

    def test_a_strike_out_annotation_strikes_what_it_lies_on(self):
        written = WrittenPdf()
        note = written.add(
            b"<< /Type /Annot /Subtype /StrikeOut /Rect [60 697 200 711] /F 4 /C [1 0 0] "
            b"/QuadPoints [60 711 113 711 60 697 113 697] >>"
        )
        written.page(
            line("Dez reais por folha", 60, 700) + line("e nada mais", 60, 680), f"/Annots [{note} 0 R]"
        )
        assert ParsedPage(written.bytes()).text.splitlines()[0] == "~~Dez reais~~ por folha"

    def test_neighbouring_struck_words_are_one_passage_in_texts_and_table_cells(self):
        document = DoclingDocument(name="d")
        document.add_text(label=DocItemLabel.TEXT, text="custa ~~R$~~ ~~40,00~~ ou ~~menos\u2767~~")
        cell = TableCell(
            text="~~dez~~ ~~dias~~", start_row_offset_idx=0, end_row_offset_idx=1, start_col_offset_idx=0,
            end_col_offset_idx=1,
        )  # fmt: skip
        document.add_table(data=TableData(num_rows=1, num_cols=1, table_cells=[cell]))
        write_signs(document)
        assert document.texts[0].text == "custa ~~R$ 40,00~~ ou ~~menos ☑ ~~"
        assert document.tables[0].data.table_cells[0].text == "~~dez dias~~"


class TestRaisedLetters:
    @staticmethod
    def page(parts):
        """A line of pieces: text, or (text, rise) in smaller letters."""

        def draw(page):
            text = page.beginText(60, 700)
            for part in parts:
                letters, rise = part if isinstance(part, tuple) else (part, 0)
                text.setFont("Helvetica", 7 if rise else 11)
                text.setRise(rise)
                text.textOut(letters)
            page.drawText(text)
            page.drawString(60, 680, "Outra linha, sem nada de especial.")
            page.showPage()

        return ParsedPage(pdf(draw))

    CASES: ClassVar = {
        "ordinals": (
            ["Lei n", ("o", 4), " 8.112, art. 5", ("o", 4), ", a 1", ("a", 4), " via."],
            "Lei no 8.112, art. 5o, a 1a via.",
        ),
        "units": (["sala de 50 m", ("2", 4), " e 3 km", ("2", 4), "."], "sala de 50 m2 e 3 km2."),
        "lowered": (["emite CO", ("2", -2), " demais"], "emite CO2 demais"),
        "a note": (["conforme o setor", ("1", 4), ". Segue"], "conforme o setor[1]. Segue"),
        "two words": (["uma ", ("nota", 0.01), " menor"], "uma nota menor"),
    }

    @pytest.mark.parametrize("kind", CASES)
    def test_they_are_part_of_their_word(self, kind):
        parts, expected = self.CASES[kind]
        page = self.page(parts)
        assert page.text.splitlines()[0] == expected
        assert page.words[: len(expected.split())] == expected.split()

    def test_words_of_one_size_keep_their_blanks(self):
        def draw(page):
            for index, sentence in enumerate(SENTENCES):
                page.setFont("Times-Roman", 8 + index)
                page.drawString(40, 780 - 30 * index, sentence[:60])
            page.showPage()

        assert ParsedPage(pdf(draw)).text.splitlines() == [sentence[:60].strip() for sentence in SENTENCES]


def test_a_label_in_bold_and_its_value_are_one_line_and_far_words_are_not():
    def draw(page):
        page.setFont("Helvetica-Bold", 11)
        page.drawString(60, 700, "Nome:")
        page.drawString(60, 660, "Prazo:")
        page.setFont("Helvetica", 11)
        page.drawString(64 + page.stringWidth("Nome:", "Helvetica-Bold", 11), 700, "Maria da Silva")
        page.drawString(300, 660, "dez dias")
        page.showPage()

    lines = ParsedPage(pdf(draw)).text.splitlines()
    assert "Nome: Maria da Silva" in lines
    assert {"Prazo:", "dez dias"} <= set(lines)
