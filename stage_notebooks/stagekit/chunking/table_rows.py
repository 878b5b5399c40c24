"""Writes a Docling table as the lines of a GitHub table, header and rows apart."""

import re
from collections.abc import Iterator

from docling_core.types.doc.document import TableCell, TableData

from stagekit.base.invisible_signs import without_invisible_signs

LONGEST_LABEL = 200  # characters; a longer text that spans rows is no label, and stands once
_WHITE_SPACE = re.compile(r"\s+")


def table_lines(data: TableData) -> tuple[list[str], list[str]]:
    """Return the header lines (header row and rule) and the row lines of a table.

    A label that spans rows is written in each of them, and of several header rows a label that spans columns
    in each of those: a row is read without its neighbours. Any other cell is written once, at its first
    place. Several header rows are joined into one, cell by cell. A table without header cells gets its first
    row as header where it has more than one.
    """
    grid = _text_grid(data)
    if not grid:
        return [], []
    count = _header_rows(data)
    heading, body = grid[:count], grid[count:]
    if not body:  # a table that is all header is a table of rows
        heading, body = [], grid
    if not heading:
        heading, body = (body[:1], body[1:]) if len(body) > 1 else ([[""] * data.num_cols], body)
    names = [
        " ".join(dict.fromkeys(cell for cell in column if cell)) for column in zip(*heading, strict=True)
    ]
    rule = "|" + "---|" * len(names)
    return [_line(names), rule], [_line(row) for row in body if any(row)]


def _text_grid(data: TableData) -> list[list[str]]:
    grid = [[""] * data.num_cols for _ in range(data.num_rows)]
    several = _header_rows(data) > 1
    for cell in data.table_cells:
        for row, column in _places(cell, over_names=cell.column_header and several):
            if 0 <= row < data.num_rows and 0 <= column < data.num_cols:
                # Two cells in one place (it happens in broken structure output) must both survive.
                grid[row][column] = " ".join(filter(None, [grid[row][column], _cell_text(cell.text)]))
    return grid if any(any(row) for row in grid) else []


def _places(cell: TableCell, *, over_names: bool) -> Iterator[tuple[int, int]]:
    """Yield the rows and columns in which a cell's text is written; a label may go over names of columns."""
    first = cell.start_col_offset_idx
    columns = range(first, max(cell.end_col_offset_idx, first + 1) if over_names else first + 1)
    top = cell.start_row_offset_idx
    rows = range(top, max(cell.end_row_offset_idx, top + 1) if len(cell.text) <= LONGEST_LABEL else top + 1)
    return ((row, column) for row in rows for column in columns)


def _header_rows(data: TableData) -> int:
    """Return how many rows from the top consist of column headers only."""
    plain = {
        row
        for cell in data.table_cells
        if not cell.column_header and cell.text.strip()
        for row in range(cell.start_row_offset_idx, cell.end_row_offset_idx)
    }
    marked = {cell.start_row_offset_idx for cell in data.table_cells if cell.column_header}
    count = 0
    while count in marked and count not in plain:
        count += 1
    return count


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _cell_text(text: str) -> str:
    return _WHITE_SPACE.sub(" ", without_invisible_signs(text)).strip().replace("|", r"\|")
