"""The style sheets of what a report shows; a page holds their text, for it needs no other file."""

from __future__ import annotations

from functools import cache
from pathlib import Path

TEMPLATES = Path(__file__).parent / "templates"


@cache
def style_sheet(name: str) -> str:
    """Return the CSS of a file of the templates: ``report``, ``notebook``, or ``flow``, a run's picture."""
    return (TEMPLATES / f"{name}.css").read_text(encoding="utf-8")
