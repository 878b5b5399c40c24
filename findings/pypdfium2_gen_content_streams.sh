#!/bin/sh
# pypdfium2 5.15.2 (PDFium): a page whose text object begins in one content stream and ends in the next, as ISO
# 32000-1, 7.8.2, allows: the streams of /Contents are read as one, and may be divided between any two tokens.
#
# Guess: after page.remove_obj(object) and page.gen_content() the page shows what it showed, less that object.
# Seen: the lines of the second stream are gone as well. PDFium writes the changed stream anew, closed within
# itself (BT ... ET, q ... Q), and leaves the other as it was: there no font is set any more and no text object is
# open. Nothing is raised, gen_content() succeeds, and before it the open page still shows all lines. The same page
# with one stream keeps them. To take all objects off the page and put them back first (remove_obj, insert_obj)
# makes one stream of it, and nothing is lost.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pypdfium2==5.15.2
"$folder/venv/bin/python" - <<'PYTHON'
import io

import pypdfium2

HEAD = "BT /F1 12 Tf 20 160 Td (Draft) Tj 0 -20 Td (First line) Tj"
TAIL = "0 -20 Td (Second line) Tj 0 -20 Td (Third line) Tj ET"
LINES = ["First line", "Second line", "Third line"]


def document(*streams):
    numbers = " ".join(f"{5 + place} 0 R" for place in range(len(streams)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] "
        f"/Resources << /Font << /F1 4 0 R >> >> /Contents [{numbers}] >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        *(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream" for stream in streams),
    ]
    written, places = "%PDF-1.7\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(written))
        written += f"{number} 0 obj\n{content}\nendobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    size, begin = len(objects) + 1, len(written)
    written += f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer\n<< /Size {size} /Root 1 0 R >>\n"
    return pypdfium2.PdfDocument((written + f"startxref\n{begin}\n%%EOF\n").encode())


def lines(opened):
    return opened[0].get_textpage().get_text_bounded().split("\r\n")


def without_first_object(opened, one_stream=False):
    page = opened[0]
    if one_stream:
        for item in list(page.get_objects()):
            page.remove_obj(item)
            page.insert_obj(item)
    page.remove_obj(next(page.get_objects()))
    page.gen_content()
    saved = io.BytesIO()
    opened.save(saved)
    return lines(pypdfium2.PdfDocument(saved.getvalue()))


assert lines(document(HEAD, TAIL)) == ["Draft", *LINES], "both streams were read as one"
one = without_first_object(document(f"{HEAD} {TAIL}"))
two = without_first_object(document(HEAD, TAIL))
put_back = without_first_object(document(HEAD, TAIL), one_stream=True)
print("one stream:", one, "two streams:", two, "two streams, put back first:", put_back)
assert one == LINES
assert two == ["First line"], "the lines of the second stream were gone"
assert put_back == LINES
PYTHON
