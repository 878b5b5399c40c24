"""Finds listings by their typewriter font, and keeps their line breaks and indentation.

A layout model without a class for code takes a listing for a paragraph, and a paragraph has no lines.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby
from statistics import median

from docling.datamodel.base_models import Cluster
from docling_core.types.doc import BoundingBox, DocItemLabel
from docling_core.types.doc.page import PdfTextCell, SegmentedPdfPage, TextCell

from stagekit.processing.pdf.places import PlacedCells, place_of

Lines = Sequence[Sequence[TextCell]]
_TYPEWRITER = re.compile(
    r"mono|courier|consol|menlo|typewriter|inconsolata|cmtt|nimbusmonl|lettergothic|fixed", re.IGNORECASE
)
GAP = 1.2  # white between two lines of a listing, in line heights


def name_mixed_lines(page: SegmentedPdfPage) -> None:
    """Give lines that only begin in a typewriter font the font of the words that follow.

    The parser names a line after its first character: a sentence that begins with the name of a file is no
    listing.
    """
    lines = [
        line
        for line in page.textline_cells
        if isinstance(line, PdfTextCell) and _is_typewriter(line.font_name)
    ]
    if not lines:
        return
    others = [
        cell
        for cell in page.word_cells
        if isinstance(cell, PdfTextCell) and not _is_typewriter(cell.font_name) and cell.text.strip()
    ]
    words = PlacedCells(others)
    for line in lines:
        for index in words.inside(place_of(line))[:1]:
            line.font_name = others[index].font_name


def split_at_listings(region: Cluster, lines: Lines, body_font: str) -> Sequence[tuple[DocItemLabel, Lines]]:
    """Return the lines of a text region in runs that are code or what the region was taken for.

    Where the page's running text is in a typewriter's font, nothing tells code.
    """
    if _is_typewriter(body_font):
        return [(region.label, lines)]
    runs = [(code, list(run)) for code, run in groupby(lines, key=_is_typewritten)]
    parts: list[tuple[DocItemLabel, list[Sequence[TextCell]]]] = []
    for index, (code, run) in enumerate(runs):
        before = runs[index - 1][1][-1][-1].text.rstrip() if index else ""
        # A single line within a paragraph is a long path or name that fills it.
        is_code = code and (len(run) > 1 or len(runs) == 1 or before.endswith((":", ".")))
        label = DocItemLabel.CODE if is_code else region.label
        if parts and parts[-1][0] == label:
            parts[-1][1].extend(run)
        else:
            parts.append((label, run))
    return parts


def join_listings(regions: Sequence[Cluster]) -> list[Cluster]:
    """Join listings that stand closely under one another."""
    joined: list[Cluster] = []
    others = [region for region in regions if region.label != DocItemLabel.CODE]
    for region in sorted((r for r in regions if r.label == DocItemLabel.CODE), key=lambda r: r.bbox.t):
        height = median(place_of(cell).height for cell in region.cells) if region.cells else 0.0
        host = next((r for r in joined if _is_under(region.bbox, r.bbox, GAP * height)), None)
        if host is None:
            joined.append(region)
            continue
        host.bbox = BoundingBox.enclosing_bbox([host.bbox, region.bbox])
        host.cells = [*host.cells, *region.cells]
    return others + joined


def code_text(lines: Lines) -> str:
    """Return a listing with a line break for each line, and its indentation in spaces."""
    cells = [cell for line in lines for cell in line if cell.text.strip()]
    if not cells:
        return ""
    left = min(place_of(cell).l for cell in cells)
    width = median(place_of(cell).width / len(cell.text) for cell in cells) or 1.0
    written = []
    for line in lines:
        text = ""
        for cell in line:
            column = round((place_of(cell).l - left) / width)
            text += " " * (column - len(text)) if column > len(text) else " " if text else ""
            text += cell.text.strip()
        written.append(text.rstrip())
    return "\n".join(written).replace("\x02", "-")


@lru_cache(maxsize=1024)  # a page names few fonts, and each on hundreds of words
def _is_typewriter(font: str) -> bool:
    return bool(_TYPEWRITER.search(font))


def _is_typewritten(line: Sequence[TextCell]) -> bool:
    return all(isinstance(cell, PdfTextCell) and _is_typewriter(cell.font_name) for cell in line)


def _is_under(region: BoundingBox, host: BoundingBox, gap: float) -> bool:
    return region.l < host.r and region.r > host.l and -gap < region.t - host.b < gap
