"""Tells running headers and footers from text of the document by comparing the pages with one another.

A layout model sees one page. What stands at the same place on several pages is furniture, even where the
model has taken it for text or has drawn it into a paragraph; and a "header" that stands on one page only is
text that happens to begin there.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from docling.datamodel.base_models import AssembledUnit, Cluster, Page, PageElement, Table, TextElement
from docling_core.types.doc import BoundingBox, DocItemLabel
from docling_core.types.doc.page import TextCell

from stagekit.processing.pdf.page_structure import EDGES, heading_test, text_lines

__all__ = ["mark_running_edges"]

MARGIN = 0.15  # share of the page's height at its top and bottom where running text stands
TOLERANCE = 6.0  # points by which its distance from the edge of the page may vary
FEWEST_PAGES = 3  # of a long document; of a short one half of its pages, and never a single one
HEADINGS = (DocItemLabel.SECTION_HEADER, DocItemLabel.TITLE)

_NUMBER = re.compile(r"\d+")
_ROMAN = re.compile(r"\W*([ivxl]+)\W*", re.IGNORECASE)
_ROMAN_VALUES = {"i": 1, "v": 5, "x": 10, "l": 50}


@dataclass(frozen=True)
class _Line:
    """A line of an element near the edge of a page; `distance` is from that edge, in points."""

    page: int
    element: int
    index: int
    at_top: bool
    distance: float
    heading: bool
    signatures: tuple[str, ...]


def mark_running_edges(pages: Sequence[Page], join: Callable[[list[str]], str]) -> None:
    """Label as page header or footer what repeats at the edges of a document's pages, and nothing else.

    Lines of a paragraph that repeat are taken out of it. Text is compared without regard to case; a number
    in it may follow the number of the page. On the first page a heading stays one: a running header often
    repeats the title. A header or footer of the layout model that does not repeat becomes text.

    Args:
        pages: The assembled pages; their elements are changed.
        join: Makes one text of the lines of an element.
    """
    assembled = [page for page in pages if page.assembled is not None and page.size is not None]
    if len(assembled) < 2:
        return
    running = _running(list(_edge_lines(assembled)), len(assembled))
    for position, page in enumerate(assembled):
        found: dict[int, list[_Line]] = defaultdict(list)
        for line in running:
            if line.page == position:
                found[line.element].append(line)
        page.assembled = _relabelled(page, found, join, release=len(assembled) >= FEWEST_PAGES)


def _edge_lines(pages: Sequence[Page]) -> Iterator[_Line]:
    for position, page in enumerate(pages):
        assert page.assembled is not None
        assert page.size is not None
        height = page.size.height
        for number, element in enumerate(page.assembled.elements):
            if not isinstance(element, TextElement | Table):
                continue
            for index, cells in enumerate(text_lines(element.cluster.cells)):
                box = _enclosing(cells)
                at_top = box.t < height / 2
                distance = box.t if at_top else height - box.b
                if distance < MARGIN * height:
                    heading = element.label in HEADINGS
                    signatures = _signatures(_text(cells), page.page_no)
                    yield _Line(position, number, index, at_top, distance, heading, signatures)


def _running(lines: Sequence[_Line], pages: int) -> set[_Line]:
    """Return the lines that stand on enough pages; headings must do so on half of them."""
    half = max(2, (pages + 1) // 2)
    groups: dict[tuple[bool, str], list[_Line]] = defaultdict(list)
    for line in lines:
        for signature in line.signatures:
            groups[line.at_top, signature].append(line)
    running: set[_Line] = set()
    for members in groups.values():
        for place in _places(members):
            count = len({line.page for line in place})
            running.update(
                line
                for line in place
                if count >= (half if line.heading else min(half, FEWEST_PAGES))
                and not (line.heading and line.page == 0)
            )
    return running


def _places(lines: Sequence[_Line]) -> Iterator[list[_Line]]:
    """Group lines that have the same distance from the edge."""
    place: list[_Line] = []
    for line in sorted(lines, key=lambda line: line.distance):
        if place and line.distance - place[-1].distance > TOLERANCE:
            yield place
            place = []
        place.append(line)
    if place:
        yield place


def _signatures(text: str, page_no: int) -> tuple[str, ...]:
    """Return what a line is compared by: its text, and its text with each number relative to the page's."""
    folded = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    relative = [
        f"{folded[: match.start()]}<{int(match.group()) - page_no}>{folded[match.end() :]}"
        for match in _NUMBER.finditer(folded)
        if len(match.group()) < 5
    ]
    roman = _ROMAN.fullmatch(folded)
    if roman:
        relative.append(f"<{_roman(roman.group(1)) - page_no}>")
    return (folded, *relative)


def _roman(numeral: str) -> int:
    values = [_ROMAN_VALUES[letter] for letter in numeral.lower()]
    return sum(-v if v < after else v for v, after in zip(values, [*values[1:], 0], strict=True))


def _relabelled(
    page: Page, found: dict[int, list[_Line]], join: Callable[[list[str]], str], *, release: bool
) -> AssembledUnit:
    assert page.assembled is not None
    unit, old = AssembledUnit(), page.assembled.elements
    clusters = [element.cluster for element in old]
    is_heading = heading_test(clusters)
    free = max((c.id for cluster in clusters for c in (cluster, *cluster.children)), default=0) + 1
    for number, element in enumerate(old):
        parts: list[PageElement] = [element]
        if number in found and isinstance(element, TextElement | Table):
            parts = _parts(element, found[number], free, join)
            free += len(parts)
        elif release and element.label in EDGES and isinstance(element, TextElement):
            label = DocItemLabel.SECTION_HEADER if is_heading(element.cluster) else DocItemLabel.TEXT
            parts = [element.model_copy(update={"label": label})]
        unit.elements.extend(parts)
    for element in unit.elements:
        (unit.headers if element.label in EDGES else unit.body).append(element)
    return unit


def _parts(
    element: TextElement | Table, running: Sequence[_Line], free: int, join: Callable[[list[str]], str]
) -> list[PageElement]:
    """Split an element into its running lines and the rest, in order; a table is taken as a whole or not."""
    lines = text_lines(element.cluster.cells)
    at_top = {line.index: line.at_top for line in running}
    if isinstance(element, Table) and len(at_top) < len(lines):
        return [element]
    labels = [
        element.label
        if index not in at_top
        else (DocItemLabel.PAGE_HEADER if at_top[index] else DocItemLabel.PAGE_FOOTER)
        for index in range(len(lines))
    ]
    parts: list[PageElement] = []
    for label, indices in groupby(range(len(lines)), key=labels.__getitem__):
        cells = [cell for index in indices for cell in lines[index]]
        cluster = Cluster(
            id=free + len(parts),
            label=label,
            bbox=_enclosing(cells),
            confidence=element.cluster.confidence,
            cells=cells,
        )
        text = join([cell.text.strip() for cell in cells])
        link = element.hyperlink if isinstance(element, TextElement) else None
        parts.append(
            TextElement(
                label=label,
                id=cluster.id,
                text=text,
                hyperlink=link,
                page_no=element.page_no,
                cluster=cluster,
            )
        )
    return parts


def _text(cells: Sequence[TextCell]) -> str:
    return " ".join(cell.text.strip() for cell in cells)


def _enclosing(cells: Sequence[TextCell]) -> BoundingBox:
    return BoundingBox.enclosing_bbox([cell.rect.to_bounding_box() for cell in cells])
