"""What the markup of a table says: its rows, which are its header, how far its cells reach."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from docling_core.types.doc import TableCell, TableData

from stagekit.processing.text.html_elements import HEADINGS, integer

_MOST_SPAN = 1000
_MOST_CELLS = 100_000


class Grid:
    """The cells of a table of so many rows, which is filled row by row."""

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._cells: dict[tuple[int, int], TableCell] = {}

    def place(self, cell: Any, text: str, row: int, column: int, *, header: bool) -> int:
        """Place a `td` or `th` at or behind a column (from 0), and return the first column behind it.

        A label that spans rows, or columns of the header, stands in each of them.
        """
        while (row, column) in self._cells:
            column += 1
        height = min(_span(cell, "rowspan", self._rows), self._rows - row)
        width = _span(cell, "colspan", 0)
        if len(self._cells) + height * width > _MOST_CELLS:  # spans that nobody wrote by hand
            height = width = 1
        for below in range(height):
            for beside in range(width):
                place = (row + below, column + beside)
                if place not in self._cells:
                    shown = text if header or beside == 0 else ""
                    self._cells[place] = single_cell(shown, *place, header=header, first=cell.tag == "th")
        return column + width

    def data(self) -> TableData | None:
        """Return the table; None where it has no cell."""
        if not self._cells:
            return None
        columns = max(column for _, column in self._cells) + 1
        return TableData(num_rows=self._rows, num_cols=columns, table_cells=list(self._cells.values()))


def rows_of(table: Any) -> Iterator[Any]:
    """Yield the rows of a table, not those of tables within."""
    for child in table:
        if child.tag == "tr":
            yield child
        elif child.tag in ("thead", "tbody", "tfoot"):
            yield from child.findall("tr")


def cells_of(row: Any) -> list[Any]:
    """Return the cells of a row."""
    return [cell for cell in row if cell.tag in ("td", "th")]


def up_to_table(row: Any) -> Iterator[Any]:
    """Yield what stands between a row and its table."""
    above = row.getparent()
    if above is not None and above.tag in ("thead", "tbody", "tfoot"):
        yield above


def is_layout(table: Any, rows: list[Any]) -> bool:
    """Tell a table that only arranges the page: marked so, one cell wide, with headings or unruled tables."""
    if table.get("role") in ("presentation", "none"):
        return True
    if table.get("role") == "table" or any(cell.tag == "th" for row in rows for cell in cells_of(row)):
        return False
    if all(len(cells_of(row)) <= 1 for row in rows):
        return True
    ruled = (table.get("border") or "0").strip() != "0"  # its rows are seen, also with tables in its cells
    parts = HEADINGS if ruled else ("table", *HEADINGS)
    return any(inner.tag in parts for cell in map(cells_of, rows) for td in cell
               for inner in td.iterdescendants())  # fmt: skip


def header_rows(rows: list[Any]) -> int:
    """Return how many rows from the top are the header.

    Those of `thead`, with nothing but `th`, or beside a label that spans rows next to one that spans columns.
    """
    count = 0
    for row in rows:
        parent, cells = row.getparent(), cells_of(row)
        in_head = parent is not None and parent.tag == "thead"
        if not cells or not (in_head or all(cell.tag == "th" for cell in cells)):
            break
        count += 1
    count = max(count, _spanned_rows(rows[0]) if rows else 0)
    return count if count < len(rows) else min(count, 1)


def _spanned_rows(row: Any) -> int:
    """Return how many rows a first row with labels over several columns reaches down; 0 without such."""
    spans = [(integer(cell.get("rowspan"), 1), integer(cell.get("colspan"), 1)) for cell in cells_of(row)]
    grouped = any(columns > 1 for _, columns in spans)
    return max((rows for rows, _ in spans), default=0) if grouped and any(r > 1 for r, _ in spans) else 0


def _span(cell: Any, name: str, most: int) -> int:
    wanted = integer(cell.get(name), 1)
    if wanted == 0:  # down to the last row
        return max(most, 1)
    return max(1, min(wanted, _MOST_SPAN))


def single_cell(text: str, row: int, column: int, *, header: bool, first: bool = False) -> TableCell:
    """Return a cell of one row and one column; the first of a row may name it."""
    return TableCell(
        text=text,
        start_row_offset_idx=row,
        end_row_offset_idx=row + 1,
        start_col_offset_idx=column,
        end_col_offset_idx=column + 1,
        column_header=header,
        row_header=first and not header,
    )
