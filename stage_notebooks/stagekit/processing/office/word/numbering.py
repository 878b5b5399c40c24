"""Counts lists, headings and articles as Word does, and writes their numbers into the text.

Docling counts by itself and knows few of Word's rules: a list that goes on, one that starts anew, a level
with a text of its own ("CAPÍTULO I –", "Art. 48"), a number that comes with the style of a heading.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from stagekit.processing.office.word.marks import NUMBER_END, NUMBER_START
from stagekit.processing.office.word.names import (
    NAMESPACES,
    Element,
    is_on,
    local_name,
    new,
    own_paragraphs,
    text_of,
    text_run,
    value,
    w,
    whole,
)
from stagekit.processing.office.word.number_formats import format_number
from stagekit.processing.office.word.styles import Styles
from stagekit.processing.office.word.symbol_fonts import symbol

_LEVELS = 9
_LONGEST_TEXT = 255  # characters round a number; it is written once a paragraph
_PLACE = re.compile(r"%([1-9])")
# A number that is a word or has one ("Art. 5", "CAPÍTULO I –", "§ 1º") begins a clause and no list item.
_WORD = re.compile(r"§|[^\W\d_]{2,}")
_ROMAN = re.compile(r"[IVXLCDM]+|[ivxlcdm]+")
# Bullets that say whether something is done, as a list of things to tick has them.
_BOXES = {"☐": "☐", "☑": "☑", "☒": "☑", "✓": "✓", "✔": "✔", "✗": "✗", "✘": "✘"}
_MATH_TEXT = f"{{{NAMESPACES['m']}}}t"


@dataclass(frozen=True)
class _Level:
    """What one level of a list shows: a number's format, the text round it, and when it starts anew."""

    style: str = "decimal"
    pattern: str = ""
    text: str = ""
    start: int = 1
    restarts_after: int | None = None  # number of the level, 1 the outermost; 0 for never; None by rule
    in_digits: bool = False
    paragraph_style: str | None = None
    font: str = ""


@dataclass
class _List:
    """The levels that a `w:num` shows, the counters that it shares, and the numbers that it starts with."""

    levels: dict[int, _Level]
    counters: dict[int, int]
    starts: dict[int, int]
    applied: set[int] = field(default_factory=set)


class Numbering:
    """The lists of a document; each call of :meth:`label` counts on."""

    def __init__(self, open_root: Callable[[], Element | None], styles: Styles) -> None:
        """Keep the way to the root element of `numbering.xml`, which is opened for the first list."""
        self._open_root = open_root
        self._styles = styles
        self._counters: dict[int, dict[int, int]] = {}
        self._of_styles: dict[str | None, tuple[int | None, int | None]] = {}
        self._lists: dict[int, _List | None] = {}

    @property
    def of_every_paragraph(self) -> bool:
        """Tell whether the default style has a number, so that a paragraph without any mark may have one."""
        return self.has_number(self._styles.paragraph_style(None))

    def has_number(self, style: str | None) -> bool:
        """Tell whether a style has a number, by itself or by what it is based on."""
        return bool(self._number_of_style(style)[0])

    def place(self, paragraph: Element) -> tuple[int, int] | None:
        """Return the list (numId) and level (from 0) of a paragraph, from itself or its style."""
        own = paragraph.find(f"{w('pPr')}/{w('numPr')}")
        number = whole(None if own is None else own.find(w("numId")))
        level = whole(None if own is None else own.find(w("ilvl")))
        style = self._styles.paragraph_style(paragraph)
        if number is None:
            number, of_style = self._number_of_style(style)
            level = of_style if level is None else level
        if not number or self._list(number) is None:
            return None
        return number, min(max(level or 0, 0), _LEVELS - 1)

    def label(self, number: int, level: int) -> tuple[str, bool]:
        """Count one paragraph, and return what Word shows before it, and whether that is a bullet."""
        found = self._list(number)
        if found is None:
            return "", False
        counters = found.counters
        own = found.levels.get(level, _Level())
        if level in found.starts and level not in found.applied:
            counters[level] = found.starts[level]
        elif level in counters:
            counters[level] += 1
        else:
            counters[level] = found.starts.get(level, own.start)
        found.applied.add(level)
        for deeper in [one for one in counters if one > level]:
            after = found.levels.get(deeper, _Level()).restarts_after
            if level + 1 <= (deeper if after is None else after):
                del counters[deeper]
        if own.style == "bullet":
            return _shown_bullet(own), True
        return self._written(own, found), False

    def _written(self, own: _Level, found: _List) -> str:
        def count(place: re.Match[str]) -> str:
            level = int(place[1]) - 1
            of_level = found.levels.get(level, _Level())
            number = found.counters.get(level, found.starts.get(level, of_level.start))
            style = "decimal" if own.in_digits and of_level.style != "none" else of_level.style
            return format_number(number, style, self._styles.language, of_level.pattern)

        return _PLACE.sub(count, own.text)

    def _number_of_style(self, style: str | None) -> tuple[int | None, int | None]:
        if style not in self._of_styles:
            self._of_styles[style] = self._read_style(style)
        return self._of_styles[style]

    def _read_style(self, style: str | None) -> tuple[int | None, int | None]:
        number = level = None
        for one in self._styles.chain(style):
            said = one.find(f"{w('pPr')}/{w('numPr')}")
            if said is not None:
                number = whole(said.find(w("numId"))) if number is None else number
                level = whole(said.find(w("ilvl"))) if level is None else level
        if number and level is None:
            found = self._list(number)
            named = {} if found is None else {v.paragraph_style: k for k, v in found.levels.items()}
            level = next((named[s] for s in self._ids(style) if s in named), None)
        return number, level

    def _ids(self, style: str | None) -> list[str | None]:
        return [value(one, "styleId") for one in self._styles.chain(style)]

    def _list(self, number: int) -> _List | None:
        if number not in self._lists:
            self._lists[number] = self._read(number)
        return self._lists[number]

    @cached_property
    def _root(self) -> Element:
        root = self._open_root()
        return new("numbering") if root is None else root

    @cached_property
    def _numbers(self) -> dict[int | None, Element]:
        return {whole(one, "numId"): one for one in self._root.findall(w("num"))}

    @cached_property
    def _abstract(self) -> dict[int | None, Element]:
        return {whole(one, "abstractNumId"): one for one in self._root.findall(w("abstractNum"))}

    def _read(self, number: int) -> _List | None:
        element = self._numbers.get(number)
        identifier, abstract = self._abstract_of(element, depth=0)
        if element is None or abstract is None or identifier is None:
            return None
        levels = {whole(one, "ilvl") or 0: _level(one) for one in abstract.findall(w("lvl"))}
        starts = {}
        for override in element.findall(w("lvlOverride")):
            at = whole(override, "ilvl") or 0
            own = override.find(w("lvl"))
            if own is not None:
                levels[at] = _level(own)
            start = whole(override.find(w("startOverride")))
            if start is not None:
                starts[at] = start
        return _List(levels, self._counters.setdefault(identifier, {}), starts)

    def _abstract_of(self, element: Element | None, depth: int) -> tuple[int | None, Element | None]:
        """Return the definition of a list; one that links to a style is defined where the style says."""
        identifier = whole(None if element is None else element.find(w("abstractNumId")))
        abstract = self._abstract.get(identifier)
        link = value(None if abstract is None else abstract.find(w("numStyleLink")))
        if link is None or depth > _LEVELS:
            return identifier, abstract
        for style in self._styles.chain(link):
            number = whole(style.find(f"{w('pPr')}/{w('numPr')}/{w('numId')}"))
            if number is not None:
                return self._abstract_of(self._numbers.get(number), depth + 1)
        return identifier, abstract


def _shown_bullet(level: _Level) -> str:
    """Return the sign of a bullet, which may be one of a symbol font."""
    found = symbol(level.font, ord(level.text)) if len(level.text) == 1 else None
    return level.text if found is None else found


def _level(element: Element) -> _Level:
    form = next(element.iter(w("numFmt")), None)
    start = whole(element.find(w("start")))
    return _Level(
        style=value(form) or "decimal",
        pattern=value(form, "format") or "",
        text=(value(element.find(w("lvlText"))) or "")[:_LONGEST_TEXT],
        start=1 if start is None else start,
        restarts_after=whole(element.find(w("lvlRestart"))),
        in_digits=bool(is_on(element.find(w("isLgl")))),
        paragraph_style=value(element.find(w("pStyle"))),
        font=value(element.find(f"{w('rPr')}/{w('rFonts')}"), "ascii") or "",
    )


def write_numbers(root: Element, numbering: Numbering) -> bool:
    """Write the number of each numbered paragraph into its text, and tell whether there was any.

    The number of a list item stands between two marks, and the paragraph stays a list item; a number with a
    word in it, a number of a cell's paragraph and its bullet are text from here on.
    """
    changed = False
    for paragraph in _perhaps_numbered(root, numbering):
        place = numbering.place(paragraph)
        if place is None:
            continue
        label, is_bullet = numbering.label(*place)
        label = label.strip()
        in_cell = next(paragraph.iterancestors(w("tc")), None) is not None
        is_box = is_bullet and label in _BOXES
        if is_bullet and not in_cell and not is_box:
            continue
        changed = True
        if not text_of(paragraph).strip() and next(paragraph.iter(_MATH_TEXT), None) is None:
            _set_list(paragraph, None)
        elif is_box:
            if in_cell:
                _set_list(paragraph, None)
            _begin_with(paragraph, f"{_BOXES[label]} ")
        elif is_bullet:
            _set_list(paragraph, None)
            _begin_with(paragraph, "• ")
        elif in_cell or not label or _is_clause(label):
            _set_list(paragraph, None)
            _begin_with(paragraph, f"{label} " if label else "")
        else:
            _set_list(paragraph, place)
            _begin_with(paragraph, f"{NUMBER_START}{label}{NUMBER_END}")
    return changed


def _perhaps_numbered(root: Element, numbering: Numbering) -> list[Element]:
    """Return the paragraphs that have a number of their own or a style with one, in their order."""
    if numbering.of_every_paragraph:
        return own_paragraphs(root)
    found: dict[Element, None] = {}
    for mark in root.iter(w("numPr"), w("pStyle")):
        if local_name(mark) == "numPr" or numbering.has_number(value(mark)):
            found[mark.getparent().getparent()] = None
    return [paragraph for paragraph in found if local_name(paragraph) == "p"]


def _is_clause(label: str) -> bool:
    return any(not _ROMAN.fullmatch(word[0]) for word in _WORD.finditer(label))


def _set_list(paragraph: Element, place: tuple[int, int] | None) -> None:
    """Say in the paragraph itself which list it belongs to; None for no list, whatever its style says."""
    properties = paragraph.find(w("pPr"))
    if properties is None:
        properties = new("pPr")
        paragraph.insert(0, properties)
    for own in properties.findall(w("numPr")):
        properties.remove(own)
    number, level = place or (0, 0)
    numbered = new("numPr")
    numbered.append(new("ilvl", val=str(level)))
    numbered.append(new("numId", val=str(number)))
    at = 1 if len(properties) and local_name(properties[0]) == "pStyle" else 0
    properties.insert(at, numbered)


def _begin_with(paragraph: Element, text: str) -> None:
    """Write a text in front of a paragraph's own, in its first run, so that no format divides them."""
    if not text:
        return
    first = next((run for run in paragraph.iter(w("r")) if text_of(run)), None)
    if first is None:
        place = 1 if paragraph.find(w("pPr")) is not None else 0
        paragraph.insert(place, text_run(text))
        return
    written = text_run(text)[0]
    first.insert(1 if first.find(w("rPr")) is not None else 0, written)
