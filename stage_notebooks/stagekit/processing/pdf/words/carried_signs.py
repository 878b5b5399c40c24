"""Writes out the signs that were carried through the conversion: boxes, bars, marks of struck words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from stagekit.processing.pdf.ink.signs import BAR_SIGNS, BOX_SIGNS
from stagekit.processing.pdf.words.strikes import STRUCK

if TYPE_CHECKING:
    from docling_core.types.doc import DoclingDocument

_BOX = re.compile(rf" *([{''.join(BOX_SIGNS)}]) *")
_BAR = re.compile(rf"(?: *([{''.join(BAR_SIGNS)}]))+(?: *(?=[^\W_]))?")
_BETWEEN = re.compile(rf"{STRUCK}(\s+){STRUCK}")


def write_signs(document: DoclingDocument) -> None:
    """Write the signs in the texts and table cells of a document out."""
    for item in document.texts:
        item.text, item.orig = written_out(item.text), written_out(item.orig)
    for table in document.tables:
        for cell in table.data.table_cells:
            cell.text = written_out(cell.text)


def written_out(text: str) -> str:
    """Return a text with its signs written out."""
    boxes = _BOX.sub(lambda found: f" {BOX_SIGNS[found.group(1)]} ", text)
    text = _BETWEEN.sub(r"\1", boxes if boxes == text else boxes.strip())
    return _BAR.sub(_bar, text).strip() if _BAR.search(text) else text


def _bar(found: re.Match[str]) -> str:
    """Return what stands for covered words, with a blank where a word goes on behind it."""
    sign = BAR_SIGNS[found.group(1)]
    behind = found.string[found.end() : found.end() + 1]
    return f"{' ' if sign else ''}{sign}{' ' if behind.isalnum() else ''}"
