"""Finds the rows and columns of a table from the positions of its words and the rules drawn around them.

No model: a column border is a drawn vertical rule, or else a strip of white that nearly all lines leave free;
a row begins at a drawn horizontal rule, or else where `line_rows` says so. Text that is set in columns has
the same strips of white, and is no table.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from statistics import median

from stagekit.processing.pdf.tables.line_rows import LineCell, is_prose, row_starts, table_part

MIN_GAP = 0.75  # white strip between columns, in line heights
JOIN_GAP = 0.7  # words closer than this, in line heights, belong to one cell
FREE_SHARE = 0.15  # share of lines that may cross a column border (headings that span columns)
LEAST_WHITE = 0.2  # white between rows beyond that between lines of a cell, in line heights
FEWEST_CENTRED = 3  # rows, where cells stand at half of their height
FEWEST_BELOW_LABEL = 4  # lines, of which the first may hold a label over several columns
MOST_HEADER_ROWS = 3
FEWEST_AROUND_CELLS = (2, 3)  # upright and level rules


@dataclass(frozen=True)
class Word:
    """One piece of text; coordinates in points from the top left of the page."""

    text: str
    left: float
    top: float
    right: float
    bottom: float
    bold: bool = False

    @property
    def height(self) -> float:
        """Height in points."""
        return self.bottom - self.top


@dataclass(frozen=True)
class Rule:
    """A drawn horizontal rule, in points; it need not cross the whole table."""

    y: float
    left: float = float("-inf")
    right: float = float("inf")


Box = tuple[float, float, float, float]  # left, top, right, bottom


@dataclass
class GridCell:
    """One table cell: its place in the grid (ends exclusive) and the words in it, in reading order."""

    row: int
    row_end: int
    column: int
    column_end: int
    lines: list[str] = field(default_factory=list)
    box: Box = (0.0, 0.0, 0.0, 0.0)
    header: bool = False


Segment = list[Word]
Line = list[Segment]
Rows = Sequence[Sequence[Line]]


def find_grid(
    words: Sequence[Word], vertical: Sequence[float] = (), horizontal: Sequence[Rule] = ()
) -> list[GridCell]:
    """Return the cells of a table, or nothing where the words do not stand in a grid.

    Lines above and below that have no columns (a caption, a sentence that follows) are in no cell. Of the
    drawn rules, vertical (x) and horizontal, the outer ones are included.
    """
    words = [word for word in words if word.text.strip() and word.height > 0]
    if len(words) < 4:
        return []
    lines = _lines(words, vertical)
    borders = _column_borders(lines, words, vertical)
    if not borders or len(lines) < 2:
        return []
    placed = [_placed(line, borders) for line in lines]
    centres = [_centre(line) for line in lines]
    framed = bool(vertical) and len(horizontal) < 2
    whole = 0, len(lines)
    boxed = len(vertical) >= FEWEST_AROUND_CELLS[0] and len(horizontal) >= FEWEST_AROUND_CELLS[1]
    ys = [rule.y for rule in horizontal]
    first, end = whole if framed else table_part(placed, centres, ys, boxed=boxed)
    lines, placed, centres = lines[first:end], placed[first:end], centres[first:end]
    if len(lines) < 2:
        return []
    ruled = _ruled(centres, horizontal)
    bands = _centred_rows(lines, placed) if len(ruled) < 2 else set()
    if not vertical and len(ruled) < 2 and not bands and is_prose(placed, centres):
        return []
    rows = _rows(lines, bands or _row_starts(placed, centres, ruled))
    if len(rows) < 2:
        return []
    cells = _cells(rows, borders)
    filled_rows = {cell.row for cell in cells}
    if len(cells) < 0.4 * len(filled_rows) * (len(borders) + 1):
        return []
    header = _header_rows(rows, cells, horizontal)
    cells = _over_several_rows(cells, rows, borders, horizontal)
    return [replace(cell, header=cell.row < header) for cell in cells]


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
    """Whether a word stands beside those of a line; the height of a dash or a dot says nothing of either."""
    centre = median((w.top + w.bottom) / 2 for w in line)
    usual = median([w.height for w in line if _has_letters(w)] or [word.height])
    height = min(word.height, usual) if _has_letters(word) else usual
    return abs((word.top + word.bottom) / 2 - centre) < 0.5 * height


def _has_letters(word: Word) -> bool:
    return any(map(str.isalnum, word.text))


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
    if len(spans) >= FEWEST_BELOW_LABEL and len(spans[0]) < median(map(len, spans[1:])):
        spans = spans[1:]  # a label over several columns
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


def _placed(line: Line, borders: Sequence[float]) -> list[LineCell]:
    return [
        LineCell(*_column_span(s, borders), " ".join(w.text for w in s), s[0].left, s[-1].right) for s in line
    ]


def _centre(line: Line) -> float:
    return median((word.top + word.bottom) / 2 for segment in line for word in segment)


def _ruled(centres: Sequence[float], horizontal: Sequence[Rule]) -> set[int]:
    """Return the numbers of the lines above which a rule is drawn, the first line left out."""
    return {
        index
        for index in range(1, len(centres))
        if any(centres[index - 1] <= rule.y < centres[index] for rule in horizontal)
    }


def _row_starts(placed: Sequence[Sequence[LineCell]], centres: Sequence[float], ruled: set[int]) -> set[int]:
    if len(ruled) >= max(2, len(placed) // 4):
        return ruled
    return row_starts(placed, centres) | ruled


def _centred_rows(lines: Sequence[Line], placed: Sequence[Sequence[LineCell]]) -> set[int]:
    """Return the numbers of the lines with which a row begins whose cells stand at half of its height.

    There the lines of a long cell begin above those of a short one beside it, and often lie between them;
    white across all columns parts the rows. Nothing where the cells of the rows stand at one height.
    """
    tops = [min(word.top for segment in line for word in segment) for line in lines]
    bottoms = [max(word.bottom for segment in line for word in segment) for line in lines]
    height = median(bottom - top for top, bottom in zip(tops, bottoms, strict=True))
    gaps, bottom = [], bottoms[0]
    for index in range(1, len(lines)):
        gaps.append(tops[index] - bottom)
        bottom = max(bottom, bottoms[index])
    between = LEAST_WHITE * height + _tightest(lines, placed)
    starts = [0, *(index for index, gap in enumerate(gaps, start=1) if gap > between)]
    if len(starts) < FEWEST_CENTRED:
        return set()
    rows = [placed[start:end] for start, end in pairwise([*starts, len(lines)])]
    centred = sum(_is_centred(row) for row in rows)
    full = all(len({cell.column for line in row for cell in line}) > 1 for row in rows)
    return set(starts[1:]) if centred and full else set()


def _tightest(lines: Sequence[Line], placed: Sequence[Sequence[LineCell]]) -> float:
    """Return the least white between two lines of one column, in points."""
    ends: dict[int, float] = {}
    white = []
    for line, cells in zip(lines, placed, strict=True):
        for segment, cell in zip(line, cells, strict=True):
            top, bottom = min(word.top for word in segment), max(word.bottom for word in segment)
            if cell.column in ends:
                white.append(top - ends[cell.column])
            ends[cell.column] = bottom
    return max(0.0, min(white, default=0.0))


def _is_centred(row: Sequence[Sequence[LineCell]]) -> bool:
    """Whether a column of a row begins below its first line and ends above its last one."""
    held: dict[int, list[int]] = {}
    for index, line in enumerate(row):
        for cell in line:
            held.setdefault(cell.column, []).append(index)
    first = {column for column, lines in held.items() if lines[0] == 0}
    last = {column for column, lines in held.items() if lines[-1] == len(row) - 1}
    return any(column not in first | last for column in held)


def _rows(lines: Sequence[Line], starts: set[int]) -> list[list[Line]]:
    rows: list[list[Line]] = []
    for index, line in enumerate(lines):
        if index == 0 or index in starts:
            rows.append([line])
        else:
            rows[-1].append(line)
    return rows


def _header_rows(rows: Rows, cells: Sequence[GridCell], horizontal: Sequence[Rule]) -> int:
    """Return how many rows name the columns: one, or several that are bold or above the only rule.

    The names below a label that spans some of the columns are of the header too.
    """
    bold = [all(word.bold for line in row for segment in line for word in segment) for row in rows]
    leading = next((index for index, flag in enumerate(bold) if not flag), 0)
    if 0 < leading <= MOST_HEADER_ROWS and sum(bold[leading:]) <= len(bold[leading:]) // 2:
        return leading
    centres = [(_centre(row[0]), _centre(row[-1])) for row in rows]
    above = {
        index
        for index in range(1, len(rows))
        if any(centres[index - 1][1] < rule.y < centres[index][0] for rule in horizontal)
    }
    if len(above) == 1 and min(above) <= MOST_HEADER_ROWS and len(rows) > min(above) + 1:
        return min(above)
    spanning = [cell for cell in cells if cell.row == 0 and cell.column_end - cell.column > 1]
    below = {cell.column for cell in cells if cell.row == 1}
    named = all(set(range(cell.column, cell.column_end)) <= below for cell in spanning)
    columns = max(cell.column_end for cell in cells)
    partly = all(cell.column_end - cell.column < columns for cell in spanning)
    return 2 if spanning and named and partly and len(rows) > 2 else 1


def _over_several_rows(
    cells: Sequence[GridCell],
    rows: Rows,
    borders: Sequence[float],
    horizontal: Sequence[Rule],
) -> list[GridCell]:
    """Join the cells of a column that no rule parts, where a rule parts the rows in other columns."""
    edges = [float("-inf"), *borders, float("inf")]
    found: dict[int, list[GridCell]] = {}
    for cell in cells:
        found.setdefault(cell.column, []).append(cell)
    merged: list[GridCell] = []
    for column, members in sorted(found.items()):
        inner = (edges[column] + edges[column + 1]) / 2 if 0 < column < len(borders) else None
        middle = inner if inner is not None else _beside(column, borders, members)
        open_after = [
            any(_between(rows, row, rule.y) for rule in horizontal)
            and not any(
                _between(rows, row, rule.y) and rule.left <= middle <= rule.right for rule in horizontal
            )
            for row in range(len(rows) - 1)
        ]
        merged.extend(_joined_down(members, open_after))
    return sorted(merged, key=lambda cell: (cell.row, cell.column))


def _beside(column: int, borders: Sequence[float], members: Sequence[GridCell]) -> float:
    """Return an x inside an outer column: the middle of what stands in it."""
    left, right = min(c.box[0] for c in members), max(c.box[2] for c in members)
    return (left + min(right, borders[0])) / 2 if column == 0 else (max(left, borders[-1]) + right) / 2


def _between(rows: Rows, row: int, y: float) -> bool:
    return _centre(rows[row][-1]) <= y < _centre(rows[row + 1][0])


def _joined_down(members: Sequence[GridCell], open_after: Sequence[bool]) -> list[GridCell]:
    by_row = {cell.row: cell for cell in members}
    joined: list[GridCell] = []
    row = 0
    while row <= len(open_after):
        end = row
        while end < len(open_after) and open_after[end]:
            end += 1
        inside = [by_row[index] for index in range(row, end + 1) if index in by_row]
        if inside and end > row and all(cell.column_end - cell.column == 1 for cell in inside):
            box = _around(cell.box for cell in inside)
            lines = [line for cell in inside for line in cell.lines]
            joined.append(replace(inside[0], row=row, row_end=end + 1, lines=lines, box=box))
        else:
            joined.extend(inside)
        row = end + 1
    return joined


def _cells(rows: Rows, borders: Sequence[float]) -> list[GridCell]:
    cells: dict[tuple[int, int], GridCell] = {}
    for row, lines in enumerate(rows):
        below = {_column_span(segment, borders)[0] for line in lines[1:] for segment in line}
        for index, line in enumerate(lines):
            for segment in line:
                start, end = _column_span(segment, borders)
                # A label over several columns whose names stand below it in the same row.
                named = (
                    range(start, end) if row == index == 0 and below >= set(range(start, end)) else (start,)
                )
                for column in named:
                    column_end = end if len(named) == 1 else column + 1
                    cell = cells.setdefault((row, column), GridCell(row, row + 1, column, column_end))
                    cell.column_end = max(cell.column_end, column_end)
                    _add(cell, segment)
    return _without_overlaps([cells[key] for key in sorted(cells)])


def _column_span(segment: Segment, borders: Sequence[float]) -> tuple[int, int]:
    left, right = segment[0].left, segment[-1].right
    slack = 0.25 * segment[0].height
    start = sum(1 for x in borders if x <= left + slack)
    end = sum(1 for x in borders if x < right - slack) + 1
    return start, max(end, start + 1)


def _add(cell: GridCell, segment: Segment) -> None:
    box = _around((w.left, w.top, w.right, w.bottom) for w in segment)
    text = " ".join(word.text for word in segment)
    if not cell.lines:
        cell.box, cell.lines = box, [text]
        return
    if box[1] < cell.box[3] - 0.5 * (box[3] - box[1]):
        cell.lines[-1] += f" {text}"
    else:
        cell.lines.append(text)
    cell.box = _around([cell.box, box])


def _around(boxes: Iterable[Box]) -> Box:
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def _without_overlaps(cells: list[GridCell]) -> list[GridCell]:
    """Shorten a spanning cell that would lie over the next cell of its row."""
    for cell, following in pairwise(cells):
        if cell.row == following.row:
            cell.column_end = min(cell.column_end, max(following.column, cell.column + 1))
    return cells
