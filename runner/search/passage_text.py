"""A passage as people read it: without the signs of Markdown, its answering sentence marked."""

from __future__ import annotations

import re
from dataclasses import dataclass

BEGIN, END = "\ue000", "\ue001"
"""Stand around the answering sentence; of Unicode's private use, so that no document means them."""

_HASH = re.compile(r"\b([0-9a-f]{8})[0-9a-f]{32,56}\b")
_HEADING = re.compile(r"(#{1,6})\s+(.*?)\s*#*$")
_ITEM = re.compile(r"(\s*)[-*+]\s+(.*)")
_DIVIDER = re.compile(r"\|?(?:\s*:?-+:?\s*\|)+(?:\s*:?-+:?)?\s*")
_RULE = re.compile(r"\s*([-*_])(?:\s*\1){2,}\s*")
_STRONG = re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
_CELL = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True, slots=True)
class PlainLine:
    """A line of a passage; `text` may hold :data:`BEGIN` and :data:`END`."""

    text: str
    heading: bool = False


def short_hashes(text: str) -> str:
    """Return a text in which the first 8 digits stand for each hash of 40 or more."""
    return _HASH.sub(r"\1", text)


def marked(text: str, answer: str, most: int) -> str:
    """Return a passage in Markdown with its answer marked, cut to whole lines around it.

    Args:
        text: of the passage.
        answer: a part of it; "" for none.
        most: characters to show, if the answer is not longer.
    """
    clean = text.replace(BEGIN, "").replace(END, "")
    place = clean.find(answer) if answer else -1
    if place >= 0:
        end = place + len(answer)
        clean = f"{clean[:place]}{_around(answer)}{clean[end:]}"
    return _cut(clean, most)


def _around(answer: str) -> str:
    if not answer.startswith("|"):
        return f"{BEGIN}{answer}{END}"
    # A mark around a row would be no row any more: each of its cells has one.
    cells = [f" {BEGIN}{cell.strip()}{END} " if cell.strip() else " " for cell in _cells(answer)]
    return f"|{'|'.join(cells)}|"


def _cut(text: str, most: int) -> str:
    """Return the lines around the mark, or the first ones, that fit; what is left out is an ellipsis."""
    lines = text.splitlines()
    held = [number for number, line in enumerate(lines) if BEGIN in line]
    first = last = held[0] if held else 0
    size = len(lines[first]) if lines else 0
    if size > most:
        return _cut_line(lines[first], most)
    while True:  # what follows an answer explains it; what stands before it says what it is about
        grown = False
        for number in (first - 1, last + 1):
            if 0 <= number < len(lines) and size + len(lines[number]) + 1 <= most:
                size += len(lines[number]) + 1
                first, last, grown = min(first, number), max(last, number), True
        if not grown:
            break
    shown = "\n".join(lines[first : last + 1])
    before = "… \n\n" if "".join(lines[:first]).strip() else ""
    after = "\n\n …" if "".join(lines[last + 1 :]).strip() else ""
    return f"{before}{shown}{after}"


def _cut_line(line: str, most: int) -> str:
    begin, end = line.find(BEGIN), line.find(END)
    if begin < 0:
        return line[:most].rsplit(" ", 1)[0] + " …"
    room = max(0, most - (end - begin)) // 2
    start, stop = max(0, begin - room), min(len(line), end + 1 + room)
    before = line[start:begin] if start == 0 else "… " + line[start:begin].partition(" ")[2]
    after = line[end + 1 : stop] if stop == len(line) else line[end + 1 : stop].rpartition(" ")[0] + " …"
    return f"{before}{line[begin : end + 1]}{after}"


def plain_lines(text: str) -> list[PlainLine]:
    """Return a passage in Markdown line by line without its signs; the cells of a row stand side by side."""
    lines = []
    for line in text.splitlines():
        if not line.strip() or _DIVIDER.fullmatch(line.strip()) or _RULE.fullmatch(line):
            continue
        bare = line.replace(BEGIN, "").replace(END, "")
        if heading := _HEADING.fullmatch(line):
            lines.append(PlainLine(_inline(heading[2]), heading=True))
        elif bare.lstrip().startswith("|"):
            cells = [cell.strip() for cell in _cells(line.strip())]
            lines.append(PlainLine(" · ".join(_inline(cell) for cell in cells if cell)))
        elif item := _ITEM.fullmatch(line):
            lines.append(PlainLine(f"{item[1]}• {_inline(item[2])}"))
        else:
            lines.append(PlainLine(_inline(line)))
    return lines


def _cells(row: str) -> list[str]:
    return _CELL.split(row.removeprefix("|").removesuffix("|"))


def _inline(text: str) -> str:
    return _ESCAPED.sub(r"\1", _STRONG.sub(r"\2", text))
