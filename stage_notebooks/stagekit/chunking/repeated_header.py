"""Says what the columns of a table are, before each chunk that begins within it."""

import re
from dataclasses import dataclass
from typing import Final

from stagekit.chunking.markdown import Block
from stagekit.chunking.tokens import TokenIndex

_CELL = re.compile(r"(?<!\\)\|\s*((?:[^|\\]|\\.)*?)\s*(?=(?<!\\)\|)")


@dataclass(frozen=True, slots=True)
class RepeatedHeader:
    """Lines to put before a chunk, and how many tokens they have."""

    text: str
    tokens: int


NO_HEADER: Final = RepeatedHeader("", 0)


def repeated_header(text: str, block: Block, index: TokenIndex, most: int) -> RepeatedHeader:
    """Return the header of a table in about `most` tokens: the whole one, else the beginning of each name.

    A name keeps its first words, one at least. Where even these take half as much again, the rows need the
    room and nothing is repeated.
    """
    whole = text[block.start : block.header_end]
    tokens = index.count(block.start, block.header_end)
    if tokens <= most:
        return RepeatedHeader(whole, tokens)
    names, _, rule = whole.partition("\n")
    spans = [(block.start + match.start(1), block.start + match.end(1)) for match in _CELL.finditer(names)]
    signs = tokens - sum(index.count(*span) for span in spans)
    share = _share([index.count(*span) for span in spans], most - signs)
    kept = [(start, _cut(text, start, end, index, share)) for start, end in spans]
    shown = [
        text[start:cut] + ("…" if cut < end else "")
        for (start, cut), (_, end) in zip(kept, spans, strict=True)
    ]
    cut_names = sum(cut < end for (_, cut), (_, end) in zip(kept, spans, strict=True))
    tokens = signs + sum(index.count(*span) for span in kept) + cut_names
    if tokens > most + most // 2:
        return NO_HEADER
    return RepeatedHeader("| " + " | ".join(shown) + " |\n" + rule, tokens)


def _share(sizes: list[int], room: int) -> int:
    """Return the tokens up to which each name may go for all to fit; short ones leave room to others."""
    left, names = room, len(sizes)
    for size in sorted(sizes):
        if size * names > left:
            return left // names
        left, names = left - size, names - 1
    return left


def _cut(text: str, start: int, end: int, index: TokenIndex, most: int) -> int:
    """Return where a name is cut to whole words of at most `most` tokens; behind the first at least."""
    if index.count(start, end) <= most:
        return end
    cut = start
    for word in re.finditer(r"\S+", text[start:end]):
        if cut > start and index.count(start, start + word.end()) > most - 1:
            break
        cut = start + word.end()
    return cut
