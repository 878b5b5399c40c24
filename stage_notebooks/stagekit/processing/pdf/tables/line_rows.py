"""Tells from the lines of a region without rules where its rows begin, and whether they are a table at all.

A line that fills the columns of the line above begins a row; a line that goes on in some of them belongs to
the row above. Text in columns fills them with line after line of one sentence, so no row begins with it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from statistics import median

WIDE = 1.35  # a step from line to line over the narrowest, from which on it parts rows
PROSE_WORDS = 4  # words in a line of prose
PROSE_WIDTH = 0.6  # share of the column's width that a line of prose fills
PROSE_RUN_ON = 0.3  # share of the lines of prose that begin in the middle of a sentence
FEWEST_PROSE_LINES = 4
_BULLETS = "•●▪■◦○‣∙➢\uf0b7\uf0a7"
_NUMBER = re.compile(r"\W*(?:R\$|US\$|€)?\s*[\d.,/:%-]+\W*(?:%|[a-zA-Zº°ª]{1,4})?")


@dataclass(frozen=True)
class LineCell:
    """What a line holds in one column, or in several where `end` is beyond the next; x in points."""

    column: int
    end: int
    text: str
    left: float
    right: float


Lines = Sequence[Sequence[LineCell]]


def table_part(
    lines: Lines, centres: Sequence[float], rules: Sequence[float], *, boxed: bool = False
) -> tuple[int, int]:
    """Return the first line of the table and the end of its last one: what lies outside has no columns.

    Lines stand by column, with the y of their centres; nothing between the outer two rules is left out.
    Where rules stand around the cells (`boxed`), a single text above or below them all is none.
    """
    top, bottom = (min(rules), max(rules)) if len(rules) > 1 else (float("inf"), float("-inf"))
    steps = [b - a for a, b in pairwise(centres)]
    usual = median(steps) if steps else 0.0

    def apart(index: int, step: float) -> bool:
        line = lines[index]
        alone = len(line) == 1 and not top < centres[index] < bottom
        crosses = line[0].column == 0 and line[0].end > 1
        return alone and (boxed or crosses or step > WIDE * usual)

    first, end = 0, len(lines)
    while end - first > 2 and apart(first, steps[first]):
        first += 1
    while end - first > 2 and apart(end - 1, steps[end - 2]):
        end -= 1
    return first, end


def row_starts(lines: Lines, centres: Sequence[float]) -> set[int]:
    """Return the numbers of the lines, by their columns and y, with which rows begin; never the first one."""
    steps = [b - a for a, b in pairwise(centres)]
    tight = min(steps)
    wide = {index for index, step in enumerate(steps, start=1) if step > WIDE * tight}
    if len(wide) < max(1, len(steps) // 5):
        wide = set()
    inner = [index for index in range(1, len(lines)) if index not in wide]
    begins = {index for index in inner if _begins_row(lines, index, whole=bool(wide))}
    # Where white parts most of the rows, lines that stand close together are one row.
    if len(wide) >= 2 and len(inner) - len(begins) >= len(begins):
        return wide
    return wide | begins


def is_prose(lines: Lines, centres: Sequence[float]) -> bool:
    """Whether what looks like columns of a table are columns of running text, to be read one by one."""
    columns: dict[int, list[LineCell]] = {}
    for line in lines:
        for column, cells in groupby(line, key=lambda cell: cell.column):
            columns.setdefault(column, []).append(_together(list(cells)))
    long = [cells for cells in columns.values() if len(cells) >= FEWEST_PROSE_LINES]
    if len(long) < 2 or not all(_runs_on(cells) for cells in long):
        return False
    return not _breaks_together(lines, centres)


def _together(cells: Sequence[LineCell]) -> LineCell:
    """Return what a line holds in one column as one: a bullet stands apart from its text."""
    text = " ".join(cell.text for cell in cells)
    return LineCell(cells[0].column, cells[-1].end, text, cells[0].left, cells[-1].right)


def _runs_on(cells: Sequence[LineCell]) -> bool:
    """Whether a column's lines are long, fill it, and often begin within a sentence or with a bullet."""
    width = max(cell.right for cell in cells) - min(cell.left for cell in cells)
    words = median(len(cell.text.split()) for cell in cells)
    filled = median((cell.right - cell.left) / max(width, 1.0) for cell in cells)
    inside = sum(cell.text[:1].islower() or cell.text[:1] in _BULLETS for cell in cells) / len(cells)
    return words >= PROSE_WORDS and filled >= PROSE_WIDTH and inside >= PROSE_RUN_ON


def _breaks_together(lines: Lines, centres: Sequence[float]) -> bool:
    """Whether white parts all columns at once, again and again, and each part begins and ends a sentence."""
    steps = [b - a for a, b in pairwise(centres)]
    breaks = [index for index, step in enumerate(steps, start=1) if step > WIDE * median(steps)]
    if len(breaks) < 2:
        return False
    columns = max(cell.end for line in lines for cell in line)
    whole = [
        len(lines[index]) == columns and not any(cell.text[:1].islower() for cell in lines[index])
        for index in breaks
    ]
    return all(whole)


def _begins_row(lines: Lines, index: int, *, whole: bool) -> bool:
    """Whether a line begins a row of its own although it stands close to the line above.

    Where white parts other rows (`whole`), it has to fill all columns that the line above fills.
    """
    line = lines[index]
    filled, before = {cell.column for cell in line}, {cell.column for cell in lines[index - 1]}
    first = next((cell for cell in line if cell.column == 0), None)
    if first is None:  # below a label that stands for several rows
        figures = any(_NUMBER.fullmatch(cell.text) for cell in line)
        return len(filled) > 1 and figures and before - {0} == filled
    if first.text[:1].islower() and _capitals(lines):
        return False
    return not whole or (len(filled) > 1 and before <= filled)


def _capitals(lines: Lines) -> bool:
    """Whether most lines of the first column begin with a capital letter or a number."""
    firsts = [cell.text[:1] for line in lines for cell in line if cell.column == 0]
    return 2 * sum(not letter.islower() for letter in firsts) > len(firsts)
