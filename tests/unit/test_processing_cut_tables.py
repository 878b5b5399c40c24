"""A table gets back the columns that the layout model left outside its region."""

from docling.datamodel.base_models import Cluster
from docling_core.types.doc import BoundingBox, DocItemLabel
from docling_core.types.doc.page import BoundingRectangle, TextCell

from stagekit.processing.pdf.tables.cut_columns import cut_columns

STEP, HEIGHT = 16.0, 10.0


def cell(text, left, top):
    box = BoundingBox(l=left, t=top, r=left + 5.0 * len(text), b=top + HEIGHT)
    return TextCell(
        rect=BoundingRectangle.from_bounding_box(box), text=text, orig=text, from_ocr=False, index=0
    )


def region(cells, label=DocItemLabel.TEXT):
    box = BoundingBox.enclosing_bbox([one.rect.to_bounding_box() for one in cells])
    return Cluster(id=0, label=label, bbox=box, cells=cells)


def row(index):
    return 100.0 + STEP * index


def table(rows=5):
    cells = [
        cell(text, left, row(n)) for n in range(rows) for text, left in ((f"401{n}", 60), ("Ada Lins", 160))
    ]
    return region(cells, DocItemLabel.TABLE)


def test_a_column_beside_the_region_is_found_whole_or_cell_by_cell():
    whole = region([cell("Manhã", 400, row(n)) for n in range(5)])
    parts = [region([cell("Tarde", 400, row(n))], DocItemLabel.LIST_ITEM) for n in range(5)]
    assert cut_columns(table(), [whole]) == [whole]
    assert cut_columns(table(), parts) == parts


def test_text_beside_a_table_that_is_no_column_of_it_stays_apart():
    prose = region([cell("o prazo da decisão pode ser prorrogado", 300, row(n)) for n in range(5)])
    unaligned = region([cell("Manhã", 400, row(n) + HEIGHT / 2) for n in range(5)])
    covered = region([cell("Manhã", 60, row(n)) for n in range(5)])
    below = region([cell("Total", 400, row(9))])
    caption = region([cell("Manhã", 400, row(1))], DocItemLabel.CAPTION)
    assert cut_columns(table(), [prose, unaligned, covered, below, caption]) == []
