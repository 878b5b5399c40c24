"""The fonts of a PDF state what they left open: letters of Portuguese are read, where they are printed."""

import io
from itertools import accumulate

import pikepdf
import pytest
from docling_core.types.doc.page import TextCellUnit
from docling_parse.pdf_parser import DoclingPdfParser
from pikepdf import Dictionary, Name
from reportlab.pdfbase.pdfmetrics import stringWidth

from stagekit.processing.pdf.ink.font_entries import with_font_entries
from tests.unit.processing_pdfs import pdf

LETTERS = "Aáàâã çéê íóôõ úüÇÁÉ nº 1ª — “R$ 5”"
LEFT = 70


def lefts(content):
    """Where each letter begins, in points behind the beginning of the line."""
    page = DoclingPdfParser().load(io.BytesIO(content)).get_page(1)
    cells = page.iterate_cells(TextCellUnit.CHAR)
    return [cell.rect.to_bounding_box().l - LEFT for cell in cells if cell.text.strip()]


def text_of(content):
    page = DoclingPdfParser().load(io.BytesIO(content)).get_page(1)
    return " ".join(cell.text for cell in page.iterate_cells(TextCellUnit.LINE))


def printed(text, font, size):
    ends = accumulate((stringWidth(letter, font, size) for letter in text), initial=0)
    return [left for letter, left in zip(text, ends, strict=False) if letter.strip()]


def one_line(font, text=LETTERS):
    def draw(page):
        page.setFont(font, 10)
        page.drawString(LEFT, 700, text)

    return pdf(draw)


def with_font(base_font, text, **entries):
    """A page with `text`, bytes in the font's own codes, in a font of which the file says `entries` alone."""
    file = pikepdf.new()
    page = file.add_blank_page(page_size=(600, 800))
    font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name(f"/{base_font}"), **entries)
    page.Resources = Dictionary(Font=Dictionary(F1=file.make_indirect(font)))
    page.Contents = file.make_stream(b"BT /F1 10 Tf %d 700 Td (%s) Tj ET" % (LEFT, text))
    saved = io.BytesIO()
    file.save(saved)
    return saved.getvalue()


@pytest.mark.parametrize(
    "font", ["Helvetica", "Helvetica-BoldOblique", "Times-Roman", "Times-Italic", "Courier"]
)
def test_letters_stand_where_they_are_printed(font):
    plain = one_line(font)

    assert lefts(with_font_entries(plain)) == pytest.approx(printed(LETTERS, font, 10), abs=0.1)


@pytest.mark.parametrize(
    ("base_font", "metrics"),
    [("Arial", "Helvetica"), ("Arial,Bold", "Helvetica-Bold"), ("ArialMT", "Helvetica"),
     ("TimesNewRomanPS-BoldItalicMT", "Times-BoldItalic"), ("CourierNew", "Courier")],
)  # fmt: skip
@pytest.mark.parametrize(
    ("encoding", "codes", "text"),
    [
        (Name.WinAnsiEncoding, b"a\xe1\xa0\xbax", "aá\xa0ºx"),
        (Name.WinAnsiEncoding, b"\x7f\x95x", "••x"),
        (Name.MacRomanEncoding, b"a\x87\xca\xbcx", "aá\xa0ºx"),
        (Dictionary(BaseEncoding=Name.WinAnsiEncoding, Differences=[1, Name.ccedilla]), b"\x01\xe1x", "çáx"),
        (Dictionary(Differences=[1, Name.eacute, 0x81, Name.atilde, Name.Odieresis]), b"a\x81\x82x", "aãÖx"),
    ],
)  # fmt: skip
def test_usual_names_and_encodings_have_the_widths_of_their_letters(
    base_font, metrics, encoding, codes, text
):
    content = with_font_entries(with_font(base_font, codes, Encoding=encoding))

    assert lefts(content)[-1] == pytest.approx(printed(text.replace("\xa0", " "), metrics, 10)[-1], abs=0.1)


@pytest.mark.parametrize("base_font", ["ArialMT", "ABCDEF+TimesNewRomanPSMT", "Verdana", "Calibri"])
@pytest.mark.parametrize(
    "encoding",
    [Name.MacRomanEncoding, Dictionary(BaseEncoding=Name.MacRomanEncoding, Differences=[1, Name.A])],
)
def test_fonts_of_macos_are_read_letter_by_letter(base_font, encoding):
    first = b"A\x01" if isinstance(encoding, Dictionary) else b"AA"
    text = first + " Instrução de nº 4: é já à ação".encode("mac_roman")
    plain = with_font(base_font, text, Encoding=encoding, FirstChar=0, LastChar=255, Widths=[500] * 256)

    assert text_of(with_font_entries(plain)) == "AA Instrução de nº 4: é já à ação"


def test_what_states_its_widths_or_has_none_to_state_stays_as_it_is():
    own = with_font("Helvetica", b"x", Encoding=Name.WinAnsiEncoding, FirstChar=120, Widths=[700])
    embedded = with_font("Helvetica", b"x", FontDescriptor=Dictionary(FontFile3=Dictionary()))

    for content in (own, embedded, with_font("HelveticaNeue", b"x"), with_font("Symbol", b"x")):
        assert with_font_entries(content) is None
    assert with_font_entries(b"%PDF-1.7 no font at all") is None


def test_a_file_that_needs_repair_stays_as_it_is():
    content = one_line("Helvetica")

    assert with_font_entries(content) is not None
    assert with_font_entries(content[: content.rindex(b"startxref")]) is None
    assert with_font_entries(content[:300]) is None


@pytest.mark.parametrize(
    "entries",
    [{"Encoding": Dictionary(Differences=[Dictionary(), Name.a])}, {"Encoding": Dictionary(Differences=3)},
     {"FontDescriptor": 3}],
)  # fmt: skip
def test_a_font_whose_entries_are_of_a_wrong_kind_stays_as_it_is(entries):
    assert with_font_entries(with_font("Helvetica", b"x", **entries)) is None
