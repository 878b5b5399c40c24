"""Draws a page of a document as a picture, in a process of its own: documents are not to be trusted.

``python -m runner.dashboard.page_image KIND PAGE`` reads a PDF or an image from standard input and writes a
PNG to standard output; standard error says ``pages N``, or why there is no picture.
"""

from __future__ import annotations

import io
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from runner.dashboard.child_environment import child_environment

__all__ = ["DRAWABLE", "PageImage", "draw_page"]

DRAWABLE = {"pdf", "png", "jpg", "jpeg"}
"""File types of which a page can be drawn."""

_WIDTH = 760  # pixels
_MOST_PIXELS = 60_000_000
_MEMORY = 2 * 2**30
_SECONDS = 20.0


@dataclass(frozen=True)
class PageImage:
    """A page as PNG, or the reason why it cannot be drawn; ``pages`` of the document, 0 if not known."""

    png: bytes = b""
    pages: int = 0
    reason: str = ""


def draw_page(data: bytes, extension: str, page: int = 1) -> PageImage:
    """Draw a page of a document.

    Args:
        data: the file.
        extension: its type, one of :data:`DRAWABLE`.
        page: counted from 1.
    """
    if extension not in DRAWABLE:
        return PageImage(reason=f"There is no page image of a .{extension} file.")
    line = [sys.executable, "-m", "runner.dashboard.page_image", extension, str(page)]
    try:
        done = subprocess.run(
            line, input=data, capture_output=True, timeout=_SECONDS, env=child_environment(), check=False
        )
    except subprocess.TimeoutExpired:
        return PageImage(reason=f"Its page could not be drawn within {_SECONDS:g} s.")
    said = done.stderr.decode(errors="replace").strip().splitlines() or [""]
    if done.returncode or not done.stdout:
        return PageImage(
            reason=f"Its page cannot be drawn: {said[-1].rstrip('.') or 'the file crashes the reader'}."
        )
    count = said[-1].removeprefix("pages ")
    return PageImage(done.stdout, int(count) if count.isdigit() else 0)


def _main(extension: str, page: int) -> None:
    _limit_memory()
    data = sys.stdin.buffer.read()
    picture, pages = _from_pdf(data, page) if extension == "pdf" else (_from_image(data), 1)
    picture.thumbnail((_WIDTH, 2 * _WIDTH))
    out = io.BytesIO()
    picture.convert("RGB").save(out, "PNG")
    sys.stdout.buffer.write(out.getvalue())
    sys.stderr.write(f"pages {pages}\n")


def _from_pdf(data: bytes, page: int) -> tuple[Any, int]:
    import pypdfium2

    with pypdfium2.PdfDocument(data) as document:
        count = len(document)
        sheet = document[min(max(page, 1), count) - 1]
        scale = min(_WIDTH / max(sheet.get_width(), 1), 2 * _WIDTH / max(sheet.get_height(), 1), 4.0)
        return sheet.render(scale=scale).to_pil(), count


def _from_image(data: bytes) -> Any:
    from PIL import Image, ImageOps

    Image.MAX_IMAGE_PIXELS = _MOST_PIXELS
    return ImageOps.exif_transpose(Image.open(io.BytesIO(data), formats=["PNG", "JPEG"]))


def _limit_memory() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))


if __name__ == "__main__":
    try:
        _main(sys.argv[1], int(sys.argv[2]))
    except Exception as error:
        sys.stderr.write(" ".join(str(error).split()) + "\n")
        sys.exit(1)
