"""A workbook is read as Excel shows it."""

import datetime as dt
import io

import openpyxl
import pytest
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont

from stagekit.chunking.markdown import build_markdown
from stagekit.processing.office.cell_formats import shown_value
from stagekit.processing.process import process_document
from stagekit.processing.reader import DocumentReader
from stagekit.processing.settings import ProcessingSettings

DAY = dt.datetime(2025, 3, 10, 14, 5, 9)
ACCOUNTING = '_-"R$"* #,##0.00_-;-"R$"* #,##0.00_-;_-"R$"* "-"??_-;_-@_-'


def no_models():
    raise AssertionError("a workbook needs no model")


def read(book: openpyxl.Workbook):
    stream = io.BytesIO()
    book.save(stream)
    reader = DocumentReader(no_models)
    processed = process_document(reader, stream.getvalue(), "a.xlsx", ProcessingSettings())
    return build_markdown(processed.document).text, processed.warnings


@pytest.mark.parametrize(
    ("value", "number_format", "shown"),
    [
        (0.125, "0.0%", "12,5%"),
        (0.125, "0.00\\ %", "12,50 %"),
        (1250000, '"R$" #,##0.00', "R$ 1.250.000,00"),
        (1234.5, "[$R$-416] #,##0.00", "R$ 1.234,50"),
        (1234.5, "[$$-409]#,##0.00", "$ 1,234.50"),
        (1234.5, ACCOUNTING, "R$ 1.234,50"),
        (-1234.5, ACCOUNTING, "-R$ 1.234,50"),
        (0, ACCOUNTING, "R$ -"),
        (-3.5, "#,##0.00;(#,##0.00)", "(3,50)"),
        (-3.5, "0.0", "-3,5"),
        (0.4, "0", "0"),
        (7, "000", "007"),
        (5, '0" dias"', "5 dias"),
        (33.3333, "0.##", "33,33"),
        (1500000, '0.0,,"M"', "1,5M"),
        (15000, "0.00E+00", "1,50E+4"),
        (12345678909, '000"."000"."000"-"00', "123.456.789-09"),
        (0.5, "# ?/?", "0,5"),
        (5, ";;;", ""),
        (5, "[>100]0;0.0", "5"),
        (12, "General", "12"),
        (1234.5, "General", "1234,5"),
        (0.1 + 0.2, "General", "0,3"),
        (DAY, "dd/mm/yyyy", "10/03/2025"),
        (DAY, "mm-dd-yy", "10/03/2025"),
        (DAY, "m/d/yy h:mm", "10/03/2025 14:05"),
        (DAY, "dd/mm/yyyy hh:mm:ss", "10/03/2025 14:05:09"),
        (DAY, "h:mm AM/PM", "2:05 PM"),
        (DAY, 'd "de" mmmm "de" yyyy', "10 de março de 2025"),
        (DAY, "[$-416]dddd, d/mmm/yy;@", "segunda-feira, 10/mar/25"),
        (DAY, "General", "10/03/2025"),
        (dt.time(8, 30), "h:mm", "8:30"),
        (dt.timedelta(hours=30), "[h]:mm:ss", "30:00:00"),
        (dt.timedelta(hours=-1), "[h]:mm", "-1:00:00"),
        (True, "General", "VERDADEIRO"),
        ("texto", "@", "texto"),
        (None, "0", ""),
    ],
)
def test_a_value_is_written_as_its_format_shows_it(value, number_format, shown):
    assert shown_value(value, number_format) == shown


def test_hidden_rows_columns_and_sheets_are_left_out_and_said():
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (
        ["Meta", "Interno", "Valor"],
        ["Reforma", "segredo", 10],
        ["Cancelada", "x", 20],
        ["Poda", "y", 30],
    ):
        sheet.append(row)
    sheet.row_dimensions[3].hidden = True
    sheet.column_dimensions["B"].hidden = True
    draft = book.create_sheet("Rascunho")
    draft.append(["Teto antigo", 999])
    draft.append(["Teto velho", 888])
    draft.sheet_state = "hidden"
    text, warnings = read(book)
    assert "| Meta | Valor |\n|---|---|\n| Reforma | 10 |\n| Poda | 30 |" in text
    for hidden in ("Interno", "segredo", "Cancelada", "Teto"):
        assert hidden not in text
    assert any("Hidden text was left out" in warning and "Interno" in warning for warning in warnings)


def test_a_merged_cell_beside_a_hidden_row_keeps_its_place():
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (["Linha", "Hora"], ["101", "5h"], [None, "6h"], [None, "7h"]):
        sheet.append(row)
    sheet.merge_cells("A2:A4")
    sheet.row_dimensions[3].hidden = True
    text, _ = read(book)
    assert "5h" in text
    assert "6h" not in text
    assert "7h" in text


def test_a_sheet_of_which_all_is_hidden_gives_no_text():
    book = openpyxl.Workbook()
    book.active.append(["Aberto", "sim"])
    other = book.create_sheet("Outra")
    for row in (["Um", "dois"], ["três", "quatro"]):
        other.append(row)
    for number in (1, 2):
        other.row_dimensions[number].hidden = True
    text, warnings = read(book)
    assert "Aberto" in text
    assert "quatro" not in text
    assert any("Hidden text" in warning for warning in warnings)


def test_struck_parts_of_a_cell_are_marked():
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["Item", "Valor"])
    sheet.append(["Caneta", None])
    old, new = TextBlock(InlineFont(strike=True), "R$ 2,00"), TextBlock(InlineFont(b=True), "R$ 1,50")
    sheet["B2"] = CellRichText("de ", old, " por ", new)
    sheet.append(["Papel", CellRichText("só ", TextBlock(InlineFont(u="single"), "sublinhado"))])
    text, _ = read(book)
    assert "| Caneta | de ~~R$ 2,00~~ por R$ 1,50 |" in text
    assert "| Papel | só sublinhado |" in text
