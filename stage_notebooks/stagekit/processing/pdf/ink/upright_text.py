"""Turns the pages of a PDF whose text runs sideways or upside down, as tables across the page do.

What reads a page afterwards takes it from left to right and from top to bottom as it is shown. A page that is
a picture, with or without letters that OCR has laid over it, is turned by what the picture shows
(`stagekit.processing.ocr.orientation`).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

_FEWEST_LETTERS = 40  # below, a label at the edge of a drawing could decide
_LOOKED_AT = 200  # letters a page, spread over it
_ALIKE = 0.75  # share of them that runs in one direction; beside a table a header may stand upright
_NEAR = 1.0  # degree


def turn_upright(document: Any) -> bool:
    """Turn the pages of a document of PDFium so that their letters stand upright, and say whether any was."""
    import pypdfium2

    turned = False
    for index in range(len(document)):
        try:
            page = document[index]
        except pypdfium2.PdfiumError:  # a number without a page
            continue
        wanted = _rotation(page)
        if wanted not in (None, page.get_rotation()):
            page.set_rotation(wanted)
            turned = True
        page.close()
    return turned


def _rotation(page: Any) -> int | None:
    """Return the clockwise rotation of a page that sets its letters upright; None if they do not agree."""
    text_page = page.get_textpage()
    try:
        directions = Counter(_directions(text_page))
    finally:
        text_page.close()
    if directions.total() < _FEWEST_LETTERS:
        return None
    direction, letters = directions.most_common(1)[0]
    if direction is None or letters < _ALIKE * directions.total():
        return None
    return (360 - direction) % 360


def _directions(text_page: Any) -> Iterator[int | None]:
    """Yield how many degrees letters are turned clockwise, whatever the page is; None for a slant."""
    import pypdfium2.raw as pdfium

    signs = text_page.count_chars()
    for index in range(0, signs, max(1, signs // _LOOKED_AT)):
        printed = pdfium.FPDFText_GetTextObject(text_page, index)
        mode = pdfium.FPDFTextObj_GetTextRenderMode(printed) if printed else None
        if mode in (None, pdfium.FPDF_TEXTRENDERMODE_INVISIBLE):  # a blank of PDFium's, or below a picture
            continue
        degrees = math.degrees(pdfium.FPDFText_GetCharAngle(text_page, index))
        quarter = round(degrees / 90) * 90
        yield quarter % 360 if abs(degrees - quarter) <= _NEAR else None
