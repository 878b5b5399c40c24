#!/bin/sh
# pypdfium2 5.15.2 (PDFium), PDFs whose pages inherit their size from the page tree, as fpdf2 2.8.9 writes them.
#
# Guess: PdfPage.get_mediabox() returns the page's media box, which a page may inherit (ISO 32000-1, table 30:
# MediaBox is "required; inheritable"), so for an A4 page (0, 0, 595.28, 841.89).
# Seen: it returns (0, 0, 612, 792), a US letter page, and get_cropbox() the same; with fallback_ok=False it
# returns None. get_size() knows the inherited size. Whoever asks the media box what lies on the page takes the
# uppermost 50 points of an A4 page, where letterheads and first lines stand, for beyond it.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pypdfium2==5.15.2 fpdf2==2.8.9
"$folder/venv/bin/python" - <<'PYTHON'
import pypdfium2
from fpdf import FPDF

written = FPDF(format="A4")
written.add_page()
written.set_font("Helvetica", size=12)
written.text(20, 10, "first line")
page = pypdfium2.PdfDocument(bytes(written.output()))[0]
text = page.get_textpage()
text.count_rects()
left, bottom, right, top = text.get_rect(0)
print("size", page.get_size(), "media box", page.get_mediabox(), "text from", round(bottom), "to", round(top))
assert [round(side, 2) for side in page.get_size()] == [595.28, 841.89], "the size was known"
assert page.get_mediabox() == (0, 0, 612, 792), "the media box was that of a US letter page"
assert page.get_cropbox() == (0, 0, 612, 792)
assert page.get_mediabox(fallback_ok=False) is None, "without a fallback there was none"
assert bottom > 792, "the text stood above it"
PYTHON
