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
from docling_core.types.doc import DocItemLabel
from docling_core.types.doc.page import TextCell

from stagekit.processing.pdf.code_regions import join_listings, split_at_listings
from stagekit.processing.pdf.footnotes import LONG_LINE, is_footnote, letter_width, note_starts
from stagekit.processing.pdf.ink.signs import BOX_SIGNS
from stagekit.processing.pdf.paragraphs import (
    BULLET,
    MAYBE_HEADINGS,
    NEAREST,
    NUMBER,
    font_of,
    join_interleaved,
    join_rest_of_line,
    join_single_lines,
    text_lines,
)
from stagekit.processing.pdf.places import Place, box_around, place_of

# Article, paragraph, item and letter of a Brazilian norm.
CLAUSE = re.compile(
    r"^[\s~]*(?:Art(?:igo)?\.?\s*\d|§+\s*\d|Par[áa]grafo\s+[úu]nico\b|[IVXLC]+\s*[-–—]\s|[a-z]\)\s)"
)
GROUPING = re.compile(
    r"^[\s~]*(?:LIVRO|T[IÍ]TULO|CAP[IÍ]TULO|SE[CÇ][AÃ]O|SUBSE[CÇ][AÃ]O|ANEXO|AP[EÊ]NDICE|CHAPTER|ANNEX)"
    r"\s+(?:[IVXLC]+|\d{1,3}|[ÚU]NIC[OA])\b",
    re.IGNORECASE,
)
CLAUSE_END = re.compile(r"(?:[.;:,)]|[.;,]\s*(?:e|ou|and|or|y|o))\s*[\"”)]?[\s~]*$")
SENTENCE_END = (".", ";", ",", ":", "!")
HEADING_GROWTH = 1.12  # line height of a heading over that of the page's running text
OCR_HEADING_GROWTH = 1.3  # the same for OCR, whose boxes are less exact
LONGEST_HEADING = 160  # characters
DENSE = 0.25  # white between the lines of a paragraph, in line heights, below which a smaller gap parts two
DENSE_GAP = 0.6  # that gap, in line heights
PARAGRAPH_GAP = 1.6  # white between paragraphs over that between the lines of one, at least
HEADING_LINES = 3  # at most
COLUMN_LINES = 3  # of each of two columns that were taken for one paragraph, at least
COLUMN_LETTERS = 20  # of their lines, at least; cells of a table are shorter
COLUMN_WHITE = 0.6  # between them, in heights of a line
COLUMN_SHARE = 0.5  # of the height of the lower one, that stands beside the other
MARGIN = 0.12  # share of the page's height at its top and bottom where headers and footers stand
TABLES = (DocItemLabel.TABLE, DocItemLabel.DOCUMENT_INDEX)
EDGES = (DocItemLabel.PAGE_HEADER, DocItemLabel.PAGE_FOOTER)
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
    regions = [part for region in join_interleaved(regions) for part in _split_at_columns(region)]
    body = _body_of(regions)
    for region in regions:
        if region.label == DocItemLabel.SECTION_HEADER and _is_passage(region, body):
            region.label = DocItemLabel.TEXT
    regions = join_listings([part for region in regions for part in _split_at_listings(region, body.font)])
    regions = join_single_lines(join_rest_of_line(regions))
    regions = [part for region in regions for part in _split_at_headings(region, body.font)]
    regions = [part for region in regions for part in _split_below_heading(region, body)]
    for region in regions:
        if region.label in MAYBE_HEADINGS and _is_heading(region, body, first_page=first_page):
            region.label = DocItemLabel.SECTION_HEADER
        elif region.label == DocItemLabel.SECTION_HEADER and not _may_be_heading(region):
            region.label = DocItemLabel.TEXT
    regions = [part for region in regions for part in _split_at_notes(region, body, page_height)]
    regions = [part for region in regions for part in _split_at_gaps(region)]
    for region in regions:
        _name_grouping(region, body)
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
        fonts[font_of(cell)] += len(cell.text)
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


def _is_set_apart(cells: Sequence[TextCell], body_font: str) -> bool:
    """Whether a line is in a bold or slanted font that the running text is not in."""
    fonts = {font_of(cell) for cell in cells}
    return body_font not in fonts and all(_EMPHASIS.search(font) for font in fonts)


def _text(region: Cluster) -> str:
    return " ".join(cell.text.strip() for cell in region.cells).strip()


def _is_passage(region: Cluster, body: _Body) -> bool:
    """Whether what the layout model calls a heading is a piece of the running text, headings among it."""
    lines = text_lines(region.cells)
    if not lines or {font_of(cell) for cell in lines[0]} != {body.font}:
        return False
    tall = place_of(lines[0][0]).height > HEADING_GROWTH * body.height
    return len(lines) > HEADING_LINES or (len(lines) > 1 and not tall and _text(region).endswith("."))


def _name_grouping(region: Cluster, body: _Body) -> None:
    """Make a heading of `CAPÍTULO II` with its name below, and a text of it where it is printed as one."""
    lines = text_lines(region.cells) if region.label in (DocItemLabel.TEXT, DocItemLabel.CAPTION) else []
    if not lines or not GROUPING.match(text := _text(region)):
        return
    apart = len(lines) <= HEADING_LINES and all(_is_set_apart(line, body.font) for line in lines)
    is_heading = apart and not text.endswith(SENTENCE_END)
    region.label = DocItemLabel.SECTION_HEADER if is_heading else DocItemLabel.TEXT


def _may_be_heading(region: Cluster) -> bool:
    text = _text(region)
    return any(c.isalpha() for c in text) and len(text) <= 2 * LONGEST_HEADING


def _is_heading(region: Cluster, body: _Body, *, first_page: bool) -> bool:
    """Whether a region is a heading: short, no sentence, and larger than the running text or set apart."""
    text, lines = _text(region), text_lines(region.cells)
    if (
        not body.height
        or not _may_be_heading(region)
        or len(text) > LONGEST_HEADING
        or len(lines) > HEADING_LINES
    ):
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
        {font_of(cell) for cell in line} == {body.font}
        and median(place_of(cell).height for cell in line) < HEADING_GROWTH * body.height
        for line in lines
    ]
    if not body.font or not any(running) or running[0] or running != sorted(running):
        return [region]
    start = running.index(True)
    return [_part(region, lines[:start], region.label), _part(region, lines[start:], DocItemLabel.TEXT)]


def _closes_bracket(line: Sequence[TextCell]) -> bool:
    """Whether a line ends what a bracket in one above it began: `(Redação dada pela Portaria / nº 7)`."""
    text = "".join(cell.text for cell in line)
    return text.count(")") > text.count("(")


def _split_at_headings(region: Cluster, body_font: str) -> list[Cluster]:
    """Take a short line that is set apart out of a paragraph: a heading the layout model ran over."""
    if region.label != DocItemLabel.TEXT or len(region.cells) < 2:
        return [region]
    lines = text_lines(region.cells)
    width = region.bbox.l + 0.8 * region.bbox.width
    apart = [
        _is_set_apart(line, body_font) and place_of(line[-1]).r < width and not _closes_bracket(line)
        for line in lines
    ]
    alone = [
        flag and not any(apart[max(0, i - 1) : i] + apart[i + 1 : i + 2]) for i, flag in enumerate(apart)
    ]
    heads = {index for index, flag in enumerate(alone) if flag}
    bounds = sorted({0, len(lines)} | heads | {index + 1 for index in heads})
    return [_part(region, lines[start:end], region.label) for start, end in pairwise(bounds)]
