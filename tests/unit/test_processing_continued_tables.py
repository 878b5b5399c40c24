"""A table that goes on over pages is one table: its header stands once, and no row is cut."""

import pytest
from docling_core.types.doc import (
    ContentLayer,
    DocItemLabel,
    DoclingDocument,
    ProvenanceItem,
    Size,
    TableCell,
    TableData,
)
from docling_core.types.doc.base import BoundingBox

from stagekit.chunking.markdown import build_markdown
from stagekit.processing.pdf.tables.continued_tables import join_continued_tables

HEAD = ("Código", "Assunto", "Prazo")


def data(*rows, headers=1):
    cells = [
        TableCell(
            text=text,
            start_row_offset_idx=r,
            end_row_offset_idx=r + 1,
            start_col_offset_idx=c,
            end_col_offset_idx=c + 1,
            column_header=r < headers,
        )
        for r, row in enumerate(rows)
        for c, text in enumerate(row)
        if text
    ]
    return TableData(table_cells=cells, num_rows=len(rows), num_cols=len(rows[0]))


def document(*parts, right=500, between=None, layer=ContentLayer.BODY):
    """Tables, one a page; `between` is a text that stands above all but the first."""
    made = DoclingDocument(name="d")
    for number, rows in enumerate(parts, start=1):
        made.add_page(page_no=number, size=Size(width=600, height=800))
        box = BoundingBox(l=50, t=60, r=right if number > 1 else 500, b=700)
        if between and number > 1:
            place = ProvenanceItem(page_no=number, bbox=box, charspan=(0, len(between)))
            made.add_text(label=DocItemLabel.TEXT, text=between, prov=place, content_layer=layer)
        made.add_table(data=data(*rows), prov=ProvenanceItem(page_no=number, bbox=box, charspan=(0, 0)))
    return made


def lines(made):
    join_continued_tables(made)
    return build_markdown(made).text.split("\n")


FIRST = (HEAD, ("1.1", "Compras", "2 anos"), ("1.2", "Obras", "5 anos"))


@pytest.mark.parametrize("repeated", [(), (HEAD,)], ids=["header once", "header on each page"])
def test_the_parts_of_a_table_are_one_with_one_header(repeated):
    made = document(
        FIRST, (*repeated, ("1.3", "Férias", "7 anos")), (*repeated, ("1.4", "Diárias", "9 anos"))
    )
    assert lines(made) == [
        "| Código | Assunto | Prazo |",
        "|---|---|---|",
        "| 1.1 | Compras | 2 anos |",
        "| 1.2 | Obras | 5 anos |",
        "| 1.3 | Férias | 7 anos |",
        "| 1.4 | Diárias | 9 anos |",
    ]
    assert [prov.page_no for prov in made.tables[0].prov] == [1, 2, 3]


def test_a_row_that_the_end_of_the_page_cuts_is_one():
    made = document(
        (HEAD, ("1.1", "Compra de rampas e de corri-", "2 anos")),
        (HEAD, ("", "mãos para a escada", ""), ("1.2", "Obras", "5 anos")),
    )
    written = lines(made)
    assert "| 1.1 | Compra de rampas e de corrimãos para a escada | 2 anos |" in written
    assert "| 1.2 | Obras | 5 anos |" in written


def test_headers_and_footers_between_two_parts_do_not_part_them():
    made = document(FIRST, (("1.3", "Férias", "7 anos"),), between="Folha 2", layer=ContentLayer.FURNITURE)
    join_continued_tables(made)
    assert len(made.tables) == 1


@pytest.mark.parametrize(
    "made",
    [
        document(FIRST, (("1.3", "Férias", "7 anos"),), between="Segue outra tabela."),
        document(FIRST, (("1.3", "Férias"), ("1.4", "Diárias"))),
        document(FIRST, (("1.3", "Férias", "7 anos"),), right=300),
        document(FIRST, (("Nome", "Cargo", "Sala"), ("2", "Ana", "5"), ("3", "Bia", "7"))),
    ],
    ids=["text between", "other columns", "narrower", "a header of its own"],
)
def test_another_table_stays_another(made):
    join_continued_tables(made)
    assert len(made.tables) == 2


def test_two_tables_of_one_page_stay_two():
    made = document(FIRST)
    box = BoundingBox(l=50, t=710, r=500, b=780)
    made.add_table(data=data(*FIRST), prov=ProvenanceItem(page_no=1, bbox=box, charspan=(0, 0)))
    join_continued_tables(made)
    assert len(made.tables) == 2
