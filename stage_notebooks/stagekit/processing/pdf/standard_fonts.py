"""Writes into a PDF how wide the letters of the standard fonts are, where it leaves that to its reader.

A PDF may name one of the 14 standard fonts and say nothing of widths (ISO 32000-1, 9.6.2.2), as ReportLab,
FPDF, iText and JasperReports write it. docling-parse takes the width that the font's own encoding has at a
letter's code, whatever the encoding of the PDF: an á of WinAnsi gets that of Æ, a º that of ”. So boxes of
words reach into the next column, and words join that stand apart.
"""

from __future__ import annotations

import io
import re
from functools import cache
from importlib.resources import files
from typing import Any

_NAMED = re.compile(rb"/(?:Helvetica|Arial|Times|Courier)|/ObjStm")  # or in a compressed object
_FAMILIES = {
    "helvetica": ("Helvetica", "Oblique"),
    "arial": ("Helvetica", "Oblique"),
    "times": ("Times", "Italic"),
    "timesnewroman": ("Times", "Italic"),
    "courier": ("Courier", "Oblique"),
    "couriernew": ("Courier", "Oblique"),
}
_FONT = re.compile(
    r"(helvetica|arial|times(?:newroman)?|courier(?:new)?)(?:ps)?(?:roman|regular)?"
    r"(bold)?(italic|oblique)?(?:mt)?"
)
_SAME_LETTER = {"\u00a0": " ", "\u00ad": "-"}  # WinAnsi has them twice


def with_standard_widths(content: bytes) -> bytes | None:
    """Return a PDF in which its standard fonts have their widths; None where there is none without.

    A font that is embedded stays as it is, and so does a file that needs repair or a password: what repairs
    it for this purpose may lose more than widths.
    """
    if not _NAMED.search(content):
        return None
    import pikepdf

    try:
        with pikepdf.open(io.BytesIO(content)) as pdf:
            changed = [font for font in pdf.objects if _lacks_widths(font) and _give_widths(font)]
            if not changed or pdf.get_warnings():
                return None
            saved = io.BytesIO()
            pdf.save(saved)
            return saved.getvalue()
    except pikepdf.PdfError:
        return None


def _lacks_widths(font: Any) -> bool:
    import pikepdf

    if not isinstance(font, pikepdf.Dictionary) or font.get("/Type") != "/Font" or "/Widths" in font:
        return False
    descriptor: Any = font.get("/FontDescriptor", {})
    return font.get("/Subtype") in ("/Type1", "/TrueType", "/MMType1") and not any(
        key in descriptor for key in ("/FontFile", "/FontFile2", "/FontFile3")
    )


def _give_widths(font: Any) -> bool:
    """Write a font's widths into it; False for one that is no standard font of letters."""
    name = _metrics_name(str(font.get("/BaseFont", "")))
    if name is None:
        return False
    widths = _widths(name)
    glyphs = _glyphs(font.get("/Encoding"))
    font.FirstChar, font.LastChar = 0, len(glyphs) - 1
    font.Widths = [widths.get(_letter(glyph), 0) for glyph in glyphs]
    return True


def _metrics_name(base_font: str) -> str | None:
    """Return the name of the metrics of a font, also for the usual names of its equals (`Arial,Bold`)."""
    found = _FONT.fullmatch(re.sub("[^a-z]", "", base_font.lower()))
    if found is None:
        return None
    family, slanted = _FAMILIES[found[1]]
    style = ("Bold" if found[2] else "") + (slanted if found[3] else "")
    return f"{family}-{style or 'Roman'}" if style or family == "Times" else family


@cache
def _widths(name: str) -> dict[str, int]:
    """Return the advance widths of a standard font by letter, in thousandths of the type size."""
    from fontTools.afmLib import AFM

    metrics = AFM(str(files("docling_parse") / "pdf_resources" / "fonts" / "standard" / f"{name}.afm"))
    return {_letter(glyph): round(metrics[glyph][1]) for glyph in metrics.chars()}


def _letter(glyph: str) -> str:
    from fontTools.agl import toUnicode

    letter: str = toUnicode(glyph)
    return _SAME_LETTER.get(letter, letter)


def _glyphs(encoding: Any) -> list[str]:
    """Return the name of the glyph of each code, after a font's `/Encoding` (ISO 32000-1, 9.6.6)."""
    import pikepdf

    if not isinstance(encoding, pikepdf.Dictionary):
        return list(_base_glyphs(str(encoding)))
    glyphs = list(_base_glyphs(str(encoding.get("/BaseEncoding"))))
    code = 0
    for entry in encoding.get("/Differences", ()):
        if isinstance(entry, pikepdf.Name):
            if 0 <= code < len(glyphs):
                glyphs[code] = str(entry)[1:]
            code += 1
        else:
            code = int(entry)
    return glyphs


@cache
def _base_glyphs(name: str) -> list[str]:
    from fontTools.agl import UV2AGL
    from fontTools.encodings.MacRoman import MacRoman
    from fontTools.encodings.StandardEncoding import StandardEncoding

    if name == "/MacRomanEncoding":
        return list(MacRoman)
    if name == "/WinAnsiEncoding":
        letters = (bytes([code]).decode("cp1252", "replace") for code in range(256))
        return [UV2AGL.get(ord(_SAME_LETTER.get(letter, letter)), ".notdef") for letter in letters]
    return list(StandardEncoding)
