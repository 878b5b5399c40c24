"""A PDF page as it is seen: drawn by PDFium, with texts of it taken away and put back."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pypdfium2.raw as pdfium

from stagekit.processing.pdf.ink.page_objects import Box, PaintedText

if TYPE_CHECKING:
    from numpy.typing import NDArray

LOOKING = 1.5  # pixels a point: enough to see that there is ink
READING = 150 / 72  # what OCR reads well
FAINTEST = 12  # levels of 255 by which ink differs from its ground
MOST_PIXELS = 3600  # long side of an image


class Picture:
    """An image of a page.

    Attributes:
        pixels: Levels 0 to 255, shape (height, width, 3).
    """

    def __init__(self, page: Any, scale: float) -> None:
        image = page.render(scale=scale, may_draw_forms=False, draw_annots=False).to_numpy()
        self.pixels: NDArray[np.uint8] = np.ascontiguousarray(image[:, :, :3])
        self._page = page

    def at(self, box: Box, widened: float = 0.0) -> NDArray[np.uint8]:
        """Return the pixels of a place, widened at each side by a share of its height; there may be none."""
        return self.pixels[self.place(box, widened)]

    def place(self, box: Box, widened: float = 0.0, margin: int = 1) -> tuple[slice, slice]:
        """Return the rows and columns of a place, widened by a share of its height and a margin in pixels."""
        height, width = self.pixels.shape[:2]
        columns, rows = [], []
        column, row = ctypes.c_int(), ctypes.c_int()
        for x in (box.left, box.right):
            for y in (box.bottom, box.top):
                pdfium.FPDF_PageToDevice(self._page, 0, 0, width, height, 0, x, y, column, row)
                columns.append(column.value)
                rows.append(row.value)
        more = margin + round(widened * min(max(rows) - min(rows), max(columns) - min(columns)))
        return (
            slice(max(0, min(rows) - more), max(0, max(rows) + more + 1)),
            slice(max(0, min(columns) - more), max(0, max(columns) + more + 1)),
        )


def changed_pixels(one: Picture, other: Picture) -> NDArray[np.bool_]:
    """Return where two pictures of a page differ, shape (height, width)."""
    levels: NDArray[np.uint8] = np.maximum(one.pixels, other.pixels) - np.minimum(one.pixels, other.pixels)
    changed: NDArray[np.bool_] = levels.max(axis=2) >= FAINTEST
    return changed


class PageView:
    """A page of PDFium, which must stay open, that can be looked at as far as it is shown."""

    def __init__(self, page: Any, shown: Box) -> None:
        self._page = page
        self._largest = MOST_PIXELS / max(shown.width, shown.height, 1.0)

    def drawn(self, scale: float = LOOKING) -> Picture:
        """Return the page as it is seen, without annotations, in pixels a point; a huge page has fewer."""
        return Picture(self._page, min(scale, self._largest))

    @contextmanager
    def without(self, texts: Sequence[PaintedText]) -> Iterator[None]:
        """Take texts away for a while."""
        for text in texts:
            pdfium.FPDFPageObj_SetIsActive(text.handle, False)
        try:
            yield
        finally:
            for text in texts:
                pdfium.FPDFPageObj_SetIsActive(text.handle, True)
