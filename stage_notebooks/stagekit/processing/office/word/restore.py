"""Turns the marks that travelled through Docling into parts of its document."""

from __future__ import annotations

import re
from typing import Any

from docling_core.types.doc import DocItemLabel, DoclingDocument, ListItem, TextItem
from docling_core.types.doc.document import InlineGroup

from stagekit.processing.office.word.marks import (
    COLUMN_HEADER,
    NOTE,
    NUMBER_END,
    NUMBER_START,
    PAGE_FOOTER,
    PAGE_HEADER,
    has_marks,
    without_marks,
)

_NUMBER = re.compile(f".*?{NUMBER_START}([^{NUMBER_END}]*){NUMBER_END}", re.DOTALL)
_LABELS: dict[str, Any] = {  # typed by Docling as a closed list of values
    NOTE: DocItemLabel.FOOTNOTE,
    PAGE_HEADER: DocItemLabel.PAGE_HEADER,
    PAGE_FOOTER: DocItemLabel.PAGE_FOOTER,
}


def restore_marks(document: DoclingDocument) -> None:
    """Give list items their numbers, and notes, page edges and header cells their labels, in place."""
    for item in list(document.texts):
        if isinstance(item, ListItem):
            _number(item, document)
    for item in document.texts:
        if has_marks(item.text):
            _label(item)
    for table in document.tables:
        for cell in table.data.table_cells:
            if has_marks(cell.text):
                cell.column_header |= COLUMN_HEADER in cell.text
                cell.text = without_marks(cell.text)


def _number(item: ListItem, document: DoclingDocument) -> None:
    first = _first_text(item, document)
    found = _NUMBER.match(first.text)
    if found is not None:
        item.marker, item.enumerated = found[1], True
        first.text = first.orig = first.text[found.end() :].lstrip()


def _first_text(item: ListItem, document: DoclingDocument) -> TextItem:
    """Return the item itself, or the first part of it where Docling has divided it."""
    for reference in item.children if not item.text else ():
        group = reference.resolve(document)
        if isinstance(group, InlineGroup):
            for part in group.children:
                text = part.resolve(document)
                if isinstance(text, TextItem):
                    return text
    return item


def _label(item: TextItem) -> None:
    for mark, label in _LABELS.items():
        if item.text.startswith(mark):
            item.label = label
    # Docling puts the number that it counts itself in front of that of a heading.
    found = _NUMBER.match(item.text)
    text = item.text if found is None else f"{found[1]} {item.text[found.end() :]}"
    item.text = item.orig = without_marks(text)
