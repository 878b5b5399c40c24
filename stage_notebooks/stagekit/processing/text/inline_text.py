"""Joins the formatted parts of a paragraph with the blanks that its source has, and no others.

Struck parts are marked `~~so~~`; every other format is left out. What no reader sees (soft hyphens, signs
without width) is no part of a text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from stagekit.base.invisible_signs import without_invisible_signs
from stagekit.processing.office.struck_texts import struck_text

_WHITE_SPACE = re.compile(r"[ \t\n\r\f\v\xa0\u2000-\u200a\u202f\u3000]+")
_BREAK = "\n"
_EXPONENT = re.compile(r"[-+−]?\d+")
_RAISED_DIGITS = str.maketrans("0123456789+-−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻")
_ORDINALS = {"o": "º", "a": "ª"}
_NUMBER = re.compile(r"(?:\d|(?<!\w)[nN])\Z")


@dataclass(frozen=True)
class Paragraph:
    """A paragraph: its lines, divided by line feeds, and whether all of it is bold."""

    text: str
    strong: bool = False


class _Part(NamedTuple):
    text: str
    struck: bool = False
    strong: bool = False


class InlineText:
    """The text between two blocks as it grows: parts with their own white space, and line breaks."""

    def __init__(self) -> None:
        self._parts: list[_Part] = []
        self._raised = False

    def add(self, text: str | None, struck: bool = False, strong: bool = False) -> None:
        """Add text as the source has it; runs of white space count as one blank."""
        if text:
            text = _WHITE_SPACE.sub(" ", without_invisible_signs(text))
            self._parts.append(_Part(self._as_raised(text) if self._raised else text, struck, strong))
            self._raised = False

    @property
    def is_box(self) -> bool:
        """Whether there is nothing but a box that is ticked or not."""
        return "".join(part.text for part in self._parts).strip() in ("☑", "☐")

    def _as_raised(self, text: str) -> str:
        before = "".join(part.text for part in self._parts[-2:])
        if before[-1:].isdigit() and _EXPONENT.fullmatch(text):
            return text.translate(_RAISED_DIGITS)
        return _ORDINALS.get(text, text) if _NUMBER.search(before) else text

    def line_break(self) -> None:
        """End the line, as `<br>` does; two of them end the paragraph."""
        self._parts.append(_Part(_BREAK))

    @contextmanager
    def raised(self) -> Iterator[None]:
        """Take what is added first as raised: an exponent behind a digit, an ordinal behind a number."""
        self._raised = True
        yield
        self._raised = False

    def take(self) -> list[Paragraph]:
        """Return the paragraphs so far and begin anew."""
        paragraphs: list[list[list[_Part]]] = [[]]
        for is_break, parts in groupby(self._parts, key=lambda part: part.text == _BREAK):
            line = list(parts)
            if not is_break:
                paragraphs[-1].append(line)
            elif len(line) > 1:
                paragraphs.append([])
        self._parts = []
        return [paragraph for lines in paragraphs if (paragraph := _paragraph(lines)).text]


def _paragraph(lines: list[list[_Part]]) -> Paragraph:
    text = "\n".join(filter(None, map(_marked, lines)))
    return Paragraph(text, all(part.strong for line in lines for part in line if part.text.strip()))


def _marked(parts: list[_Part]) -> str:
    """Return one line; white space between two struck parts is struck with them."""
    runs: list[tuple[str, bool]] = []
    for text, struck, _ in parts:
        if runs and (runs[-1][1] == struck or not text.strip()):
            runs[-1] = (runs[-1][0] + text, runs[-1][1])
        else:
            runs.append((text, struck))
    line = "".join(struck_text(text) if struck else text for text, struck in runs)
    return re.sub(" +", " ", line).strip()
