"""Tells the words that are printed across pages, such as MINUTA, from what the pages say.

A watermark is large and either slanted or pale and level; it stands on page after page in one place, or lies
across the text. A big title, a grey heading, a white title in a dark bar and a slanted word in a drawing are
none.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from stagekit.processing.pdf.ink.page_objects import Box, PaintedShape, PaintedText
from stagekit.processing.pdf.ink.visibility import PAPER, SOLID
from stagekit.processing.text.quality import page_ranges

if TYPE_CHECKING:
    from stagekit.processing.pdf.ink.open_page import OpenPage

SMALLEST = 24.0  # points
LARGER = 1.8  # times the usual letters of the page
SLANTED = (15.0, 75.0)  # degrees from level; text up the side of a page stands at 90
PALE = 0.65  # share of the strongest contrast that is possible on a ground, up to which ink is pale
SHEER = 170  # opacity up to which black is grey
LONGEST = 60  # characters
EDGE = 0.12  # share of a page's height at top and bottom where titles and letterheads stand
SAME_PLACE = 12.0  # points

_DRAFT = re.compile(
    r"minuta|rascunho|esboço|draft|borrador|preliminar|proposta|em (?:elaboração|revisão|aprovação)"
    r"|sem (?:valor|validade)|not? for (?:use|release|construction)|for review",
    re.IGNORECASE,
)
_LETTER = re.compile(r"[^\W\d_]")


@dataclass(frozen=True)
class Inscription:
    """A word or words that may be a watermark."""

    text: str  # its letters, blanks made single
    texts: tuple[PaintedText, ...]  # the text objects that paint it
    box: Box  # around it, in points
    slanted: bool  # it rises or falls
    pale: bool  # its ink is grey or sheer
    across: bool  # it lies over or under other text
    inner: bool  # it stands clear of the page's upper and lower edge


def inscriptions(page: OpenPage, texts: Sequence[PaintedText]) -> list[Inscription]:
    """Return what among the texts of a page may be a watermark."""
    large = [text for text in texts if text.size >= SMALLEST and page.letters(text).strip()]
    if not large:
        return []
    usual = median(text.size for text in texts)
    groups: dict[tuple[int, int, tuple[int, ...]], list[PaintedText]] = defaultdict(list)
    for text in large:
        slanted, pale = _is_slanted(text), _is_pale(text, page.shapes)
        if slanted or (pale and (text.size >= LARGER * usual or len(large) == len(texts))):
            groups[round(text.angle), round(text.size), text.colour].append(text)
    found = []
    for group in groups.values():
        words = " ".join("".join(_spaced(group, page.letters)).split())
        if not _LETTER.search(words) or len(words) > LONGEST:
            continue
        box, shown = Box.around_all(text.box for text in group), page.shown
        others = [text for text in texts if text not in group]
        found.append(
            Inscription(
                words,
                tuple(group),
                box,
                _is_slanted(group[0]),
                _is_pale(group[0], page.shapes),
                any(text.box.overlap(own.box) > 0 for own in group for text in others),
                box.bottom > shown.bottom + EDGE * shown.height and box.top < shown.top - EDGE * shown.height,
            )
        )
    return found


def across_pages(found: Mapping[int, Sequence[Inscription]], pages: int) -> dict[int, list[Inscription]]:
    """Return the watermarks among the inscriptions of a document of so many pages; both by page number."""
    marks: dict[int, list[Inscription]] = defaultdict(list)
    for number, candidates in found.items():
        for one in candidates:
            same = sum(any(_same(one, other) for other in others) for others in found.values())
            repeated = same >= 2 and 2 * same >= pages
            slanted = one.slanted and (repeated or (one.pale and one.across))
            level = one.pale and (one.across or (repeated and one.inner))
            if slanted or level:
                marks[number].append(one)
    return dict(marks)


def names_a_draft(text: str) -> bool:
    """Whether what is printed or stamped on a page says that it is no final wording."""
    return _DRAFT.search(text) is not None


def sentences_of(marks: Mapping[int, Sequence[str]]) -> list[str]:
    """Return one sentence for each text that is printed across pages, given by page number."""
    by_text: dict[str, list[int]] = defaultdict(list)
    for number, texts in sorted(marks.items()):
        for text in dict.fromkeys(texts):
            by_text[text].append(number)
    return [
        f'{page_ranges(numbers)}: watermark "{text}"'
        + (": a draft may have slipped in." if names_a_draft(text) else ", left out of the text.")
        for text, numbers in by_text.items()
    ]


def _spaced(group: Sequence[PaintedText], letters: Callable[[PaintedText], str]) -> Iterable[str]:
    """Yield the letters of objects along the line they stand in, with blanks where there is white."""
    ordered = sorted(group, key=lambda text: (text.box.left, -text.box.top))
    before: PaintedText | None = None
    for text in ordered:
        if before is not None and text.box.left - before.box.right > 0.15 * text.size:
            yield " "
        yield letters(text)
        before = text


def _same(one: Inscription, other: Inscription) -> bool:
    return (
        one.text == other.text
        and abs(one.box.left - other.box.left) < SAME_PLACE
        and abs(one.box.bottom - other.box.bottom) < SAME_PLACE
    )


def _is_slanted(text: PaintedText) -> bool:
    return SLANTED[0] <= text.angle <= SLANTED[1]


def _is_pale(text: PaintedText, shapes: Sequence[PaintedShape]) -> bool:
    """Whether the ink of a text stands out little from its ground."""
    *colour, opacity = text.colour
    ground = _ground(text, shapes)
    contrast = max(abs(a - b) for a, b in zip(colour, ground, strict=True))
    return opacity <= SHEER or contrast <= PALE * max(max(level, 255 - level) for level in ground)


def _ground(text: PaintedText, shapes: Sequence[PaintedShape]) -> tuple[int, ...]:
    """Return the colour of the last shape that is painted below a text and holds it; else that of paper."""
    ground: tuple[int, ...] = PAPER
    for shape in shapes:
        if shape.order < text.order and shape.colour is not None and shape.box.holds(text.box, slack=1.0):
            *colour, opacity = shape.colour
            ground = tuple(colour) if opacity >= SOLID else ground
    return ground
