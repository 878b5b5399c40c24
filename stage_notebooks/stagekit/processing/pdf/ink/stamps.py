"""Keeps what a stamp says apart from the text that it lies on: a paragraph of its own, and no section."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from docling_core.types.doc import BoundingBox, CoordOrigin

from stagekit.conservation.coverage import shortened
from stagekit.processing.pdf.ink.page_objects import Box, PaintedText
from stagekit.processing.pdf.ink.watermarks import names_a_draft


@dataclass(frozen=True)
class Stamp:
    """What the stamps of a page say, and where, in points from the bottom left of what is shown."""

    page: int
    text: str
    box: BoundingBox


def stamp_of(
    number: int, texts: Sequence[PaintedText], shown: Box, letters: Callable[[PaintedText], str]
) -> Stamp:
    """Return what the texts of the stamps of a page say, line by line.

    Args:
        number: Of the page, from 1.
        texts: Those of its stamps, at least one.
        shown: The part of the page that is shown.
        letters: Gives the letters of a text.
    """
    ordered = sorted(texts, key=lambda text: (-round(text.foot), text.box.left))
    box = BoundingBox(
        l=min(text.box.left for text in texts) - shown.left,
        b=min(text.box.bottom for text in texts) - shown.bottom,
        r=max(text.box.right for text in texts) - shown.left,
        t=max(text.box.top for text in texts) - shown.bottom,
        coord_origin=CoordOrigin.BOTTOMLEFT,
    )
    return Stamp(number, " ".join(" ".join(map(letters, ordered)).split()), box)


def stamp_sentence(stamp: Stamp) -> str:
    """Return one sentence for the report."""
    text = shortened(stamp.text)
    if names_a_draft(stamp.text):
        return f'Page {stamp.page}: stamp "{text}": a draft may have slipped in.'
    return f'Page {stamp.page}: stamp "{text}".'
