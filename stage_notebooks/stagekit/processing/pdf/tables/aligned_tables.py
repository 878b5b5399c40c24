"""Table structure for Docling without a model: rows and columns from word positions and drawn rules."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from docling.datamodel.base_models import Cluster, Page, Table, TableStructurePrediction
from docling.datamodel.pipeline_options import BaseTableStructureOptions
from docling.models.base_table_model import BaseTableStructureModel
from docling.utils.profiling import TimeRecorder
from docling_core.types.doc import BoundingBox, DocItemLabel, TableCell
from docling_core.types.doc.page import PdfTextCell, TextCell

from stagekit.processing.pdf.hyphenation import join_lines
from stagekit.processing.pdf.page_structure import refine_regions, with_own_ids
from stagekit.processing.pdf.paragraphs import text_lines
from stagekit.processing.pdf.places import Place, PlacedCells, box_around, place_of
from stagekit.processing.pdf.tables.cut_columns import cut_columns
from stagekit.processing.pdf.tables.drawn_rules import drawn_rules
from stagekit.processing.pdf.tables.scattered_regions import regions_in_rows
from stagekit.processing.pdf.tables.table_grid import GridCell, Rule, Word, find_grid
from stagekit.processing.seams.docling import is_readable

if TYPE_CHECKING:
    from docling.datamodel.accelerator_options import AcceleratorOptions
    from docling.datamodel.document import ConversionResult

TABLE_LABELS = (DocItemLabel.TABLE, DocItemLabel.DOCUMENT_INDEX)
FEWEST_ROWS = 3  # of a table that the layout model has missed
FEWEST_COLUMNS = 3
FEWEST_FULL_LINES = 2  # lines that fill so many columns; cells of several lines fill few
FILLED = 0.9  # share of its cells
_BOLD = re.compile(r"bold|black|heavy|semib", re.IGNORECASE)


class AlignedTableOptions(BaseTableStructureOptions):
    """Options of the packaged table structure engine; `kind` is the name Docling knows it by."""

    kind: ClassVar[str] = "nic_etl_aligned_tables"


class AlignedTableModel(BaseTableStructureModel):
    """Docling table structure engine that needs no weights.

    A region whose words do not stand in a grid is given back to the text: its lines become ordinary regions,
    so that no word depends on the guess that it was a table.
    """

    def __init__(
        self,
        enabled: bool,
        artifacts_path: Path | None,
        options: AlignedTableOptions,
        accelerator_options: AcceleratorOptions,
        enable_remote_services: Literal[False] = False,
    ) -> None:
        del artifacts_path, accelerator_options, enable_remote_services  # nothing to load
        self.enabled = enabled
        self.options = options

    @classmethod
    def get_options_type(cls) -> type[Any]:
        """The options class that selects this engine in Docling's factory."""
        return AlignedTableOptions

    def predict_tables(
        self, conv_res: ConversionResult, pages: Sequence[Page]
    ) -> Sequence[TableStructurePrediction]:
        """Return each page's tables; regions that hold no grid become text in the page's layout."""
        return [self._page_tables(conv_res, page) for page in pages]

    def _page_tables(self, conv_res: ConversionResult, page: Page) -> TableStructurePrediction:
        prediction = TableStructurePrediction()
        layout = page.predictions.layout
        if layout is None or page.size is None or not is_readable(page):
            return prediction
        with TimeRecorder(conv_res, "table_structure"):
            clusters: list[Cluster] = []
            freed: list[Cluster] = []
            single = _SingleWords(page)
            whole, rest = _scattered_tables(page, _with_cut_columns(page, layout.clusters, single), single)
            for scattered in whole:
                prediction.table_map[scattered.id] = scattered
                clusters.append(scattered.cluster)
                freed.extend(_beside(scattered))
            for cluster in rest:
                missed = _missed_table(page, cluster, single) if cluster.label == DocItemLabel.TEXT else None
                table = _table(page, cluster, single) if cluster.label in TABLE_LABELS else missed
                if missed is not None:
                    cluster.label = DocItemLabel.TABLE
                if table is not None:
                    prediction.table_map[cluster.id] = table
                    freed.extend(_beside(table))
                if cluster.label in TABLE_LABELS and table is None:
                    freed.extend(cluster.children)
                else:
                    clusters.append(cluster)
            layout.clusters = with_own_ids([*clusters, *refine_regions(freed, page_height=page.size.height)])
        return prediction


class _SingleWords:
    """The words of a page's text layer, with their places; asked for only where there is a table."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def inside(self, line: Place) -> list[tuple[str, Place, bool]]:
        """Return the words that lie in a line, with their places and whether they are bold."""
        words = self._words
        found = ((words.cells[index], words.places[index]) for index in words.inside(line))
        return [(cell.text, place, _is_bold(cell)) for cell, place in found]

    @cached_property
    def _words(self) -> PlacedCells:
        parsed = self._page.parsed_page
        return PlacedCells([] if parsed is None else parsed.word_cells)


def _table(page: Page, cluster: Cluster, single: _SingleWords) -> Table | None:
    heights = [place_of(cell).height for cell in cluster.cells]
    vertical, horizontal = drawn_rules(page, cluster.bbox, median(heights) if heights else 0.0)
    cells = find_grid(_words(cluster, single), vertical, [Rule(*rule) for rule in horizontal])
    if not cells:
        return None
    return Table(
        label=cluster.label,
        id=cluster.id,
        page_no=page.page_no,
        cluster=cluster,
        otsl_seq=[],
        num_rows=max(cell.row_end for cell in cells),
        num_cols=max(cell.column_end for cell in cells),
        table_cells=[_table_cell(cell) for cell in cells],
    )


def _missed_table(page: Page, cluster: Cluster, single: _SingleWords) -> Table | None:
    """Return the table that the layout model took for a paragraph: nearly all rows fill the same columns."""
    lines = text_lines(cluster.cells)
    if len(lines) < FEWEST_ROWS or sum(len(line) >= FEWEST_COLUMNS for line in lines) < FEWEST_FULL_LINES:
        return None
    table = _table(page, cluster.model_copy(update={"label": DocItemLabel.TABLE}), single)
    return table if table is not None and _is_full(table) else None


def _with_cut_columns(page: Page, clusters: Sequence[Cluster], single: _SingleWords) -> list[Cluster]:
    """Return a page's regions, each table with the columns outside its region that fill its rows."""
    regions = list(clusters)
    for table in [region for region in clusters if region.label in TABLE_LABELS]:
        cut = cut_columns(table, regions)
        narrow = _table(page, table, single) if cut else None
        if narrow is None:
            continue
        cells = [cell for region in (table, *cut) for cell in region.cells]
        box = BoundingBox.enclosing_bbox([region.bbox for region in (table, *cut)])
        whole = table.model_copy(update={"cells": cells, "bbox": box, "children": [*table.children, *cut]})
        wide = _table(page, whole, single)
        if wide is not None and wide.num_rows == narrow.num_rows and _is_full(wide):
            taken = {id(region) for region in cut}
            regions = [whole if region is table else region for region in regions if id(region) not in taken]
    return regions


def _scattered_tables(
    page: Page, clusters: Sequence[Cluster], single: _SingleWords
) -> tuple[list[Table], list[Cluster]]:
    """Return the tables of which the layout model has made regions of text, and the other regions."""
    found: list[Table] = []
    rest = list(clusters)
    for group in regions_in_rows(clusters):
        cells = [cell for region in group for cell in region.cells]
        box = BoundingBox.enclosing_bbox([region.bbox for region in group])
        whole = group[0].model_copy(update={"label": DocItemLabel.TABLE, "cells": cells, "bbox": box})
        table = _table(page, whole, single)
        if table is not None and _is_full(table):
            found.append(table)
            rest = [cluster for cluster in rest if not any(cluster is region for region in group)]
    return found, rest


def _is_full(table: Table) -> bool:
    """Whether nearly all cells of a table of several rows and columns are filled."""
    if table.num_cols < FEWEST_COLUMNS or table.num_rows < FEWEST_ROWS:
        return False
    filled = sum(cell.row_span * cell.col_span for cell in table.table_cells)
    return filled >= FILLED * table.num_cols * table.num_rows


def _words(cluster: Cluster, single: _SingleWords) -> list[Word]:
    """The words of the region's own lines: single words where the PDF has them, whole lines from OCR."""
    lines = [(cell, place_of(cell)) for cell in cluster.cells if cell.text.strip()]
    words: list[Word] = []
    for cell, line in lines:
        inside = [] if cell.from_ocr else single.inside(line)
        if "".join(text for text, _, _ in inside).replace(" ", "") != cell.text.replace(" ", ""):
            inside = [(cell.text, line, _is_bold(cell))]
        words.extend(Word(text.strip(), box.l, box.t, box.r, box.b, bold) for text, box, bold in inside)
    return words


def _is_bold(cell: TextCell) -> bool:
    return isinstance(cell, PdfTextCell) and bool(_BOLD.search(cell.font_name))


def _beside(table: Table) -> list[Cluster]:
    """Take the lines out of a table's region that are above or below its rows, and return them as regions."""
    boxes = [cell.bbox for cell in table.table_cells if cell.bbox is not None]
    top, bottom = min(box.t for box in boxes), max(box.b for box in boxes)
    region = table.cluster
    inside: list[TextCell] = []
    outside: list[Cluster] = []
    for cell in region.cells:
        box = place_of(cell)
        if top <= (box.t + box.b) / 2 <= bottom:
            inside.append(cell)
        else:
            outside.append(
                Cluster(
                    id=region.id,
                    label=DocItemLabel.TEXT,
                    bbox=box_around([box]),
                    confidence=region.confidence,
                    cells=[cell],
                )
            )
    if outside and inside:
        region.cells = inside
        region.bbox = box_around(map(place_of, inside))
    return outside


def _table_cell(cell: GridCell) -> TableCell:
    left, top, right, bottom = cell.box
    return TableCell(
        text=join_lines(cell.lines),
        bbox=BoundingBox(l=left, t=top, r=right, b=bottom),
        start_row_offset_idx=cell.row,
        end_row_offset_idx=cell.row_end,
        row_span=cell.row_end - cell.row,
        start_col_offset_idx=cell.column,
        end_col_offset_idx=cell.column_end,
        col_span=cell.column_end - cell.column,
        column_header=cell.header,
    )
