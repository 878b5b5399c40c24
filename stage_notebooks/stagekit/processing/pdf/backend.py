"""Docling's PDF parser, which also tells each page which of its pictures stood on a page before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from docling.backend.docling_parse_backend import (
    ThreadedDoclingParseDocumentBackend,
    ThreadedDoclingParsePageBackend,
)

if TYPE_CHECKING:
    from docling_core.types.doc import BoundingBox


class PdfBackend(ThreadedDoclingParseDocumentBackend):
    """The parser of PDF.

    Attributes:
        pictures_before: By page number, the boxes of pictures that OCR has read on an earlier page, in points
            from the top left.
    """

    pictures_before: Mapping[int, Sequence[BoundingBox]] = {}

    def iter_pages(self) -> Iterator[ThreadedDoclingParsePageBackend]:
        """Yield the pages in order, each with its share of `pictures_before`."""
        for page in super().iter_pages():
            page.pictures_before = self.pictures_before.get(page.page_no, ())  # type: ignore[attr-defined]
            yield page
