"""A sentence that no reader of a PDF sees does not get in; one that every reader sees is not hidden."""

import random
import re
from dataclasses import dataclass

import pytest
from PIL import Image
from reportlab.lib.colors import Color
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase.pdfmetrics import stringWidth

from stagekit.processing.pdf.file import inspect_pdf
from stagekit.processing.pdf.ink.font_entries import with_font_entries
from stagekit.processing.pdf.words.carried_signs import written_out
from tests.unit.processing_pdfs import SENTENCES, pdf, scan_with_layer
from tests.unit.written_pdfs import WrittenPdf, line, with_layers

SECRET = "a diária passa a novecentos reais"
SEEDS = range(2)


def text_of(content):
    found = inspect_pdf(content, 10)
    return " ".join(" ".join(found.page_texts).split()), found


@dataclass
class Place:
    """Where the sentence in question is drawn on a page, and in what size."""

    written: WrittenPdf
    x: float
    y: float
    size: float

    def say(self, before="", **other):
        at = {"x": self.x, "y": self.y, "size": self.size} | other
        return line(SECRET, at["x"], at["y"], at["size"], before)

    def box(self, colour):
        return f"{colour} {self.x - 3} {self.y - 4} {self.size * 18} {self.size + 8} re f 0 g\n"

    def form(self, entries=""):
        fonts = f"/Resources << /Font << /F {self.written.font} 0 R >> >>"
        kind = "/Type /XObject /Subtype /Form /BBox [0 0 595 842]"
        self.written.resource("XObject", "X", self.written.stream(self.say(), f"{kind} {fonts} {entries}"))
        return "/X Do\n"


def page_with(special, seed):
    """A page of sentences with one more, which `special` draws in a random place."""
    chance = random.Random(seed)
    written = WrittenPdf()
    with_layers(written)
    for name, opacity in (("Sheer", 0.0), ("Faint", 0.5)):
        written.resource("ExtGState", name, written.add(f"<< /ca {opacity} /CA {opacity} >>".encode()))
    place = Place(
        written, chance.randint(40, 250), 700 - 40 * chance.randint(0, 8), chance.choice([8, 11, 14])
    )
    body = "".join(
        line(sentence[:90], chance.randint(40, 90), 720 - 40 * index)
        for index, sentence in enumerate(chance.sample(SENTENCES, 6))
    )
    drawn = special(place)
    written.page(drawn + body if chance.random() < 0.5 else body + drawn)
    return written.bytes()


HIDDEN = {
    "white on white": lambda p: f"1 g {p.say()} 0 g\n",
    "nearly white": lambda p: f".99 g {p.say()} 0 g\n",
    "the colour of its box": lambda p: p.box(".2 .4 .6 rg") + f".2 .4 .6 rg {p.say()} 0 g\n",
    "invisible": lambda p: p.say("3 Tr") + "0 Tr\n",
    "below a white box": lambda p: p.say() + p.box("1 g"),
    "below a black bar": lambda p: p.say() + p.box("0 g"),
    "beside the page": lambda p: p.say(x=700),
    "under the page": lambda p: p.say(y=-40),
    "clipped away": lambda p: f"q 0 0 20 20 re W n {p.say()} Q\n",
    "of no size": lambda p: p.say(size=0.4),
    "without opacity": lambda p: f"q /Sheer gs {p.say()} Q\n",
    "in a layer switched off": lambda p: f"/OC /Off BDC {p.say()} EMC\n",
    "in layers not all on": lambda p: f"/OC /AllOn BDC {p.say()} EMC\n",
    "in a form switched off": lambda p: p.form(f"/OC {p.written.named('Properties', 'Off')} 0 R"),
    "white in a form": lambda p: f"1 g {p.form()} 0 g\n",
}
SEEN = {
    "white on a dark box": lambda p: p.box(".1 .2 .4 rg") + f"1 g {p.say()} 0 g\n",
    "grey": lambda p: f".85 g {p.say()} 0 g\n",
    "outlined": lambda p: p.say("1 Tr") + "0 Tr\n",
    "on a white box": lambda p: p.box("1 g") + p.say(),
    "below a sheer box": lambda p: p.say() + f"q /Faint gs {p.box('1 1 0 rg')} Q\n",
    "underlined later": lambda p: p.say() + f"{p.x} {p.y - 2} {p.size * 14} .7 re f\n",
    "clipped around": lambda p: f"q 0 0 595 842 re W n {p.say()} Q\n",
    "in a layer switched on": lambda p: f"/OC /On BDC {p.say()} EMC\n",
    "in a form": lambda p: p.form(f"/OC {p.written.named('Properties', 'On')} 0 R"),
    "drawn twice to look bold": lambda p: p.say() + p.say(x=p.x + 0.3),
    "white twice on a dark box": lambda p: p.box("0 g") + f"1 g {p.say()} {p.say()} 0 g\n",
}
UNSEEN = "that cannot be seen on the page (switched off, covered, outside it, or in its colour) left out."


def is_as_it_was(found, content):
    """Whether a file is read as it is; what its fonts leave open is written into it all the same."""
    return found.rewritten in (None, with_font_entries(content))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", HIDDEN)
def test_what_leaves_no_ink_is_left_out_and_counted(kind, seed):
    content = page_with(HIDDEN[kind], seed)
    text, found = text_of(content)
    assert SECRET not in text
    assert found.notes == [f"Page 1: 6 words {UNSEEN}"]
    sentences = [sentence[:40] for sentence in SENTENCES if sentence[:40] in content.decode("cp1252")]
    assert sentences
    assert all(sentence in text for sentence in sentences)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", SEEN)
def test_what_leaves_ink_stays_and_the_file_with_it(kind, seed):
    content = page_with(SEEN[kind], seed)
    text, found = text_of(content)
    assert SECRET in text
    assert found.notes == []
    assert is_as_it_was(found, content)


def test_a_hidden_text_in_the_place_of_another_goes_alone():
    def both(place):
        shown = line("a diária é de trezentos reais", place.x, place.y, place.size)
        return f"{shown}/OC /Off BDC {place.say()} EMC\n"

    text, _ = text_of(page_with(both, 1))
    assert "a diária é de trezentos reais" in text
    assert SECRET not in text


def test_a_page_that_is_cut_to_a_part_shows_that_part():
    written = WrittenPdf()
    written.page(
        line("dentro do recorte da folha", 60, 500) + line(SECRET, 60, 60), "/CropBox [0 300 595 842]"
    )
    written.page(line("de lado na folha", 60, 500) + line(SECRET, 60, -60), "/Rotate 90")
    text, found = text_of(written.bytes())
    assert "dentro do recorte da folha" in text
    assert "de lado na folha" in text
    assert SECRET not in text
    assert found.notes[0].startswith("Pages 1-2: 12 words")


def test_a_second_writer_hides_as_little():
    def draw(page):
        for index, sentence in enumerate(SENTENCES):
            page.drawString(50, 780 - 20 * index, sentence[:80])
        page.setFillGray(1)
        page.drawString(50, 400, SECRET)
        page.setFillGray(0)
        page.drawString(50, 300, "coberta por uma tarja")
        page.rect(45, 295, 200, 16, fill=1)
        page.setFillGray(1)
        page.drawString(50, 298, "título claro sobre a tarja")
        page.showPage()

    text, found = text_of(pdf(draw))
    assert SECRET not in text
    assert "coberta" not in text
    assert "título claro sobre a tarja" in text
    assert all(sentence[:70] in text for sentence in SENTENCES)
    assert "10 words" in found.notes[0]


class TestLayerBelowAScan:
    def test_a_layer_that_says_what_the_picture_shows_stays(self):
        content = scan_with_layer(SENTENCES, SENTENCES)
        text, found = text_of(content)
        assert SENTENCES[0] in text
        assert is_as_it_was(found, content)

    def test_a_layer_that_says_something_else_is_not_read(self):
        other = tuple(f"o contrato número {n} foi rescindido sem multa alguma" for n in range(8))
        text, found = text_of(scan_with_layer(SENTENCES, other))
        assert text == ""
        assert found.notes == ["Page 1: the text layer says other words than the page shows, so OCR read it."]

    def test_words_beside_the_letters_of_the_picture_are_not_read(self):
        layer = (*SENTENCES, *[""] * 14, SECRET)
        text, found = text_of(scan_with_layer(SENTENCES, layer))
        assert SENTENCES[-1] in text
        assert SECRET not in text
        assert found.notes[0].startswith("Page 1: 6 words")


def test_a_page_that_inherits_its_size_is_seen_as_a_whole():
    content = pdf(lambda page: page.drawString(70, 820, "Prefeitura de Serra Clara"))
    box = re.search(rb"/MediaBox \[[^]]*\]", content)[0]
    inherited = content.replace(box, b" " * len(box), 1).replace(b"/Type /Pages", box + b" /Type /Pages")
    said, found = text_of(inherited)
    assert said == "Prefeitura de Serra Clara"
    assert not found.notes


NAME = "Ana Prado"
WORDS = f"a senhora {NAME} recebe a diária de março"


def covered(cover, text=WORDS):
    """A page with a line of text, and what `cover` draws over the place of the name."""

    def draw(page):
        for index, sentence in enumerate(SENTENCES[:4]):
            page.drawString(50, 780 - 20 * index, sentence[:80])
        page.drawString(50, 400, text)
        left = 50 + stringWidth("a senhora ", page._fontname, page._fontsize)
        cover(page, left, stringWidth(NAME, page._fontname, page._fontsize))
        page.showPage()

    return pdf(draw)


def bar(colour, height=14):
    def cover(page, left, width):
        page.setFillColorRGB(*colour)
        page.rect(left - 1, 397, width + 2, height, stroke=0, fill=1)

    return cover


def thick_stroke(page, left, width):
    page.setLineWidth(14)
    page.line(left, 404, left + width, 404)


def picture(page, left, width):
    page.drawImage(ImageReader(Image.new("RGB", (40, 10), (90, 120, 90))), left - 1, 397, width + 2, 14)


def sheer_bar(page, left, width):
    page.setFillColor(Color(1, 1, 0, alpha=0.4))
    page.rect(left, 397, width, 14, stroke=0, fill=1)


def frame(page, left, width):
    page.rect(left - 2, 396, width + 4, 16, stroke=1, fill=0)


class TestWordsUnderABar:
    @pytest.mark.parametrize(
        "cover", [bar((0, 0, 0)), bar((0.8, 0.1, 0.1)), thick_stroke, picture], ids=lambda c: c.__name__
    )
    def test_a_word_that_something_lies_on_goes_and_the_rest_of_its_line_stays(self, cover):
        text, found = text_of(covered(cover))
        shown = written_out(text)
        assert "a senhora █ recebe a diária de março" in shown
        assert all(sentence[:70] in shown for sentence in SENTENCES[:4])
        assert found.notes == [f"Page 1: 2 words {UNSEEN}"]

    def test_a_white_patch_leaves_nothing(self):
        text, _ = text_of(covered(bar((1, 1, 1))))
        assert "a senhora recebe a diária de março" in written_out(text)

    @pytest.mark.parametrize(
        "cover", [sheer_bar, frame, bar((0, 0, 0), height=1)], ids=["highlighter", "frame", "underline"]
    )
    def test_what_lets_a_word_be_seen_changes_nothing(self, cover):
        content = covered(cover)
        text, found = text_of(content)
        assert WORDS in text
        assert is_as_it_was(found, content)

    def test_a_filled_annotation_hides_what_is_below_it(self):
        written = WrittenPdf()
        look = written.stream("0 g 0 0 52 14 re f", "/Type /XObject /Subtype /Form /BBox [0 0 52 14]")
        square = written.add(
            b"<< /Type /Annot /Subtype /Square /Rect [60 397 112 411] /F 4 /IC [0 0 0] "
            + f"/AP << /N {look} 0 R >> >>".encode()
        )
        written.page(line("Fulano Sá recebe a diária", 60, 400), f"/Annots [{square} 0 R]")
        text, _ = text_of(written.bytes())
        assert "Fulano" not in text
        assert "recebe a diária" in text
