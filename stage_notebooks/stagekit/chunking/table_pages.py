"""Tells on which page each row of a table stands that goes on over pages."""

from docling_core.types.doc.base import CoordOrigin
from docling_core.types.doc.document import TableCell, TableItem


def first_rows(item: TableItem) -> list[int]:
    """Return the row that each place (`prov`) of a table begins with; empty where that is not known.

    Rows go down a page: one that stands above the row before it is the first of the next page.
    """
    starts, before = [0], None
    for row in range(item.data.num_rows):
        tops = [_top(cell) for cell in item.data.table_cells if cell.start_row_offset_idx == row]
        known = [top for top in tops if top is not None]
        if known and before is not None and min(known) < before:
            starts.append(row)
        before = min(known) if known else before
    return starts if len(starts) == len(item.prov) else []


def _top(cell: TableCell) -> float | None:
    if cell.bbox is None:
        return None
    return cell.bbox.t if cell.bbox.coord_origin == CoordOrigin.TOPLEFT else -cell.bbox.t
