"""A page of PDFium with what is known of it while it is open."""

from __future__ import annotations

from typing import Any

from stagekit.processing.pdf.ink.page_objects import (
    Box,
    PaintedShape,
    PaintedText,
    object_letters,
    page_objects,
    shown_box,
)
from stagekit.processing.pdf.ink.page_view import PageView


class OpenPage:
    """An open page of a document of PDFium (counted from 0), its objects and their letters."""

    def __init__(self, document: Any, index: int) -> None:
        self.page = document[index]  # of PDFium
        self.shown: Box = shown_box(self.page)  # the part of it that is shown
        # all that is painted, in order
        self.objects: list[PaintedText | PaintedShape] = list(page_objects(self.page))
        self.texts = [item for item in self.objects if isinstance(item, PaintedText)]
        self.shapes = [item for item in self.objects if isinstance(item, PaintedShape)]
        self.view = PageView(self.page, self.shown)
        self._text_page: Any = None
        self._letters: dict[int, str] = {}

    def letters(self, text: PaintedText) -> str:
        """Return the letters of a text of this page."""
        if text.order not in self._letters:
            self._letters[text.order] = object_letters(text.handle, self.text_page())
        return self._letters[text.order]

    def text_page(self) -> Any:
        """Return PDFium's text page, which this page closes."""
        if self._text_page is None:
            self._text_page = self.page.get_textpage()
        return self._text_page

    def release(self) -> Any:
        """Close all but the page, and return that."""
        if self._text_page is not None:
            self._text_page.close()
            self._text_page = None
        return self.page
