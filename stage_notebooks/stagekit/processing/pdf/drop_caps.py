"""Joins a large first letter that stands before several lines to the word that it begins."""

from __future__ import annotations

from docling_core.types.doc import BoundingBox
from docling_core.types.doc.page import BoundingRectangle, PdfTextCell, SegmentedPdfPage, TextCell

from stagekit.processing.text.known_words import frequency

__all__ = ["join_drop_caps"]

TALLER = 1.8  # height of the letter over that of the line beside it
NEAR = 1.2  # white between the letter and its word, in line heights
_WORDS_OF_ONE_LETTER = frozenset("AEOÀÉIY")


def join_drop_caps(page: SegmentedPdfPage) -> None:
    """Join each drop cap of a page to its word, whether the parser has put it into the line or beside it.

    Args:
        page: As parsed; its lines are changed.
    """
    capitals = [line for line in page.textline_cells if len(line.text.strip()) == 1 and line.text.isupper()]
    joined: set[int] = set()
    for capital in capitals:
        box = capital.rect.to_bounding_box()
        beside = [line for line in page.textline_cells if _stands_beside(box, line)]
        first = max(beside, key=lambda line: _top(line.rect.to_bounding_box()), default=None)
        if first is not None:
            first.text = first.orig = _joined(capital.text.strip(), first.text)
            joined.add(id(capital))
    page.textline_cells = [line for line in page.textline_cells if id(line) not in joined]
    for line in page.textline_cells:
        head, _, rest = line.text.partition(" ")
        if len(head) == 1 and head.isupper() and rest[:1].islower():
            _join_within(page, line, head, rest)


def _stands_beside(capital: BoundingBox, line: TextCell) -> bool:
    """Whether a line begins right of a capital that is far taller, within the capital's height."""
    box = line.rect.to_bounding_box()
    inside = min(capital.t, capital.b) - 2 <= (box.t + box.b) / 2 <= max(capital.t, capital.b) + 2
    near = 0 <= box.l - capital.r < NEAR * box.height
    return inside and near and capital.height > TALLER * box.height and line.text[:1].islower()


def _join_within(page: SegmentedPdfPage, line: TextCell, head: str, rest: str) -> None:
    """Join the first letter of a line to what follows where it is far taller."""
    place = line.rect.to_bounding_box()
    words = [
        (word, box)
        for word in page.word_cells
        if (box := word.rect.to_bounding_box()).intersection_over_self(place) > 0.6
    ]
    words.sort(key=lambda word: word[1].l)
    if len(words) < 2 or words[0][0].text != head:
        return
    capital, (following, box) = words[0][1], words[1]
    if capital.height <= TALLER * box.height or not 0 <= box.l - capital.r < NEAR * box.height:
        return
    line.text = line.orig = _joined(head, rest)
    boxes = [b for _, b in words[1:] if abs(_top(b) - _top(box)) < 0.5 * box.height]
    low = BoundingBox.enclosing_bbox([*boxes, box])
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


def _top(box: BoundingBox) -> float:
    return max(box.t, box.b)
