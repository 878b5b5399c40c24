"""Reads a plain text file: its lines, in blocks between blank ones."""

from __future__ import annotations

import re

from stagekit.conservation.source_text import SourceText

_BLANK = re.compile(r"\n[ \t\v]*\n")


def read(content: str) -> SourceText:
    """Return the blocks of a text."""
    source = SourceText()
    for block in _BLANK.split(content.replace("\f", "\n\n")):
        source.add(block)
    return source
