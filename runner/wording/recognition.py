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
from runner.wording.language import language
from runner.wording.terms import origin_words, term

__all__ = ["STORED", "Recognised", "recognise", "stored", "worded"]

STORED: Final = "stored"
"""Context of such sentences in the catalogue: texts of the surface are no patterns."""

_MARK = f"{STORED}\x04"  # as gettext joins context and message
_LONGEST = 20_000  # characters that are looked at
_MOST_PIECES = 24
_COUNTS = ("count", "number")  # names of placeholders that stand for figures alone
_DECIMALS = {"confidence", "free_gb", "last", "seconds", "spans", "threshold", "values"}
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+")
_CODES = {"direction", "kind"}  # names of placeholders that stand for a word of records
_FIGURE = "(-?\\d[\\d\u202f.,]*%?)"
_SENTENCE_END = re.compile(r"(?<=[.!?]) (?=[A-Z0-9])")
_BREAK = re.compile(r"(?<=[.!?:;,]) (?=\S)|(?<=\n)|(?=\n)")


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
    if not text or language() == "en" or len(text) > _LONGEST:
        return text or ""
    return _worded(text, language())


def recognise(sentence: str, codes: Sequence[str] | None = None) -> Recognised | None:
    """Return the code and the values of a stored sentence; None where it is not known.

    Args:
        sentence: in English.
        codes: among which to look; None: those of the language of the moment.
    """
    known = _patterns(language()) if codes is None else _indexed(codes)
    return _recognised(sentence, known)


@lru_cache(maxsize=4096)
def _worded(text: str, tag: str) -> str:
    sentences = _SENTENCE_END.split(text)
    if 1 < len(sentences) <= _MOST_PIECES:  # a pattern that ends with a value would swallow the next sentence
        each = [_said(one, tag) if one.strip() else one for one in sentences]
        if all(one is not None for one in each):
            return " ".join(one or "" for one in each)
    if (whole := _said(text, tag)) is not None:
        return whole
    pieces = _BREAK.split(text)
    if not 1 < len(pieces) <= _MOST_PIECES:
        return text
    said: list[str] = []
    begin, place = 0, 0
    while begin < len(pieces):
        for end in range(len(pieces), begin, -1):
            last = place + sum(map(len, pieces[begin:end])) + _gaps(text, place, pieces[begin:end])
            found = _said(text[place:last], tag)
            if found is not None or end == begin + 1:
                gap = " " if text[last : last + 1] == " " else ""
                said.append((text[place:last] if found is None else found) + gap)
                begin, place = end, last + len(gap)
                break
    return "".join(said)


def _gaps(text: str, place: int, pieces: Sequence[str]) -> int:
    """Return how many spaces stand between pieces."""
    count = 0
    for piece in pieces[:-1]:
        place += len(piece)
        if text[place : place + 1] == " ":
            count, place = count + 1, place + 1
    return count


def _said(text: str, tag: str) -> str | None:
    catalogue = translations(tag)
    exact = text.replace("{", "{{").replace("}", "}}")
    said = catalogue.pgettext(STORED, exact)
    if said != exact:
        return said.replace("{{", "{").replace("}}", "}")
    found = _recognised(text, _patterns(tag))
    if found is None:
        return None
    values = {name: _worded_value(name, value, tag) for name, value in found.values.items()}
    return catalogue.pgettext(STORED, found.code).format(**values)


def _worded_value(name: str, value: str, tag: str) -> str:
    if name == "origin":
        return origin_words(value)
    if name in _CODES:
        return term(value)
    if " " in value:  # of several words: it may be a sentence itself
        return _worded(value, tag)
    if _THOUSANDS.fullmatch(value):
        return value.replace(",", "\u202f")
    if name in _DECIMALS:
        return decimal(value)
    return value


@dataclass(frozen=True, slots=True)
class _Pattern:
    code: str
    literals: tuple[str, ...]


def _recognised(text: str, known: Sequence[_Pattern]) -> Recognised | None:
    for pattern in known:
        if all(literal in text for literal in pattern.literals):
            expression, names = _expression(pattern.code)
            if found := expression.fullmatch(text):
                return Recognised(pattern.code, dict(zip(names, found.groups(), strict=True)))
    return None


@lru_cache
def _expression(code: str) -> tuple[re.Pattern[str], tuple[str, ...]]:
    parts, names = [], []
    for literal, name, _form, _conversion in Formatter().parse(code):
        parts.append(re.escape(literal))
        if name is not None:
            parts.append(_FIGURE if name.startswith(_COUNTS) else "(.*?)")
            names.append(name)
    return re.compile("".join(parts), re.DOTALL), tuple(names)


@lru_cache
def _patterns(tag: str) -> tuple[_Pattern, ...]:
    path = LOCALES / tag.replace("-", "_") / "LC_MESSAGES" / f"{DOMAIN}.mo"
    return _indexed(tuple(code for code in _stored_codes(path)))


@lru_cache
def _indexed(codes: Sequence[str]) -> tuple[_Pattern, ...]:
    """Return the patterns of the codes that have placeholders, those that say most first."""
    found = []
    for code in codes:
        literals = [literal for literal, *_ in Formatter().parse(code) if literal]
        if "{" in code.replace("{{", "") and literals:
            found.append(_Pattern(code, tuple(sorted(literals, key=len, reverse=True))))
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
