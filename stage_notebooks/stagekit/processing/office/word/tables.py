"""Writes tables so that each row says what Word shows beside it, in cells that Docling reads whole."""

from __future__ import annotations

from stagekit.processing.office.word.marks import COLUMN_HEADER
from stagekit.processing.office.word.names import (
    Element,
    drop,
    is_on,
    new,
    new_paragraph,
    text_of,
    unwrap,
    value,
    w,
    whole,
)

LONGEST_LABEL = 200  # characters; a longer text that spans rows is no label, and stands once
_UNEVEN = tuple(map(w, ("gridSpan", "gridBefore", "gridAfter", "vMerge", "tblHeader")))
_BETWEEN_CELLS = " – "
_ENDS = ".;:,!?"
_WIDEST = 63  # columns that Word allows; a cell that says it spans more is broken


def open_frames(root: Element) -> bool:
    """Take away the tables of one cell, a frame round its content, and tell whether there were any."""
    frames = [table for table in root.iter(w("tbl")) if _is_frame(table)]
    for frame in frames:
        _open_frame(frame)
    return bool(frames)


def write_tables(root: Element) -> bool:
    """Write the tables of a part in place, and tell whether any was changed.

    A table in a cell becomes lines of text, a label that spans rows stands in each of them, and the header
    rows are marked.
    """
    changed = False
    for table in reversed(list(root.iter(w("tbl")))):  # the innermost first
        if next(table.iterancestors(w("tc")), None) is not None:
            _flatten(table)
            changed = True
    for table in list(root.iter(w("tbl"))):
        changed |= _complete_grid(table)
        if next(table.iter(*_UNEVEN), None) is None:
            continue
        count = _header_rows(table)
        changed |= _repeat_labels(table)
        changed |= _mark_headers(table, count)
    return changed


def row_text(row: Element) -> str:
    """Return the text of a row on one line."""
    cells = (" ".join(" ".join(text_of(p) for p in cell.iter(w("p"))).split()) for cell in _cells(row))
    return _BETWEEN_CELLS.join(filter(None, cells))


def _rows(table: Element) -> list[Element]:
    return list(table.iterchildren(w("tr")))


def _cells(row: Element) -> list[Element]:
    return list(row.iterchildren(w("tc")))


def _is_frame(table: Element) -> bool:
    rows = _rows(table)
    return len(rows) == 1 and len(_cells(rows[0])) == 1


def _open_frame(table: Element) -> None:
    cell = _cells(_rows(table)[0])[0]
    properties = cell.find(w("tcPr"))
    if properties is not None:
        cell.remove(properties)
    unwrap(table, cell)


def _flatten(table: Element) -> None:
    """Turn a table within a cell into one paragraph a row."""
    paragraphs = []
    for row in _rows(table):
        text = row_text(row)
        if text:
            paragraphs.append(new_paragraph(text if text[-1] in _ENDS else f"{text};"))
    parent = table.getparent()
    if parent is None:
        return
    place = parent.index(table)
    parent[place : place + 1] = paragraphs or [new_paragraph()]


def _span(cell: Element) -> int:
    span = whole(cell.find(f"{w('tcPr')}/{w('gridSpan')}"))
    return min(max(span or 1, 1), _WIDEST)


def _before(row: Element, name: str = "gridBefore") -> int:
    return min(max(whole(row.find(f"{w('trPr')}/{w(name)}")) or 0, 0), _WIDEST)


def _width(table: Element) -> int:
    if next(table.iter(*_UNEVEN), None) is None:
        return max((len(_cells(row)) for row in _rows(table)), default=0)
    return max(
        (_before(r) + sum(map(_span, _cells(r))) + _before(r, "gridAfter") for r in _rows(table)), default=0
    )


def _complete_grid(table: Element) -> bool:
    """Let a table have as many columns as its widest row: Docling drops the cells that stand beyond."""
    for span in table.iter(w("gridSpan"), w("gridBefore"), w("gridAfter")):
        if (whole(span) or 0) > _WIDEST:
            span.set(w("val"), str(_WIDEST))
    grid = table.find(w("tblGrid"))
    columns = 0 if grid is None else len(grid.findall(w("gridCol")))
    missing = _width(table) - columns
    if missing <= 0 and grid is not None:
        return False
    if grid is None:
        grid = new("tblGrid")
        properties = table.find(w("tblPr"))
        table.insert(0 if properties is None else table.index(properties) + 1, grid)
    for _ in range(missing):
        grid.append(new("gridCol"))
    return True


def _merge(cell: Element) -> str | None:
    """Return `restart`, `continue`, or None for a cell that is not merged with others in its column."""
    merge = cell.find(f"{w('tcPr')}/{w('vMerge')}")
    return None if merge is None else (value(merge) or "continue")


def _header_rows(table: Element) -> int:
    """Return how many rows from the top are headers: those that Word repeats on each page, or divided ones.

    Without such a mark a first row is divided where each of its cells either spans the columns of several
    cells below it, or goes on in the second row.
    """
    rows = _rows(table)
    marked = 0
    for row in rows:
        if not is_on(row.find(f"{w('trPr')}/{w('tblHeader')}")):
            break
        marked += 1
    if 0 < marked < len(rows):
        return marked
    if len(rows) < 3 or not any(_span(cell) > 1 for cell in _cells(rows[0])):
        return 0
    below = {place: (cell, _merge(cell)) for place, cell in _placed(rows[1])}
    for place, cell in _placed(rows[0]):
        parts = [place + n for n in range(_span(cell)) if place + n in below]
        goes_on = _merge(cell) == "restart" and below.get(place, (None, None))[1] == "continue"
        divided = len(parts) > 1 and all(text_of(below[part][0]).strip() for part in parts)
        if not goes_on and not divided:
            return 0
    return 2


def _placed(row: Element) -> list[tuple[int, Element]]:
    place, found = _before(row), []
    for cell in _cells(row):
        found.append((place, cell))
        place += _span(cell)
    return found


def _repeat_labels(table: Element) -> bool:
    changed = False
    open_cells: dict[int, Element] = {}
    for row in _rows(table):
        for place, cell in _placed(row):
            merge = _merge(cell)
            first = open_cells.get(place)
            if merge != "continue":
                open_cells[place] = cell
            elif first is not None and (label := _label(first)):
                _write(cell, label if len(label) <= LONGEST_LABEL else "")
                changed = True
    return changed


def _label(cell: Element) -> str:
    """Return the words of a cell on one line; none of a cell with a formula, which is no text here."""
    if next(cell.iter("{*}oMath"), None) is not None:
        return ""
    return " ".join(" ".join(text_of(paragraph) for paragraph in cell.iter(w("p"))).split())


def _write(cell: Element, text: str) -> None:
    """Make a cell one of its own that holds a text."""
    merge = cell.find(f"{w('tcPr')}/{w('vMerge')}")
    if merge is not None:
        drop(merge)
    for child in [child for child in cell if child.tag != w("tcPr")]:
        cell.remove(child)
    cell.append(new_paragraph(text))


def _mark_headers(table: Element, count: int) -> bool:
    """Mark the header rows, and write the label of a group of columns over each of them.

    A single header row is what Docling takes the first row for.
    """
    if count == 0:
        return False
    width, changed = _width(table), count > 1
    for row in _rows(table)[:count]:
        for cell in _cells(row):
            span = _span(cell)
            if 1 < span < width:
                _divide(cell, span)
                changed = True
        for cell in _cells(row) if count > 1 else ():
            text = next((one for one in cell.iter(w("t")) if one.text), None)
            if text is not None:
                text.text = COLUMN_HEADER + (text.text or "")
    return changed


def _divide(cell: Element, span: int) -> None:
    properties = cell.find(w("tcPr"))
    if properties is not None:
        for own in properties.findall(w("gridSpan")):
            properties.remove(own)
    label = _label(cell)
    for _ in range(span - 1):
        copy = new("tc")
        _write(copy, label)
        cell.addnext(copy)
