"""Puts the lines of a paragraph together that the layout model has left apart, or has not seen."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from docling.datamodel.base_models import Cluster
from docling_core.types.doc import BoundingBox, DocItemLabel
from docling_core.types.doc.page import PdfTextCell, TextCell

from stagekit.processing.pdf.footnotes import letter_width
from stagekit.processing.pdf.places import Place, place_of

BULLET = re.compile(r"^\s*(?:[•·●▪■◦○‣∙*∞➢➔✓\uf0b7\uf0a7]|[-–—](?=\s))\s*")
NUMBER = re.compile(r"^\s*\(?(?:\d{1,2}|[a-z]|[ivxIVX]{1,4})[.)]\s+")
LARGER = 1.18  # line height over that of the line above, from which on it is of another paragraph
NEAREST = 1.0  # white between two lines of a paragraph at most, in line heights
MOST_INDENT = 8.0  # of a paragraph's first line, in line heights
LEFT_OUT = 1.0  # the confidence that Docling gives a line without a region
SAME_ROW = 0.6  # share of the smaller height that two pieces of a line have in common
STRETCHED = 1.2  # white between two words of a justified line at most, in line heights
SAME_COLUMN = 0.5  # share of a line's width that stands over or below another one
BETWEEN = 0.3  # of its height that a line may reach into the one above or below
TEXTS = (DocItemLabel.TEXT, DocItemLabel.SECTION_HEADER, DocItemLabel.LIST_ITEM)
MAYBE_HEADINGS = (DocItemLabel.TEXT, DocItemLabel.CAPTION, DocItemLabel.PAGE_HEADER)


def join_interleaved(regions: list[Cluster]) -> list[Cluster]:
    """Make one text of two whose regions overlap so that a line of one stands between lines of the other."""
    texts = [r for r in regions if r.label in TEXTS and r.cells and not r.children]
    gone: set[int] = set()
    for at, region in enumerate(texts):
        for other in texts[at + 1 :]:
            if id(other) not in gone and (_goes_through(region, other) or _goes_through(other, region)):
                other.cells = [*region.cells, *other.cells]
                other.bbox = BoundingBox.enclosing_bbox([region.bbox, other.bbox])
                other.label = DocItemLabel.TEXT
                gone.add(id(region))
                break
    return [region for region in regions if id(region) not in gone]


def _goes_through(region: Cluster, other: Cluster) -> bool:
    """Whether a line of a region stands between two lines of another one, and over or below their letters."""
    if len(other.cells) < 2 or region.bbox.b < other.bbox.t or other.bbox.b < region.bbox.t:
        return False
    places = [place_of(cell) for cell in other.cells]
    return any(_is_between(line, places) for line in map(place_of, region.cells))


def _is_between(line: Place, places: Sequence[Place]) -> bool:
    reach = BETWEEN * line.height
    if any(min(one.b, line.b) - max(one.t, line.t) > reach for one in places):
        return False  # it stands beside one of them
    column = [one for one in places if min(one.r, line.r) - max(one.l, line.l) > SAME_COLUMN * line.width]
    return any(one.b <= line.t + reach for one in column) and any(one.t >= line.b - reach for one in column)


def join_rest_of_line(regions: list[Cluster]) -> list[Cluster]:
    """Join a piece of a line that the layout model left out to the piece on its left."""
    pieces = [r for r in regions if r.label in MAYBE_HEADINGS and len(r.cells) == 1 and not r.children]
    gone: set[int] = set()
    for piece in sorted(pieces, key=lambda region: region.bbox.l):
        if piece.cells[0].from_ocr or piece.confidence < LEFT_OUT:
            continue
        host = next(
            (r for r in pieces if id(r) not in gone and _is_beside(place_of(r.cells[-1]), piece)), None
        )
        if host is not None:
            host.cells = [*host.cells, *piece.cells]
            host.bbox = BoundingBox.enclosing_bbox([host.bbox, piece.bbox])
            gone.add(id(piece))
    return [region for region in regions if id(region) not in gone]


def _is_beside(end: Place, piece: Cluster) -> bool:
    """Whether a piece stands right of where a line ends, no further than in a stretched line."""
    begin = place_of(piece.cells[0])
    shared = min(end.b, begin.b) - max(end.t, begin.t)
    white = begin.l - end.r
    return (
        shared >= SAME_ROW * min(end.height, begin.height) > 0.0
        and -0.2 * begin.height < white < STRETCHED * max(end.height, begin.height)
        and begin.l > end.l
    )


def join_single_lines(regions: list[Cluster]) -> list[Cluster]:
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
    same_size = 0.85 < start.height / max(end.height, 0.1) < LARGER or _is_same_type(paragraph, region)
    # OCR draws its boxes close around the letters, which leaves more white between two lines.
    white = NEAREST if region.cells[0].from_ocr else 0.6
    near = -0.3 * start.height < start.t - end.b < white * max(start.height, end.height)
    aligned = min(abs(start.l - left) for left in (paragraph.bbox.l, above.hanging)) < 1.5 * start.height
    aligned = aligned or _is_below_indented(above, part)
    reaches = end.r > paragraph.bbox.l + 0.75 * max(paragraph.bbox.width, region.bbox.width)
    # In OCR, where distances are less exact, a full stop and a capital letter begin a new paragraph.
    ended = region.cells[0].from_ocr and paragraph.cells[-1].text.rstrip().endswith((".", ";", ":"))
    marked = BULLET.match(text) or NUMBER.match(text) or (ended and not text[:1].islower())
    return same_size and near and aligned and reaches and not marked


def _is_same_type(paragraph: Cluster, region: Cluster) -> bool:
    """Whether a short line, whose letters may all be low, has the font and the pitch of those above it."""
    above, below = paragraph.cells[-1], region.cells[0]
    pitch = letter_width(below) / max(letter_width(above), 0.1)
    return font_of(above) == font_of(below) != "" and 0.85 < pitch < LARGER


def _is_below_indented(above: _Paragraph, part: _Paragraph) -> bool:
    """Whether a region stands below the indented first line of a paragraph, which goes on in it."""
    line = above.region
    if above.first.t + above.first.b != above.last.t + above.last.b or line.cells[0].from_ocr:
        return False
    indent = line.bbox.l - part.first.l
    breaks_off = line.cells[-1].text.rstrip()[-1:].isalnum() or part.region.cells[0].text[:1].islower()
    height = max(above.last.height, part.first.height)
    return 0 < indent < MOST_INDENT * height and line.bbox.r >= part.region.bbox.r and breaks_off


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


def font_of(cell: TextCell) -> str:
    """Return the name of the font of a line; of one that OCR read none."""
    return cell.font_name if isinstance(cell, PdfTextCell) else ""
