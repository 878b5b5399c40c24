#!/bin/sh
# docling-parse 7.23.1, PDFs that name one of the 14 standard fonts with WinAnsiEncoding and state no widths, as
# ReportLab 5.1.0 writes them.
#
# Guess: each letter is as wide as the font's metrics (Adobe's AFM files, which docling-parse brings) say for it,
# so the letters of a word stand where other readers see them.
# Seen: a letter beyond ASCII gets the width that the metrics have at its code in the font's own encoding
# (StandardEncoding), though it is decoded as WinAnsi: in Helvetica á (E1) is as wide as AE (1000 in place of 556),
# ã (E3) as ª (370), º (BA) as ” (333), and others get 500. Words in Portuguese or Spanish reach into the next
# column, and join the word there: "pá cá" and, 14 points further right, "nº 12" give the word "cánº". ASCII is
# right: the same without accents stays apart.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check docling-parse==7.23.1 reportlab==5.1.0
"$folder/venv/bin/python" - <<'PYTHON'
import io

from docling_core.types.doc.page import TextCellUnit
from docling_parse.pdf_parser import DoclingPdfParser
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas


def cells(text, unit, further=""):
    content = io.BytesIO()
    page = Canvas(content)
    page.setFont("Helvetica", 10)
    page.drawString(50, 700, text)
    page.drawString(50 + stringWidth(text, "Helvetica", 10) + 14, 700, further)
    page.save()
    found = DoclingPdfParser().load(io.BytesIO(content.getvalue())).get_page(1).iterate_cells(unit)
    return [(cell.text, cell.rect.to_bounding_box().l - 50) for cell in found]


seen = {}
for letter in "aeoçáãêéóº§":
    metrics = round(stringWidth(letter * 10, "Helvetica", 10) * 10)
    seen[letter] = metrics, round(cells(letter * 10 + "x", TextCellUnit.CHAR)[-1][1] * 10)
print("letter, width after the metrics, width seen:", *(f"{k} {a} {b}" for k, (a, b) in seen.items()), sep="\n")
words = [text for text, _ in cells("lá já há pá cá", TextCellUnit.WORD, "nº 12")]
plain = [text for text, _ in cells("la ja ha pa ca", TextCellUnit.WORD, "no 12")]
print("words:", words, plain)
assert all(seen[letter][0] == seen[letter][1] for letter in "aeo§"), "these were right"
assert seen["á"] == (556, 1000) and seen["ã"] == (556, 370) and seen["º"] == (365, 333), "those of other letters"
assert seen["ó"] == (556, 500) and seen["ê"] == (556, 1000)
assert words == ["lá", "já", "há", "pá", "cánº", "12"], "words of two columns joined"
assert plain == ["la", "ja", "ha", "pa", "ca", "no", "12"], "without accents they did not"
PYTHON
