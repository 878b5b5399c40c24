"""Writes into a PDF what its fonts leave to the reader, and docling-parse takes wrongly: widths and letters.

A PDF may name one of the 14 standard fonts and say nothing of widths (ISO 32000-1, 9.6.2.2), as ReportLab,
FPDF, iText and JasperReports write it. docling-parse takes the width that the font's own encoding has at a
letter's code, whatever the encoding of the PDF: an á of WinAnsi gets that of Æ, a º that of ”. So boxes of
words reach into the next column, and words join that stand apart.

A PDF that macOS writes names MacRomanEncoding. docling-parse reads it as WinAnsi where it knows the font by
name (ArialMT, TimesNewRomanPSMT, Verdana, Georgia): an ã comes out as ‹, and ç as nothing.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

# What a file names that has to be looked at, unless it stands in a compressed object.
_NAMED = re.compile(rb"/(?:Helvetica|Arial|Times|Courier|MacRomanEncoding|ObjStm)")
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


def with_font_entries(content: bytes) -> bytes | None:
    """Return a PDF whose fonts state the widths and letters that they left open; None where all is stated.

    A font that is embedded keeps its widths, and a file that needs repair or a password, or has fonts with
    entries of a wrong kind, stays as it is: what repairs it for this purpose may lose more.
    """
    if not _NAMED.search(content):
        return None
    import pikepdf

    try:
        with pikepdf.open(io.BytesIO(content)) as pdf:
            fonts = [entry for entry in pdf.objects if _is_simple_font(entry)]
            changed = [font for font in fonts if _state_widths(font) | _state_letters(pdf, font)]
            if not changed or pdf.get_warnings():
                return None
            saved = io.BytesIO()
            pdf.save(saved, deterministic_id=True)
            return saved.getvalue()
    except (pikepdf.PdfError, TypeError, ValueError):  # an entry that is not what the standard says
        return None


def _is_simple_font(entry: Any) -> bool:
    import pikepdf

    return (
        isinstance(entry, pikepdf.Dictionary)
        and entry.get("/Type") == "/Font"
        and entry.get("/Subtype") in ("/Type1", "/TrueType", "/MMType1")
    )


def _state_widths(font: Any) -> bool:
    """Write its widths into a standard font that lacks them; False for any other."""
    descriptor: Any = font.get("/FontDescriptor", {})
    embedded = any(key in descriptor for key in ("/FontFile", "/FontFile2", "/FontFile3"))
    name = _metrics_name(str(font.get("/BaseFont", "")))
    if "/Widths" in font or embedded or name is None:
        return False
    widths = _widths(name)
    glyphs = _glyphs(font.get("/Encoding"))
    font.FirstChar, font.LastChar = 0, len(glyphs) - 1
    font.Widths = [widths.get(_letter(glyph), 0) for glyph in glyphs]
    return True


def _state_letters(pdf: Any, font: Any) -> bool:
    """Write into a font of macOS which letter each code is, if it does not say so."""
    import pikepdf

    encoding = font.get("/Encoding")
    base = encoding.get("/BaseEncoding") if isinstance(encoding, pikepdf.Dictionary) else encoding
    if base != "/MacRomanEncoding" or "/ToUnicode" in font:
        return False
    letters = {code: _letter(glyph) for code, glyph in enumerate(_glyphs(encoding))}
    font.ToUnicode = pdf.make_stream(_to_unicode({code: text for code, text in letters.items() if text}))
    return True


def _to_unicode(letters: Mapping[int, str]) -> bytes:
    """Return a ToUnicode CMap (ISO 32000-1, 9.10.3) of one-byte codes; a section has 100 entries at most."""
    lines = [f"<{code:02X}> <{text.encode('utf-16-be').hex().upper()}>" for code, text in letters.items()]
    sections = [lines[start : start + 100] for start in range(0, len(lines), 100)]
    body = "\n".join(f"{len(one)} beginbfchar\n" + "\n".join(one) + "\nendbfchar" for one in sections)
    return (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapType 2 def\n"
        f"1 begincodespacerange <00> <FF> endcodespacerange\n{body}\nendcmap end end\n"
    ).encode("ascii")


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
        # Codes that stand for nothing else are bullets (ISO 32000-1, D.2, note 3); ReportLab writes 7F.
        return [UV2AGL.get(ord(_SAME_LETTER.get(letter, letter)), "bullet") for letter in letters]
    return list(StandardEncoding)
