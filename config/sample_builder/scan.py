"""Draws texts as page images and makes them look scanned: skew, paper tone and noise, always the same."""

import io
import textwrap
from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from .fonts import font_path
from .markup import Block, Source
from .pdf import fixed_date

__all__ = ["jpeg_page", "png_page", "scanned_pdf"]

DPI = 150
PAGE = (1240, 1754)  # A4 at 150 dpi, pixels
MARGIN = 130
LINE_SPACING = 1.4


def scanned_pdf(source: Source, *, seed: int) -> bytes:
    """Returns a PDF whose pages are JPEG images at 150 dpi, with no text layer."""
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=A4, invariant=1, pageCompression=0)
    canvas.setTitle("Digitalização")
    canvas.setAuthor("")
    canvas.setSubject("")
    canvas.setCreator("Scanner do balcão 2")
    canvas.setDateFormatter(fixed_date(source.properties["created"]))
    for number, page in enumerate(_pages(source, serif=True)):
        jpeg = _encode_jpeg(_scanned(page, seed + number, skew=0.7 - 1.2 * number))
        canvas.drawImage(ImageReader(io.BytesIO(jpeg)), 0, 0, *A4)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def jpeg_page(source: Source, *, seed: int) -> bytes:
    """Returns the single page of a text as a JPEG that looks photographed, slightly skewed."""
    return _encode_jpeg(_scanned(_single_page(source), seed, skew=-0.5))


def png_page(source: Source) -> bytes:
    """Returns the single page of a text as a clean PNG in 16 levels of grey."""
    buffer = io.BytesIO()
    levels = _single_page(source).quantize(16)
    levels.save(buffer, "PNG", bits=4, optimize=False, compress_level=9, dpi=(DPI, DPI))
    return buffer.getvalue()


def _single_page(source: Source) -> Image.Image:
    (page,) = _pages(source, serif=False)
    return page


def _pages(source: Source, *, serif: bool) -> Iterator[Image.Image]:
    page = Image.new("L", PAGE, 255)
    y = MARGIN
    for block in source.blocks:
        font, lines, before = _layout(block, serif=serif)
        step = round(font.size * LINE_SPACING)
        following = 4 * step if block.kind == "heading" else 0  # a heading stays with the text below it
        if y + before + step * len(lines) + following > PAGE[1] - MARGIN:
            yield page
            page, y = Image.new("L", PAGE, 255), MARGIN
        y += before
        for line in lines:
            ImageDraw.Draw(page).text((MARGIN, y), line, fill=25, font=font)
            y += step
    yield page


def _layout(block: Block, *, serif: bool) -> tuple[ImageFont.FreeTypeFont, list[str], int]:
    """Returns the font of a block, its lines, and the pixels left free above it."""
    family = "DejaVuSerif" if serif else "DejaVuSans"
    size, before = (23, 14) if block.kind == "paragraph" else (23, 6)
    if block.kind == "heading":
        size, before, family = {1: 36, 2: 27}[block.level], 30, f"{family}-Bold"
    # The basic layout engine gives the same glyph positions whether or not libraqm is installed.
    font = ImageFont.truetype(font_path(family), size, layout_engine=ImageFont.Layout.BASIC)
    text = f"• {block.text}" if block.kind == "bullet" else block.text
    characters = int((PAGE[0] - 2 * MARGIN) / (font.getlength("abcdefghijklmnopqrstuvwxyz ") / 27))
    return (
        font,
        textwrap.wrap(text, characters, subsequent_indent="  " if block.kind == "bullet" else ""),
        before,
    )


def _scanned(page: Image.Image, seed: int, *, skew: float) -> Image.Image:
    turned = page.rotate(skew, resample=Image.Resampling.BICUBIC, fillcolor=255)
    grey = np.asarray(turned, dtype=np.float32) * 0.9 + 12.0
    # RandomState's streams are frozen by numpy's compatibility policy; Generator's are not.
    noise = np.random.RandomState(seed).normal(0.0, 3.0, size=grey.shape)
    shade = np.linspace(0.0, 10.0, grey.shape[1])
    return Image.fromarray(np.clip(grey + noise - shade, 0, 255).astype(np.uint8), "L")


def _encode_jpeg(page: Image.Image) -> bytes:
    buffer = io.BytesIO()
    page.save(buffer, "JPEG", quality=50, dpi=(DPI, DPI))
    return buffer.getvalue()
