"""Reads from an OpenDocument text how its styles show text, number its lists and number its headings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from stagekit.processing.text.list_markers import list_number

_QUOTES = "'\" "
_OFF = ("", "none", "false")
_GROUNDS = (
    "paragraph-properties", "table-cell-properties", "table-row-properties", "table-properties",
    "graphic-properties",
)  # fmt: skip
_UNKNOWN_GROUND = "background: url(unknown)"


def name_of(element: Any) -> str:
    """Return an element's local name, or an attribute's; the namespaces of OpenDocument repeat no name."""
    tag = element if isinstance(element, str) else element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def attributes(element: Any) -> dict[str, str]:
    """Return an element's attributes by their local names."""
    return {name_of(name): value for name, value in element.attrib.items()}


@dataclass(frozen=True)
class ListLevel:
    """How one level of a list, or of the headings, is numbered."""

    number_format: str = ""  # `1`, `a`, `A`, `i`, `I`; empty for bullets
    prefix: str = ""
    suffix: str = ""
    start: int = 1
    shown_levels: int = 1  # how many levels the number shows (`2.1` shows two)

    def label(self, numbers: list[int], levels: list[ListLevel]) -> str:
        """Return the label of an item; `numbers` and `levels` are those from the outermost to its own."""
        if not self.number_format:
            return ""
        shown = list(zip(numbers, levels, strict=True))[-max(1, self.shown_levels) :]
        own = ".".join(
            list_number(number, level.number_format) for number, level in shown if level.number_format
        )
        return f"{self.prefix}{own}{self.suffix}"


class OpenTextStyles:
    """The styles of a document; those of its text win over those that are common to all of it."""

    def __init__(self, parts: Iterable[Any]) -> None:
        self._shown: dict[tuple[str, str], dict[str, str]] = {}
        self._parents: dict[tuple[str, str], str] = {}
        self._fonts: dict[str, str] = {}  # by the name under which the styles call them
        self._names: dict[str, str] = {}
        self._lists: dict[str, dict[int, ListLevel]] = {}
        self._grounds: dict[tuple[str, str], dict[str, str]] = {}
        self._is_drawn_behind = False
        self.headings: dict[int, ListLevel] = {}
        for part in parts:
            for element in part.iter():
                self._read(element)

    def _read(self, element: Any) -> None:
        kind, said = name_of(element), attributes(element) if isinstance(element.tag, str) else {}
        if kind == "style" and "name" in said:
            key = (said.get("family", ""), said["name"])
            self._parents[key] = said.get("parent-style-name", "")
            self._names[said["name"]] = said.get("display-name", said["name"])
            shown = [attributes(child) for child in element if name_of(child) == "text-properties"]
            self._shown[key] = shown[0] if shown else {}
            grounds = [attributes(child) for child in element if name_of(child) in _GROUNDS]
            self._grounds[key] = {name: value for ground in grounds for name, value in ground.items()}
        elif kind == "graphic-properties":
            self._is_drawn_behind |= said.get("run-through") == "background"
        elif kind == "list-style":
            self._lists[said.get("name", "")] = _levels(element)
        elif kind == "font-face" and "name" in said:
            self._fonts[said["name"]] = said.get("font-family", said["name"])
        elif kind == "outline-style":
            self.headings = _levels(element)

    def css(self, family: str, name: str) -> str:
        """Return how a style shows a piece of text, or a paragraph, in the words of CSS."""
        shown = self._inherited(family, name)
        css = []
        line = (shown.get("text-line-through-style", ""), shown.get("text-line-through-type", ""))
        if any(value not in _OFF for value in line):
            css.append("text-decoration: line-through")
        if shown.get("display") == "none":
            css.append("display: none")
        if shown.get("font-weight"):
            css.append(f"font-weight: {shown['font-weight']}")
        if shown.get("color") and shown.get("use-window-font-color") != "true":
            css.append(f"color: {shown['color']}")
        ground = shown.get("background-color") or self._ground(family, name)
        if ground:
            css.append(f"background-color: {ground}")
        if font := shown.get("font-name") or shown.get("font-family"):
            css.append(f"font-family: '{self._fonts.get(font, font).strip(_QUOTES)}'")
        return "; ".join(css)

    def paper(self) -> str:
        """Return what lies behind the text of a page, in the words of CSS; empty for white paper."""
        return _UNKNOWN_GROUND if self._is_drawn_behind else ""

    def filled(self, name: str, kind: str) -> str:
        """Return what lies behind the text of a shape, in CSS; only by its style does a frame have a fill."""
        said = self._inherited("graphic", name, self._grounds)
        fill = said.get("fill", "none" if kind == "frame" else "")
        coloured = said.get("background-color", "transparent") != "transparent"
        return _UNKNOWN_GROUND if fill != "none" or coloured else ""

    def raised(self, name: str) -> str:
        """Return `sup` or `sub` where a style raises or lowers its text, else an empty text."""
        position = self._inherited("text", name).get("text-position", "").split(" ")[0]
        if position == "super" or (position.rstrip("%").isdigit() and position.rstrip("%") != "0"):
            return "sup"
        return "sub" if position == "sub" or position.startswith("-") else ""

    def is_title(self, name: str) -> bool:
        """Whether a paragraph style is that of a document's title, or made from it."""
        seen: set[str] = set()
        while name and name not in seen:
            if self._names.get(name, name) in ("Title", "Título", "Titre"):
                return True
            seen.add(name)
            name = self._parents.get(("paragraph", name), "")
        return False

    def list_levels(self, name: str) -> dict[int, ListLevel]:
        """Return the levels of a list style, from 1; empty for a name that no style has."""
        return self._lists.get(name, {})

    def _ground(self, family: str, name: str) -> str:
        said = self._inherited(family, name, self._grounds)
        return said.get("background-color", "")

    def _inherited(
        self, family: str, name: str, said: dict[tuple[str, str], dict[str, str]] | None = None
    ) -> dict[str, str]:
        """Return what a style and those that it is made from say of its letters, or of what `said` holds."""
        said = self._shown if said is None else said
        chain: list[dict[str, str]] = []
        seen: set[str] = set()
        while name and name not in seen:
            seen.add(name)
            chain.append(said.get((family, name), {}))
            name = self._parents.get((family, name), "")
        return {key: value for shown in reversed(chain) for key, value in shown.items()}


def _levels(style: Any) -> dict[int, ListLevel]:
    levels = {}
    for element in style:
        said = attributes(element) if isinstance(element.tag, str) else {}
        level = ListLevel(
            said.get("num-format", ""),
            said.get("num-prefix", ""),
            said.get("num-suffix", ""),
            _whole(said.get("start-value"), 1),
            _whole(said.get("display-levels"), 1),
        )
        if said.get("level", "").isdigit():
            bullet = not name_of(element).endswith(("number", "level-style"))
            levels[int(said["level"])] = replace(level, number_format="") if bullet else level
    return levels


def _whole(text: str | None, default: int) -> int:
    return int(text) if text and text.isdigit() else default
