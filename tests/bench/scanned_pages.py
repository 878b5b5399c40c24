"""Draws a benchmark document as the picture of a page, as a scanner or an export to an image leaves it.

The same text gives the same bytes. Needs reportlab (its typeface Vera) and Pillow.
"""

from __future__ import annotations

import io
import random
import textwrap
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image, ImageFont

DPI = 200
_PAGE = (1654, 2339)  # A4 at 200 dpi, pixels
_MARGIN = 170  # pixels, 2.2 cm
_COLUMNS = 76  # characters: no line of them is wider than the page without its margins
_POINTS = {"title": 18, "heading": 14, "text": 11}
_NOISE = 24  # grey levels of 255 by which a dot of the scan is at most darker than the page


def png_page(parts: Iterable[tuple[str, str]]) -> bytes:
    """Return a PNG file with the page as it was set: straight and without noise.

    Args:
        parts: (kind, text), of which the kind is ``title``, ``heading`` or ``text``.

    Raises:
        ValueError: if the text is longer than a page.
    """
    return _encoded(_page(parts), "PNG")


def jpeg_scan(parts: Iterable[tuple[str, str]], chance: random.Random) -> bytes:
    """Return a JPEG file with the page as a scanner sees it: a little turned, soft and grey.

    Args:
        parts: as of `png_page`.
        chance: decides on the turn and on each dot.
    """
    from PIL import Image, ImageChops, ImageFilter

    turned = _page(parts).rotate(
        chance.choice((-0.6, -0.3, 0.3, 0.6)), Image.Resampling.BILINEAR, fillcolor="white"
    )
    soft = turned.filter(ImageFilter.GaussianBlur(0.6))
    dots = Image.frombytes("L", _PAGE, chance.randbytes(_PAGE[0] * _PAGE[1]))
    noise = dots.point([level * _NOISE // 256 for level in range(256)])
    return _encoded(ImageChops.subtract(soft, noise), "JPEG", quality=80)


def scanned_pdf(parts: Iterable[tuple[str, str]], chance: random.Random) -> bytes:
    """Return a PDF file of one page that has the scan as its only content, and no text."""
    from reportlab.lib.pagesizes import A4  # type: ignore[import-untyped]
    from reportlab.lib.utils import ImageReader  # type: ignore[import-untyped]
    from reportlab.pdfgen.canvas import Canvas  # type: ignore[import-untyped]

    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=A4, invariant=1)  # invariant: no clock in dates and identifiers
    canvas.drawImage(ImageReader(io.BytesIO(jpeg_scan(parts, chance))), 0, 0, *A4)
    canvas.save()
    return buffer.getvalue()


def _page(parts: Iterable[tuple[str, str]]) -> Image.Image:
    from PIL import Image, ImageDraw

    page = Image.new("L", _PAGE, "white")
    pen = ImageDraw.Draw(page)
    height = _MARGIN
    for kind, text in parts:
        font = _font(kind)
        for line in textwrap.wrap(text, _COLUMNS):
            pen.text((_MARGIN, height), line, fill="black", font=font)
            height += round(font.size * 1.35)
        height += round(font.size * 0.7)
    if height > _PAGE[1] - _MARGIN // 2:
        raise ValueError("The text is longer than a page: leave out a section.")
    return page


@cache
def _font(kind: str) -> ImageFont.FreeTypeFont:
    import reportlab
    from PIL import ImageFont

    file = "Vera.ttf" if kind == "text" else "VeraBd.ttf"
    folder = Path(reportlab.__file__).parent / "fonts"
    return ImageFont.truetype(str(folder / file), _POINTS[kind] * DPI / 72)


def _encoded(page: Image.Image, kind: str, **options: int) -> bytes:
    buffer = io.BytesIO()
    page.save(buffer, kind, dpi=(DPI, DPI), **options)
    return buffer.getvalue()
