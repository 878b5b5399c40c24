"""Keeps the cells that the tables of Markdown would lose: those beyond the header, and bars inside code."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

_RULE = re.compile(r" {0,3}\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_BAR = re.compile(r"(?<!\\)\|")
_CODE = re.compile(r"(?<!`)(`+)(?!`)([^`]+)\1(?!`)")
_MOST_COLUMNS: Final = 200  # more were written by no person


def whole_rows(text: str) -> str:
    """Return a Markdown text without front matter in whose tables no row has more cells than the header.

    By the standard a bar inside of code parts the cell, and what lies beyond the last column of the header
    is dropped. Where a row is longer than its header, bars in its code are text; where it still is, the
    header gets columns without a name.
    """
    lines = text.split("\n")
    fence = ""
    at = 1
    while at < len(lines):
        mark = _FENCE.match(lines[at - 1])
        if mark and (not fence or mark[1].startswith(fence)):
            fence = "" if fence else mark[1]
        if not fence and _is_table(lines[at - 1], lines[at]):
            end = next((n for n in range(at + 1, len(lines)) if not lines[n].strip()), len(lines))
            lines[at - 1 : end] = _whole_table(lines[at - 1 : end])
            at = end
        at += 1
    return "\n".join(lines)


def _is_table(heading: str, rule: str) -> bool:
    return (
        "|" in heading
        and "|" in rule
        and _RULE.fullmatch(rule) is not None
        and _width(heading) == _width(rule)
    )


def _whole_table(lines: Sequence[str]) -> list[str]:
    width = _width(lines[0])
    rows = [row if _width(row) <= width else _without_bars_in_code(row) for row in lines[2:]]
    widest = min(max((_width(row) for row in rows if "|" in row), default=width), _MOST_COLUMNS)
    if widest <= width:
        return [*lines[:2], *rows]
    return [_widened(lines[0], "  ", widest - width), _widened(lines[1], "---", widest - width), *rows]


def _width(row: str) -> int:
    return len(_BAR.split(_inner(row)))


def _inner(row: str) -> str:
    row = row.strip()
    row = row.removeprefix("|")
    return row[:-1] if row.endswith("|") and not row.endswith("\\|") else row


def _widened(row: str, cell: str, more: int) -> str:
    indent = row[: len(row) - len(row.lstrip())]
    return f"{indent}|{_inner(row)}|{f'{cell}|' * more}"


def _without_bars_in_code(row: str) -> str:
    return _CODE.sub(lambda code: _BAR.sub(r"\\|", code[0]), row)
