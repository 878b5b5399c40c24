"""Finds pictures that stood on an earlier page too: letterheads and backgrounds, which OCR reads once."""

from __future__ import annotations

import ctypes
import hashlib
from typing import Any

import pypdfium2.raw as pdfium
from docling_core.types.doc import BoundingBox

from stagekit.processing.pdf.ink.open_page import OpenPage
from stagekit.processing.pdf.ink.page_objects import PaintedShape


class SeenPictures:
    """Remembers the pictures of a document."""

    def __init__(self) -> None:
        self._seen: set[bytes] = set()

    def again(self, page: OpenPage) -> list[BoundingBox]:
        """Return where on a page pictures stand that were on an earlier one, in points from the top left.

        A page without text is read whole, so its pictures are not looked at.
        """
        if not any(page.letters(text).strip() for text in page.texts):
            return []
        found, own = [], set()
        for shape in page.objects:
            if not isinstance(shape, PaintedShape) or not shape.is_picture:
                continue
            key = _fingerprint(shape.handle)
            own.add(key)
            if key in self._seen:
                left, top = shape.box.left - page.shown.left, page.shown.top - shape.box.top
                found.append(BoundingBox(l=left, t=top, r=left + shape.box.width, b=top + shape.box.height))
        self._seen |= own
        return found


def _fingerprint(handle: Any) -> bytes:

    size = pdfium.FPDFImageObj_GetImageDataRaw(handle, None, 0)
    data = (ctypes.c_ubyte * size)()
    pdfium.FPDFImageObj_GetImageDataRaw(handle, data, size)
    return hashlib.sha256(data).digest()
