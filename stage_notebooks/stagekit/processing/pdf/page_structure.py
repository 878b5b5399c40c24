"""Corrects the regions of a page with what its text says: no text inside pictures, lists, headings.

Works on the regions after Docling has put the text cells into them, whatever layout model found them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from docling.datamodel.base_models import Cluster
from docling_core.types.doc import BoundingBox, DocItemLabel
from docling_core.types.doc.page import PdfTextCell, TextCell

from stagekit.processing.pdf.code_regions import join_listings, split_at_listings
from stagekit.processing.pdf.footnotes import LONG_LINE, is_footnote, letter_width, note_starts
from stagekit.processing.pdf.ink.signs import BOX_SIGNS
from stagekit.processing.pdf.places import Place, box_around, place_of

BULLET = re.compile(r"^\s*(?:[•·●▪■◦○‣∙*∞➢➔✓\uf0b7\uf0a7]|[-–—](?=\s))\s*")
NUMBER = re.compile(r"^\s*\(?(?:\d{1,2}|[a-z]|[ivxIVX]{1,4})[.)]\s+")
# Article, paragraph, item and letter of a Brazilian norm.
CLAUSE = re.compile(
    r"^[\s~]*(?:Art(?:igo)?\.?\s*\d|§+\s*\d|Par[áa]grafo\s+[úu]nico\b|[IVXLC]+\s*[-–—]\s|[a-z]\)\s)"
)
CLAUSE_END = re.compile(r"(?:[.;:,)]|[.;,]\s*(?:e|ou|and|or|y|o))\s*[\"”)]?[\s~]*$")
SENTENCE_END = (".", ";", ",", ":", "!")
HEADING_GROWTH = 1.12  # line height of a heading over that of the page's running text
OCR_HEADING_GROWTH = 1.3  # the same for OCR, whose boxes are less exact
LONGEST_HEADING = 160  # characters
LARGER = 1.18  # line height over that of the line above, from which on it is of another paragraph
NEAREST = 1.0  # white between two lines of a paragraph at most, in line heights
DENSE = 0.25  # white between the lines of a paragraph, in line heights, below which a smaller gap parts two
DENSE_GAP = 0.6  # that gap, in line heights
PARAGRAPH_GAP = 1.6  # white between paragraphs over that between the lines of one, at least
COLUMN_LINES = 3  # of each of two columns that were taken for one paragraph, at least
COLUMN_LETTERS = 20  # of their lines, at least; cells of a table are shorter
COLUMN_WHITE = 0.6  # between them, in heights of a line
COLUMN_SHARE = 0.5  # of the height of the lower one, that stands beside the other
MARGIN = 0.12  # share of the page's height at its top and bottom where headers and footers stand
TABLES = (DocItemLabel.TABLE, DocItemLabel.DOCUMENT_INDEX)
EDGES = (DocItemLabel.PAGE_HEADER, DocItemLabel.PAGE_FOOTER)
MAYBE_HEADINGS = (DocItemLabel.TEXT, DocItemLabel.CAPTION, DocItemLabel.PAGE_HEADER)
TABLE_OR_FIGURE = re.compile(
    r"^\W*(tab(ela|la|le)?|quadro|cuadro|fig(ura|ure)?|gr[áa]fico|chart)\b", re.IGNORECASE
)
_EMPHASIS = re.compile(r"bold|black|heavy|semib|ital|obli", re.IGNORECASE)


def refine_regions(
    clusters: Sequence[Cluster], *, page_height: float, first_page: bool = False
) -> list[Cluster]:
    """Return the regions of a page with text taken out of pictures, lines joined, lists and headings marked.

    Every text cell of the input is in exactly one region of the result.

    Args:
        clusters: The regions with their text cells.
        page_height: In points; a header or footer that is not near an edge of the page is text.
        first_page: A bold line at the top is then the document's title and no running header.
    """
    regions = _lift_out_of_pictures(clusters)
    for region in regions:
        if region.label in EDGES and MARGIN * page_height < _middle(region) < (1 - MARGIN) * page_height:
            region.label = DocItemLabel.TEXT
    regions = [part for region in regions for part in _split_at_columns(region)]
    body = _body_of(regions)
    regions = join_listings([part for region in regions for part in _split_at_listings(region, body.font)])
    regions = _join_single_lines(regions)
    regions = [part for region in regions for part in _split_at_headings(region, body.font)]
    regions = [part for region in regions for part in _split_below_heading(region, body)]
    for region in regions:
        if region.label in MAYBE_HEADINGS and _is_heading(region, body, first_page=first_page):
            region.label = DocItemLabel.SECTION_HEADER
        elif region.label == DocItemLabel.SECTION_HEADER and not _may_be_heading(region):
            region.label = DocItemLabel.TEXT
    regions = [part for region in regions for part in _split_at_notes(region, body, page_height)]
    regions = [part for region in regions for part in _split_at_gaps(region)]
    regions = [part for region in regions for part in _split_at_list_marks(region)]
    return with_own_ids(regions)


def heading_test(regions: Sequence[Cluster]) -> Callable[[Cluster], bool]:
    """Return the test whether a text region of this page is a heading, by what the page's text looks like."""
    body = _body_of(regions)
    return lambda region: (
        bool(region.cells)
        and _is_heading(region.model_copy(update={"label": DocItemLabel.TEXT}), body, first_page=False)
    )


def _middle(region: Cluster) -> float:
    return (region.bbox.t + region.bbox.b) / 2


def with_own_ids(regions: list[Cluster]) -> list[Cluster]:
    """Give a new id to every region whose id another region or a child has: Docling drops one of two."""
    children = {child.id for region in regions for child in region.children}
    free = max(children.union(region.id for region in regions), default=0) + 1
    used = set(children)
    for region in regions:
        if region.id in used:
            region.id, free = free, free + 1
        used.add(region.id)
    return regions


def _lift_out_of_pictures(clusters: Sequence[Cluster]) -> list[Cluster]:
    """Make the texts of pictures regions of the page; what a table there holds is there already."""
    tabled = {cell.index for region in clusters if region.label in TABLES for cell in region.cells}
    regions: list[Cluster] = []
    for cluster in clusters:
        if cluster.label != DocItemLabel.PICTURE or not cluster.children:
            regions.append(cluster)
            continue
        texts = [child for child in cluster.children if child.cells]
        freed = [child for child in texts if not all(cell.index in tabled for cell in child.cells)]
        if freed or not texts:  # else the picture is the table once more
            regions.append(cluster)
        regions.extend(freed)
        cluster.children, cluster.cells = [], []
    return regions


def _join_single_lines(regions: list[Cluster]) -> list[Cluster]:
    """Join lines that the layout model left out to the paragraph above or below, or to one another."""
    others = [r for r in regions if r.label != DocItemLabel.TEXT or r.children or not r.cells]
    texts = [r for r in regions if r.label == DocItemLabel.TEXT and not r.children and r.cells]
    joined: list[Cluster] = []
    within_reach: list[_Paragraph] = []
    for region in sorted(texts, key=lambda r: (r.bbox.t, r.bbox.l)):
        # Regions come from top to bottom: what ends too far above this one can take in no later one either.
        top = min(place_of(cell).t for cell in region.cells)
        within_reach = [p for p in within_reach if top - p.last.b < NEAREST * LARGER * p.last.height]
        part = _Paragraph.of(region)
        host = next((p for p in reversed(within_reach) if _continues(p, part)), None)
        if host is None:
            joined.append(region)
            within_reach.append(part)
        else:
            host.take(part)
    return others + joined


@dataclass
class _Paragraph:
    """A text region that is being put together, with the places at which it can be continued."""

    region: Cluster
    first: Place  # of its first line's first cell
    last: Place  # of its last line's last cell
    hanging: float  # x of the text behind a bullet, else of the paragraph

    @classmethod
    def of(cls, region: Cluster) -> _Paragraph:
        lines = text_lines(region.cells)
        head = lines[0]
        behind = 1 if len(head) > 1 and BULLET.fullmatch(head[0].text) else 0
        return cls(region, place_of(head[0]), place_of(lines[-1][-1]), place_of(head[behind]).l)

    def take(self, part: _Paragraph) -> None:
        self.region.cells = [*self.region.cells, *part.region.cells]
        self.region.bbox = BoundingBox.enclosing_bbox([self.region.bbox, part.region.bbox])
        grown = _Paragraph.of(self.region)
        self.first, self.last, self.hanging = grown.first, grown.last, grown.hanging


def _continues(above: _Paragraph, part: _Paragraph) -> bool:
    """Whether a region goes on with the paragraph above it; one of the two is a single line."""
    paragraph, region, end, start = above.region, part.region, above.last, part.first
    if len(paragraph.cells) > 1 and len(region.cells) > 1:
        return False
    text = region.cells[0].text
    same_size = 0.85 < start.height / max(end.height, 0.1) < LARGER
    # OCR draws its boxes close around the letters, which leaves more white between two lines.
    white = NEAREST if region.cells[0].from_ocr else 0.6
    near = -0.3 * start.height < start.t - end.b < white * start.height
    aligned = min(abs(start.l - left) for left in (paragraph.bbox.l, above.hanging)) < 1.5 * start.height
    reaches = end.r > paragraph.bbox.l + 0.75 * max(paragraph.bbox.width, region.bbox.width)
    # In OCR, where distances are less exact, a full stop and a capital letter begin a new paragraph.
    ended = region.cells[0].from_ocr and paragraph.cells[-1].text.rstrip().endswith((".", ";", ":"))
    marked = BULLET.match(text) or NUMBER.match(text) or (ended and not text[:1].islower())
    return same_size and near and aligned and reaches and not marked


def text_lines(cells: Sequence[TextCell]) -> list[list[TextCell]]:
    """Group cells that stand beside each other; top to bottom, left to right."""
    placed = [(place_of(cell), cell) for cell in cells]
    lines: list[list[tuple[Place, TextCell]]] = []
    for box, cell in sorted(placed, key=lambda p: (p[0].t + p[0].b, p[0].l)):
        if lines and lines[-1][0][0].t < (box.t + box.b) / 2 < lines[-1][0][0].b:
            lines[-1].append((box, cell))
        else:
            lines.append([(box, cell)])
    return [[cell for _, cell in sorted(line, key=lambda p: p[0].l)] for line in lines]


def _split_at_columns(region: Cluster) -> list[Cluster]:
    """Split a text region that is two columns of prose: lines on both sides of a white, side by side."""
    cells = region.cells if region.label == DocItemLabel.TEXT else []
    placed = sorted(((place_of(cell), cell) for cell in cells), key=lambda one: one[0].l)
    reached = placed[0][0].r if placed else 0.0
    for at in range(COLUMN_LINES, len(placed) - COLUMN_LINES + 1):
        reached = max(reached, *(place.r for place, _ in placed[:at]))
        white = placed[at][0].l - reached
        halves = placed[:at], placed[at:]
        if white < COLUMN_WHITE * placed[at][0].height or not all(map(_is_prose, halves)):
            continue
        left, right = (box_around(place for place, _ in half) for half in halves)
        shared = min(left.b, right.b) - max(left.t, right.t)
        if shared >= COLUMN_SHARE * min(left.height, right.height):
            parts = [text_lines([cell for _, cell in half]) for half in halves]
            return [_part(region, lines, region.label) for lines in parts]
    return [region]


def _is_prose(lines: Sequence[tuple[Place, TextCell]]) -> bool:
    return median(len(cell.text) for _, cell in lines) >= COLUMN_LETTERS


def _split_at_gaps(region: Cluster) -> list[Cluster]:
    """Split a text region where the white between two lines is that between paragraphs.

    Where all lines of a region stand equally far from each other they are one paragraph, however far that is.
    """
    lines = text_lines(region.cells) if region.label == DocItemLabel.TEXT else []
    boxes = [box_around(map(place_of, line)) for line in lines]
    whites = [below.t - above.b for above, below in pairwise(boxes)]
    height = median(box.height for box in boxes) if boxes else 0.0
    nearest = max(min(whites, default=0.0), 0.0)
    if nearest > NEAREST * height:
        return [region]
    least = max(DENSE_GAP * height, 3 * nearest) if nearest < DENSE * height else NEAREST * height
    bounds = [
        index
        for index, white in enumerate(whites, start=1)
        if white > max(min(least, NEAREST * height), PARAGRAPH_GAP * nearest)
        and not lines[index][0].text[:1].islower()
    ]
    if not bounds:
        return [region]
    return [
        _part(region, lines[start:end], region.label) for start, end in pairwise([0, *bounds, len(lines)])
    ]


def _split_at_list_marks(region: Cluster) -> list[Cluster]:
    """Split a text region at lines that begin with bullets, several numbers or letters, a box, or a clause.

    A clause begins where the line above ends one: `Art. 5º` at the start of a line may be a citation.
    """
    if region.label not in (DocItemLabel.TEXT, DocItemLabel.LIST_ITEM):
        return [region]
    lines = text_lines(region.cells)
    texts = [" ".join(cell.text for cell in line) for line in lines]
    bullets = [index for index, text in enumerate(texts) if BULLET.match(text)]
    numbers = [index for index, text in enumerate(texts) if NUMBER.match(text)]
    marks = bullets or (numbers if len(numbers) > 1 else [])
    clauses = [
        index
        for index, text in enumerate(texts)
        if index and CLAUSE.match(text) and CLAUSE_END.search(texts[index - 1])
    ]
    clauses += [
        index for index, text in enumerate(texts) if index and text.lstrip().startswith(tuple(BOX_SIGNS))
    ]
    if not marks and not clauses:
        return [region]
    bounds = sorted({0, *marks, *clauses, len(lines)})
    labels = dict.fromkeys(clauses, DocItemLabel.TEXT) | dict.fromkeys(marks, DocItemLabel.LIST_ITEM)
    return [
        _part(region, lines[start:end], labels.get(start, region.label)) for start, end in pairwise(bounds)
    ]


def _split_at_listings(region: Cluster, body_font: str) -> list[Cluster]:
    if region.label not in (DocItemLabel.TEXT, DocItemLabel.LIST_ITEM) or region.children:
        return [region]
    runs = split_at_listings(region, text_lines(region.cells), body_font)
    if len(runs) < 2 and all(label == region.label for label, _ in runs):
        return [region]
    return [_part(region, lines, label) for label, lines in runs]


def _split_at_notes(region: Cluster, body: _Body, page_height: float) -> list[Cluster]:
    lines = text_lines(region.cells)
    if region.label not in (DocItemLabel.TEXT, DocItemLabel.LIST_ITEM) or not is_footnote(
        lines,
        top=region.bbox.t / max(page_height, 1.0),
        body_height=body.height,
        body_letter_width=body.pitch,
    ):
        return [region]
    bounds = [*note_starts(lines), len(lines)]
    return [_part(region, lines[start:end], DocItemLabel.FOOTNOTE) for start, end in pairwise(bounds)]


def _part(region: Cluster, lines: Sequence[Sequence[TextCell]], label: DocItemLabel) -> Cluster:
    cells = [cell for line in lines for cell in line]
    box = box_around(map(place_of, cells))
    return Cluster(id=region.id, label=label, bbox=box, confidence=region.confidence, cells=cells)


@dataclass(frozen=True)
class _Body:
    """Running text of a page: line height in points, font, and mean width of a letter in points."""

    height: float
    font: str
    pitch: float


def _body_of(regions: Iterable[Cluster]) -> _Body:
    """The line height (median) and the font (mode) of most of the page's characters.

    Tables count where they say more than the text does: a page of a title and a table has no running text.
    """
    regions = list(regions)
    cells = _cells_of(regions, (DocItemLabel.TEXT, DocItemLabel.LIST_ITEM))
    tabled = _cells_of(regions, TABLES)
    if sum(len(cell.text) for cell in tabled) > sum(len(cell.text) for cell in cells):
        cells += tabled
    fonts: Counter[str] = Counter()
    for cell in cells:
        fonts[_font(cell)] += len(cell.text)
    half = sum(fonts.values()) / 2
    height = 0.0
    for cell in sorted(cells, key=lambda cell: place_of(cell).height):
        half -= len(cell.text)
        height = place_of(cell).height
        if half <= 0:
            break
    pitches = [letter_width(cell) for cell in cells if len(cell.text) >= LONG_LINE]
    font = max(fonts, key=lambda name: (fonts[name], name), default="")
    return _Body(height, font, median(pitches) if pitches else 0.0)


def _cells_of(regions: Iterable[Cluster], labels: Sequence[DocItemLabel]) -> list[TextCell]:
    return [cell for region in regions if region.label in labels for cell in region.cells]


def _font(cell: TextCell) -> str:
    return cell.font_name if isinstance(cell, PdfTextCell) else ""


def _is_set_apart(cells: Sequence[TextCell], body_font: str) -> bool:
    """Whether a line is in a bold or slanted font that the running text is not in."""
    fonts = {_font(cell) for cell in cells}
    return body_font not in fonts and all(_EMPHASIS.search(font) for font in fonts)


def _text(region: Cluster) -> str:
    return " ".join(cell.text.strip() for cell in region.cells).strip()


def _may_be_heading(region: Cluster) -> bool:
    text = _text(region)
    return any(c.isalpha() for c in text) and len(text) <= 2 * LONGEST_HEADING


def _is_heading(region: Cluster, body: _Body, *, first_page: bool) -> bool:
    """Whether a region is a heading: short, no sentence, and larger than the running text or set apart."""
    text, lines = _text(region), text_lines(region.cells)
    if not body.height or not _may_be_heading(region) or len(text) > LONGEST_HEADING or len(lines) > 3:
        return False
    if (
        text.endswith(SENTENCE_END)
        or not text[0].isalnum()
        or text[0].islower()
        or TABLE_OR_FIGURE.match(text)
    ):
        return False
    height = median(place_of(cell).height for cell in region.cells)
    growth = OCR_HEADING_GROWTH if region.cells[0].from_ocr else HEADING_GROWTH
    larger = bool(height > growth * body.height)
    if region.label == DocItemLabel.PAGE_HEADER and not first_page:
        return larger
    same_size = len(lines) == 1 and height > 0.93 * body.height
    return larger or (same_size and _is_set_apart(region.cells, body.font))


def _split_below_heading(region: Cluster, body: _Body) -> list[Cluster]:
    """Take running text out of a heading that the layout model has drawn too large."""
    lines = text_lines(region.cells) if region.label == DocItemLabel.SECTION_HEADER else []
    running = [
        {_font(cell) for cell in line} == {body.font}
        and median(place_of(cell).height for cell in line) < HEADING_GROWTH * body.height
        for line in lines
    ]
    if not body.font or not any(running) or running[0] or running != sorted(running):
        return [region]
    start = running.index(True)
    return [_part(region, lines[:start], region.label), _part(region, lines[start:], DocItemLabel.TEXT)]


def _split_at_headings(region: Cluster, body_font: str) -> list[Cluster]:
    """Take a short line that is set apart out of a paragraph: a heading the layout model ran over."""
    if region.label != DocItemLabel.TEXT or len(region.cells) < 2:
        return [region]
    lines = text_lines(region.cells)
    width = region.bbox.l + 0.8 * region.bbox.width
    apart = [_is_set_apart(line, body_font) and place_of(line[-1]).r < width for line in lines]
    alone = [
        flag and not any(apart[max(0, i - 1) : i] + apart[i + 1 : i + 2]) for i, flag in enumerate(apart)
    ]
    heads = {index for index, flag in enumerate(alone) if flag}
    bounds = sorted({0, len(lines)} | heads | {index + 1 for index in heads})
    return [_part(region, lines[start:end], region.label) for start, end in pairwise(bounds)]
