"""Finds the words of a PDF page in the text of its lines, so that one word in a line can be changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stagekit.processing.pdf.places import Place, PlacedCells, place_of

if TYPE_CHECKING:
    from docling_core.types.doc.page import SegmentedPdfPage, TextCell


@dataclass(frozen=True, slots=True)
class PlacedWord:
    """A word as the parser gave it, and its place in the text of its line: from `start` to before `end`."""

    cell: TextCell
    text: str
    box: Place
    start: int
    end: int


def words_by_line(page: SegmentedPdfPage) -> Iterator[tuple[TextCell, list[PlacedWord]]]:
    """Yield each level line of a page with its words, in the order in which they stand in its text."""
    words = PlacedCells([cell for cell in page.word_cells if cell.text.strip()])
    for line in page.textline_cells:
        inside = words.inside(place_of(line))
        inside.sort(key=lambda index: (words.places[index].l, words.places[index].t))
        found = list(_placed(line.text, [(words.cells[index], words.places[index]) for index in inside]))
        if found:
            yield line, found


def _placed(text: str, words: Sequence[tuple[TextCell, Place]]) -> Iterator[PlacedWord]:
    position = 0
    for cell, box in words:
        start = text.find(cell.text, position)
        if start >= 0:
            position = start + len(cell.text)
            yield PlacedWord(cell, cell.text, box, start, position)
