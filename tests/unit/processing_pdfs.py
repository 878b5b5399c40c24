"""PDFs for the tests of document processing, drawn with reportlab."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
import pytest
from PIL import Image, ImageDraw, ImageFont

FONT = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
PAGE = (595, 842)
TOPICS = ("contratos", "convênios", "pagamentos", "férias", "arquivos", "licitações")
SENTENCES = (
    "A ouvidoria recebe manifestações dos cidadãos e responde em até trinta dias, como manda a lei.",
    "O prazo da decisão pode ser prorrogado uma vez, com justificativa escrita da unidade responsável.",
    "Denúncias anônimas são aceitas desde que tragam indícios mínimos do que se afirma em seu texto.",
    "A solicitação é encaminhada à área técnica, que emite parecer sobre a situação e a sua solução.",
    "Não há custo para o cidadão, e a informação é publicada no portal da transparência do município.",
    "As reuniões da comissão são públicas, e as atas ficam disponíveis até a próxima sessão ordinária.",
    "Os órgãos da administração enviam relatórios mensais à secretaria de gestão até o décimo dia útil.",
    "O servidor em férias não responde a processos, e os seus prazos são contados a partir do retorno.",
)


def pdf(draw: Callable[[Any], None], **options: Any) -> bytes:
    """A PDF whose pages a function draws on a canvas; equal calls give equal bytes."""
    canvas = pytest.importorskip("reportlab.pdfgen.canvas")
    stream = io.BytesIO()
    page = canvas.Canvas(stream, pagesize=PAGE, invariant=1, **options)
    draw(page)
    page.save()
    return stream.getvalue()


def report_with_edges(pages: int = 4) -> bytes:
    """A report with the same header and a numbered footer on every page."""

    def draw(page: Any) -> None:
        for number in range(1, pages + 1):
            page.setFont("Helvetica", 10)
            page.drawString(60, 805, "Prefeitura de Vale Verde - Manual da Ouvidoria")
            y = 780
            for index, text in enumerate(SENTENCES):
                page.drawString(60, y - 14 * index, f"{text.rstrip('.')} ({TOPICS[number % 6]}).")
            page.drawString(270, 30, f"Página {number} de {pages}")
            page.showPage()

    return pdf(draw)


def picture_of(lines: tuple[str, ...], size: tuple[int, int] = (1240, 1754)) -> Image.Image:
    """A scanned page with lines of text."""
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    font = ImageFont.truetype(str(FONT), 20)
    for index, line in enumerate(lines):
        draw.text((100, 120 + 44 * index), line, fill="black", font=font)
    return image


def scan_with_layer(shown: tuple[str, ...], layer: tuple[str, ...]) -> bytes:
    """A scanned page under which a scanner has laid an invisible text of its own."""
    reader = pytest.importorskip("reportlab.lib.utils").ImageReader
    metrics = pytest.importorskip("reportlab.pdfbase.pdfmetrics")
    fonts = pytest.importorskip("reportlab.pdfbase.ttfonts")
    metrics.registerFont(fonts.TTFont("DejaVu", str(FONT)))

    def draw(page: Any) -> None:
        page.drawImage(reader(picture_of(shown)), 0, 0, width=PAGE[0], height=PAGE[1])
        text = page.beginText()
        text.setTextRenderMode(3)
        text.setFont("DejaVu", 9)
        for index, line in enumerate(layer):
            text.setTextOrigin(48, 842 - 67 - 21.1 * index)
            text.textOut(line)
        page.drawText(text)
        page.showPage()

    return pdf(draw)
