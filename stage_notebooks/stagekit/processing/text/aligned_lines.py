"""Finds tables that were set with blanks, tabs or bars in a plain text."""

from __future__ import annotations

import re
from collections.abc import Sequence

LONGEST_CELL = 60
MOST_STRETCHED = 0.3  # share of lines with wide blanks in a cell, which set words and not columns apart
MEAN_WORDS = 3  # of the cells beside the first; lines of running text have more
_RULE = re.compile(r"[\s|+:=_\-–—─━│┃┼╋├┤┬┴┌┐└┘]+")
_SIGNATURE = re.compile(r"\s*(?:_{4,}\s*)+")
_GAP = re.compile(r"(?<=\S)(?: {2,}|\t+)(?=\S)")


def aligned_cells(lines: Sequence[str]) -> list[list[str]] | None:
    """Return the rows of a table made of the lines between two blank ones, its header first, or None.

    A table has the same columns in each line: bars, tabs, or blanks that go through all lines. Text set in
    two columns is none: cells of a table are short. Nor is text that blanks stretch to both margins.
    """
    own = [line for line in lines if not _RULE.fullmatch(line)]
    if len(own) < 2 or _SIGNATURE.fullmatch(lines[0]):
        return None
    rows = _by_bars(own) or _by_tabs(own) or _by_blanks(own)
    return rows if rows is not None and _short(rows) else None


def _by_bars(lines: Sequence[str]) -> list[list[str]] | None:
    if not all("|" in line or "│" in line for line in lines):
        return None
    rows = [re.split(r"[|│┃]", line.strip().strip("|│┃")) for line in lines]
    return _stripped(rows)


def _by_tabs(lines: Sequence[str]) -> list[list[str]] | None:
    if not all("\t" in line.strip() for line in lines):
        return None
    return _stripped([re.split(r"\t+", line.strip("\n ")) for line in lines])


def _by_blanks(lines: Sequence[str]) -> list[list[str]] | None:
    lines = [line.expandtabs(8).rstrip() for line in lines]
    if sum(bool(_GAP.search(line)) for line in lines) < max(2, len(lines) - 1):
        return None
    width = max(map(len, lines))
    padded = [line.ljust(width) for line in lines]
    blank = [all(line[at] == " " for line in padded) for at in range(width)]
    indent = blank.index(False)
    gaps = (at for at in range(indent + 2, width) if blank[at - 1] and blank[at - 2] and not blank[at])
    starts = [indent, *gaps]
    ends = [*starts[1:], width]
    rows = _stripped([[line[a:b] for a, b in zip(starts, ends, strict=True)] for line in padded])
    stretched = sum(any(_GAP.search(cell) for cell in row) for row in rows or ())
    return None if stretched > MOST_STRETCHED * len(lines) else rows


def _stripped(rows: list[list[str]]) -> list[list[str]] | None:
    columns = len(rows[0])
    if columns < 2 or any(len(row) != columns for row in rows):
        return None
    return [[cell.strip() for cell in row] for row in rows]


def _short(rows: list[list[str]]) -> bool:
    cells = [cell for row in rows for cell in row if cell]
    if not all(len(cell) <= LONGEST_CELL for cell in cells):
        return False
    beyond_first = [cell for row in rows for cell in row[1:] if cell]
    filled = all(any(row[column] for row in rows[1:]) for column in range(len(rows[0])))
    return filled and sum(len(cell.split()) for cell in beyond_first) <= MEAN_WORDS * len(beyond_first)
