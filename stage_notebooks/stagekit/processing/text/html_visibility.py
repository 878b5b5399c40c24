"""Tells how the text of an HTML element looks to its reader: struck through, bold, or not seen at all."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

import tinycss2.color3

from stagekit.processing.text.html_styles import Styles

_STRUCK = frozenset({"del", "s", "strike"})
_BOLD = re.compile(r"bold|bolder|[6-9]00")
_ZERO = re.compile(r"[+-]?0*(?:\.0*)?(?:px|pt|em|rem|ex|%|cm|mm|in|pc|ch|vh|vw)?")
_FAR_OUT = re.compile(r"-\d{3,}(?:\.\d*)?(?:px|pt|em|rem|%)?")
_SYMBOL_FONT = re.compile(r"""(?:[^,]*\s)?["']?(symbol|webdings|wingdings(?: [23])?)["']?\s*(?:,|$)""")
_WHITE = (1.0, 1.0, 1.0)
_LEAST_OPACITY = 0.05

_Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Look:
    """What an element hands down to those within it."""

    struck: bool = False  # its text is struck through
    strong: bool = False  # its text is bold
    gone: bool = False  # neither it nor anything within it is shown
    invisible: bool = False  # its text is not shown; an element within may be visible again
    # the colour of its text, red, green and blue from 0 to 1; None for the reader's own, or unknown
    ink: _Colour | None = None
    # the symbol font of its text, in which letters are other signs; empty for any other font
    symbols: str = ""
    paper: _Colour | None = _WHITE  # what lies behind: a colour, or None for a picture or something unknown

    @property
    def hidden(self) -> bool:
        """Whether no reader sees text that looks so."""
        return self.gone or self.invisible or (self.ink is not None and self.ink == self.paper)

    def within(self, element: Any, styles: Styles) -> Look:
        """Return the look of an element that stands in one of this look."""
        said = styles.declared(element)
        look = self
        if _is_gone(element, said):
            look = replace(look, gone=True)
        if "visibility" in said:
            look = replace(look, invisible=said["visibility"] in ("hidden", "collapse"))
        if element.tag in _STRUCK or "line-through" in _decoration(said):
            look = replace(look, struck=True)
        if element.tag in ("b", "strong", "th") or _BOLD.fullmatch(said.get("font-weight", "")):
            look = replace(look, strong=True)
        family = said.get("font-family") or said.get("font") or element.get("face")
        if family:
            found = _SYMBOL_FONT.match(family.lower())
            look = replace(look, symbols=found[1] if found else "")
        return _coloured(look, element, said)


def _decoration(said: dict[str, str]) -> str:
    return f"{said.get('text-decoration', '')} {said.get('text-decoration-line', '')}"


def _is_gone(element: Any, said: dict[str, str]) -> bool:
    if said.get("display") == "none" or ("display" not in said and element.get("hidden") is not None):
        return True
    if element.tag == "dialog" and element.get("open") is None:
        return True
    if _ZERO.fullmatch(said.get("font-size", "1")):
        return True
    if any(_FAR_OUT.fullmatch(said.get(side, "")) for side in ("left", "top", "text-indent")):
        return True
    try:
        return float(said.get("opacity", "1").rstrip("%")) < _LEAST_OPACITY
    except ValueError:
        return False


def _coloured(look: Look, element: Any, said: dict[str, str]) -> Look:
    ink = said.get("color") or element.get("color") or element.get("text")
    if ink:
        look = replace(look, ink=_colour(ink))
    if "url(" in f"{said.get('background', '')} {said.get('background-image', '')}" or element.get(
        "background"
    ):
        return replace(look, paper=None)
    paper = said.get("background-color") or said.get("background") or element.get("bgcolor")
    if paper and paper not in ("transparent", "none", "inherit", "initial"):
        look = replace(look, paper=_colour(paper))
    return look


def _colour(text: str) -> _Colour | None:
    found = tinycss2.color3.parse_color(text)
    if found is None or isinstance(found, str) or found.alpha < 1:
        return None
    return (round(found.red, 2), round(found.green, 2), round(found.blue, 2))
