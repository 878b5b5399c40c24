"""Puts stored English sentences into words: why a document was rejected, why a stage ran, what an error says.

Such a sentence passes through notebooks, tables, events and ``--json``, where it stays as it is, so that a
record never depends on somebody's language. It is a code with values all the same: the catalogue has its
pattern, as ``The document has {pages} pages; the limit is {max_pages}.``, and from that the values are read
back. What no pattern fits, as a sentence of an earlier version or of a library, is shown as it was stored.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from string import Formatter
from typing import Final

from runner.wording.catalogue import DOMAIN, LOCALES, translations
from runner.wording.forms import decimal
from runner.wording.terms import origin_words, term
from runner.wording.ui_language import language

STORED: Final = "stored"
"""Context of such sentences in the catalogue: texts of the surface are no patterns."""

_MARK = f"{STORED}\x04"  # as gettext joins context and message
_LONGEST = 2_000  # characters of a line that is looked at
_MOST_LINES = 100
_MOST_PIECES = 24
_DEEPEST = 3  # sentences in sentences
_COUNTS = ("count", "number")  # names of placeholders that stand for figures alone
_DECIMALS = {"confidence", "free_gb", "last", "seconds", "spans", "threshold", "values"}
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+")
_CODES = {"direction", "kind"}  # names of placeholders that stand for a word of records
_SENTENCES = {  # names of placeholders that stand for words of nic-etl itself; others are shown as they are
    "NOTHING_CHANGED", "PARTIAL", "REMEDY", "SCOPE", "again", "age", "aside", "as_points", "below", "cause",
    "contradicted", "counts", "description", "documents", "doing", "doubtful", "ending", "error", "errors",
    "failed", "fault", "faults", "held", "hidden", "hint", "instead", "lacking", "limit", "message", "more",
    "near", "now", "own", "pages", "passages", "problem", "put_back", "reason", "refused", "remedy", "remove",
    "said", "state", "taken", "told", "uncut", "warning", "what", "who", "why", "words",
}  # fmt: skip
_FIGURE = re.compile("-?\\d[\\d\u202f.,]*%?")
_AMBIGUOUS: Final = [-1]
_SENTENCE_END = re.compile(r"(?<=[.!?]) (?=[A-Z0-9])")
_BREAK = re.compile(r"(?<=[.!?:;,]) (?=\S)")


@dataclass(frozen=True, slots=True)
class Recognised:
    """A stored sentence as code and values.

    Attributes:
        code: its pattern in the catalogue.
        values: what stands in the places of its placeholders, by their names.
    """

    code: str
    values: Mapping[str, str]


def stored(sentence: str) -> str:
    """Return an English sentence that ``worded`` shows later: it only marks it for the catalogue."""
    return sentence


def worded(text: str | None) -> str:
    """Return a stored text in the language of the moment, sentence by sentence as far as they are known."""
    if not text or language() == "en":
        return text or ""
    tag = language()
    if (whole := _exactly(text, tag)) is not None:  # a help text has many lines
        return whole
    lines = text.split("\n")  # no value has two, so that each is of sentences of its own
    if len(lines) > _MOST_LINES:
        return text
    return "\n".join(line if len(line) > _LONGEST else _worded(line, tag) for line in lines)


def recognise(sentence: str, codes: Sequence[str] | None = None) -> Recognised | None:
    """Return the code and the values of a stored sentence; None where it is not known.

    Args:
        sentence: in English.
        codes: among which to look; None: those of the language of the moment.
    """
    known = _patterns(language()) if codes is None else _indexed(codes)
    return _recognised(sentence, known)


@lru_cache(maxsize=4096)
def _worded(text: str, tag: str, depth: int = 0) -> str:
    sentences = _SENTENCE_END.split(text)
    if 1 < len(sentences) <= _MOST_PIECES:  # a pattern that ends with a value would swallow the next sentence
        each = [_said(one, tag, depth) if one.strip() else one for one in sentences]
        if all(one is not None for one in each):
            return " ".join(one or "" for one in each)
    if (whole := _said(text, tag, depth)) is not None:
        return whole
    pieces = _BREAK.split(text)
    if not 1 < len(pieces) <= _MOST_PIECES:
        return text
    said: list[str] = []
    begin = 0
    while begin < len(pieces):
        for end in range(len(pieces), begin, -1):
            part = " ".join(pieces[begin:end])
            found = _said(part, tag, depth)
            if found is not None or end == begin + 1:
                said.append(part if found is None else found)
                begin = end
                break
    return " ".join(said)


def _exactly(text: str, tag: str) -> str | None:
    exact = text.replace("{", "{{").replace("}", "}}")
    said = translations(tag).pgettext(STORED, exact)
    return None if said == exact else said.replace("{{", "{").replace("}}", "}")


def _said(text: str, tag: str, depth: int) -> str | None:
    if (said := _exactly(text, tag)) is not None:
        return said
    found = _recognised(text, _patterns(tag))
    if found is None:
        return None
    values = {name: _worded_value(name, value, tag, depth) for name, value in found.values.items()}
    return translations(tag).pgettext(STORED, found.code).format(**values)


def _worded_value(name: str, value: str, tag: str, depth: int) -> str:
    if name == "origin":
        return origin_words(value)
    if name in _CODES:
        return term(value)
    if " " in value:  # of several words: it may be a sentence itself, and it may be what a document says
        return _worded(value, tag, depth + 1) if name in _SENTENCES and depth < _DEEPEST else value
    if _THOUSANDS.fullmatch(value):
        return value.replace(",", "\u202f")
    if name in _DECIMALS:
        return decimal(value)
    return value


@dataclass(frozen=True, slots=True)
class _Pattern:
    code: str
    parts: tuple[str, ...]
    """What stands before, between and after its placeholders, also where that is nothing."""
    names: tuple[str, ...]
    literals: tuple[str, ...]
    """The parts that are not empty, the longest first."""


def _recognised(text: str, known: Sequence[_Pattern]) -> Recognised | None:
    for pattern in known:
        if all(literal in text for literal in pattern.literals):
            places = _places(text, pattern)
            if places == _AMBIGUOUS:
                return None
            if places and (values := _values(text, pattern, places)):
                return Recognised(pattern.code, values)
    return None


def _places(text: str, pattern: _Pattern) -> list[int]:
    """Return where each literal of a pattern stands in a text: none where it does not fit.

    A pattern is never tried twice: documents have a say in what is looked at. Where the first place that
    a literal can have is not the last, nobody knows which value says what, and the text stays as it is.
    """
    head, *middle, tail = pattern.parts
    if not (text.startswith(head) and text.endswith(tail)) or len(text) < len(head) + len(tail):
        return []
    end = len(text) - len(tail)
    last, limit = [], end
    for part in reversed(middle):
        limit = text.rfind(part, len(head), limit)
        if limit < 0:
            return []
        last.append(limit)
    places, at = [0], len(head)
    for part, name, latest in zip(middle, pattern.names, reversed(last), strict=False):
        place = text.find(part, at, end)
        if place < 0 or place > latest:
            return []
        narrow = name in _CODES or name.startswith(_COUNTS)  # one word, or a figure: it ends at the first
        if place != latest and part and not narrow:
            return _AMBIGUOUS
        places.append(place)
        at = place + len(part)
    return [*places, end]


def _values(text: str, pattern: _Pattern, places: Sequence[int]) -> dict[str, str] | None:
    """Return what stands between the literals; None where a figure is none."""
    begins = (place + len(part) for place, part in zip(places, pattern.parts, strict=True))
    values: dict[str, str] = {}
    for name, begin, end in zip(pattern.names, begins, places[1:], strict=False):
        value = text[begin:end]
        if name.startswith(_COUNTS) and not _FIGURE.fullmatch(value):
            return None
        values[name] = value
    return values


@lru_cache
def _patterns(tag: str) -> tuple[_Pattern, ...]:
    path = LOCALES / tag.replace("-", "_") / "LC_MESSAGES" / f"{DOMAIN}.mo"
    return _indexed(tuple(_stored_codes(path)))


@lru_cache
def _indexed(codes: Sequence[str]) -> tuple[_Pattern, ...]:
    """Return the patterns of the codes that have placeholders, those that say most first."""
    found = []
    for code in codes:
        parts, names = [""], []
        for literal, name, _form, _conversion in Formatter().parse(code):
            parts[-1] += literal
            if name is not None:
                names.append(name)
                parts.append("")
        literals = tuple(sorted(filter(None, parts), key=len, reverse=True))
        if names and literals:
            found.append(_Pattern(code, tuple(parts), tuple(names), literals))
    return tuple(sorted(found, key=lambda one: (-sum(map(len, one.literals)), one.code)))


def _stored_codes(path: Path) -> list[str]:
    """Return the codes that a compiled catalogue has; gettext looks texts up and lists none."""
    try:
        data = path.read_bytes()
    except OSError:
        return []
    _magic, _version, count, place = struct.unpack_from("<4I", data)
    codes = []
    for number in range(count):
        length, offset = struct.unpack_from("<2I", data, place + 8 * number)
        text = data[offset : offset + length].decode()
        if text.startswith(_MARK):
            codes.append(text.removeprefix(_MARK))
    return codes
