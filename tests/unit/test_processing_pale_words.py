"""Words printed pale across a scan are its watermark; what they cross is read, what only looks so stays."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from stagekit.processing.ocr.packaged_ocr import page_reader
from stagekit.processing.ocr.pale_words import read_without_watermark

LINES = [
    "Artigo 1 O pedido entra por escrito no setor de pessoal.",
    "Artigo 2 A chefia responde em cinco dias.",
    "Artigo 3 Cabe recurso no prazo de dez dias.",
    "Artigo 4 A portaria entra em vigor na data de hoje.",
]
SIZE = (1000, 1400)


class Reader:
    """Reads and finds lines, and counts how often it reads."""

    times_read = 0

    def read(self, image):
        self.times_read += 1
        return page_reader()(image, use_det=True, use_cls=False, use_rec=True)

    def find(self, image):
        return page_reader()(image, use_det=True, use_cls=False, use_rec=False)


@pytest.fixture
def reader():
    return Reader()


def font(size):
    return ImageFont.load_default(size)


def nothing(_):
    pass


def page(below):
    """A page of lines over what `below` draws."""
    image = Image.new("RGB", SIZE, "white")
    below(image)
    draw = ImageDraw.Draw(image)
    for number, line in enumerate(LINES):
        draw.text((80, 300 + 220 * number), line, font=font(28), fill=(20, 20, 20))
    return np.asarray(image)


def word(text, grey, angle, at=(500, 700), size=190):
    def below(image):
        own = Image.new("L", (1000, 1000), 0)
        ImageDraw.Draw(own).text((500, 500), text, font=font(size), fill=255, anchor="mm", stroke_width=4)
        image.paste((grey,) * 3, (at[0] - 500, at[1] - 500), own.rotate(angle))

    return below


def speckled(image):
    """Pale blots that hold no word, as a bad scan has them."""
    for left in range(80, 920, 60):
        for top in range(400, 1300, 220):
            ImageDraw.Draw(image).ellipse((left, top, left + 22, top + 16), fill=(190, 190, 190))


def shaded(image):
    ImageDraw.Draw(image).rectangle((60, 270, 940, 360), fill=(205, 205, 205))


@pytest.mark.parametrize(("text", "grey", "angle"), [("MINUTA", 205, 45), ("RASCUNHO", 200, 0)])
def test_a_watermark_is_named_and_the_lines_that_it_crosses_are_read(reader, text, grey, angle):
    size = 190 if angle else 150
    answer, words = read_without_watermark(page(word(text, grey, angle, size=size)), reader.read, reader.find)
    assert words == [text]
    joined = " ".join(answer.txts)
    assert text not in joined
    assert all(line[9:30] in joined for line in LINES)


@pytest.mark.parametrize(
    "below",
    [nothing, shaded, word("PORTARIA", 175, 0, at=(500, 110), size=110)],
    ids=["plain", "a shaded cell", "a pale title at the top"],
)
def test_a_page_without_one_is_read_as_it_is(reader, below):
    answer, words = read_without_watermark(page(below), reader.read, reader.find)
    assert words == []
    assert all(line[9:30] in " ".join(answer.txts) for line in LINES)


def test_blots_of_a_bad_scan_are_not_read_by_themselves(reader):
    answer, words = read_without_watermark(page(speckled), reader.read, reader.find)
    assert words == []
    assert reader.times_read == 1
    assert all(line[9:30] in " ".join(answer.txts) for line in LINES)
