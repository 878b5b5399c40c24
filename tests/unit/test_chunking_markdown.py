"""The canonical Markdown keeps every visible text of a document, with its structure and place."""

import pytest
from docling_core.types.doc import DoclingDocument
from docling_core.types.doc.base import BoundingBox, CoordOrigin, Size
from docling_core.types.doc.document import ContentLayer, ProvenanceItem, TableCell, TableData
from docling_core.types.doc.labels import DocItemLabel, GroupLabel

from stagekit.chunking import Block, CanonicalMarkdown, build_markdown
from stagekit.chunking.table_rows import table_lines


def cell(row: int, column: int, text: str, *, header: bool = False, columns: int = 1) -> TableCell:
    return TableCell(
        text=text,
        start_row_offset_idx=row,
        end_row_offset_idx=row + 1,
        start_col_offset_idx=column,
        end_col_offset_idx=column + columns,
        col_span=columns,
        column_header=header,
    )


def grid(*rows: tuple[str, ...], headers: int = 1) -> TableData:
    cells = [cell(r, c, text, header=r < headers) for r, row in enumerate(rows) for c, text in enumerate(row)]
    return TableData(table_cells=cells, num_rows=len(rows), num_cols=len(rows[0]))


def texts(markdown: CanonicalMarkdown) -> list[tuple[str, str]]:
    return [(block.kind, markdown.text[block.start : block.end]) for block in markdown.blocks]


@pytest.fixture
def document() -> DoclingDocument:
    return DoclingDocument(name="teste")


def test_headings_keep_their_levels_and_name_the_sections(document: DoclingDocument) -> None:
    document.add_title("Política de férias")
    document.add_text(DocItemLabel.TEXT, "Preâmbulo.")
    document.add_heading("1 Objeto", level=1)
    document.add_heading("Prazos", level=2)
    document.add_text(DocItemLabel.TEXT, "Trinta dias.")
    document.add_heading("Disposições finais", level=1)
    markdown = build_markdown(document)
    assert markdown.title == "Política de férias"
    assert markdown.text.startswith(
        "# Política de férias\n\nPreâmbulo.\n\n## 1 Objeto\n\n### Prazos\n\nTrinta"
    )
    section = markdown.blocks[4].section
    assert (section.titles, section.numbers, section.top) == (("1 Objeto", "Prazos"), ("1", "1.1"), 1)
    assert markdown.blocks[1].section.titles == ()
    assert markdown.blocks[5].section.numbers == ("2",)


def test_a_written_number_wins_over_the_counted_one(document: DoclingDocument) -> None:
    document.add_heading("4.2 Multas", level=1)
    assert build_markdown(document).blocks[0].section.numbers == ("4.2",)


def test_each_of_several_titles_opens_a_top_level_section(document: DoclingDocument) -> None:
    document.add_title("Primeiro")
    document.add_title("Segundo")
    document.add_heading("Parte", level=1)
    sections = [block.section for block in build_markdown(document).blocks]
    assert [section.titles for section in sections] == [
        ("Primeiro",),
        ("Segundo",),
        ("Segundo", "Parte"),
    ]
    assert [section.numbers for section in sections] == [("1",), ("2",), ("2", "2.1")]
    assert [section.top for section in sections] == [1, 2, 2]


def test_lists_keep_markers_nesting_and_their_checkboxes(document: DoclingDocument) -> None:
    group = document.add_list_group()
    first = document.add_list_item("um", parent=group)
    inner = document.add_group(label=GroupLabel.LIST, parent=first)
    document.add_list_item("dentro", enumerated=True, marker="a)", parent=inner)
    document.add_list_item("dois", enumerated=True, parent=group)
    document.add_text(DocItemLabel.CHECKBOX_SELECTED, "aceito")
    markdown = build_markdown(document)
    assert markdown.text == "- um\n    a) dentro\n2. dois\n\n[x] aceito"
    assert [block.kind for block in markdown.blocks] == ["list", "list", "list", "paragraph"]


def test_an_item_outside_any_list_is_still_a_list_item(document: DoclingDocument) -> None:
    with pytest.warns(DeprecationWarning, match="ListItem parent"):
        document.add_list_item("sozinho", parent=document.body)
    assert build_markdown(document).text.endswith("- sozinho")


def test_formatted_pieces_of_a_paragraph_are_one_paragraph(document: DoclingDocument) -> None:
    inline = document.add_inline_group()
    for part in ("Prazo de", "30 dias", ", contado", "da ciência", "."):
        document.add_text(DocItemLabel.TEXT, part, parent=inline)
    markdown = build_markdown(document)
    assert texts(markdown) == [("paragraph", "Prazo de 30 dias, contado da ciência.")]
    assert [region.ref for region in markdown.blocks[0].regions] == [f"#/texts/{n}" for n in range(5)]


def test_a_formatted_list_item_takes_its_text_from_below(document: DoclingDocument) -> None:
    group = document.add_list_group()
    item = document.add_list_item("", parent=group)
    inline = document.add_inline_group(parent=item)
    document.add_text(DocItemLabel.TEXT, "prazo", parent=inline)
    document.add_text(DocItemLabel.TEXT, "legal", parent=inline)
    assert build_markdown(document).text == "- prazo legal"


def test_page_headers_and_footers_are_left_out(document: DoclingDocument) -> None:
    document.add_text(DocItemLabel.PAGE_HEADER, "Prefeitura", content_layer=ContentLayer.FURNITURE)
    document.add_text(DocItemLabel.TEXT, "Corpo.")
    assert build_markdown(document).text == "Corpo."


def test_text_inside_a_picture_and_its_caption_are_kept(document: DoclingDocument) -> None:
    caption = document.add_text(DocItemLabel.CAPTION, "Figura 1: fluxo")
    picture = document.add_picture(caption=caption)
    document.add_text(DocItemLabel.TEXT, "Início", parent=picture)
    inline = document.add_inline_group(parent=picture)
    document.add_text(DocItemLabel.TEXT, "Fim", parent=inline)
    expected = [("caption", "Figura 1: fluxo"), ("figure", "Início"), ("figure", "Fim")]
    assert texts(build_markdown(document)) == expected


def test_code_formulas_and_footnotes(document: DoclingDocument) -> None:
    document.add_code("print('```')\n\nx = 1")
    document.add_code("   ")
    document.add_formula("a^2")
    document.add_text(DocItemLabel.FOOTNOTE, "Nota um.")
    kinds = texts(build_markdown(document))
    assert kinds[0] == ("code_block", "````\nprint('```')\n\nx = 1\n````")
    assert kinds[1:] == [("paragraph", "$$a^2$$"), ("footnote", "Nota um.")]


def test_a_table_has_a_header_its_caption_comes_first_and_rich_cells_come_once(
    document: DoclingDocument,
) -> None:
    table = document.add_table(grid(("Cargo", "Valor"), ("Fiscal | A", "10\n20")))
    table.captions.append(document.add_text(DocItemLabel.CAPTION, "Tabela 1").get_ref())
    document.add_text(DocItemLabel.TEXT, "Cargo", parent=table)
    markdown = build_markdown(document)
    expected = "Tabela 1\n\n| Cargo | Valor |\n|---|---|\n| Fiscal \\| A | 10 20 |"
    assert markdown.text == expected
    block = markdown.blocks[1]
    assert markdown.text[block.start : block.header_end] == "| Cargo | Valor |\n|---|---|"


def test_an_invisible_text_leaves_no_block(document: DoclingDocument) -> None:
    for text in ("", " \n ", "\u200b\u00ad"):
        document.add_text(DocItemLabel.TEXT, text)
    document.add_heading(" ", level=1)
    document.add_table(TableData(table_cells=[], num_rows=0, num_cols=0))
    assert build_markdown(document) == CanonicalMarkdown("", (), "")


def test_regions_count_from_the_top_of_the_page(document: DoclingDocument) -> None:
    document.add_page(page_no=1, size=Size(width=100, height=200))
    box = BoundingBox(l=10, t=190, r=90, b=150, coord_origin=CoordOrigin.BOTTOMLEFT)
    prov = ProvenanceItem(page_no=1, bbox=box, charspan=(0, 1))
    document.add_text(DocItemLabel.TEXT, "a", prov=prov)
    block: Block = build_markdown(document).blocks[0]
    assert (block.regions[0].page, block.regions[0].bbox) == (1, (10, 10, 90, 50))


def on_page(page: int, begin: int = 0) -> ProvenanceItem:
    box = BoundingBox(l=0, t=0, r=9, b=9, coord_origin=CoordOrigin.TOPLEFT)
    return ProvenanceItem(page_no=page, bbox=box, charspan=(begin, begin + 1))


def test_what_goes_on_over_pages_says_where_each_of_them_begins(document: DoclingDocument) -> None:
    for begins in ((0, 3), (3, 0)):  # the second one was put together in another order
        item = document.add_text(DocItemLabel.CHECKBOX_SELECTED, "um dois", prov=on_page(1, begins[0]))
        item.prov.append(on_page(2, begins[1]))
    table = document.add_table(grid(("A", "B"), ("c1", "d1"), ("c2", "d2")), prov=on_page(1))
    table.prov.append(on_page(2))
    for one in table.data.table_cells:
        top = (50, 70, 30)[one.start_row_offset_idx]
        one.bbox = BoundingBox(l=0, t=top, r=9, b=top + 9, coord_origin=CoordOrigin.TOPLEFT)
    markdown = build_markdown(document)
    first, other, rows = markdown.blocks
    assert first.region_starts == (0, markdown.text.index("dois"))
    assert other.region_starts == (other.start, other.start)
    assert rows.region_starts == (rows.start, markdown.text.index("| c2"))
    here = first.region_starts[1]
    pages = [[one.page for one in first.regions_of(*span)] for span in ((0, here), (here, here + 1), (0, 99))]
    assert pages == [[1], [2], [1, 2]]


def test_markdown_has_six_levels_of_headings(document: DoclingDocument) -> None:
    document.add_title("Título")
    for level in (5, 6):
        document.add_heading(f"Nível {level}", level=level)
    assert build_markdown(document).text == "# Título\n\n###### Nível 5\n\n###### Nível 6"


@pytest.mark.parametrize(
    ("data", "header", "rows"),
    [
        (grid(("a", "b"), ("1", "2"), headers=0), "| a | b |", ["| 1 | 2 |"]),
        (grid(("1", "2"), headers=0), "|  |  |", ["| 1 | 2 |"]),
        (grid(("a", "b"), ("c", "d"), headers=2), "| a | b |", ["| c | d |"]),
        (grid(("a", "b"), ("a", "d"), ("1", "2"), headers=2), "| a | b d |", ["| 1 | 2 |"]),
        (grid(("a", "b"), ("", ""), ("1", "2")), "| a | b |", ["| 1 | 2 |"]),
        (
            TableData(
                table_cells=[
                    *(cell(0, n, "ab"[n]) for n in (0, 1)),
                    *(cell(1, n, "12"[n], header=True) for n in (0, 1)),
                ],
                num_rows=2,
                num_cols=2,
            ),
            "| a | b |",
            ["| 1 | 2 |"],
        ),
    ],
    ids=["first row", "one row", "all headers", "two header rows", "blank row", "names in the second row"],
)
def test_every_table_has_one_header_line(data: TableData, header: str, rows: list[str]) -> None:
    lines, body = table_lines(data)
    assert (lines, body) == ([header, "|---|---|"], rows)


def test_a_label_of_several_rows_or_columns_stands_with_each() -> None:
    cells = [
        cell(0, 0, "Setor", header=True),
        cell(0, 1, "Prazo", header=True, columns=2),
        cell(1, 1, "corrente", header=True),
        cell(1, 2, "final", header=True),
        cell(2, 0, "Obras").model_copy(update={"row_span": 2, "end_row_offset_idx": 4}),
        *(cell(row, column, f"{row}{column}") for row in (2, 3) for column in (1, 2)),
    ]
    lines, rows = table_lines(TableData(table_cells=cells, num_rows=4, num_cols=3))
    assert lines[0] == "| Setor | Prazo corrente | Prazo final |"
    assert rows == ["| Obras | 21 | 22 |", "| Obras | 31 | 32 |"]


def test_a_long_text_beside_several_rows_is_no_label_and_a_broken_span_is_one_cell() -> None:
    names = [cell(0, 0, "Tudo", header=True, columns=0), cell(0, 1, "Prazo", header=True)]
    names += [cell(1, 0, "a", header=True), cell(1, 1, "b", header=True)]
    for length, below in ((200, "x" * 200), (201, "")):
        label = cell(2, 0, "x" * length).model_copy(update={"end_row_offset_idx": 4})
        flat = cell(4, 0, "fim").model_copy(update={"end_row_offset_idx": 4})
        cells = [*names, label, cell(2, 1, "1"), cell(3, 1, "2"), flat]
        lines, rows = table_lines(TableData(table_cells=cells, num_rows=6, num_cols=2))
        assert lines[0] == "| Tudo a | Prazo b |"
        assert rows == [f"| {'x' * length} | 1 |", f"| {below} | 2 |", "| fim |  |"]


def test_a_spanning_cell_is_written_once_and_colliding_cells_both_survive() -> None:
    cells = [
        cell(0, 0, "largo", header=True, columns=2),
        cell(1, 0, "x"),
        cell(1, 0, "y"),
        *(cell(row, column, "fora", header=not row) for row, column in ((9, 0), (0, 9), (-1, 0), (0, -1))),
    ]
    lines, rows = table_lines(TableData(table_cells=cells, num_rows=2, num_cols=2))
    assert (lines[0], rows) == ("| largo |  |", ["| x y |  |"])
