"""Reads what a presentation shows: its slides in their order, and the speaker's notes."""

from __future__ import annotations

from collections.abc import Iterator

from stagekit.conservation.source_text import SourceText
from stagekit.conservation.sources.drawing import (
    diagram_texts,
    leave_out_charts,
    paragraph_text,
    paragraphs,
)
from stagekit.conservation.sources.package import Element, Package, attribute, local_name

_MARGINS = {"sldNum", "dt", "ftr", "hdr"}
_ALT = ("descr", "title")


def read(content: bytes) -> SourceText:
    """Return the paragraphs, cells and notes of the slides that are shown.

    Raises:
        ValueError: a part is missing or damaged.
    """
    package = Package(content)
    main, root = package.main_part("ppt/presentation.xml")
    related = package.relations(main)
    source = SourceText()
    tables = 0
    for element in root.iter():
        slide = related.get(_relation_id(element)) if local_name(element.tag) == "sldId" else None
        if slide is not None:
            tables = _slide(package, slide.target, source, tables)
    return source


def _relation_id(element: Element) -> str:
    """Return the id of the relation; the slide's own number is an attribute `id` without namespace."""
    return next((value for key, value in element.items() if key.endswith("}id")), "")


def _slide(package: Package, part: str, source: SourceText, tables: int) -> int:
    root = package.root(part)
    if root is None:
        return tables
    if attribute(root, "show") in {"0", "false"}:
        source.leave_out("hidden", " ".join(paragraphs(root)))
        return tables
    tables = _shapes(root, source, "paragraph", tables)
    related = package.relations(part).values()
    for text in diagram_texts(package, related):
        source.add(text)
    leave_out_charts(package, related, source)
    for relation in related:
        notes = package.root(relation.target) if relation.type == "notesSlide" else None
        if notes is not None:
            tables = _shapes(notes, source, "note", tables)
        comments = package.root(relation.target) if relation.type == "comments" else None
        if comments is not None:
            source.leave_out("comment", " ".join(filter(None, (e.text for e in comments.iter()))))
    return tables


def _shapes(parent: Element, source: SourceText, kind: str, tables: int) -> int:
    """Read the shapes below an element; of a shape in two forms only one."""
    for element in _children(parent):
        name = local_name(element.tag)
        if name == "sp":
            _shape(element, source, kind)
        elif name == "tbl":
            _table(element, source, tables)
            tables += 1
        else:
            if name == "cNvPr":
                source.may_stand += [text for key in _ALT if (text := element.get(key))]
            tables = _shapes(element, source, kind, tables)
    return tables


def _children(parent: Element) -> Iterator[Element]:
    for child in parent:
        if local_name(child.tag) == "AlternateContent":
            forms = {local_name(form.tag): form for form in reversed(child)}
            yield forms.get("Choice", forms.get("Fallback", child))
        else:
            yield child


def _shape(shape: Element, source: SourceText, kind: str) -> None:
    named = {local_name(found.tag): found for found in reversed(list(shape.iter()))}
    place = named.get("ph")
    marks = named.get("cNvPr")
    if marks is not None:
        source.may_stand += [text for key in _ALT if (text := marks.get(key))]
    texts = list(paragraphs(shape))
    if marks is not None and attribute(marks, "hidden") in {"1", "true"}:
        source.leave_out("hidden", " ".join(texts))
        return
    margin = place is not None and place.get("type") in _MARGINS
    for text in texts:
        source.add(text, "furniture" if margin else kind)


def _table(table: Element, source: SourceText, number: int) -> None:
    rows = [child for child in table if local_name(child.tag) == "tr"]
    for row_number, row in enumerate(rows):
        cells = [child for child in row if local_name(child.tag) == "tc"]
        for column, cell in enumerate(cells):
            text = "\n".join(paragraph_text(found) for found in cell.iter() if local_name(found.tag) == "p")
            if cell.get("hMerge") in {"1", "true"} or cell.get("vMerge") in {"1", "true"}:
                source.leave_out("covered", text)
            else:
                source.add(text, "cell", (number, row_number, column))
