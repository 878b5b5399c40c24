"""Writes titles that are set with wide spaces between their letters (`R E S O L U Ç Ã O`) as words.

A parser cuts such a line at every letter, or wherever the spacing is widest. Where words end is told by the
white between the pieces: between two words there is clearly more of it than within them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from math import log

from docling_core.types.doc.page import BoundingRectangle, SegmentedPdfPage, TextCell

from stagekit.processing.pdf.places import Place, PlacedCells, box_around, place_of
from stagekit.processing.text.known_words import LANGUAGES, frequency

WIDE_LETTERS = 0.9  # width of a line by letter, over its height, from which on pieces may be parts of words
SINGLE = 0.6  # share of its pieces that are one letter, from which on a line is letter-spaced for certain
WORD_GAP = 1.6  # white between two words over the narrowest within them
FEWEST_LETTERS = 4
FEWEST_VOWELS = 0.3  # share of the letters of a word
LONGEST_WORD = 12  # letters; a longer run without wider white may be several words
_MARKS = "–-.:;,ºª()"
_VOWELS = "aeiouáéíóúâêôãõàü"


@dataclass(frozen=True)
class _Piece:
    cell: TextCell
    box: Place


class _Words:
    """The words of a page, placed when first asked for, and anew where some were replaced."""

    def __init__(self, page: SegmentedPdfPage) -> None:
        self._page = page
        self._cells: list[TextCell] | None = None
        self._placed = PlacedCells(())

    def inside(self, line: Place) -> list[_Piece]:
        """Return the words in a line, from left to right."""
        if self._cells is not self._page.word_cells:
            self._cells = self._page.word_cells
            self._placed = PlacedCells([cell for cell in self._cells if cell.text.strip()])
        placed = self._placed
        inside = [_Piece(placed.cells[index], placed.places[index]) for index in placed.inside(line)]
        return sorted(inside, key=lambda piece: piece.box.l)


def close_spaced_letters(page: SegmentedPdfPage) -> None:
    """Write the letter-spaced lines of a page anew, and the words in them; other lines are left alone."""
    words_of_page = _Words(page)
    for line in page.textline_cells:
        parts = line.text.split()
        letters = sum(map(len, parts))
        if len(parts) < 2 or letters < FEWEST_LETTERS:
            continue
        place = place_of(line)
        certain = (
            sum(len(part) == 1 for part in parts) >= SINGLE * len(parts) and len(parts) >= FEWEST_LETTERS
        )
        if not certain and place.width < WIDE_LETTERS * place.height * letters:
            continue
        pieces = words_of_page.inside(place)
        if "".join(piece.cell.text for piece in pieces) != "".join(parts):
            continue
        words = _words(pieces) if _all_letters(pieces) else []
        if not words or any(_holds_whole_word(word) for word in words):
            if [piece.cell.text for piece in pieces] == parts:
                _close_part(page, line, pieces)
            continue
        written = [part for word in words for part in _segmented(_text(word))]
        likely = _may_be_word if certain else _is_known
        if not all(_is_written_as_word(part) and likely(part) for part in written if len(part) > 1):
            continue
        line.text = line.orig = " ".join(written)
        _replace(page, pieces, words)


def _close_part(page: SegmentedPdfPage, line: TextCell, pieces: Sequence[_Piece]) -> None:
    """Close the longest row of single letters in a line that has other words and figures too."""
    rows = [list(row) for single, row in groupby(pieces, key=_is_single_letter) if single]
    row = max(rows, key=len, default=[])
    if len(row) < FEWEST_LETTERS:
        return
    words = _words(row)
    written = [part for word in words for part in _segmented(_text(word))]
    if not all(_may_be_word(part) for part in written if len(part) > 1):
        return
    start = pieces.index(row[0])
    parts = [piece.cell.text for piece in pieces]
    line.text = line.orig = " ".join([*parts[:start], *written, *parts[start + len(row) :]])
    _replace(page, row, words)


def _is_single_letter(piece: _Piece) -> bool:
    text = piece.cell.text.strip()
    return len(text) == 1 and text.isalpha() and text not in "ºª"


def _holds_whole_word(pieces: Sequence[_Piece]) -> bool:
    """Whether one of the pieces of a word is a word already: the white around it is that between words."""
    texts = [piece.cell.text.strip() for piece in pieces]
    return len(texts) > 1 and any(len(text) >= FEWEST_LETTERS and _is_known(text) for text in texts)


def _all_letters(pieces: Sequence[_Piece]) -> bool:
    """Whether the pieces are letters, with marks at their end: figures and formulas stand apart too."""
    return len(pieces) > 1 and all(piece.cell.text.strip(_MARKS).isalpha() for piece in pieces)


def _words(pieces: Sequence[_Piece]) -> list[list[_Piece]]:
    gaps = [after.box.l - before.box.r for before, after in pairwise(pieces)]
    lower = sorted(gaps)[: max(1, len(gaps) // 2)]
    usual = max(lower[len(lower) // 2], 0.1)
    words = [[pieces[0]]]
    for gap, piece in zip(gaps, pieces[1:], strict=True):
        if gap > WORD_GAP * usual:
            words.append([])
        words[-1].append(piece)
    return words


def _text(word: Sequence[_Piece]) -> str:
    return "".join(piece.cell.text for piece in word)


def _is_known(word: str) -> bool:
    return any(frequency(word.lower(), language) for language in LANGUAGES)


def _is_written_as_word(text: str) -> bool:
    """Whether a text has marks at its ends only, and capitals throughout, at its beginning or nowhere."""
    letters = text.strip(_MARKS)
    return letters.isalpha() and (letters.isupper() or letters[1:].islower())


def _may_be_word(letters: str) -> bool:
    """Whether letters may be a word that no list has, and not names of columns or days (`A B C`)."""
    plain = letters.lower()
    vowels = sum(letter in _VOWELS for letter in plain) / len(plain)
    ascending = all(before < after for before, after in pairwise(plain))
    return _is_known(letters) or (vowels > FEWEST_VOWELS and not ascending)


def _segmented(run: str) -> list[str]:
    """Return the words of a run of letters without wider white in it: the most common that fill it."""
    if len(run) <= LONGEST_WORD or _is_known(run):
        return [run]
    best: list[tuple[float, list[str]] | None] = [(0.0, [])]
    for end in range(1, len(run) + 1):
        options = []
        for start in range(max(0, end - 2 * LONGEST_WORD), end):
            before, word = best[start], run[start:end]
            count = frequency(word.lower(), "pt")
            if before is not None and count and (len(word) > 1 or word.lower() in "aeoàé"):
                options.append((before[0] + log(count) - 20, [*before[1], word]))
        best.append(max(options, default=None))
    found = best[-1]
    return [run] if found is None else found[1]


def _replace(page: SegmentedPdfPage, pieces: Sequence[_Piece], words: Sequence[Sequence[_Piece]]) -> None:
    gone = {id(piece.cell) for piece in pieces}
    page.word_cells = [cell for cell in page.word_cells if id(cell) not in gone]
    for word in words:
        rect = BoundingRectangle.from_bounding_box(box_around(piece.box for piece in word))
        text = _text(word)
        page.word_cells.append(word[0].cell.model_copy(update={"text": text, "orig": text, "rect": rect}))
