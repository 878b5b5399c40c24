"""Finds the words of a PDF page in the text of its lines, so that one word in a line can be changed."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from docling_core.types.doc import BoundingBox
    from docling_core.types.doc.page import SegmentedPdfPage, TextCell

__all__ = ["PlacedWord", "box_of", "words_by_line"]

INSIDE = 0.6  # share of a word that lies in its line


@dataclass(frozen=True)
class PlacedWord:
    """A word as the parser gave it, and its place in the text of its line: from `start` to before `end`."""

    cell: TextCell
    text: str
    box: BoundingBox
    start: int
    end: int


def words_by_line(page: SegmentedPdfPage) -> Iterator[tuple[TextCell, list[PlacedWord]]]:
    """Yield each level line of a page with its words, in the order in which they stand in its text."""
    words = [(cell, box_of(cell)) for cell in page.word_cells if cell.text.strip()]
    words.sort(key=lambda pair: pair[1].t)
    tops = [box.t for _, box in words]
    for line in page.textline_cells:
        place = box_of(line)
        near = _near(words, tops, place)
        found = list(_placed(line.text, sorted(near, key=lambda pair: pair[1].l)))
        if found:
            yield line, found


def box_of(cell: TextCell) -> BoundingBox:
    """Return the box of a cell, in points from the top left."""
    return cell.rect.to_bounding_box()


def _near(
    words: Sequence[tuple[TextCell, BoundingBox]], tops: Sequence[float], place: BoundingBox
) -> list[tuple[TextCell, BoundingBox]]:
    height = place.height
    first, last = bisect_left(tops, place.t - height), bisect_right(tops, place.b)
    return [pair for pair in words[first:last] if pair[1].intersection_over_self(place) > INSIDE]


def _placed(text: str, words: Sequence[tuple[TextCell, BoundingBox]]) -> Iterator[PlacedWord]:
    position = 0
    for cell, box in words:
        start = text.find(cell.text, position)
        if start >= 0:
            position = start + len(cell.text)
            yield PlacedWord(cell, cell.text, box, start, position)
