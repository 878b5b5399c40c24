"""Joins a large first letter that stands before several lines to the word that it begins."""

from __future__ import annotations

from docling_core.types.doc.page import BoundingRectangle, PdfTextCell, SegmentedPdfPage, TextCell

from stagekit.processing.pdf.places import Place, PlacedCells, box_around, place_of
from stagekit.processing.text.known_words import frequency

TALLER = 1.8  # height of the letter over that of the line beside it
NEAR = 1.2  # white between the letter and its word, in line heights
_WORDS_OF_ONE_LETTER = frozenset("AEOÀÉIY")


def join_drop_caps(page: SegmentedPdfPage) -> None:
    """Join each drop cap of a page to its word, whether the parser has put it into the line or beside it."""
    capitals = [line for line in page.textline_cells if len(line.text.strip()) == 1 and line.text.isupper()]
    joined: set[int] = set()
    for capital in capitals:
        box = place_of(capital)
        beside = [line for line in page.textline_cells if _stands_beside(box, line)]
        first = max(beside, key=lambda line: place_of(line).b, default=None)
        if first is not None:
            first.text = first.orig = _joined(capital.text.strip(), first.text)
            joined.add(id(capital))
    page.textline_cells = [line for line in page.textline_cells if id(line) not in joined]
    words: PlacedCells | None = None
    for line in page.textline_cells:
        head, _, rest = line.text.partition(" ")
        if len(head) == 1 and head.isupper() and rest[:1].islower():
            words = words or PlacedCells(page.word_cells)
            _join_within(words, line, head, rest)


def _stands_beside(capital: Place, line: TextCell) -> bool:
    """Whether a line begins right of a capital that is far taller, within the capital's height."""
    box = place_of(line)
    inside = capital.t - 2 <= (box.t + box.b) / 2 <= capital.b + 2
    near = 0 <= box.l - capital.r < NEAR * box.height
    return inside and near and capital.height > TALLER * box.height and line.text[:1].islower()


def _join_within(placed: PlacedCells, line: TextCell, head: str, rest: str) -> None:
    """Join the first letter of a line to what follows where it is far taller."""
    words = [(placed.cells[index], placed.places[index]) for index in placed.inside(place_of(line))]
    words.sort(key=lambda word: word[1].l)
    if len(words) < 2 or words[0][0].text != head:
        return
    capital, (following, box) = words[0][1], words[1]
    if capital.height <= TALLER * box.height or not 0 <= box.l - capital.r < NEAR * box.height:
        return
    line.text = line.orig = _joined(head, rest)
    boxes = [b for _, b in words[1:] if abs(b.b - box.b) < 0.5 * box.height]
    low = box_around([*boxes, box])
    low.l = capital.l
    line.rect = BoundingRectangle.from_bounding_box(low)
    if isinstance(line, PdfTextCell) and isinstance(following, PdfTextCell):
        line.font_name = following.font_name


def _joined(letter: str, text: str) -> str:
    """Return letter and text as one where they are one word; `A` and `O` are words of their own."""
    word = text.split(maxsplit=1)[0].strip(".,;:!?") if text.split() else ""
    if letter not in _WORDS_OF_ONE_LETTER:
        return letter + text
    whole = frequency((letter + word).lower(), "pt")
    return letter + text if whole > frequency(word.lower(), "pt") else f"{letter} {text}"
