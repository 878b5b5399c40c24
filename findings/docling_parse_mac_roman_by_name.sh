#!/bin/sh
# docling-parse 7.23.1, simple fonts with MacRomanEncoding and no ToUnicode, as macOS writes them into PDFs.
#
# Guess: the encoding that a font names says which letters its codes are, whatever the font is called, so ã (8B in
# MacRoman) is read as ã.
# Seen: so it is in most fonts, but a font called ArialMT, TimesNewRomanPSMT, Verdana, Georgia or TrebuchetMS is
# read as if it named WinAnsiEncoding: "Instrução nº 4" comes out as "Instru ‹o n¼ 4", ASCII right, each accent
# wrong. Arial and Calibri are read right. With a ToUnicode map all are. PDFium reads all of them right.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check docling-parse==7.23.1 pikepdf==10.18.0 pypdfium2==5.15.2
"$folder/venv/bin/python" - <<'PYTHON'
import io

import pikepdf
import pypdfium2
from docling_core.types.doc.page import TextCellUnit
from docling_parse.pdf_parser import DoclingPdfParser
from pikepdf import Dictionary, Name

TEXT = "Instrução nº 4"


def page_in(font):
    pdf = pikepdf.new()
    page = pdf.add_blank_page(page_size=(595, 842))
    entry = Dictionary(
        Type=Name.Font, Subtype=Name.TrueType, BaseFont=Name(f"/{font}"), Encoding=Name.MacRomanEncoding,
        FirstChar=0, LastChar=255, Widths=[500] * 256,
    )
    page.Resources = Dictionary(Font=Dictionary(F1=pdf.make_indirect(entry)))
    page.Contents = pdf.make_stream(b"BT /F1 10 Tf 50 700 Td (%s) Tj ET" % TEXT.encode("mac_roman"))
    content = io.BytesIO()
    pdf.save(content)
    return content.getvalue()


for font in ("Arial", "Calibri", "ArialMT", "TimesNewRomanPSMT", "Verdana", "Georgia", "TrebuchetMS"):
    content = page_in(font)
    cells = DoclingPdfParser().load(io.BytesIO(content)).get_page(1).iterate_cells(TextCellUnit.LINE)
    seen = " ".join(cell.text for cell in cells)
    other = pypdfium2.PdfDocument(content)[0].get_textpage().get_text_bounded()
    print(f"{font:20} docling-parse {seen!r}, PDFium {other!r}")
    assert other == TEXT, "PDFium was right"
    assert (seen == TEXT) is (font in ("Arial", "Calibri")), "it hung on the font's name"
    assert seen == TEXT or "‹" in seen, "the codes were taken as WinAnsi"
PYTHON
