"""Holds what a file says against what was made of it, word by word, and tells a proven loss from a doubt.

The order of the text makes no difference, only how often each word stands in it. Where words differ, their
letters are compared without the blanks between them, so that "contra cheque" and "contracheque" are the same,
and so are a title in spaced letters and the word that it spells.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from stagekit.conservation.source_text import SourceText, Unit
from stagekit.conservation.words import clauses_of, words_of

_LONGEST_NUMBER = 6  # words: year, month, day, hours, minutes and seconds
IN_A_ROW = 3  # missing words in a row that prove a loss
SHORTEST_INSIDE = 4  # letters; fewer are found inside other words by chance
_SCANNED = 300_000_000  # characters that one comparison looks through for joined words: half a second
_BLANK_LINE = re.compile(r"(?<![-\u2010\u2011\u00ad])\n\s*\n")  # behind no divided word
_COMMAND = re.compile(r"\\(?:genfrac\{\}\{\}\{0pt\}|[A-Za-z]+)")  # of a formula
_NUMBERING = re.compile(r"[0-9]+[a-z]?|[a-z]|[ivxlcdm]+")


@dataclass(frozen=True, slots=True)
class Loss:
    """What is missing of a unit."""

    unit: int  # its number in the source
    kind: str  # what kind of unit it is
    text: str  # the words that are missing, as the file writes them where the unit is missing whole
    missing: tuple[bool, ...]  # for each of the unit's words, whether it is missing
    proven: bool  # a whole cell, a whole clause, or three words in a row; else they are single words
    page: int | None = None  # the number of its page, from 1, in a source with pages

    @property
    def is_whole(self) -> bool:
        """Whether nothing of the unit is there."""
        return all(self.missing)


@dataclass(frozen=True, slots=True)
class Comparison:
    """How much of a source is there."""

    wanted: int  # how many words the source has
    found: int  # how many of them are there
    losses: tuple[Loss, ...] = ()  # what is missing, in the order of the source
    # words that are there, but neither in the source nor explained by a rule, each once
    added: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        """The share of the words that is there, 0 to 1."""
        return self.found / self.wanted if self.wanted else 1.0

    @property
    def proven(self) -> list[Loss]:
        """The losses that are more than single words."""
        return [loss for loss in self.losses if loss.proven]


def compare(source: SourceText, text: str) -> Comparison:
    """Compare what a file says with the Markdown that was made of it.

    Words that the Markdown has beyond the source are looked for as well. Explained are numbering and numbers
    in another format, joined and divided words, and what the source says may stand there.
    """
    units = list(_once(source.units))
    search = _search(units, text)
    found = search.result()
    other = chain.from_iterable((unit.text, *unit.readings) for unit in units if unit.readings)
    known = [*search.wanted, *map(words_of, chain(other, source.may_stand))]
    got = words_of(_COMMAND.sub(" ", text)) if "\\" in text else list(chain.from_iterable(search.got))
    added = tuple(_unexplained(got, known))
    if len(units) == len(source.units):
        return Comparison(found.wanted, found.found, found.losses, added)
    places = {id(unit): place for place, unit in enumerate(source.units)}
    losses = tuple(replace(loss, unit=places[id(units[loss.unit])]) for loss in found.losses)
    return Comparison(found.wanted, found.found, losses, added)


def compare_units(units: Sequence[Unit], text: str) -> Comparison:
    """Compare units with a text that should hold all of them, in whatever order."""
    return _search(units, text).result()


def _search(units: Sequence[Unit], text: str) -> _Search:
    return _Search(units, [words_of(block) for block in _BLANK_LINE.split(text)])


@dataclass
class _Search:
    """The units and the words that were found, with what is left of those for the next unit."""

    units: Sequence[Unit]
    got: list[list[str]]
    wanted: list[list[str]] = field(init=False)
    there: _Letters = field(init=False)
    source: _Letters = field(init=False)
    rest: Counter[str] = field(init=False)
    numbers: set[str] = field(init=False)

    def __post_init__(self) -> None:
        self.rest = Counter(chain.from_iterable(self.got))
        self.numbers = _runs(self.got) if any(unit.readings for unit in self.units) else set()
        self.wanted = [words_of(self._reading(unit)) for unit in self.units]
        self.there = _Letters(self.got)

    def _reading(self, unit: Unit) -> str:
        """Return the way in which a unit is written that fits what was found."""
        ways = (unit.text, *unit.readings) if unit.readings else ()
        return next((text for text in ways if " ".join(words_of(text)) in self.numbers), unit.text)

    def result(self) -> Comparison:
        """Compare."""
        total = sum(map(len, self.wanted))
        short = Counter(chain.from_iterable(self.wanted)) - self.rest
        if not short:
            return Comparison(total, total)
        self.source = _Letters(self.wanted)
        suspects = []
        for number, words in enumerate(self.wanted):
            if short.keys().isdisjoint(words) or self._is_held(words):
                self.rest.subtract(words)
            else:
                suspects.append(number)
        losses = [loss for number in suspects if (loss := self._loss(number)) is not None]
        missing = sum(sum(loss.missing) for loss in losses)
        return Comparison(total, total - missing, tuple(losses))

    def _is_held(self, words: Sequence[str]) -> bool:
        """Whether the letters of some words stand together as often as in the source."""
        letters = "".join(words)
        if len(letters) < SHORTEST_INSIDE:
            return False
        there = self.there.count(letters)
        return there > 0 and there >= self.source.count(letters)

    def _loss(self, number: int) -> Loss | None:
        words = self.wanted[number]
        missing = [False] * len(words)
        for place, word in enumerate(words):
            if self.rest[word] > 0:
                self.rest[word] -= 1
            else:
                missing[place] = True
        for place in [place for place, gone in enumerate(missing) if gone]:
            missing[place] = not any(self._is_held(words[a:b]) for a, b in _windows(words, place))
        if not any(missing):
            return None
        unit = self.units[number]
        gone = [word for word, lost in zip(words, missing, strict=True) if lost]
        text = " ".join(unit.text.split()) if all(missing) else " ".join(gone)
        return Loss(number, unit.kind, text, tuple(missing), _is_proven(unit, missing))


def _runs(blocks: Iterable[Sequence[str]]) -> set[str]:
    """Return the words that stand behind each other, as many of them as a date with its time has."""
    return {
        " ".join(words[start : start + length])
        for words in blocks
        for start in range(len(words))
        for length in range(1, _LONGEST_NUMBER + 1 if words[start].isdecimal() else 2)
    }


class _Letters:
    """The letters of blocks of words, without the blanks between them, and how often others stand in them."""

    def __init__(self, blocks: Iterable[Iterable[str]]) -> None:
        self.text = "\n".join(map("".join, blocks))
        self.counts: dict[str, int] = {}
        self.left = _SCANNED

    def count(self, letters: str) -> int:
        """Return how often; 0 for what was not asked before once too much was looked through."""
        if letters not in self.counts:
            self.left -= len(self.text)
            self.counts[letters] = self.text.count(letters) if self.left > 0 else 0
        return self.counts[letters]


def _windows(words: Sequence[str], place: int) -> Iterator[tuple[int, int]]:
    """Yield where words begin and end that may be written as one with the word at a place."""
    for before, behind in ((0, 1), (1, 1), (0, 2), (1, 2), (2, 1), (0, 3), (2, 3)):
        if place >= before and place + behind <= len(words):
            yield place - before, place + behind
    if len(words[place]) == 1:
        start = end = place
        while start > 0 and len(words[start - 1]) == 1:
            start -= 1
        while end < len(words) and len(words[end]) == 1:
            end += 1
        yield start, end


def _is_proven(unit: Unit, missing: Sequence[bool]) -> bool:
    if unit.kind == "cell" and all(missing):
        return True
    if any(all(missing[at : at + IN_A_ROW]) for at in range(len(missing) - IN_A_ROW + 1)):
        return True
    start = 0
    for clause in clauses_of(unit.text):
        end = start + len(words_of(clause))
        if end - start > 1 and end <= len(missing) and all(missing[start:end]):
            return True
        start = end
    return False


def _once(units: Iterable[Unit]) -> Iterator[Unit]:
    """Yield units; of furniture with the same words only the first."""
    seen = set()
    for unit in units:
        if unit.kind == "furniture":
            words = tuple(words_of(unit.text))
            if words in seen:
                continue
            seen.add(words)
        yield unit


def _unexplained(got: Sequence[str], known: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield words that are not known, are no numbers, and are no known words joined or divided."""
    vocabulary = set(chain.from_iterable(known))
    strange = [at for at, word in enumerate(got) if word not in vocabulary and not _NUMBERING.fullmatch(word)]
    letters = _Letters(known if strange else ())
    seen = set()
    for place in strange:
        word = got[place]
        joined = ("".join(got[first:end]) for first, end in _windows(got, place))
        if word not in seen and not any(
            len(text) >= SHORTEST_INSIDE and letters.count(text) for text in joined
        ):
            seen.add(word)
            yield word
