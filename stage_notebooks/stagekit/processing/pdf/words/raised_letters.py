"""Joins raised and lowered letters to the word they belong to: `n o` is `no`, `m 2` is `m2`, `CO 2` is `CO2`.

The parser takes a change of size for the end of a word. Where no white stands between two words of different
size, there is no blank between them. A raised number behind a word is the mark of a note, and is written so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from docling_core.types.doc.page import BoundingRectangle

from stagekit.processing.pdf.places import box_around, place_of
from stagekit.processing.pdf.words.line_words import PlacedWord, words_by_line

if TYPE_CHECKING:
    from docling_core.types.doc.page import SegmentedPdfPage, TextCell

GAP = 0.12  # white within a word, in heights of its larger part
SMALLER = 0.85  # height of a raised letter, in heights of its neighbour
RAISED = 0.15  # how far its foot stands above the neighbour's, in heights of that

_NOTED = re.compile(r"[^\W\d_]{4,}[.,;:!?)\]”\"']*$")  # shorter ones are units: m2, km2, cm3
_NUMBER = re.compile(r"\d{1,2}$")


def join_raised_letters(page: SegmentedPdfPage) -> None:
    """Join the parts of words of a page, in its lines and among its words."""
    gone: set[int] = set()
    for line, words in words_by_line(page):
        joints = [pair for pair in pairwise(words) if _is_one(line.text, *pair)]
        if not joints:
            continue
        line.text = _joined(line.text, joints)
        whole: dict[int, TextCell] = {}  # the cell that a part was joined to
        for before, word in joints:
            host = whole.get(id(before.cell), before.cell)
            host.text += _part(before, word)
            box = box_around((place_of(host), place_of(word.cell)))
            host.rect = BoundingRectangle.from_bounding_box(box)
            whole[id(word.cell)] = host
            gone.add(id(word.cell))
    if gone:
        page.word_cells = [cell for cell in page.word_cells if id(cell) not in gone]


def _joined(text: str, joints: Sequence[tuple[PlacedWord, PlacedWord]]) -> str:
    written, position = "", 0
    for before, word in joints:
        written += text[position : before.end] + _part(before, word)
        position = word.end
    return written + text[position:]


def _part(before: PlacedWord, word: PlacedWord) -> str:
    return f"[{word.text}]" if _is_note(before, word) else word.text


def _is_one(text: str, before: PlacedWord, word: PlacedWord) -> bool:
    if text[before.end : word.start] != " ":
        return False
    left, right = before.box, word.box
    large, small = max(left.height, right.height), min(left.height, right.height)
    return bool(-large < right.l - left.r < GAP * large and small < SMALLER * large)


def _is_note(before: PlacedWord, word: PlacedWord) -> bool:
    raised = before.box.b - word.box.b > RAISED * before.box.height
    return raised and bool(_NUMBER.match(word.text)) and bool(_NOTED.search(before.text))
