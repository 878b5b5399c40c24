"""Writes boxes to tick that a page draws with lines as signs, so that their answers are read.

Forms that browsers and other programs print have no letter for a box: it is a small square, and a cross or a
hook is more lines. Without them, what was chosen and what was not read alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from stagekit.processing.pdf.ink.field_labels import label_behind
from stagekit.processing.pdf.ink.open_page import OpenPage
from stagekit.processing.pdf.ink.page_objects import Box, PaintedText, small_squares
from stagekit.processing.pdf.ink.page_view import Picture
from stagekit.processing.pdf.ink.signs import BOX_SIGNS, EMPTY, TICKED, insert_sign

SIDES = (6.0, 16.0)  # points; smaller squares are bullets, larger ones cells
NEAREST_LABEL = 1.5  # white between a box and its label, in sides of the box
TOUCHING = 1.0  # points between squares that are the cells of a table, or of a field for single letters
MOST_SQUARES = 500  # of a form; where there are more, they are a grid or a drawing
CLOSE_LOOK = 4.0  # pixels a point
BORDER = 0.22  # share of the side at each edge that may be the border
CONTRAST = 60  # levels between a mark and its ground, where that is paper
PALE_CONTRAST = 18  # the same on a grey ground: a field that nobody can change has a white hook on light grey
PAPER = 235  # level from which the ground is as white as paper
MARKED = 0.04  # share of the inner part that a mark covers
LIGHT = 170  # level from which the ground of a box is paper; a dark square is a bullet
_MARKS = frozenset("xX×✓✔✗✘☓•●")


def write_drawn_boxes(
    document: Any, page: OpenPage, texts: Sequence[PaintedText]
) -> list[PaintedText] | None:
    """Write the sign of a box before each label that stands behind a drawn one.

    Return the texts that are marks in a box, which have to go; None where the page has no such box.
    """
    drawn = small_squares(page.page, *SIDES)
    squares = _alone(drawn) if len(drawn) <= MOST_SQUARES else []
    picture: Picture | None = None
    gone: list[PaintedText] | None = None
    for box in squares:
        label = label_behind(box, page)
        if (
            label is None
            or label.box.left - box.right > NEAREST_LABEL * box.width
            or _signed(box, label, page)
        ):
            continue
        inside = [text for text in texts if text is not label and _is_centred(text.box, box)]
        if any(page.letters(text).strip() not in _MARKS for text in inside if page.letters(text).strip()):
            continue
        picture = picture or page.view.drawn(CLOSE_LOOK)
        sign = _sign(picture, box)
        if sign is not None:
            insert_sign(document, page.page, sign, label.size, label.box.left, label.foot)
            gone = [*(gone or ()), *inside]
    return gone


def _alone(squares: Sequence[Box]) -> list[Box]:
    """Return squares that touch no other, one of those that are drawn over one another."""
    found: list[Box] = []
    for box in sorted(squares, key=lambda box: -box.area):
        if not any(other.holds(box, slack=TOUCHING) for other in found):
            found.append(box)
    touching: set[Box] = set()
    in_rows = sorted(found, key=lambda box: (round(box.bottom), box.left))
    in_columns = sorted(found, key=lambda box: (round(box.left), box.bottom))
    for one, other in (*pairwise(in_rows), *pairwise(in_columns)):
        if _touch(one, other):
            touching |= {one, other}
    return [box for box in found if box not in touching]


def _touch(one: Box, other: Box) -> bool:
    wide = Box(one.left - TOUCHING, one.bottom - TOUCHING, one.right + TOUCHING, one.top + TOUCHING)
    return wide.overlap(other) > 0.0


def _signed(box: Box, label: PaintedText, page: OpenPage) -> bool:
    """Whether a sign is written already: the square is the frame of a form's field."""
    return any(
        page.letters(text).strip() in BOX_SIGNS
        for text in page.texts
        if box.left - box.width <= text.box.left <= label.box.left and _is_level(text.box, box)
    )


def _is_level(one: Box, other: Box) -> bool:
    return one.bottom < (other.bottom + other.top) / 2 < one.top or _is_centred(one, other)


def _is_centred(one: Box, other: Box) -> bool:
    """Whether the middle of a box lies in another one."""
    x, y = (one.left + one.right) / 2, (one.bottom + one.top) / 2
    return other.left < x < other.right and other.bottom < y < other.top


def _sign(picture: Picture, box: Box) -> str | None:
    """Return what a box shows: a mark on its ground, or its ground alone; None of one that is no box."""
    inset = BORDER * box.width
    inner = Box(box.left + inset, box.bottom + inset, box.right - inset, box.top - inset)
    rows, columns = picture.place(inner, margin=0)
    levels = picture.pixels[rows, columns].astype(int).mean(axis=2).ravel()
    if not levels.size:
        return None
    ground = sorted(levels)[levels.size // 2]
    contrast = CONTRAST if ground >= PAPER else PALE_CONTRAST
    if (abs(levels - ground) > contrast).mean() >= MARKED:
        return TICKED
    return EMPTY if ground >= LIGHT else None
