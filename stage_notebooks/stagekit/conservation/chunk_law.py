"""Holds chunks against their Markdown: every word in one of them, and nothing of their own in any."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from stagekit.conservation.words import words_of

_NAMED = 10  # words that a sentence names
_STRUCK = re.compile(r"~~.+?~~", re.DOTALL)
_HEADING = re.compile(r"^#{1,6} .+$|^\|.*\|(?=\n\|(?: ?:?-+:? ?\|)+$)", re.MULTILINE)


class Span(Protocol):
    """A chunk: its text, and where in the Markdown it was cut out."""

    @property
    def text(self) -> str:
        """The text of the chunk."""

    @property
    def start(self) -> int:
        """Offset of its first character in the Markdown."""

    @property
    def end(self) -> int:
        """One past its last character."""


@dataclass(frozen=True, slots=True)
class ChunkFaults:
    """What chunks leave out of their Markdown, and what they have beyond it."""

    missing: tuple[str, ...] = ()  # words of the Markdown that no chunk has, in their order
    # words of a chunk that stand neither in its place in the Markdown nor in a heading or the header of
    # a table of the document
    added: tuple[str, ...] = ()

    def sentences(self) -> list[str]:
        """Return one sentence for each kind of fault."""
        kinds = (("Words that are in no chunk", self.missing), ("Words that only a chunk has", self.added))
        return [
            f"{kind}: {' '.join(words[:_NAMED])}{' …' if words[_NAMED:] else ''}."
            for kind, words in kinds
            if words
        ]


def chunk_faults(markdown: str, chunks: Iterable[Span], *, struck_dropped: bool = False) -> ChunkFaults:
    """Look for words that cutting has lost or made; of overlapping chunks the first has the words.

    Struck text (`~~…~~`) may be left out of the chunks on purpose.
    """
    kept = _STRUCK.sub(lambda struck: " " * len(struck.group()), markdown) if struck_dropped else markdown
    missing: list[str] = []
    added: list[str] = []
    headings: Counter[str] | None = None
    reached = 0
    for chunk in sorted(chunks, key=lambda chunk: (chunk.start, chunk.end)):
        missing += words_of(kept[reached : chunk.start])
        start, reached = max(reached, chunk.start), max(reached, chunk.end)
        if chunk.text == markdown[chunk.start : chunk.end]:
            continue
        says = words_of(chunk.text)
        missing += _beyond(words_of(kept[start : chunk.end]), says)
        more = _beyond(says, words_of(markdown[chunk.start : chunk.end]))
        if more and headings is None:
            headings = Counter(words_of("\n".join(_HEADING.findall(markdown))))
        added += [word for word in more if headings is None or word not in headings]
    missing += words_of(kept[reached:])
    return ChunkFaults(tuple(missing), tuple(added))


def _beyond(words: Sequence[str], known: Sequence[str]) -> list[str]:
    """Return the words that are not known as often."""
    rest = Counter(known)
    rest.subtract(words)
    over = Counter({word: -count for word, count in rest.items() if count < 0})
    return list(over.elements())
