"""Workbooks: sheets, cells and numbers, hidden rows, columns and sheets."""

from __future__ import annotations

import io

from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.utils import get_column_letter

from tests.generated.words import Generated, Writer


def document(seed: int) -> Generated:
    """Return a workbook of random constructs."""
    writer = Writer(seed)
    book = Workbook()
    book.remove(book.active)
    for number in range(writer.chance.randint(1, 3)):
        sheet = book.create_sheet(writer.word("optional"))
        gone = number > 0 and writer.often(0.25)
        sheet.sheet_state = "hidden" if gone else "visible"
        rows, columns = writer.chance.randint(2, 5), writer.chance.randint(1, 4)
        hidden_row = writer.chance.randint(2, rows) if rows > 2 and writer.often(0.3) else 0
        hidden_column = columns if columns > 2 and writer.often(0.3) else 0
        for row in range(1, rows + 1):
            for column in range(1, columns + 1):
                unseen = gone or row == hidden_row or column == hidden_column
                sheet.cell(row, column, writer.phrase("unseen" if unseen else "shown"))
        if hidden_row:
            sheet.row_dimensions[hidden_row].hidden = True
        if hidden_column:
            sheet.column_dimensions[get_column_letter(hidden_column)].hidden = True
        if writer.often(0.3):
            sheet.cell(1, 1).comment = Comment(writer.phrase("unseen"), "a")
    out = io.BytesIO()
    book.save(out)
    return writer.done(out.getvalue(), "gerado.xlsx")
