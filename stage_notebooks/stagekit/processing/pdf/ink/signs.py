"""Signs that are written into a page and carried through the conversion, where they are written out.

They are of the font ZapfDingbats, the only one that every reader knows without its file, and no form prints
them: its real boxes and ticks are taken by most readers for what their codes mean in other fonts.
"""

from __future__ import annotations

import ctypes
from typing import Any

import pypdfium2.raw as pdfium

EMPTY, TICKED = "\u2761", "\u2767"
BAR, GAP = "\u2763", "\u2765"  # stand for covered words; the cover is seen, or as white as the paper

# What is written for them in the end.
BOX_SIGNS = {EMPTY: "☐", TICKED: "☑"}
BAR_SIGNS = {BAR: "█", GAP: ""}

BEFORE_LABEL = 1.1  # where a box stands before its label, in sizes of the label's letters

_CODES = {EMPTY: 0xA1, TICKED: 0xA7, BAR: 0xA3, GAP: 0xA5}
_WIDTHS = {EMPTY: 0.732, TICKED: 0.76, BAR: 0.544, GAP: 0.667}  # in sizes of the font


def sign_object(document: Any, sign: str, size: float, width: float | None = None) -> Any:
    """Return a text object of PDFium that holds a sign, in a size, and stretched to a width, in points."""
    text = pdfium.FPDFPageObj_NewTextObj(document, b"ZapfDingbats", size)
    pdfium.FPDFText_SetCharcodes(text, (ctypes.c_uint32 * 1)(_CODES[sign]), 1)
    if width is not None:
        pdfium.FPDFPageObj_Transform(text, width / (size * _WIDTHS[sign]), 0.0, 0.0, 1.0, 0.0, 0.0)
    return text


def insert_sign(document: Any, page: Any, sign: str, size: float, label: float, foot: float) -> None:
    """Write one of `BOX_SIGNS` before its label; size, left and foot are those of the label, in points."""
    text = sign_object(document, sign, size)
    pdfium.FPDFPageObj_Transform(text, 1.0, 0.0, 0.0, 1.0, label - BEFORE_LABEL * size, foot)
    pdfium.FPDFPage_InsertObject(page, text)
