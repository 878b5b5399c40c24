"""Finds the columns of a table that a layout model left outside the table's region.

Of a table without rules the model may see the wide columns only, and make a region of text of each short one,
or of each of its cells. Read by themselves, these say nothing, and the rows have lost them.
"""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median

from docling.datamodel.base_models import Cluster
from docling_core.types.doc import DocItemLabel

from stagekit.processing.pdf.places import Place, place_of

PARTS = (DocItemLabel.TEXT, DocItemLabel.SECTION_HEADER, DocItemLabel.LIST_ITEM)
CELL_WORDS = 4  # words from which on a line is rather one of running text that stands beside a table
OFF_LINE = 0.25  # of a line's height, by which the cells of one row may stand higher or lower


def cut_columns(table: Cluster, regions: Iterable[Cluster]) -> list[Cluster]:
    """Return the regions whose every line stands in line with one of the table, at a place it leaves free.

    Whether they complete its rows is for the grid to say.
    """
    lines = [place_of(cell) for cell in table.cells]
    return [
        region
        for region in regions
        if region.label in PARTS
        and region.cells
        and not region.children
        and table.bbox.t <= (region.bbox.t + region.bbox.b) / 2 <= table.bbox.b
        and median(len(cell.text.split()) for cell in region.cells) < CELL_WORDS
        and all(_in_line(place_of(cell), lines) for cell in region.cells)
    ]


def _in_line(cell: Place, lines: Iterable[Place]) -> bool:
    row = [line for line in lines if abs(_middle(line) - _middle(cell)) < OFF_LINE * line.height]
    return bool(row) and all(cell.r <= line.l or line.r <= cell.l for line in row)


def _middle(place: Place) -> float:
    return (place.t + place.b) / 2
