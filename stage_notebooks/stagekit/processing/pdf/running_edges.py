"""Tells running headers and footers from text of the document by comparing the pages with one another.

A layout model sees one page. What stands at the same place on several pages is furniture, even where the
model has taken it for text or has drawn it into a paragraph; and a "header" that stands on one page only is
text that happens to begin there. What repeats is furniture only at the very edge and apart from the text: a
sentence in the flow of the text stays, and so does all that the copies of a form letter have in common.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from docling.datamodel.base_models import AssembledUnit, Cluster, Page, PageElement, Table, TextElement
from docling_core.types.doc import BoundingBox, DocItemLabel
from docling_core.types.doc.page import TextCell

from stagekit.processing.furniture import folded, is_page_number, signatures
from stagekit.processing.pdf.page_structure import EDGES, heading_test
from stagekit.processing.pdf.paragraphs import text_lines
from stagekit.processing.pdf.places import box_around, place_of

MARGIN = 0.15  # share of the page's height at its top and bottom where running text stands
TOLERANCE = 6.0  # points by which its distance from the edge of the page may vary
FEWEST_PAGES = 3  # of a long document; of a short one half of its pages, and never a single one
SET_OFF = 0.7  # white between running text and the text beside it, in line heights
FORM_SHARE = 0.5  # share of a page's inner lines that stand on another page too: copies of one letter
FEWEST_INNER = 3  # lines between the edges that tell whether a page is such a copy
HEADINGS = (DocItemLabel.SECTION_HEADER, DocItemLabel.TITLE)


@dataclass(frozen=True)
class _Line:
    """A line of an element; `distance` is from the nearer edge of its page, in points."""

    page: int
    element: int
    index: int
    at_top: bool
    distance: float
    near: bool  # it stands in the margin where running text is looked for
    named: bool  # the layout model took it for a header or footer
    heading: bool
    text: str
    box: tuple[float, float, float, float]
    signatures: tuple[str, ...]


def mark_running_edges(pages: Sequence[Page], join: Callable[[list[str]], str]) -> None:
    """Label as page header or footer what repeats at the edges of a document's pages, and nothing else.

    Lines of a paragraph that repeat are taken out of it. Text is compared without regard to case; a number
    in it may follow the number of the page. On the first page a heading stays one: a running header often
    repeats the title. A header or footer of the layout model that does not repeat becomes text, unless it is
    the number of the page.

    Args:
        pages: The assembled pages; their elements are changed.
        join: Makes one text of the lines of an element.
    """
    assembled = [page for page in pages if page.assembled is not None and page.size is not None]
    running = _running(list(_lines(assembled)), len(assembled))
    for position, page in enumerate(assembled):
        found: dict[int, list[_Line]] = defaultdict(list)
        for line in running:
            if line.page == position:
                found[line.element].append(line)
        page.assembled = _relabelled(page, found, join)


def _lines(pages: Sequence[Page]) -> Iterator[_Line]:
    for position, page in enumerate(pages):
        assert page.assembled is not None
        assert page.size is not None
        height = page.size.height
        for number, element in enumerate(page.assembled.elements):
            if not isinstance(element, TextElement | Table):
                continue
            for index, cells in enumerate(text_lines(element.cluster.cells)):
                box, text = _enclosing(cells), _text(cells)
                at_top = box.t < height / 2
                distance = box.t if at_top else height - box.b
                yield _Line(
                    page=position,
                    element=number,
                    index=index,
                    at_top=at_top,
                    distance=distance,
                    near=distance < MARGIN * height,
                    named=element.label in EDGES,
                    heading=element.label in HEADINGS,
                    text=text,
                    box=(box.l, box.t, box.r, box.b),
                    signatures=signatures(text, page.page_no),
                )


def _running(lines: Sequence[_Line], pages: int) -> set[_Line]:
    """Return the lines that stand on enough pages; headings must do so on half of them."""
    half = max(2, (pages + 1) // 2)
    copies = _copies(lines)
    groups: dict[tuple[bool, str], list[_Line]] = defaultdict(list)
    for line in lines:
        for signature in line.signatures if line.near else ():
            groups[line.at_top, signature].append(line)
    running: set[_Line] = set()
    for members in groups.values():
        for place in _places(members):
            count = len({line.page for line in place if line.page not in copies or is_page_number(line.text)})
            running.update(
                line
                for line in place
                if count >= (half if line.heading else min(half, FEWEST_PAGES))
                and not (line.heading and line.page == 0)
            )
    return _apart_from_text(running, lines)


def _copies(lines: Sequence[_Line]) -> set[int]:
    """Return the pages that are copies of one letter or form: most of what they say stands elsewhere too."""
    inner: dict[int, set[str]] = defaultdict(set)
    for line in lines:
        if not line.near:
            inner[line.page].add(folded(line.text))
    on_pages = Counter(text for texts in inner.values() for text in texts)
    return {
        page
        for page, texts in inner.items()
        if len(texts) >= FEWEST_INNER and sum(on_pages[text] > 1 for text in texts) > FORM_SHARE * len(texts)
    }


def _apart_from_text(running: set[_Line], lines: Sequence[_Line]) -> set[_Line]:
    """Leave out what stands on most of its pages in the flow of the text: between its lines or close to one.

    What the layout model has named a header or footer has been seen to stand apart.
    """
    by_edge: dict[tuple[int, bool], list[_Line]] = defaultdict(list)
    for line in lines:
        by_edge[line.page, line.at_top].append(line)
    in_flow: Counter[tuple[bool, str]] = Counter()
    seen: Counter[tuple[bool, str]] = Counter()
    for line in running:
        beside = by_edge[line.page, line.at_top]
        flows = not line.named and _flows(line, [other for other in beside if other not in running])
        for signature in line.signatures:
            seen[line.at_top, signature] += 1
            in_flow[line.at_top, signature] += flows
    return {
        line
        for line in running
        if all(2 * in_flow[line.at_top, s] <= seen[line.at_top, s] for s in line.signatures)
    }


def _flows(line: _Line, text: Sequence[_Line]) -> bool:
    """Whether lines of the text stand farther out than this line, or close to it."""
    left, top, right, bottom = line.box
    for other in text:
        if other.named or other.box[2] <= left or other.box[0] >= right:
            continue
        if other.distance < line.distance:
            return True
        white = max(other.box[1] - bottom, top - other.box[3])
        if white < SET_OFF * min(bottom - top, other.box[3] - other.box[1]):
            return True
    return False


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


def _relabelled(page: Page, found: dict[int, list[_Line]], join: Callable[[list[str]], str]) -> AssembledUnit:
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
        elif (
            element.label in EDGES
            and isinstance(element, TextElement)
            and not is_page_number(element.text or "")
        ):
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
    return box_around(map(place_of, cells))
