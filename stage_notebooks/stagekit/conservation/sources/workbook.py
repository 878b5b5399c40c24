"""Reads what a workbook shows: the cells of its visible sheets, rows and columns, and its text boxes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stagekit.conservation.source_text import SourceText
from stagekit.conservation.sources.drawing import leave_out_charts, paragraphs
from stagekit.conservation.sources.number_readings import number_readings
from stagekit.conservation.sources.package import Element, Package, local_name

_TRUTH = {"1": ("VERDADEIRO", "TRUE"), "0": ("FALSO", "FALSE")}
_REFERENCE = re.compile(r"([A-Z]+)(\d+)")


def read(content: bytes) -> SourceText:
    """Return the names of sheets, their cells and text boxes.

    A cell that holds a number says it in any of the ways in which its format may write it.

    Raises:
        ValueError: a part is missing or damaged.
    """
    package = Package(content)
    main, root = package.main_part("xl/workbook.xml")
    related = package.relations(main)
    by_type = {found.type: found.target for found in related.values()}
    shared = [_rich_text(item) for item in _root_or_none(package, by_type.get("sharedStrings"))]
    source = SourceText()
    sheets = [element for element in root.iter() if local_name(element.tag) == "sheet"]
    for number, sheet in enumerate(sheets):
        relation = related.get(next((value for key, value in sheet.items() if key.endswith("}id")), ""))
        if relation is not None and relation.type in {"worksheet", "chartsheet"}:
            hidden = sheet.get("state", "visible") != "visible"
            _sheet(package, relation.target, source, shared, _Place(number, sheet.get("name", ""), hidden))
    return source


class _Place:
    """A sheet's number and name, and whether it is hidden."""

    def __init__(self, number: int, name: str, hidden: bool) -> None:
        self.number, self.name, self.hidden = number, name, hidden


def _root_or_none(package: Package, part: str | None) -> Iterator[Element]:
    root = package.root(part) if part else None
    yield from root if root is not None else ()


def _sheet(package: Package, part: str, source: SourceText, shared: list[str], place: _Place) -> None:
    root = package.root(part)
    if root is None:
        return
    before = len(source.units)
    unseen: set[int] = set()
    for child in root:
        name = local_name(child.tag)
        if name == "cols":
            unseen |= _hidden_columns(child)
        elif name == "sheetData":
            for row in child:
                _row(row, source, shared, place, unseen)
    for relation in package.relations(part).values():
        found = package.root(relation.target) if relation.type in {"drawing", "comments"} else None
        if found is not None and relation.type == "comments":
            texts = (_rich_text(item) for item in found.iter() if local_name(item.tag) == "text")
            source.leave_out("comment", " ".join(texts))
        elif found is not None:
            _drawing(found, source, place)
            leave_out_charts(package, package.relations(relation.target).values(), source)
    if len(source.units) > before:
        source.may_stand.append(place.name)


def _drawing(root: Element, source: SourceText, place: _Place) -> None:
    """Read the text boxes and alternative texts of what is drawn on a sheet."""
    for text in paragraphs(root):
        if place.hidden:
            source.leave_out("hidden", text)
        else:
            source.add(text)
    said = (element.get(key) for element in root.iter() for key in ("descr", "title"))
    source.may_stand += [text for text in said if text]


def _hidden_columns(columns: Element) -> set[int]:
    return {
        number
        for column in columns
        if column.get("hidden") in {"1", "true"}
        for number in range(int(column.get("min", "1")), min(int(column.get("max", "1")), 16384) + 1)
    }


def _row(row: Element, source: SourceText, shared: list[str], place: _Place, unseen: set[int]) -> None:
    hidden = place.hidden or row.get("hidden") in {"1", "true"}
    for count, cell in enumerate(row, start=1):
        found = _REFERENCE.match(cell.get("r", ""))
        column = _column(found.group(1)) if found else count
        line = int(found.group(2)) if found else int(row.get("r") or 1)
        text, readings = _value(cell, shared)
        if hidden or column in unseen:
            source.leave_out("hidden", text)
        else:
            source.add(text, "cell", (place.number, line - 1, column - 1), readings)


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def _value(cell: Element, shared: list[str]) -> tuple[str, tuple[str, ...]]:
    """Return what a cell holds, and in which other ways a number or truth value of it may be shown."""
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        return "".join(_rich_text(child) for child in cell if local_name(child.tag) == "is"), ()
    value = next((child.text or "" for child in cell if local_name(child.tag) == "v"), "")
    if kind == "s":
        return (shared[int(value)] if value.isdigit() and int(value) < len(shared) else ""), ()
    if kind == "b":
        shown = _TRUTH.get(value, (value,))
        return shown[0], shown[1:]
    return value, number_readings(value) if kind in {"n", "d"} else ()


def _rich_text(item: Element) -> str:
    """Return a text without the phonetic reading beside it."""
    parts = []
    for child in item:
        name = local_name(child.tag)
        if name == "t":
            parts.append(child.text or "")
        elif name == "r":
            parts += [found.text or "" for found in child if local_name(found.tag) == "t"]
    return "".join(parts)
