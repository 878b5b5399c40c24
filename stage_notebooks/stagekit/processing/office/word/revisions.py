"""Accepts all tracked changes of a part: what was inserted or moved stays, what was deleted goes."""

from __future__ import annotations

from stagekit.processing.office.word.names import Element, drop, drop_paragraph, local_name, own_paragraphs, w

_GONE = tuple(map(w, ("del", "moveFrom", "delText", "delInstrText")))
_FORMER_PROPERTIES = tuple(
    map(w, (
        "rPrChange", "pPrChange", "sectPrChange", "tblPrChange", "tblGridChange", "tblPrExChange",
        "trPrChange", "tcPrChange", "numberingChange",
    ))
)  # fmt: skip


def accept_revisions(root: Element) -> bool:
    """Accept the revisions of a part in place, and tell whether there were any.

    `w:ins` and `w:moveTo` round text are left to :mod:`.wrappers`, which unwraps them with all others.
    """
    former = list(root.iter(*_FORMER_PROPERTIES))
    gone = list(root.iter(*_GONE))
    if not gone and not former and next(root.iter(w("cellDel")), None) is None:
        return False
    _merge_paragraphs(root)
    for element in [*former, *gone]:
        _remove(element)
    for mark in list(root.iter(w("cellDel"))):
        cell = next(mark.iterancestors(w("tc")), None)
        if cell is not None:
            drop(cell)
    for table in list(root.iter(w("tbl"))):
        if next(table.iter(w("tr")), None) is None:
            drop(table)
    for row in list(root.iter(w("tr"))):
        if next(row.iter(w("tc")), None) is None:
            drop(row)
    return True


def _remove(element: Element) -> None:
    parent = element.getparent()
    if parent is not None and local_name(parent) == "trPr":  # the mark of a deleted row
        element = parent.getparent()
    drop(element)


def _merge_paragraphs(root: Element) -> None:
    """Join each paragraph whose mark was deleted with the one behind it, whose properties hold for both."""
    for paragraph in reversed(list(own_paragraphs(root))):
        properties = paragraph.find(w("pPr"))
        mark = None if properties is None else properties.find(w("rPr"))
        if mark is None or (mark.find(w("del")) is None and mark.find(w("moveFrom")) is None):
            continue
        content = [child for child in paragraph if child is not properties]
        following = paragraph.getnext()
        if following is None or following.tag != w("p"):
            if not any(child.tag not in _GONE for child in content):
                drop_paragraph(paragraph)
            continue
        place = 1 if following.find(w("pPr")) is not None else 0
        following[place:place] = content
        drop(paragraph)
