"""Writes the DOCX files of the sample with python-docx, core properties and fixed zip entries included."""

import io
import zipfile

from docx import Document
from docx.document import Document as DocxDocument
from docx.enum.style import WD_STYLE_TYPE

from .markup import Block, Source

__all__ = ["docx_file"]

EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip entry can carry


def docx_file(source: Source) -> bytes:
    """Returns a DOCX whose core properties come from the front matter of the text.

    Entries are stored, not deflated: zlib builds differ in what they write.
    """
    document = Document()
    _drop_unused_styles(document)
    properties = document.core_properties
    properties.title = source.properties["title"]
    properties.author = properties.last_modified_by = source.properties["author"]
    properties.subject = source.properties["description"]
    properties.comments = ""
    properties.keywords = ", ".join(source.properties["keywords"])
    properties.revision = source.properties["revision"]
    properties.created = source.properties["created"].replace(tzinfo=None)
    properties.modified = source.properties["modified"].replace(tzinfo=None)
    for block in source.blocks:
        _add(document, block)
    buffer = io.BytesIO()
    document.save(buffer)
    return _repacked(buffer.getvalue())


def _drop_unused_styles(document: DocxDocument) -> None:
    """Takes 750 kB of table styles out of python-docx's template, which matter when entries are stored."""
    for style in list(document.styles):
        if style.type == WD_STYLE_TYPE.TABLE and style.name not in {"Normal Table", "Table Grid"}:
            style.delete()
    relations = document.part.rels
    for key in [
        key for key, relation in relations.items() if relation.reltype.endswith("/stylesWithEffects")
    ]:
        del relations[key]


def _add(document: DocxDocument, block: Block) -> None:
    if block.kind == "heading":
        # Level 0 is Word's own Title style.
        document.add_heading(block.text, level=block.level - 1)
    elif block.kind == "table":
        _add_table(document, block.rows)
    elif block.kind == "bullet":
        document.add_paragraph(block.text, style="List Bullet")
    else:
        document.add_paragraph(block.text)


def _add_table(document: DocxDocument, rows: list[list[str]]) -> None:
    table = document.add_table(rows=len(rows), cols=len(rows[0]), style="Table Grid")
    for cells, texts in zip(table.rows, rows, strict=True):
        for cell, text in zip(cells.cells, texts, strict=True):
            run = cell.paragraphs[0].add_run(text)
            run.bold = texts is rows[0]
    document.add_paragraph()


def _repacked(content: bytes) -> bytes:
    """Returns the same package with entries in their order, stored, and without times."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as package, zipfile.ZipFile(buffer, "w") as target:
        for name in package.namelist():
            target.writestr(zipfile.ZipInfo(name, EPOCH), package.read(name))
    return buffer.getvalue()
