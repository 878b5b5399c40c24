"""Tables for a terminal of any width: words stay whole, and rows that have no room become short lists."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from runner.terminal import say, visible
from runner.wording import term

_WORDS = re.compile(r"[^\s/]*(?:/+|\s+)|[^\s/]+")  # a line may end after a blank and after a slash
_PARTS = re.compile(r"[^_.,\-]*[_.,\-]+|[^_.,\-]+")  # of a word that is longer than a line
_FIGURE = re.compile(r"[-+]?[\d.,  ]*\d(?: ?%)?")
_GAP = 2
_READABLE = 22  # columns that a sentence needs; narrower, a list is easier to read


def print_table(
    console: Console,
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    lead: int = 1,
    names: Collection[str] = (),
) -> None:
    """Print rows below each other, columns of figures to the right.

    Where they do not fit, each row is a list: its first cells on one line, the others below it, each behind
    the name of its column.

    Args:
        console: to print to.
        title: above the table; "" for none.
        columns: their headings.
        rows: a cell for each column; None is an empty one.
        lead: how many cells head a row that is printed as a list.
        names: columns of paths and the like, which stay in one piece in what goes into a file or a mail: it
            is searched and copied.
    """
    cells = [["" if cell is None else visible(str(cell)) for cell in row] for row in rows]
    whole = set() if console.is_terminal else {at for at, name in enumerate(columns) if name in names}
    if title:
        say(console, title, "italic")
    columns = [term(name) for name in columns]
    widths = _widths(console.width, columns, cells, whole)
    if widths is None:
        _print_list(console, columns, cells, lead, whole)
    else:
        console.print(_table(columns, cells, widths, whole))


def wrapped(text: str, width: int, indent: int = 0) -> list[str]:
    """Return a text in lines of a width in columns, broken between words; the later ones are indented.

    A path may also be broken after a slash, and a word that is longer than a line at its own joints.
    """
    lines = []
    for paragraph in text.splitlines() or [""]:
        line = ""
        for word in _fitting(paragraph, width - indent):
            if line.strip() and cell_len(line + word.rstrip()) > width:
                lines.append(line.rstrip())
                line = " " * indent
            line += word
        lines.append(line.rstrip())
    return lines


def _fitting(text: str, width: int) -> list[str]:
    """Return the words of a text, none of which is wider than a line."""
    words: list[str] = []
    for word in _WORDS.findall(text):
        if cell_len(word.rstrip()) <= width:
            words.append(word)
            continue
        for part in _PARTS.findall(word):
            words += [part[at : at + width] for at in range(0, len(part), width)]
    return words


def _widths(
    width: int, columns: Sequence[str], cells: Sequence[Sequence[str]], whole: Collection[int]
) -> list[int] | None:
    """Return how wide each column is to be; None if not all have room."""
    texts = [[name, *(row[at] for row in cells)] for at, name in enumerate(columns)]
    wanted = [
        max(cell_len(line) for text in column_texts for line in text.splitlines() or [""])
        for column_texts in texts
    ]
    least = [
        wanted[at] if at in whole else max(_longest_word(column_texts), min(wanted[at], _READABLE))
        for at, column_texts in enumerate(texts)
    ]
    # Headings and short words may stand below each other, where that is enough.
    tight = [
        _longest_word(column_texts) if at not in whole and wanted[at] < _READABLE else least[at]
        for at, column_texts in enumerate(texts)
    ]
    room = width - _GAP * (len(columns) - 1)
    for smallest in (least, tight):
        if sum(smallest) <= room:
            return _shared(smallest, wanted, room)
    return None


def _longest_word(texts: Sequence[str]) -> int:
    return max((cell_len(word.rstrip()) for text in texts for word in _WORDS.findall(text)), default=0)


def _shared(least: list[int], wanted: list[int], room: int) -> list[int]:
    """Return widths from the least up to the wanted ones that fill the room, the nearest served first."""
    widths, left = list(least), room - sum(least)
    for at in sorted(range(len(least)), key=lambda at: wanted[at] - least[at]):
        more = min(wanted[at] - least[at], left)
        widths[at] += more
        left -= more
    return widths


def _table(
    columns: Sequence[str], cells: Sequence[Sequence[str]], widths: Sequence[int], whole: Collection[int]
) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for at, name in enumerate(columns):
        found = [row[at] for row in cells if row[at]]
        figures = bool(found) and all(_FIGURE.fullmatch(cell) for cell in found)
        heading = Text("\n".join(wrapped(name, widths[at])))
        table.add_column(heading, width=widths[at], no_wrap=True, justify="right" if figures else "left")
    for row in cells:
        table.add_row(
            *(
                Text(cell if at in whole else "\n".join(wrapped(cell, widths[at])))
                for at, cell in enumerate(row)
            )
        )
    return table


def _print_list(
    console: Console,
    columns: Sequence[str],
    cells: Sequence[Sequence[str]],
    lead: int,
    whole: AbstractSet[int],
) -> None:
    for row in cells:
        head = "  ".join(filter(None, row[:lead]))
        lines = [head] if whole & set(range(lead)) else wrapped(head, console.width, 4)
        for line in lines:
            say(console, line, "bold")
        for at in range(lead, len(columns)):
            if row[at]:
                said = f"    {columns[at]}: {row[at]}" if columns[at] else f"    {row[at]}"
                for line in [said] if at in whole else wrapped(said, console.width, 6):
                    say(console, line)
