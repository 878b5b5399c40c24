"""Puts words of a PDF's text layer back that the conversion has lost, each at its place on the page.

Regions of a layout model can cut a line, swallow a text or leave a page out. A page that keeps too few of its
words is therefore read a second time, line by line and without any model.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from docling_core.types.doc import (
    BoundingBox,
    CoordOrigin,
    DocItem,
    DocItemLabel,
    DoclingDocument,
    NodeItem,
    ProvenanceItem,
)

from stagekit.conservation.coverage import TextCoverage
from stagekit.conservation.words import letters_of, words_of
from stagekit.processing.lost_pieces import outermost
from stagekit.processing.pdf.hyphenation import join_lines
from stagekit.processing.pdf.page_coverage import missing_words, page_texts_of

WHOLE_LINE = 0.7  # share of its words that a line must have lost to be taken as a whole
NEIGHBOURS = 8  # letters beside a word by which it is known again
PARAGRAPH_GAP = 0.8  # white between two lines of a paragraph, in line heights


@dataclass(frozen=True)
class LayerLine:
    """A line of a text layer and its place in points from the bottom left of the page."""

    text: str
    left: float
    bottom: float
    right: float
    top: float


def put_back_lost_text(
    document: DoclingDocument,
    coverage: TextCoverage,
    threshold: float,
    read_lines: Callable[[Sequence[int]], dict[int, list[LayerLine]]],
) -> list[int]:
    """Add what pages below a coverage, or with a proven loss, have lost, as text items in reading order.

    Return the numbers of the pages to which text was added.
    """
    low = coverage.low_pages(threshold)
    if not low:
        return []
    changed = []
    for number, lines in read_lines(low).items():
        words = [word for line in lines for word in words_of(line.text)]
        there = letters_of(page_texts_of(document).get(number, ""))
        parts = list(_paragraphs(_lost_parts(lines, missing_words(words, document, number), there)))
        for text, box in parts:
            place_text(document, number, text, box)
        if parts:
            changed.append(number)
    return changed


def _lost_parts(lines: Sequence[LayerLine], missing: Counter[str], there: str) -> list[tuple[int, LayerLine]]:
    """Return lines, or parts of them, that hold the missing words, with the line's number.

    Lines of which most is missing come first: a word that stands in two lines belongs to the one that is
    gone. Words that are there, but cut in other places, are not missing.
    """
    rest = Counter(missing)
    found: dict[int, LayerLine] = {}
    for index, line in enumerate(lines):
        words = Counter(words_of(line.text))
        if (
            words
            and (words & rest).total() >= WHOLE_LINE * words.total()
            and letters_of(line.text) not in there
        ):
            found[index] = line
            rest -= words
    for index, line in enumerate(lines):
        lost = []
        parts = line.text.split() if index not in found else []
        before = " ".join(other.text for other in lines[max(0, index - 2) : index])
        behind = " ".join(other.text for other in lines[index + 1 : index + 3])
        for place, part in enumerate(parts):
            words = Counter(words_of(part))
            if words & rest and not _is_there([before, *parts, behind], place + 1, there):
                lost.append(part)
                rest -= words
        if lost:
            found[index] = replace(line, text=" ".join(lost))
    return sorted(found.items())


def _is_there(parts: Sequence[str], place: int, there: str) -> bool:
    """Whether a part of a text is on the page beside what stands before or behind it in that text."""
    before, part = letters_of("".join(parts[:place])), letters_of(parts[place])
    behind = letters_of("".join(parts[place + 1 :]))
    if not part:
        return True
    return any(
        len(context) == NEIGHBOURS and place_of in there
        for context, place_of in (
            (before[-NEIGHBOURS:], before[-NEIGHBOURS:] + part),
            (behind[:NEIGHBOURS], part + behind[:NEIGHBOURS]),
        )
    )


def _paragraphs(parts: Sequence[tuple[int, LayerLine]]) -> Iterator[tuple[str, BoundingBox]]:
    """Join lines that follow one another closely."""
    paragraph: list[LayerLine] = []
    last = -1
    for index, line in parts:
        if paragraph and not (index == last + 1 and _follows(paragraph[-1], line)):
            yield _joined(paragraph)
            paragraph = []
        paragraph.append(line)
        last = index
    if paragraph:
        yield _joined(paragraph)


def _follows(above: LayerLine, line: LayerLine) -> bool:
    height = above.top - above.bottom
    return line.top <= above.top and above.bottom - line.top < PARAGRAPH_GAP * height


def _joined(lines: Sequence[LayerLine]) -> tuple[str, BoundingBox]:
    box = BoundingBox(
        l=min(line.left for line in lines),
        b=min(line.bottom for line in lines),
        r=max(line.right for line in lines),
        t=max(line.top for line in lines),
        coord_origin=CoordOrigin.BOTTOMLEFT,
    )
    return join_lines([line.text for line in lines]), box


def place_text(document: DoclingDocument, page: int, text: str, box: BoundingBox) -> None:
    """Add a text behind the last item that stands above it, or before the first one that does not.

    Its box is in points from the bottom left of the page.
    """
    prov = ProvenanceItem(page_no=page, bbox=box, charspan=(0, len(text)))
    before: NodeItem | None = None
    behind: NodeItem | None = None
    for item, _ in document.iterate_items():
        if not isinstance(item, DocItem) or not item.prov:
            continue
        number = item.prov[0].page_no
        if number < page or (number == page and _is_above(item.prov[0].bbox, box)):
            before = item
        elif behind is None:
            behind = item
    sibling = before or behind
    if sibling is None:
        document.add_text(label=DocItemLabel.TEXT, text=text, prov=prov)
        return
    document.insert_text(
        sibling=outermost(document, sibling),
        label=DocItemLabel.TEXT,
        text=text,
        prov=prov,
        after=before is not None,
    )


def _is_above(item: BoundingBox, box: BoundingBox) -> bool:
    beside = item.r < box.l or item.l > box.r
    return not beside and item.t >= box.t
