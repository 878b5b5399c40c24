"""Where the cells of a page stand, in one array: what lies in a place is found without asking each of them.

Docling builds a checked object for the box of a cell each time it is asked for. A page has hundreds of lines
and words, and every line is held against every word.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from docling_core.types.doc import BoundingBox

if TYPE_CHECKING:
    from docling_core.types.doc.page import TextCell
    from numpy.typing import NDArray

INSIDE = 0.6  # share of a word that lies in its line


class Place(NamedTuple):
    """The level rectangle around a cell, in points from the top left of its page."""

    l: float  # noqa: E741 - as Docling's boxes have it
    t: float
    r: float
    b: float

    @property
    def width(self) -> float:
        """Width in points."""
        return self.r - self.l

    @property
    def height(self) -> float:
        """Height in points."""
        return self.b - self.t


def place_of(cell: TextCell) -> Place:
    """Return where a cell stands; its corners count from the top left."""
    rect = cell.rect
    xs, ys = (rect.r_x0, rect.r_x1, rect.r_x2, rect.r_x3), (rect.r_y0, rect.r_y1, rect.r_y2, rect.r_y3)
    return Place(min(xs), min(ys), max(xs), max(ys))


def box_around(places: Iterable[Place]) -> BoundingBox:
    """Return Docling's box around places, of which there is at least one."""
    lefts, tops, rights, bottoms = zip(*places, strict=True)
    return BoundingBox(l=min(lefts), t=min(tops), r=max(rights), b=max(bottoms))


class PlacedCells:
    """Cells of a page, as they stand now."""

    def __init__(self, cells: Sequence[TextCell]) -> None:
        self.cells = cells  # in the given order
        corners = [
            (r.r_x0, r.r_y0, r.r_x1, r.r_y1, r.r_x2, r.r_y2, r.r_x3, r.r_y3) for r in (c.rect for c in cells)
        ]
        points: NDArray[np.float64] = np.array(corners, np.float64).reshape(-1, 4, 2)
        edges = np.hstack((points.min(axis=1), points.max(axis=1)))
        self.places = list(map(Place._make, edges.tolist()))  # theirs
        self._left, self._top, self._right, self._bottom = np.ascontiguousarray(edges.T)
        self._area = (self._right - self._left) * (self._bottom - self._top)

    def inside(self, place: Place, share: float = INSIDE) -> list[int]:
        """Return, in order, the indices of the cells of which more than a share lies in a place."""
        width = np.minimum(self._right, place.r) - np.maximum(self._left, place.l)
        height = np.minimum(self._bottom, place.b) - np.maximum(self._top, place.t)
        near = np.flatnonzero((width > 0.0) & (height > 0.0) & (self._area > 0.0))
        shares = width[near] * height[near] / self._area[near]
        found: list[int] = near[shares > share].tolist()
        return found
