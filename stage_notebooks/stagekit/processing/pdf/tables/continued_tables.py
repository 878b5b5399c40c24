"""Joins the parts of a table that goes on over pages, so that its header names the columns of every row."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from docling_core.types.doc import (
    ContentLayer,
    DocItem,
    DoclingDocument,
    NodeItem,
    TableCell,
    TableItem,
)

from stagekit.processing.furniture import folded
from stagekit.processing.pdf.hyphenation import join_lines

ALIGNED = 0.04  # of the page's width by which the edges of two parts may differ
_ENDED = (".", ";", ":", "!", "?")

Row = list[TableCell]


def join_continued_tables(document: DoclingDocument) -> None:
    """Put a table at the head of a page behind the table that the page before ends with.

    It goes on where nothing but headers and footers stands between the two, and they have as many columns and
    the same edges. A repeated header is left out; a row that the end of the page has cut is put together. The
    joined table has the places of all its parts.
    """
    parts: list[TableItem] = []
    whole: TableItem | None = None
    for before, item in pairwise([None, *_body_items(document)]):
        if not isinstance(item, TableItem):
            whole = None
        elif whole is not None and isinstance(before, TableItem) and _goes_on(document, whole, before, item):
            _append(whole, item)
            parts.append(item)
        else:
            whole = item
    if parts:
        document.delete_items(node_items=list[NodeItem](parts))


def _body_items(document: DoclingDocument) -> list[DocItem]:
    return [
        item
        for item, _ in document.iterate_items()
        if isinstance(item, DocItem) and item.content_layer == ContentLayer.BODY
    ]


def _goes_on(document: DoclingDocument, whole: TableItem, before: TableItem, part: TableItem) -> bool:
    if not before.prov or not part.prov or part.captions or part.children:
        return False
    above, below = before.prov[-1], part.prov[0]
    if below.page_no != above.page_no + 1 or whole.data.num_cols != part.data.num_cols:
        return False
    width = document.pages[below.page_no].size.width
    return (
        not _has_own_header(whole, part)
        and abs(above.bbox.l - below.bbox.l) < ALIGNED * width
        and abs(above.bbox.r - below.bbox.r) < ALIGNED * width
    )


def _has_own_header(whole: TableItem, part: TableItem) -> bool:
    """Whether the part begins with a word in a column of figures, and does not repeat the header."""
    first = _row(part, 0)
    if any(_texts(first) == _texts(row) for row in _rows(whole, header=True)):
        return False
    body = [*_rows(whole, header=False), *(_row(part, number) for number in range(1, part.data.num_rows))]
    return any(
        not _is_figure(cell.text) and figures
        for cell in first
        if cell.text.strip()
        and (figures := [_is_figure(o.text) for row in body for o in row if _same_column(o, cell)])
        and all(figures)
    )


def _same_column(one: TableCell, other: TableCell) -> bool:
    return one.start_col_offset_idx == other.start_col_offset_idx and bool(one.text.strip())


def _is_figure(text: str) -> bool:
    return any(letter.isdigit() for letter in text) and not re.search(r"[^\W\d_]{4}", text)


def _append(whole: TableItem, part: TableItem) -> None:
    header = _rows(whole, header=True)
    rows = [_row(part, number) for number in range(part.data.num_rows)]
    if header and [_texts(row) for row in rows[: len(header)]] == [_texts(row) for row in header]:
        rows = rows[len(header) :]
    if rows and _is_rest(whole, rows[0]):
        _complete(_row(whole, whole.data.num_rows - 1), rows.pop(0), whole)
    _add_rows(whole, rows)
    whole.prov.extend(part.prov)


def _add_rows(whole: TableItem, rows: Sequence[Row]) -> None:
    if not rows:
        return
    shift = whole.data.num_rows - min(cell.start_row_offset_idx for cell in rows[0])
    for row in rows:
        for cell in row:
            cell.start_row_offset_idx += shift
            cell.end_row_offset_idx += shift
            cell.column_header = False
            whole.data.table_cells.append(cell)
    whole.data.num_rows = max(cell.end_row_offset_idx for cell in whole.data.table_cells)


def _is_rest(whole: TableItem, row: Row) -> bool:
    """Whether a row is the rest of the last row of the page before.

    Its first column is empty, as in no other row, or what it says goes on in the middle of a sentence.
    """
    last = {cell.start_col_offset_idx: cell.text for cell in _row(whole, whole.data.num_rows - 1)}
    rest = {cell.start_col_offset_idx: cell.text for cell in row if cell.text.strip()}
    if 0 in rest or not rest or len(rest) == len(last) or not set(rest) <= set(last):
        return False
    runs_on = all(not last[c].rstrip().endswith(_ENDED) and rest[c][:1].islower() for c in rest)
    labelled = all(
        any(cell.start_col_offset_idx == 0 and cell.text.strip() for cell in _row(whole, number))
        for number in range(whole.data.num_rows)
    )
    return runs_on or labelled


def _complete(row: Row, rest: Row, whole: TableItem) -> None:
    by_column = {cell.start_col_offset_idx: cell for cell in row}
    for cell in rest:
        own = by_column.get(cell.start_col_offset_idx)
        if own is not None:
            own.text = join_lines([own.text, cell.text])
        elif cell.text.strip():
            cell.start_row_offset_idx = whole.data.num_rows - 1
            cell.end_row_offset_idx = whole.data.num_rows
            whole.data.table_cells.append(cell)


def _rows(table: TableItem, *, header: bool) -> list[Row]:
    rows = [_row(table, number) for number in range(table.data.num_rows)]
    return [row for row in rows if row and all(cell.column_header == header for cell in row)]


def _row(table: TableItem, number: int) -> Row:
    cells = [cell for cell in table.data.table_cells if cell.start_row_offset_idx == number]
    return sorted(cells, key=lambda cell: cell.start_col_offset_idx)


def _texts(row: Row) -> list[tuple[int, str]]:
    return [(cell.start_col_offset_idx, folded(cell.text)) for cell in row]
