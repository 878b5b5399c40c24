"""Turns scanned pages upright before layout and OCR see them.

The lines of text that RapidOCR detects tell whether a page lies on its side (they are taller than wide); its
line classifier tells whether they stand on their head. Both models lie in RapidOCR's package.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pypdfium2

from stagekit.processing.ocr.packaged_ocr import page_reader

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

LONG_SIDE = 960  # pixels of the page image that is looked at
FEWEST_LINES = 3  # fewer lines of text do not decide
MOST_LINES = 20  # more lines are not needed
SIDEWAYS = 1.5  # a box this many times taller than wide is a line on its side


def clockwise_correction(page: Image) -> int:
    """Return by how many degrees (0, 90, 180, 270) an RGB page must turn clockwise to be upright."""
    from PIL import Image as Images
    from rapidocr.utils.process_img import get_rotate_crop_image

    scale = LONG_SIDE / max(page.size)
    size = (max(1, round(page.width * scale)), max(1, round(page.height * scale)))
    pixels = np.ascontiguousarray(np.asarray(page.resize(size, Images.Resampling.LANCZOS))[:, :, ::-1])
    engine = page_reader()
    boxes = engine(pixels, use_det=True, use_cls=False, use_rec=False).boxes
    if boxes is None or len(boxes) < FEWEST_LINES:
        return 0
    boxes = sorted((np.asarray(box, np.float32) for box in boxes), key=_area, reverse=True)[:MOST_LINES]
    sideways = sum(_is_sideways(box) for box in boxes) > len(boxes) / 2
    # The crop function turns a tall crop by 90 degrees against the clock, so that the classifier reads a
    # line.
    asked = [box for box in boxes if _is_sideways(box) == sideways]
    lines = (get_rotate_crop_image(pixels, box) for box in asked)
    verdicts = (engine(line, use_det=False, use_cls=True, use_rec=False).cls_res[0] for line in lines)
    reversed_lines = _majority(map(_vote, verdicts), len(asked))
    if sideways:
        return 90 if reversed_lines else 270
    return 180 if reversed_lines else 0


def upright_image(content: bytes) -> bytes:
    """Return an image file that stands upright; one that already does comes back unchanged."""
    from PIL import Image, ImageOps

    with Image.open(io.BytesIO(content)) as image:
        dpi = image.info.get("dpi")
        page = ImageOps.exif_transpose(image).convert("RGB")
    angle = clockwise_correction(page)
    if angle == 0:
        return content
    turned = io.BytesIO()
    page.rotate(-angle, expand=True).save(turned, "PNG", **({"dpi": dpi} if dpi else {}))
    return turned.getvalue()


def upright_pdf(content: bytes, scanned_pages: Sequence[int]) -> bytes:
    """Return a PDF whose scanned pages (indices from 0) stand upright; the same one if they already do."""
    from docling.utils.locks import pypdfium2_lock

    turned = False
    with pypdfium2_lock:
        document = pypdfium2.PdfDocument(content)
        try:
            for index in scanned_pages:
                try:
                    page = document[index]
                except pypdfium2.PdfiumError:  # a number without a page
                    continue
                scale = LONG_SIDE / max(page.get_size())
                angle = clockwise_correction(page.render(scale=scale).to_pil().convert("RGB"))
                if angle:
                    page.set_rotation((page.get_rotation() + angle) % 360)
                    turned = True
            if not turned:
                return content
            result = io.BytesIO()
            document.save(result)
            return result.getvalue()
        finally:
            document.close()


def _majority(votes: Iterator[float], most: int) -> bool:
    """Whether the sum of votes from -1 to 1 is above 0; no more are asked for than can change that."""
    total = 0.0
    for left, vote in zip(reversed(range(most)), votes, strict=False):
        total += vote
        if abs(total) > left:
            break
    return total > 0


def _vote(verdict: tuple[str, float]) -> float:
    label, score = verdict
    return score if "180" in label else -score


def _area(box: NDArray[np.float32]) -> float:
    return float(np.ptp(box[:, 0]) * np.ptp(box[:, 1]))


def _is_sideways(box: NDArray[np.float32]) -> bool:
    return bool(np.ptp(box[:, 1]) >= SIDEWAYS * np.ptp(box[:, 0]))
