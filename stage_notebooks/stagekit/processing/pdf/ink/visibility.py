"""Finds the text of a PDF page that leaves no ink: what a person who looks at the page cannot read.

Layers that are switched off, letters in the ground's colour, below a box, cut off by a clip or beside the
page: each has a cheap sign, and the sign only raises a question. The answer comes from the page itself, which
is drawn with the questionable letters and without them: what changes no pixel is not there for a reader.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from stagekit.processing.pdf.ink.page_objects import Box, PaintedShape, PaintedText
from stagekit.processing.pdf.ink.page_view import FAINTEST

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from stagekit.processing.pdf.ink.open_page import OpenPage
    from stagekit.processing.pdf.ink.page_view import PageView, Picture

PICTURE_CONTRAST = 40  # levels between letters and paper of a scan
SMALLEST = 1.0  # points; smaller letters are dots
SOLID = 230  # opacity from which a shape hides what is below it
HIDING = 0.3  # share of a text below later shapes from which they may hide it; rules and underlines do not
SIMILAR = 48  # levels between two colours that may not be told apart
MOST_ALONE = 100  # texts over one another that are looked at one by one
COVERED = 0.5  # share of a text that must stand on a picture
PAPER = (255, 255, 255)
_NO_INK = (3, 7)  # rendering modes: invisible, clip only


@dataclass
class HiddenText:
    """Text of a page without ink."""

    nowhere: list[PaintedText] = field(default_factory=list)  # no reader sees it in any form
    # it stands where a picture shows something, as the layer that OCR adds to a scan
    on_picture: list[PaintedText] = field(default_factory=list)


def hidden_text(page: OpenPage, *, layers: bool) -> HiddenText:
    """Return which texts of a page leave no ink; one of blanks alone hides nothing.

    Args:
        page: It is drawn without some of its texts, and left as it is.
        layers: The document may have layers, so that any form may be switched off.
    """
    found = HiddenText()
    suspects = []
    for text in _suspects(page.objects, page.shown, layers=layers):
        if not page.letters(text).strip():
            continue
        placed = _with_area(text)
        if text.size < SMALLEST or placed.box.overlap(page.shown) <= 0.0:
            found.nowhere.append(text)
        else:
            suspects.append(placed)
    if not suspects:
        return found
    whole = page.view.drawn()
    pictures = [shape for shape in page.objects if isinstance(shape, PaintedShape) and shape.is_picture]
    for text in _inkless(page.view, whole, suspects):
        if (
            _stands_on(text.box.within(page.shown), pictures)
            and _contrast(whole.at(text.box, 0.3)) >= PICTURE_CONTRAST
        ):
            found.on_picture.append(text)
        else:
            found.nowhere.append(text)
    return found


def _suspects(
    objects: Sequence[PaintedText | PaintedShape], shown: Box, *, layers: bool
) -> Iterator[PaintedText]:
    grounds = _Grounds([item for item in objects if isinstance(item, PaintedShape) and item.box.area > 0])
    for text in objects:
        if isinstance(text, PaintedText) and (
            text.mode in _NO_INK
            or text.size < SMALLEST
            or text.box.area <= 0.0
            or text.see_through
            or text.is_clipped
            or "OC" in text.marks
            or (layers and text.form is not None)
            or not shown.holds(text.box, slack=text.size)
            or grounds.may_hide(text)
        ):
            yield text


def _with_area(text: PaintedText) -> PaintedText:
    """Return a text with a place to look at; PDFium gives none to letters without a shape."""
    if text.box.area > 0.0:
        return text
    box, size = text.box, text.size
    return replace(text, box=Box(box.left - size, box.bottom - size, box.right + size, box.top + size))


class _Grounds:
    """The filled shapes and pictures of a page, below and above its texts."""

    def __init__(self, shapes: Sequence[PaintedShape]) -> None:
        self._shapes = shapes
        places = [(s.box.left, s.box.bottom, s.box.right, s.box.top) for s in shapes]
        self._places = np.array(places, float).reshape(-1, 4)

    def may_hide(self, text: PaintedText) -> bool:
        """Whether letters may have the colour of what is below them, or much of them lies below a shape."""
        grounds: list[tuple[int, ...] | None] = [PAPER]
        covered = 0.0
        for shape in self._around(text.box):
            solid = shape.colour is None or shape.colour[3] >= SOLID
            ground = shape.colour[:3] if shape.colour else None
            if shape.order > text.order:
                covered += shape.box.overlap(text.box) if solid else 0.0
            elif solid and ground and shape.box.holds(text.box, slack=1.0):
                grounds = [ground]
            else:
                grounds.append(ground)
        if covered >= HIDING * text.box.area:
            return True
        return any(ground is None or _alike(text.colour, ground) for ground in grounds)

    def _around(self, box: Box) -> Iterator[PaintedShape]:
        left, bottom, right, top = self._places.T
        crossing = (left < box.right) & (right > box.left) & (bottom < box.top) & (top > box.bottom)
        return (self._shapes[int(index)] for index in np.flatnonzero(crossing))


def _alike(one: Sequence[int], other: Sequence[int]) -> bool:
    return max(abs(a - b) for a, b in zip(one[:3], other, strict=True)) < SIMILAR


def _inkless(view: PageView, whole: Picture, suspects: Sequence[PaintedText]) -> list[PaintedText]:
    """Return the suspects without which the page looks the same."""
    inkless = [text for text in suspects if text.mode in _NO_INK]
    asked = [text for text in suspects if text.mode not in _NO_INK]
    if not asked:
        return inkless
    with view.without(asked):
        rest = view.drawn()
    inked = [text for text in asked if _differ(whole, rest, text.box)]
    seen = {text.order for text in inked}
    inkless += [text for text in asked if text.order not in seen]
    # A change may be the ink of another text in the same place: those are taken away one at a time.
    for text in _crossing(inked)[:MOST_ALONE]:
        with view.without([text]):
            if not _differ(whole, view.drawn(), text.box):
                inkless.append(text)
    return inkless


def _differ(one: Picture, other: Picture, box: Box) -> bool:
    """Whether two pictures of a page differ in a place."""
    place = one.place(box)
    pixels, others = one.pixels[place], other.pixels[place]
    return bool((np.maximum(pixels, others) - np.minimum(pixels, others) >= FAINTEST).any())


def _crossing(texts: Sequence[PaintedText]) -> list[PaintedText]:
    """Return the texts that stand on others, but for letters drawn twice in one place to look bold."""
    found: dict[int, PaintedText] = {}
    below: list[PaintedText] = []
    for text in sorted(texts, key=lambda item: item.box.bottom):
        below = [other for other in below if other.box.top > text.box.bottom]
        for other in below:
            twice = other.box.holds(text.box, slack=1.0) and text.box.holds(other.box, slack=1.0)
            if text.box.overlap(other.box) > 0.0 and not (twice and text.colour == other.colour):
                found |= {text.order: text, other.order: other}
        below.append(text)
    return [found[order] for order in sorted(found)]


def _stands_on(place: Box, pictures: Sequence[PaintedShape]) -> bool:
    return any(picture.box.overlap(place) >= COVERED * place.area > 0.0 for picture in pictures)


def _contrast(pixels: NDArray[np.uint8]) -> int:
    return int(np.ptp(pixels.mean(axis=2))) if pixels.size else 0
