"""Measures how many chunks are as full as they should be, from the chunks alone."""

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from stagekit.chunking.atoms import leads
from stagekit.chunking.limits import ChunkSettings
from stagekit.chunking.markdown import CanonicalMarkdown
from stagekit.chunking.sentences import sentence_spans
from stagekit.embedding.tokens import TokenCounter

__all__ = ["ChunkSizes", "Fullness", "measure_fullness"]


@dataclass(frozen=True, slots=True)
class ChunkSizes:
    """What of a chunk says how full it is.

    Attributes:
        start: Character offset in the canonical Markdown.
        end: One past the last character.
        token_count: Tokens of its text.
        context_tokens: Tokens that are embedded in front of its text, prompt and special tokens included.
    """

    start: int
    end: int
    token_count: int
    context_tokens: int


@dataclass(frozen=True, slots=True)
class Fullness:
    """Counts of chunks that are followed by more of their top-level section: those that should be full.

    Attributes:
        open: How many there are.
        full: Those with as many tokens as `ChunkSettings.window` asks for.
        unfillable: Those below it where the text offers no better end: within the tokens that would make
            them full no sentence, row, line or list item ends, or only one that has to stay with what
            follows (a heading, a caption, an introduction, code that fits a chunk).
    """

    open: int = 0
    full: int = 0
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
    """Count the full chunks of a document.

    Args:
        markdown: The document.
        chunks: In order.
        counter: Tokens of the embedding model.
        settings: The sizes that the chunks were made with.
    """
    blocks = markdown.blocks
    starts = [block.start for block in blocks]
    total, done = Fullness(), 0
    for chunk in chunks:
        at = bisect_left(starts, chunk.end)  # the first block behind the chunk's end
        cut = blocks[at - 1].end > chunk.end
        if cut or (at < len(blocks) and blocks[at].section.top == blocks[at - 1].section.top):
            full, most = settings.window(counter.max_seq_length - chunk.context_tokens)
            is_full = full <= chunk.token_count <= most
            blocked = not is_full and not _could_be_full(markdown, chunk, done, counter, (full, most))
            total += Fullness(1, int(is_full), int(blocked))
        done = chunk.end
    return total


def _could_be_full(
    markdown: CanonicalMarkdown, chunk: ChunkSizes, done: int, counter: TokenCounter, window: tuple[int, int]
) -> bool:
    """Whether a chunk could end further on, or repeat fewer sentences (up to `done`), and be full."""
    text, (full, most) = markdown.text, window
    ends = _natural_ends(markdown, chunk.start, chunk.end + 12 * most, most, counter)
    drops = [0, *(counter.count(text[chunk.start : end]) for end in ends if chunk.start < end <= done)]
    for end in ends:
        if end > chunk.end:
            size = chunk.token_count + counter.count(text[chunk.end : end])
            if any(full <= size - drop <= most for drop in drops):
                return True
            if size - drops[-1] > most:
                break
    return False


def _natural_ends(
    markdown: CanonicalMarkdown, start: int, end: int, most: int, counter: TokenCounter
) -> list[int]:
    """Return where sentences, rows, lines and list items end within a span of the text, in order."""
    found = []
    for block, following in pairwise([*markdown.blocks, None]):
        if block is None or block.end < start or block.start > end:
            continue
        body = markdown.text[block.start : block.end]
        if block.kind in {"paragraph", "footnote", "caption", "figure", "list"}:
            found += [block.start + stop for _, stop in sentence_spans(body)][:-1]
        elif block.kind == "table" or (block.kind == "code_block" and counter.count(body) > most):
            lines = [match.start() for match in re.finditer("\n", body)]
            found += [block.start + at for at in lines if block.start + at > block.header_end]
        if following is None or not leads(markdown.text, block, following):
            found.append(block.end)
    return [at for at in found if start < at <= end]
