"""Finds the rows and columns of a table from the positions of its words and the rules drawn around them.

No model: a column border is a drawn vertical rule, or else a strip of white that nearly all lines leave free;
a row begins at a drawn horizontal rule, or else where the distance to the line above says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

__all__ = ["GridCell", "Word", "find_grid"]

MIN_GAP = 0.75  # white strip between columns, in line heights
JOIN_GAP = 0.7  # words closer than this, in line heights, belong to one cell
FREE_SHARE = 0.15  # share of lines that may cross a column border (headings that span columns)


@dataclass(frozen=True)
class Word:
    """One piece of text; coordinates in points from the top left of the page."""

    text: str
    left: float
    top: float
    right: float
    bottom: float

    @property
    def height(self) -> float:
        """Height in points."""
        return self.bottom - self.top


@dataclass
class GridCell:
    """One table cell: its place in the grid (ends exclusive) and the words in it, in reading order."""

    row: int
    row_end: int
    column: int
    column_end: int
    lines: list[str] = field(default_factory=list)
    box: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)


Segment = list[Word]
Line = list[Segment]


def find_grid(
    words: Sequence[Word], vertical: Sequence[float] = (), horizontal: Sequence[float] = ()
) -> list[GridCell]:
    """Return the cells of a table, or nothing where the words do not stand in a grid.

    Args:
        words: The words inside the table region.
        vertical: x of the drawn vertical rules, outer ones included.
        horizontal: y of the drawn horizontal rules, outer ones included.
    """
    words = [word for word in words if word.text.strip() and word.height > 0]
    if len(words) < 4:
        return []
    lines = _lines(words, vertical)
    borders = _column_borders(lines, words, vertical)
    if not borders or len(lines) < 2:
        return []
    rows = _rows(lines, borders, horizontal)
    if len(rows) < 2:
        return []
    cells = _cells(rows, borders)
    filled_rows = {cell.row for cell in cells}
    if len(cells) < 0.4 * len(filled_rows) * (len(borders) + 1):
        return []
    return cells


def _lines(words: Sequence[Word], vertical: Sequence[float]) -> list[Line]:
    """Group words into lines by height, and the words of a line into segments by the white between them."""
    lines: list[list[Word]] = []
    for word in sorted(words, key=lambda w: ((w.top + w.bottom) / 2, w.left)):
        if lines and _same_line(lines[-1], word):
            lines[-1].append(word)
        else:
            lines.append([word])
    return [_segments(line, vertical) for line in lines]


def _same_line(line: Sequence[Word], word: Word) -> bool:
    centre = median((w.top + w.bottom) / 2 for w in line)
    return abs((word.top + word.bottom) / 2 - centre) < 0.5 * min(word.height, median(w.height for w in line))


def _segments(line: Sequence[Word], vertical: Sequence[float]) -> Line:
    ordered = sorted(line, key=lambda w: w.left)
    segments: Line = [[ordered[0]]]
    for before, word in pairwise(ordered):
        ruled = any(before.right - 1 <= x <= word.left + 1 for x in vertical)
        if ruled or word.left - before.right > JOIN_GAP * min(before.height, word.height):
            segments.append([word])
        else:
            segments[-1].append(word)
    return segments


def _column_borders(lines: Sequence[Line], words: Sequence[Word], vertical: Sequence[float]) -> list[float]:
    left, right = min(w.left for w in words), max(w.right for w in words)
    inner = sorted({round(x, 1) for x in vertical if left + 2 < x < right - 2})
    if inner:
        return [x for index, x in enumerate(inner) if index == 0 or x - inner[index - 1] > 4]
    height = median(w.height for w in words)
    spans = [[(segment[0].left, segment[-1].right) for segment in line] for line in lines if len(line) > 1]
    if len(spans) < 2:
        return []
    allowed = int(FREE_SHARE * len(spans))
    borders = []
    for start, end in _free_strips(spans, allowed):
        if end - start >= MIN_GAP * height and left < start and end < right:
            borders.append((start + end) / 2)
    return borders


def _free_strips(spans: Sequence[Sequence[tuple[float, float]]], allowed: int) -> list[tuple[float, float]]:
    """Strips of x that at most `allowed` lines cover, by a sweep over the ends of all segments."""
    events = sorted((x, step) for line in spans for a, b in line for x, step in ((a, 1), (b, -1)))
    strips: list[tuple[float, float]] = []
    depth, free_from = 0, None
    for x, step in events:
        before, depth = depth, depth + step
        if before > allowed >= depth:
            free_from = x
        elif before <= allowed < depth and free_from is not None:
            strips.append((free_from, x))
            free_from = None
    return strips


def _rows(lines: Sequence[Line], borders: Sequence[float], horizontal: Sequence[float]) -> list[list[Line]]:
    rows: list[list[Line]] = [[lines[0]]]
    starts = _row_starts(lines, borders, horizontal)
    for index, line in enumerate(lines[1:], start=1):
        if index in starts:
            rows.append([line])
        else:
            rows[-1].append(line)
    return rows


def _row_starts(lines: Sequence[Line], borders: Sequence[float], horizontal: Sequence[float]) -> set[int]:
    centres = [median((w.top + w.bottom) / 2 for s in line for w in s) for line in lines]
    ruled = {
        index
        for index in range(1, len(lines))
        if any(centres[index - 1] < y < centres[index] for y in horizontal)
    }
    if len(ruled) >= max(2, len(lines) // 4):
        return ruled
    steps = [b - a for a, b in pairwise(centres)]
    tight = min(steps)
    wide = [step for step in steps if step > 1.35 * tight]
    if len(wide) >= max(1, len(steps) // 5):
        return {index for index, step in enumerate(steps, start=1) if step > 1.35 * tight} | ruled
    first = borders[0] if borders else 0.0
    return {index for index, line in enumerate(lines) if index and line[0][0].left < first} | ruled


def _cells(rows: Sequence[Sequence[Line]], borders: Sequence[float]) -> list[GridCell]:
    cells: dict[tuple[int, int], GridCell] = {}
    for row, lines in enumerate(rows):
        for line in lines:
            for segment in line:
                start, end = _column_span(segment, borders)
                cell = cells.setdefault((row, start), GridCell(row, row + 1, start, end))
                cell.column_end = max(cell.column_end, end)
                _add(cell, segment)
    return _without_overlaps([cells[key] for key in sorted(cells)])


def _column_span(segment: Segment, borders: Sequence[float]) -> tuple[int, int]:
    left, right = segment[0].left, segment[-1].right
    slack = 0.25 * segment[0].height
    start = sum(1 for x in borders if x <= left + slack)
    end = sum(1 for x in borders if x < right - slack) + 1
    return start, max(end, start + 1)


def _add(cell: GridCell, segment: Segment) -> None:
    box = (
        min(w.left for w in segment),
        min(w.top for w in segment),
        max(w.right for w in segment),
        max(w.bottom for w in segment),
    )
    text = " ".join(word.text for word in segment)
    if not cell.lines:
        cell.box = box
    elif cell.lines and box[1] < cell.box[3] - 0.5 * (box[3] - box[1]):
        cell.lines[-1] += f" {text}"
        text = ""
    if text:
        cell.lines.append(text)
    old = cell.box
    cell.box = (min(old[0], box[0]), min(old[1], box[1]), max(old[2], box[2]), max(old[3], box[3]))


def _without_overlaps(cells: list[GridCell]) -> list[GridCell]:
    """Shorten a spanning cell that would lie over the next cell of its row."""
    for cell, following in pairwise(cells):
        if cell.row == following.row:
            cell.column_end = min(cell.column_end, max(following.column, cell.column + 1))
    return cells
