"""Finds regions of text that stand beside and below one another as the rows and columns of a table may.

A layout model knows a table by its rules. Of one without rules it may make a paragraph of the first columns
and a region of each cell of the others, which would be read column by column.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from statistics import median

from docling.datamodel.base_models import Cluster
from docling_core.types.doc import BoundingBox, DocItemLabel

from stagekit.processing.pdf.places import place_of

PARTS = (DocItemLabel.TEXT, DocItemLabel.SECTION_HEADER, DocItemLabel.LIST_ITEM)
SHARED = 0.5  # share of the lower region's height that regions of one band have in common
NEAREST_BAND = 1.6  # white between the bands of one table, in line heights


def regions_in_rows(regions: Iterable[Cluster]) -> list[list[Cluster]]:
    """Return groups of a page's regions of which each may be one table, from top to bottom."""
    texts = [region for region in regions if region.label in PARTS and region.cells and not region.children]
    groups: list[list[Cluster]] = []
    for band in _bands(sorted(texts, key=lambda region: region.bbox.t)):
        if len(band) < 2 and not _has_columns(band[0]):
            continue
        if groups and _is_near(groups[-1], band, texts):
            groups[-1].extend(band)
        else:
            groups.append(band)
    return groups


def _bands(regions: Sequence[Cluster]) -> list[list[Cluster]]:
    """Return regions that stand beside others together, each band from its highest point to its lowest."""
    bands: list[list[Cluster]] = []
    bottom = 0.0
    for region in regions:
        shared = bottom - region.bbox.t
        if bands and shared > SHARED * min(region.bbox.height, _line_height([region])):
            bands[-1].append(region)
            bottom = max(bottom, region.bbox.b)
        else:
            bands.append([region])
            bottom = region.bbox.b
    return bands


def _has_columns(region: Cluster) -> bool:
    """Whether lines of a region stand beside one another: it is a row, or several, of a table."""
    boxes = sorted((cell.rect.to_bounding_box() for cell in region.cells), key=lambda box: box.t + box.b)
    return any(
        abs((one.t + one.b) - (other.t + other.b)) < min(one.height, other.height)
        and max(one.l, other.l) - min(one.r, other.r) > max(one.height, other.height)
        for one, other in pairwise(boxes)
    )


def _is_near(above: Sequence[Cluster], band: Sequence[Cluster], texts: Sequence[Cluster]) -> bool:
    """Whether a band goes on with the one above it, and no other region stands between the two."""
    bottom, top = _around(above).b, _around(band).t
    between = any(bottom <= region.bbox.t and region.bbox.b <= top for region in texts)
    return not between and top - bottom < NEAREST_BAND * _line_height(band)


def _around(regions: Sequence[Cluster]) -> BoundingBox:
    return BoundingBox.enclosing_bbox([region.bbox for region in regions])


def _line_height(regions: Sequence[Cluster]) -> float:
    heights = (place_of(cell).height for region in regions for cell in region.cells)
    return float(median(heights))
