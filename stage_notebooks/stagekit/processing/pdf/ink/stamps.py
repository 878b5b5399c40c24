"""Keeps what a stamp says apart from the text that it lies on: a paragraph of its own, and no section."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from docling_core.types.doc import BoundingBox, CoordOrigin

from stagekit.conservation.coverage import shortened
from stagekit.processing.pdf.ink.page_objects import Box, PaintedText
from stagekit.processing.pdf.ink.watermarks import names_a_draft

if TYPE_CHECKING:
    from stagekit.processing.pdf.ink.open_page import OpenPage


@dataclass(frozen=True)
class Stamp:
    """What the stamps of a page say, and where, in points from the bottom left of what is shown."""

    page: int
    text: str
    box: BoundingBox


def stamp_of(number: int, page: OpenPage, texts: Sequence[PaintedText]) -> Stamp:
    """Return what the texts of the stamps of a page, at least one, say line by line; pages count from 1."""
    ordered = sorted(texts, key=lambda text: (-round(text.foot), text.box.left))
    box, left, bottom = Box.around_all(text.box for text in texts), page.shown.left, page.shown.bottom
    place = BoundingBox(
        l=box.left - left,
        b=box.bottom - bottom,
        r=box.right - left,
        t=box.top - bottom,
        coord_origin=CoordOrigin.BOTTOMLEFT,
    )
    return Stamp(number, " ".join(" ".join(map(page.letters, ordered)).split()), place)


def stamp_sentence(stamp: Stamp) -> str:
    """Return one sentence for the report."""
    text = shortened(stamp.text)
    if names_a_draft(stamp.text):
        return f'Page {stamp.page}: stamp "{text}": a draft may have slipped in.'
    return f'Page {stamp.page}: stamp "{text}".'
