"""Makes text part of a document that Docling reads from Office files and then sets aside, or drops.

Docling keeps footnotes and a speaker's notes apart from the body, where nobody who reads or cuts the document
looks; the names of a workbook's sheets it keeps as names of groups. The programming language that it guesses
for lines in a typewriter face stands in no file, and goes.
"""

from __future__ import annotations

from docling_core.types.doc import DocItemLabel, DoclingDocument
from docling_core.types.doc.document import CodeItem, ContentLayer, GroupItem
from docling_core.types.doc.labels import CodeLanguageLabel, GroupLabel


def complete_document(document: DoclingDocument, file_format: str) -> None:
    """Bring the footnotes, a presentation's notes, and the names of sheets into the body of a document."""
    for item in document.texts:
        if isinstance(item, CodeItem):
            item.code_language = CodeLanguageLabel.UNKNOWN
        notes = file_format == "pptx" and item.content_layer == ContentLayer.NOTES
        if notes or item.label == DocItemLabel.FOOTNOTE:
            item.content_layer = ContentLayer.BODY
    if file_format == "xlsx":
        for group in [group for group in document.groups if group.label == GroupLabel.SHEET]:
            _name_sheet(document, group)


def _name_sheet(document: DoclingDocument, group: GroupItem) -> None:
    if group.children and group.content_layer == ContentLayer.BODY:
        first = group.children[0].resolve(document)
        title = group.name.removeprefix("sheet: ")
        prov = first.prov[0].model_copy(update={"charspan": (0, len(title))}) if first.prov else None
        document.insert_heading(sibling=first, text=title, level=1, prov=prov, after=False)
