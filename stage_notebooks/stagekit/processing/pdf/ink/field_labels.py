"""Finds the label of a form field, and what the field shows to a reader.

A field may stand far from its label and in a frame, and a layout model then reads all labels first and all
values after them. So values are written beside their labels, as `Nome: Fulana de Tal`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stagekit.processing.pdf.ink.open_page import OpenPage
from stagekit.processing.pdf.ink.page_objects import Box, PaintedText
from stagekit.processing.pdf.ink.visibility import hidden_text

SAME_ROW = 0.5  # share of the smaller height that a label and its field have in common
NEAR = 30.0  # points between a field and a label that does not end in a colon
FAR = 250.0  # points between a field and a label that does


def label_behind(box: Box, page: OpenPage) -> PaintedText | None:
    """Return the text right behind a box to tick, or None."""
    behind = [
        text
        for text in page.texts
        if _same_row(box, text.box) and -2 < text.box.left - box.right < NEAR and page.letters(text).strip()
    ]
    return min(behind, key=lambda text: text.box.left, default=None)


def label_before(field: Box, page: OpenPage) -> PaintedText | None:
    """Return the text before a field that names it, or None."""
    before = [
        text
        for text in page.texts
        if _same_row(field, text.box)
        and -2 < field.left - text.box.right < FAR
        and page.letters(text).strip()
    ]
    label = max(before, key=lambda text: text.box.right, default=None)
    if label is None or page.letters(label).rstrip().endswith((":", "?")):
        return label
    return label if field.left - label.box.right < NEAR else None


def shown_in(document: Any, index: int, fields: Sequence[Box]) -> list[str]:
    """Return the one line that each field of a page shows, where all are drawn into it.

    Nothing where a field shows more lines, or a reader sees none.
    """
    page = OpenPage(document, index)
    hidden = hidden_text(page, layers=True)
    unseen = {text.order for text in (*hidden.nowhere, *hidden.on_picture)}
    seen = [text for text in page.texts if text.form is not None and text.order not in unseen]
    lines = []
    for field in fields:
        parts = sorted((text for text in seen if _within(field, text)), key=lambda text: text.box.left)
        one_line = all(_same_row(parts[0].box, text.box) for text in parts)
        lines.append(" ".join(page.letters(text).strip() for text in parts).strip() if one_line else "")
    page.release().close()
    return lines


def _within(field: Box, text: PaintedText) -> bool:
    x, y = (text.box.left + text.box.right) / 2, (text.box.bottom + text.box.top) / 2
    return field.left <= x <= field.right and field.bottom <= y <= field.top


def _same_row(one: Box, other: Box) -> bool:
    shared = min(one.top, other.top) - max(one.bottom, other.bottom)
    return shared >= SAME_ROW * min(one.height, other.height) > 0.0
