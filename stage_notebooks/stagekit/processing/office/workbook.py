"""Reads a workbook as Excel shows it: values in their formats, without hidden rows and columns.

Docling writes the stored values, hidden ones too, and does not tell which are struck. What is hidden is kept
in the document's invisible layer, as Docling keeps hidden sheets; it becomes no text, and the report says so.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable
from typing import Any

from docling.backend.msexcel_backend import MsExcelDocumentBackend
from docling_core.types.doc import DocItemLabel, DoclingDocument
from docling_core.types.doc.document import ContentLayer, DocItem, TableCell, TableItem, TextItem
from typing_extensions import override

from stagekit.processing.office.cell_formats import shown_value
from stagekit.processing.office.struck_texts import struck_text

_SHOWS_NOTHING = ";;;"  # the number format
_HOLDS_TEXT = re.compile(r"(?:sharedStrings|worksheets/[^/]+)\.xml$", re.IGNORECASE)


class ShownWorkbookBackend(MsExcelDocumentBackend):
    """Docling's reader of workbooks, with its tables made to show what Excel shows."""

    @override
    def convert(self) -> DoclingDocument:
        """Return the document of a workbook."""
        document: DoclingDocument = super().convert()
        book: Any = self.workbook
        rich = _with_parts_of_cells(self.path_or_stream)
        named = zip(sorted(document.pages), book.sheetnames, strict=False)
        sheets = {
            page: _Sheet(book[name], rich[name] if rich else None)
            for page, name in named
            if hasattr(book[name], "row_dimensions")
        }
        for item in [*document.tables, *document.texts]:
            if item.prov and item.prov[0].page_no in sheets:
                _show(document, item, sheets[item.prov[0].page_no])
        return document


class _Sheet:
    """The formats and hidden places of a worksheet; rows and columns are counted from 0."""

    def __init__(self, sheet: Any, rich: Any = None) -> None:
        self._sheet = sheet
        self._rich = rich  # the same with the parts of its cells, where some of them are struck
        self._rows = {
            row - 1 for row, shape in sheet.row_dimensions.items() if shape.hidden or shape.height == 0
        }
        self._columns: set[int] = set()
        for shape in sheet.column_dimensions.values():
            if (shape.hidden or shape.width == 0) and shape.min:
                self._columns.update(range(shape.min - 1, min(shape.max or shape.min, sheet.max_column)))

    def shows_row(self, row: int) -> bool:
        """Whether a row is not hidden."""
        return row not in self._rows

    def shows_column(self, column: int) -> bool:
        """Whether a column is not hidden."""
        return column not in self._columns

    def is_seen(self, row: int, column: int) -> bool:
        """Whether a cell's content can be seen: it is not white on white, nor is its format `;;;`."""
        cell = self._sheet.cell(row=row + 1, column=column + 1)
        if (cell.number_format or "").strip() == _SHOWS_NOTHING:
            return False
        unknown = self._sheet.tables or self._sheet.conditional_formatting  # they may colour the ground
        plain = cell.fill is None or cell.fill.fill_type is None
        return bool(unknown or not plain or not _is_white(cell.font.color))

    def text(self, row: int, column: int) -> str:
        """Return what a cell shows."""
        cell = self._sheet.cell(row=row + 1, column=column + 1)
        if self._rich is not None:
            parts = self._rich.cell(row=row + 1, column=column + 1).value
            if isinstance(parts, list):  # CellRichText
                return _joined(parts, bool(cell.font.strike))
        text = shown_value(cell.value, cell.number_format or "")
        return struck_text(text) if cell.font.strike else text


def _with_parts_of_cells(file: Any) -> Any:
    """Return the workbook with the parts of its cells where any of them may be struck, else None."""
    from openpyxl import load_workbook  # type: ignore[import-untyped]

    file.seek(0)
    with zipfile.ZipFile(file) as package:
        names = [name for name in package.namelist() if _HOLDS_TEXT.search(name)]
        if not any(b"<strike" in package.read(name) for name in names):
            return None
    file.seek(0)
    return load_workbook(file, data_only=True, rich_text=True)


def _joined(parts: Iterable[Any], struck: bool) -> str:
    """Return the text of a cell's parts; one without a font of its own has that of the cell."""
    spans: list[tuple[str, bool]] = []
    for part in parts:
        font = getattr(part, "font", None)
        text, is_struck = str(part), bool(font.strike) if font is not None else struck
        if spans and spans[-1][1] == is_struck:
            spans[-1] = (spans[-1][0] + text, is_struck)
        else:
            spans.append((text, is_struck))
    return "".join(struck_text(text) if is_struck else text for text, is_struck in spans)


def _is_white(colour: Any) -> bool:
    """Whether a colour of a font is white, by itself or as the first of the theme, that of the ground."""
    if colour is None or colour.type not in ("rgb", "theme"):
        return False
    if colour.type == "theme":
        return bool(colour.theme == 0 and not colour.tint)
    return str(colour.rgb).upper() in ("FFFFFFFF", "00FFFFFF")


def _show(document: DoclingDocument, item: DocItem, sheet: _Sheet) -> None:
    left, top = int(item.prov[0].bbox.l), int(item.prov[0].bbox.t)
    if isinstance(item, TableItem):
        _show_table(document, item, sheet, top, left)
    elif isinstance(item, TextItem):
        if not (sheet.shows_row(top) and sheet.shows_column(left) and sheet.is_seen(top, left)):
            item.content_layer = ContentLayer.INVISIBLE
        elif text := sheet.text(top, left):
            item.text = item.orig = text


def _show_table(document: DoclingDocument, table: TableItem, sheet: _Sheet, top: int, left: int) -> None:
    data = table.data
    rows = _renumbered(at for at in range(data.num_rows) if sheet.shows_row(top + at))
    columns = _renumbered(at for at in range(data.num_cols) if sheet.shows_column(left + at))
    hidden, shown = [], []
    for cell in data.table_cells:
        stored = cell.text
        place = top + cell.start_row_offset_idx, left + cell.start_col_offset_idx
        cell.text = sheet.text(*place)
        if stored and not sheet.is_seen(*place):
            hidden.append(cell.text or stored)
            cell.text = stored = ""
        below = [rows[at] for at in range(cell.start_row_offset_idx, cell.end_row_offset_idx) if at in rows]
        beside = [
            columns[at] for at in range(cell.start_col_offset_idx, cell.end_col_offset_idx) if at in columns
        ]
        if below and beside and (cell.text or not stored):
            shown.append(_moved(cell, below, beside))
        elif stored:
            hidden.append(cell.text or stored)
    if not any(cell.text for cell in shown):
        table.content_layer = ContentLayer.INVISIBLE
        return
    data.table_cells, data.num_rows, data.num_cols = shown, len(rows), len(columns)
    _mark_header(shown, len(rows))
    if hidden:
        document.add_text(
            label=DocItemLabel.TEXT, text=" | ".join(hidden), content_layer=ContentLayer.INVISIBLE
        )


def _renumbered(places: Iterable[int]) -> dict[int, int]:
    """Return the new number, from 0, of each place that stays."""
    return {place: number for number, place in enumerate(places)}


def _moved(cell: TableCell, rows: list[int], columns: list[int]) -> TableCell:
    cell.start_row_offset_idx, cell.end_row_offset_idx = rows[0], rows[-1] + 1
    cell.start_col_offset_idx, cell.end_col_offset_idx = columns[0], columns[-1] + 1
    cell.row_span, cell.col_span = len(rows), len(columns)
    return cell


def _mark_header(cells: list[TableCell], rows: int) -> None:
    """Mark the header: the first row, and those beside a label of it where another label spans columns."""
    first = [cell for cell in cells if cell.start_row_offset_idx == 0]
    grouped = any(cell.col_span > 1 for cell in first)
    depth = max((cell.row_span for cell in first), default=1) if grouped else 1
    for cell in cells:
        cell.column_header = cell.start_row_offset_idx < (depth if depth < rows else 1)
