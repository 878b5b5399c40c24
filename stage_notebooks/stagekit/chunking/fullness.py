"""Measures how many chunks are as full as they should be, from the chunks alone."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from stagekit.chunking.atoms import leads
from stagekit.chunking.limits import ChunkSettings
from stagekit.chunking.markdown import Block, CanonicalMarkdown
from stagekit.chunking.sentences import sentence_spans
from stagekit.embedding.tokens import TokenCounter


@dataclass(frozen=True, slots=True)
class ChunkSizes:
    """What of a chunk says how full it is."""

    start: int  # character offset in the canonical Markdown
    end: int  # one past the last character
    token_count: int  # tokens of its text
    context_tokens: int  # tokens that are embedded in front of its text, prompt and special tokens included


@dataclass(frozen=True, slots=True)
class Fullness:
    """Counts of chunks that are followed by more of their top-level section: those that should be full."""

    open: int = 0  # how many there are
    full: int = 0  # those with as many tokens as `ChunkSettings.window` asks for
    # those below it where the text offers no better end: within the tokens that would make them full no
    # sentence, row, line or list item ends, or only one that has to stay with what follows (a heading,
    # a caption, an introduction, code that fits a chunk)
    unfillable: int = 0

    def __add__(self, other: "Fullness") -> "Fullness":
        return Fullness(self.open + other.open, self.full + other.full, self.unfillable + other.unfillable)

    @property
    def share(self) -> float:
        """Return the share of full chunks among those that the text allows to be full; 1.0 of none."""
        return self.full / fillable if (fillable := self.open - self.unfillable) else 1.0


def measure_fullness(
    markdown: CanonicalMarkdown,
    chunks: Sequence[ChunkSizes],
    counter: TokenCounter,
    settings: ChunkSettings,
) -> Fullness:
    """Count the full chunks of a document, given in order with the sizes that they were made with."""
    blocks = markdown.blocks
    starts = [block.start for block in blocks]
    ends = _NaturalEnds(markdown, counter)
    total, done = Fullness(), 0
    for chunk in chunks:
        at = bisect_left(starts, chunk.end)  # the first block behind the chunk's end
        cut = blocks[at - 1].end > chunk.end
        if cut or (at < len(blocks) and blocks[at].section.top == blocks[at - 1].section.top):
            full, most = settings.window(counter.max_seq_length - chunk.context_tokens)
            is_full = full <= chunk.token_count <= most
            blocked = not is_full and not _could_be_full(ends, chunk, done, (full, most))
            total += Fullness(1, int(is_full), int(blocked))
        done = chunk.end
    return total


def _could_be_full(ends: "_NaturalEnds", chunk: ChunkSizes, done: int, window: tuple[int, int]) -> bool:
    """Whether a chunk could end further on, or repeat fewer sentences (up to `done`), and be full."""
    full, most = window
    repeated = ends.within(chunk.start, min(chunk.end, done), most)
    drops = [0, *(ends.count(chunk.start, end) for end in repeated)]
    for end in ends.within(chunk.end, chunk.end + 12 * most, most):
        size = chunk.token_count + ends.count(chunk.end, end)
        if any(full <= size - drop <= most for drop in drops):
            return True
        if size - drops[-1] > most:
            break
    return False


class _NaturalEnds:
    """Where sentences, rows, lines and list items of a document end, found once for all its chunks."""

    def __init__(self, markdown: CanonicalMarkdown, counter: TokenCounter) -> None:
        self._text, self._counter = markdown.text, counter
        self._ends: list[int] = []
        self._code: dict[int, tuple[int, int]] = {}  # ends within code: the code's span
        for block, following in pairwise([*markdown.blocks, None]):
            if block is None:
                continue
            inside = _ends_inside(markdown.text, block)
            if block.kind == "code_block":
                self._code |= dict.fromkeys(inside, (block.start, block.end))
            self._ends += inside
            if following is None or not leads(markdown.text, block, following):
                self._ends.append(block.end)

    def within(self, start: int, end: int, most: int) -> list[int]:
        """Return the ends behind `start` up to `end`; code that fits `most` tokens has none inside."""
        found = self._ends[bisect_right(self._ends, start) : bisect_right(self._ends, end)]
        return [at for at in found if at not in self._code or self.count(*self._code[at]) > most]

    def count(self, start: int, end: int) -> int:
        """Return the tokens of a span of the text."""
        return self._counter.count(self._text[start:end])


def _ends_inside(text: str, block: Block) -> list[int]:
    body = text[block.start : block.end]
    if block.kind in {"table", "code_block"}:
        lines = [block.start + match.start() for match in re.finditer("\n", body)]
        return [at for at in lines if at > block.header_end]
    if block.kind == "heading":
        return []
    return [block.start + stop for _, stop in sentence_spans(body)][:-1]
