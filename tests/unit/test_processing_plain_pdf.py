"""A PDF says what it shows: watermarks apart, form values in place, and letters as they are on paper."""

import random
from typing import ClassVar

import pytest

from stagekit.processing.pdf.file import inspect_pdf
from stagekit.processing.pdf.words.carried_signs import written_out
from tests.unit.parsed_pages import ParsedPage
from tests.unit.processing_pdfs import SENTENCES, pdf
from tests.unit.written_pdfs import FONT_OBJECT, WrittenPdf, line


def pages_of(content, **options):
    found = inspect_pdf(content, 10, **options)
    return [" ".join(text.split()) for text in found.page_texts], found


def written_in(written, lines, **options):
    return "".join(line(text, 60, 760 - 20 * index, **options) for index, text in enumerate(lines))


class TestWatermarks:
    @staticmethod
    def document(draw, pages=3):
        def every_page(page):
            for number in range(pages):
                for index, sentence in enumerate(SENTENCES):
                    page.drawString(60, 780 - 40 * index, f"{sentence[:70]} {number}.")
                page.saveState()
                draw(page)
                page.restoreState()
                page.showPage()

        return pdf(every_page)

    @pytest.mark.parametrize("seed", range(3))
    @pytest.mark.parametrize("word", ["MINUTA", "RASCUNHO", "CÓPIA NÃO CONTROLADA", "DRAFT"])
    def test_a_slanted_or_pale_word_across_the_pages_is_named_and_not_read(self, word, seed):
        chance = random.Random(seed)
        slanted, grey = chance.random() < 0.5, chance.choice([0.6, 0.75, 0.9])

        def draw(page):
            page.setFont("Helvetica-Bold", chance.randint(36, 48))
            page.translate(200, chance.randint(480, 560))
            page.rotate(chance.choice([30, 45, 60]) if slanted else 0)
            page.setFillGray(grey)
            page.drawString(0, 0, word)

        chance_state = chance.getstate()

        def same_place(page):
            chance.setstate(chance_state)
            draw(page)

        texts, found = pages_of(self.document(same_place))
        assert found.watermark == word
        assert not any(word in text for text in texts)
        assert all(sentence[:60] in text for text in texts for sentence in SENTENCES)
        (note,) = found.notes
        assert note.startswith(f'Pages 1-3: watermark "{word}"')
        assert ("a draft may have slipped in" in note) == (word != "CÓPIA NÃO CONTROLADA")

    def test_a_word_in_single_letters_and_sheer_ink_is_one_word(self):
        def draw(page):
            page.setFont("Helvetica", 60)
            page.setFillAlpha(0.2)
            for index, letter in enumerate("MINUTA"):
                page.drawString(100 + 70 * index, 500, letter)

        assert pages_of(self.document(draw))[1].watermark in ("MINUTA", "M I N U T A")

    LOOK_ALIKES: ClassVar = {
        "a big title": lambda page: (page.setFont("Helvetica", 40), page.drawString(60, 805, "RELATÓRIO")),
        "a grey title at the top": lambda page: (
            page.setFont("Helvetica", 30),
            page.setFillGray(0.5),
            page.drawString(60, 806, "PREFEITURA"),
        ),
        "a small slanted label": lambda page: (
            page.setFont("Helvetica", 9),
            page.translate(300, 300),
            page.rotate(45),
            page.drawString(0, 0, "janeiro"),
        ),
        "a word up the side": lambda page: (
            page.setFont("Helvetica", 30),
            page.translate(585, 200),
            page.rotate(90),
            page.drawString(0, 0, "ANEXO II"),
        ),
    }

    @pytest.mark.parametrize("kind", LOOK_ALIKES)
    def test_a_title_or_an_inscription_is_no_watermark(self, kind):
        texts, found = pages_of(self.document(self.LOOK_ALIKES[kind]))
        assert found.watermark is None
        assert found.notes == []
        assert len(texts) == 3

    @pytest.mark.parametrize("grey", [0.0, 0.2, 0.4])
    def test_a_white_title_in_a_dark_bar_is_no_watermark(self, grey):
        def draw(page):
            page.setFillGray(grey)
            page.rect(40, 300, 500, 60, stroke=0, fill=1)
            page.setFillGray(1)
            page.setFont("Helvetica-Bold", 34)
            page.drawString(60, 318, "Boletim")
            page.setFont("Helvetica", 20)
            page.drawString(150, 318, "n. 7")

        texts, found = pages_of(self.document(draw))
        assert found.watermark is None
        assert all("Boletim" in text for text in texts)

    def test_a_pale_word_on_a_tinted_page_is_a_watermark_all_the_same(self):
        def draw(page):
            page.setFillGray(0.95)
            page.rect(0, 380, 595, 90, stroke=0, fill=1)
            page.setFillGray(0.7)
            page.setFont("Helvetica-Bold", 48)
            page.drawString(120, 400, "MINUTA")

        assert pages_of(self.document(draw))[1].watermark == "MINUTA"

    @pytest.mark.parametrize("in_form", [True, False])
    def test_lines_that_go_on_from_one_stream_of_the_page_into_the_next_stay(self, in_form):
        written = WrittenPdf()
        mark = "0.7 g " + line("MINUTA", 0, 0, 48) + "0 g\n"
        font = f"/Resources << /Font << /F {written.font} 0 R >> >>"
        form = written.stream(mark, f"/Type /XObject /Subtype /Form /BBox [0 0 400 60] {font}")
        written.resource("XObject", "M", form)
        said = [f"artigo {number} da norma em vigor" for number in range(12)]
        lines = [f"0 -20 Td ({text}) Tj\n" for text in said]
        for _ in range(2):
            first = f"q 1 0 0 1 120 400 cm {'/M Do' if in_form else mark} Q BT /F 11 Tf 60 760 Td\n"
            written.page([first + "".join(lines[:5]), "".join(lines[5:9]), "".join(lines[9:]) + "ET"])
        texts, found = pages_of(written.bytes(), ask_pictures=False)
        assert found.watermark == "MINUTA"
        assert texts == [" ".join(said)] * 2

    def test_a_pale_title_that_stands_once_is_no_watermark(self):
        def draw(page):
            if page.getPageNumber() == 1:
                page.setFont("Helvetica", 40)
                page.setFillGray(0.6)
                page.drawString(60, 300, "Plano Diretor")

        texts, found = pages_of(self.document(draw))
        assert found.watermark is None
        assert "Plano Diretor" in texts[0]


class TestForms:
    @staticmethod
    def filled(values, ticked, gap):
        """A form whose fields stand at some distance behind their labels."""

        def draw(page):
            form = page.acroForm
            page.setFont("Helvetica", 11)
            for index, (label, value) in enumerate(values.items()):
                page.drawString(60, 700 - 40 * index, label)
                form.textfield(
                    name=label, value=value, x=60 + gap, y=694 - 40 * index, width=180, height=20, fontSize=11
                )
            for index, (label, state) in enumerate(ticked.items()):
                form.checkbox(name=label, checked=state, x=60 + 150 * index, y=400, size=14)
                page.drawString(82 + 150 * index, 403, label)
            page.drawString(60, 300, SENTENCES[0][:80])
            page.showPage()

        return pdf(draw)

    @pytest.mark.parametrize("gap", [120, 200, 260])
    def test_values_and_boxes_stand_beside_their_labels(self, gap):
        values = {"Nome completo:": "João da Conceição", "Valor pedido:": "R$ 1.234,50", "Ramal:": ""}
        (text,), found = pages_of(self.filled(values, {"Concorda": True, "Discorda": False}, gap))
        lines = {written_out(shown) for shown in ParsedPage(found.rewritten).text.splitlines()}
        assert {"Nome completo: João da Conceição", "Valor pedido: R$ 1.234,50", "Ramal:"} <= lines
        assert {"☑ Concorda", "☐ Discorda"} <= lines
        assert SENTENCES[0][:80] in text
        assert found.notes == []

    def test_a_hidden_field_and_a_hidden_value_are_not_read(self):
        def draw(page):
            page.setFont("Helvetica", 11)
            page.drawString(60, 700, "Nome:")
            page.acroForm.textfield(
                name="a", value="valor escondido", x=200, y=694, fieldFlags="", annotationFlags="hidden"
            )
            page.drawString(60, 650, "Obs.:")
            page.showPage()

        (text,), _ = pages_of(pdf(draw))
        assert "escondido" not in text
        assert "Nome:" in text

    def test_a_text_box_is_read_and_what_only_lies_above_the_page_changes_nothing(self):
        written = WrittenPdf()
        look = written.stream(
            line("Deferido pela chefia", 2, 4, 10),
            "/Type /XObject /Subtype /Form /BBox [0 0 200 20] "
            f"/Resources << /Font << /F {written.font} 0 R >> >>",
        )
        box = written.add(
            f"<< /Type /Annot /Subtype /FreeText /Rect [60 400 260 420] /F 4 /AP << /N {look} 0 R >> "
            "/DA (/F 10 Tf) /Contents (Deferido pela chefia) >>".encode()
        )
        link = written.add(
            b"<< /Type /Annot /Subtype /Link /Rect [60 500 260 520] /A << /S /URI /URI (http://a.org) >> >>"
        )
        written.page(line("um parecer sobre o pedido", 60, 700), f"/Annots [{box} 0 R]")
        written.page(line("uma folha com um atalho", 60, 700), f"/Annots [{link} 0 R]")
        texts, found = pages_of(written.bytes())
        assert texts == ["um parecer sobre o pedido Deferido pela chefia", "uma folha com um atalho"]
        assert found.rewritten is not None

    def test_what_a_stamp_says_is_kept_apart_from_the_text_it_lies_on(self):
        written = WrittenPdf()
        look = written.stream(
            line("RASCUNHO", 4, 8, 20) + line("em 3 de maio", 4, 1, 6),
            "/Type /XObject /Subtype /Form /BBox [0 0 200 30] "
            f"/Resources << /Font << /F {written.font} 0 R >> >>",
        )
        stamp = written.add(
            f"<< /Type /Annot /Subtype /Stamp /Rect [60 690 260 720] /F 4 /AP << /N {look} 0 R >> >>".encode()
        )
        written.page(line("um parecer sobre o pedido de diárias", 60, 700), f"/Annots [{stamp} 0 R]")
        texts, found = pages_of(written.bytes())
        assert texts == ["um parecer sobre o pedido de diárias"]
        assert [(one.page, one.text) for one in found.stamps] == [(1, "RASCUNHO em 3 de maio")]
        assert found.notes == ['Page 1: stamp "RASCUNHO em 3 de maio": a draft may have slipped in.']


def with_map(shift, base="Helvetica"):
    """A page whose letters mean the letter some places further on."""
    written = WrittenPdf()
    rows = "\n".join(
        f"<{code:02x}> <{(code - first + shift) % 26 + first:04x}>"
        for first in (0x41, 0x61)
        for code in range(first, first + 26)
    )
    table = (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def\n"
        "1 begincodespacerange <00> <ff> endcodespacerange\n"
        f"52 beginbfchar\n{rows}\nendbfchar\n1 beginbfchar <20> <0020> endbfchar\n"
        "endcmap CMapName currentdict /CMap defineresource pop end end"
    )
    font = FONT_OBJECT.replace(b"Helvetica", base.encode())
    entry = f"/ToUnicode {written.stream(table)} 0 R >>".encode()
    written.resource("Font", "F", written.add(font.removesuffix(b">>") + entry))
    plain = [s[:70].translate(str.maketrans("áàãâéêíóõôúç", "aaaaeeiooouc")) for s in SENTENCES]
    written.page(written_in(written, plain))
    return written.bytes()


class TestLettersThatLie:
    @pytest.mark.parametrize("shift", [3, 11])
    def test_a_page_with_other_letters_than_on_paper_is_left_to_ocr(self, shift):
        texts, found = pages_of(with_map(shift))
        assert texts == [""]
        assert found.notes == ["Page 1: the text layer says other words than the page shows, so OCR read it."]

    def test_without_ocr_the_page_is_marked_as_doubtful(self):
        texts, found = pages_of(with_map(3), ask_pictures=False)
        assert texts != [""]
        assert found.notes[0].startswith("Page 1: the text may be wrong")

    @pytest.mark.parametrize("base", ["Helvetica", "Times-Roman", "Courier", "Helvetica-Bold"])
    def test_an_honest_map_is_believed(self, base):
        texts, found = pages_of(with_map(0, base))
        assert "A ouvidoria recebe manifestacoes" in texts[0]
        assert found.notes == []

    def test_a_listing_in_a_font_of_equal_widths_is_no_lie(self):
        def draw(page):
            page.setFont("Courier", 10)
            for index in range(20):
                page.drawString(
                    60, 780 - 14 * index, f"mkdir -p /srv/http/wwwdt{index} && chmod rwxrw wrk.sh"
                )
            page.showPage()

        texts, found = pages_of(pdf(draw))
        assert "mkdir -p" in texts[0]
        assert found.notes == []


class TestDrawnBoxes:
    """Boxes to tick that are lines on the page, as browsers and form programs draw them."""

    @staticmethod
    def lines(draw):
        def page_of(page):
            page.setFont("Helvetica", 11)
            draw(page)

        return [written_out(line) for line in ParsedPage(pdf(page_of)).text.splitlines()]

    @staticmethod
    def cross(page, x, y, side):
        page.line(x, y, x + side, y + side)
        page.line(x, y + side, x + side, y)

    @staticmethod
    def hook(page, x, y, side):
        page.lines(
            [
                (x + 0.2 * side, y + 0.5 * side, x + 0.45 * side, y + 0.2 * side),
                (x + 0.45 * side, y + 0.2 * side, x + 0.8 * side, y + 0.8 * side),
            ]
        )

    @staticmethod
    def letter(page, x, y, side):
        page.drawCentredString(x + side / 2, y + 0.15 * side, "X")

    @pytest.mark.parametrize("mark", ["cross", "hook", "letter"])
    @pytest.mark.parametrize(("side", "radius"), [(8, 0), (11, 2), (14, 0)])
    def test_what_is_ticked_and_what_is_not_is_read(self, mark, side, radius):
        labels = (("Abono de dez dias", True), ("Parcelamento", False), ("Adiantamento", True))

        def draw(page):
            for index, (label, ticked) in enumerate(labels):
                x, y = 60, 760 - 24 * index
                page.roundRect(x, y, side, side, radius) if radius else page.rect(x, y, side, side)
                if ticked:
                    getattr(self, mark)(page, x, y, side)
                page.drawString(x + side + 6, y + 1, label)

        expected = [f"{'☑' if ticked else '☐'} {label}" for label, ticked in labels]
        assert [" ".join(line.split()) for line in self.lines(draw)] == expected

    def test_a_field_that_nobody_can_change_has_a_pale_hook_on_grey(self):
        """As browsers print the task lists of GitLab and Pandoc."""

        def draw(page):
            for y, ticked in ((760, True), (736, False)):
                page.setFillGray(0.8 if ticked else 1)
                page.setStrokeGray(0.8)
                page.rect(60, y, 10, 10, fill=1)
                if ticked:
                    page.setStrokeGray(0.93)
                    page.setLineWidth(1.6)
                    self.hook(page, 60, y, 10)
                page.setFillGray(0)
                page.drawString(76, y + 1, "Feito" if ticked else "Aberto")

        assert sorted(" ".join(line.split()) for line in self.lines(draw)) == ["☐ Aberto", "☑ Feito"]

    def test_boxes_within_a_line_stand_before_their_labels(self):
        def draw(page):
            for x, ticked in ((104, False), (160, True)):
                page.rect(x, 760, 10, 10)
                if ticked:
                    self.cross(page, x, 760, 10)
            text = page.beginText(60, 761)
            for left, word in ((0, "Turno:"), (58, "Noite"), (114, "Tarde")):
                text.setTextOrigin(60 + left, 761)
                text.textOut(word)
            page.drawText(text)

        assert " ".join(" ".join(self.lines(draw)).split()) == "Turno: ☐ Noite ☑ Tarde"

    def test_cells_bullets_numbers_and_frames_are_no_boxes_to_tick(self):
        def draw(page):
            for index, digit in enumerate("2025"):  # a field with a square for each letter
                page.rect(60 + 14 * index, 760, 14, 14)
                page.drawString(64 + 14 * index, 763, digit)
            page.drawString(122, 763, "Ano")
            page.rect(60, 730, 7, 7, fill=1)
            page.drawString(72, 730, "Ponto")
            page.rect(60, 700, 14, 14)
            page.drawString(64, 703, "4")
            page.drawString(80, 703, "Passo")
            page.circle(66, 676, 6)
            page.drawString(80, 673, "Aviso")
            page.rect(60, 640, 60, 20)
            page.drawString(130, 646, "Quadro")

        text = " ".join(self.lines(draw))
        assert "Ano" in text
        assert not {"☑", "☐"} & set(text)
