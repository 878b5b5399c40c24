"""What a second reader finds: what has to arrive, what is left out on purpose, what may be added."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

Kind = str
STRUCK = "~~"
"""Stands round text that is struck through; it is no word, and text that is put back keeps it."""
LEFT_OUT = {
    "deleted": "deleted revisions",
    "hidden": "hidden text",
    "comment": "comments",
    "field": "field instructions",
    "page_number": "page numbers",
    "placeholder": "prompts of empty form fields",
    "box": "boxes to tick, shown as ☑ or ☐",
    "symbol": "letters of symbol fonts, shown as signs",
    "chart": "figures and labels of charts",
    "table_title": "titles and descriptions of tables, shown to screen readers only",
    "watermark": "watermarks",
    "covered": "cells below a merged cell",
    "navigation": "navigation of a web page",
    "script": "scripts and styles",
}
"""What is left out on purpose: the name of the rule, and what people read."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A piece of a file that a reader of it sees as one.

    Attributes:
        text: its text.
        kind: `paragraph`, `formula` (a paragraph that holds one), `cell`, `note`, or `furniture` (a header or
            footer, of which one copy is enough).
        place: of a cell, the numbers of its table, row and column, from 0; the column counts cells.
        readings: other texts that say the same, as a date or a number is written in several ways.
    """

    text: str
    kind: Kind = "paragraph"
    place: tuple[int, int, int] | None = None
    readings: tuple[str, ...] = ()


@dataclass(slots=True)
class SourceText:
    """What a file says.

    Attributes:
        units: what has to arrive, in the order of the file.
        left_out: texts by the rule of `LEFT_OUT` that leaves them out.
        may_stand: texts that a document may have beside the units: alternative texts, titles of links.
    """

    units: list[Unit] = field(default_factory=list)
    left_out: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    may_stand: list[str] = field(default_factory=list)

    def add(
        self,
        text: str,
        kind: Kind = "paragraph",
        place: tuple[int, int, int] | None = None,
        readings: tuple[str, ...] = (),
    ) -> None:
        """Add a unit, unless it is blank."""
        if text and not text.isspace():
            self.units.append(Unit(text, kind, place, readings))

    def leave_out(self, rule: str, text: str) -> None:
        """Note a text that is left out by a rule of `LEFT_OUT`, unless it is blank."""
        if text and not text.isspace():
            self.left_out[rule].append(" ".join(text.split()))
