"""Writes the digital PDFs of the sample with reportlab: one column, two columns, or behind a password."""

import io
from collections.abc import Callable
from datetime import date
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import cm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, PageTemplate, Paragraph, Spacer, Table

from .fonts import font_path
from .markup import Block, Source

__all__ = ["digital_pdf", "fixed_date"]

MARGIN = 2.0 * cm
GUTTER = 0.8 * cm
INK = colors.HexColor("#1d2b3a")
RULE = colors.HexColor("#8593a3")
SHADE = colors.HexColor("#e8edf2")


def digital_pdf(source: Source, *, columns: int = 1, password: str = "") -> bytes:
    """Returns a PDF with a text layer, embedded font subsets, headings and ruled tables.

    The same source gives the same bytes: reportlab's invariant mode fixes dates and identifiers, and streams
    stay uncompressed because zlib builds differ in what they write.

    Args:
        source: the text; `title`, `author`, `description`, `keywords` and `created` become PDF properties.
        columns: 1 or 2 columns of text below the title.
        password: the user password; "" leaves the file open.
    """
    _register_fonts()
    buffer = io.BytesIO()
    properties = source.properties
    document = BaseDocTemplate(
        buffer,
        pagesize=A4,
        invariant=1,
        pageCompression=0,
        title=properties["title"],
        author=properties["author"],
        subject=properties["description"],
        keywords=properties["keywords"],
        creator="NIC",
        encrypt=StandardEncryption(password, ownerPassword="nic-" + password, strength=128)
        if password
        else None,
    )
    document.addPageTemplates([_template(columns, properties)])
    width = _column_width(columns)
    size = 9.5 if columns > 1 else properties.get("body_size", 10.5)
    document.build([part for block in source.blocks for part in _flowables(block, width, size)])
    return buffer.getvalue()


def fixed_date(day: date) -> Callable[..., str]:
    """Returns a formatter for `Canvas.setDateFormatter` that dates a PDF at noon UTC of the given day."""
    return lambda *_: f"D:{day:%Y%m%d}120000+00'00'"


def _register_fonts() -> None:
    for alias, name in (("Body", "DejaVuSans"), ("Bold", "DejaVuSans-Bold")):
        pdfmetrics.registerFont(TTFont(alias, font_path(name)))


def _column_width(columns: int) -> float:
    return float((A4[0] - 2 * MARGIN - (columns - 1) * GUTTER) / columns)


def _template(columns: int, properties: dict[str, Any]) -> PageTemplate:
    width = _column_width(columns)
    frames = [
        Frame(MARGIN + index * (width + GUTTER), MARGIN, width, A4[1] - 2 * MARGIN - 0.3 * cm, 0, 0, 0, 0)
        for index in range(columns)
    ]

    def running_lines(canvas: Canvas, _: Any) -> None:
        canvas.setDateFormatter(fixed_date(properties["created"]))
        canvas.setFont("Body", 7.5)
        canvas.setFillColor(INK)
        canvas.setStrokeColor(RULE)
        top = A4[1] - MARGIN + 0.4 * cm
        canvas.drawString(MARGIN, top, "NIC · Núcleo Integrado de Conhecimento")
        canvas.drawRightString(A4[0] - MARGIN, top, properties["code"])
        canvas.line(MARGIN, top - 0.2 * cm, A4[0] - MARGIN, top - 0.2 * cm)
        canvas.drawCentredString(A4[0] / 2, MARGIN - 0.9 * cm, f"Página {canvas.getPageNumber()}")

    return PageTemplate("page", frames, onPage=running_lines)


def _style(
    size: float, *, font: str = "Body", before: float = 0, after: float = 0, indent: float = 0
) -> ParagraphStyle:
    return ParagraphStyle(
        f"{font}{size}{indent}", fontName=font, fontSize=size, leading=size * 1.38, textColor=INK,
        spaceBefore=before, spaceAfter=after, leftIndent=indent, bulletIndent=indent - 12,
        bulletFontName=font, keepWithNext=font == "Bold",
    )  # fmt: skip


def _flowables(block: Block, width: float, body: float) -> list[Flowable]:
    if block.kind == "heading":
        size = {1: 20.0, 2: 13.5, 3: 11.5}[block.level]
        return [Paragraph(escape(block.text), _style(size, font="Bold", before=size * 0.8, after=size * 0.4))]
    if block.kind == "table":
        return [_table(block.rows, width, body - 1.5), Spacer(1, 10)]
    if block.kind == "bullet":
        return [Paragraph(escape(block.text), _style(body, after=3, indent=16), bulletText="•")]
    if block.kind == "number":
        return [Paragraph(escape(block.text), _style(body, after=3))]
    return [Paragraph(escape(block.text), _style(body, after=7))]


def _table(rows: list[list[str]], width: float, size: float) -> Table:
    head, cell = _style(size, font="Bold"), _style(size)
    cells = [[Paragraph(escape(text), head if row is rows[0] else cell) for text in row] for row in rows]
    lengths = [max(len(row[column]) for row in rows) ** 0.6 for column in range(len(rows[0]))]
    table = Table(cells, colWidths=[width * length / sum(lengths) for length in lengths], repeatRows=1)
    table.setStyle(
        [
            ("GRID", (0, 0), (-1, -1), 0.6, RULE),
            ("BACKGROUND", (0, 0), (-1, 0), SHADE),
            ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
        ]
    )
    return table
