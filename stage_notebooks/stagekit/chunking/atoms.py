"""Cuts blocks into the sentences, rows, lines and, as a last resort, words that chunks are filled with."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from stagekit.chunking.markdown import Block, CanonicalMarkdown
from stagekit.chunking.sentences import clause_spans, sentence_spans

__all__ = ["Atom", "Place", "TokenIndex", "leads", "make_atoms"]


class Place(IntEnum):
    """How good a place to end a chunk is, worst first.

    HELD is behind a heading, a caption or an introduction, and within code that fits a chunk; PART is between
    the items or rows of a list or table that is better kept whole; SENTENCE is between sentences, rows, lines
    and items of a list.
    """

    HELD = 0
    WORD = 1
    CLAUSE = 2
    PART = 3
    SENTENCE = 4
    BLOCK = 5
    HEADING = 6


@dataclass(frozen=True, slots=True)
class Atom:
    """A span of the Markdown that is never cut.

    Attributes:
        start: First character.
        end: One past the last character.
        block: Index of the block it belongs to.
        place: How good a place its start is to end the chunk before.
        opens_sentence: Whether a sentence, row or line begins with it; False inside a long one.
        prose: Whether it may be repeated as overlap (a sentence or part of one).
        repeated: Span of the table header to put before a chunk that starts here; (0, 0) where there is none.
    """

    start: int
    end: int
    block: int
    place: Place
    opens_sentence: bool
    prose: bool
    repeated: tuple[int, int] = (0, 0)


class TokenIndex:
    """Counts the tokens of any span from one tokenization of the whole text.

    Exact where the tokenizer splits at white space and the span ends there, as with BERT's and XLM-RoBERTa's;
    close elsewhere.
    """

    def __init__(self, offsets: Sequence[tuple[int, int]]) -> None:
        self._starts = sorted(start for start, _ in offsets)

    def before(self, position: int) -> int:
        """Return how many tokens begin before a character."""
        return bisect_left(self._starts, position)

    def count(self, start: int, end: int) -> int:
        """Return how many tokens begin in `text[start:end]`."""
        return self.before(end) - self.before(start)

    def starts(self, start: int, end: int) -> list[int]:
        """Return where the tokens of `text[start:end]` begin."""
        return self._starts[self.before(start) : self.before(end)]


def make_atoms(markdown: CanonicalMarkdown, index: TokenIndex, limit: int) -> list[Atom]:
    """Return the atoms of a document in order.

    Args:
        markdown: The document.
        index: Of its text.
        limit: Most tokens of an atom; also the size up to which a code block is kept whole. Lists and tables
            are kept whole up to half of it where chunks come out full nonetheless.
    """
    blocks = markdown.blocks
    lists = _list_sizes(blocks, index)
    atoms: list[Atom] = []
    before: Block | None = None
    for number, block in enumerate(blocks):
        opening, within = _places(markdown.text, block, before, index, limit, lists)
        for start, end, repeated in _spans(markdown.text, block, index, limit):
            place = opening if start == block.start else within
            atoms += _pieces(markdown.text, index, (start, end), repeated, number, block, limit, place)
        before = block
    return atoms


def _places(
    text: str,
    block: Block,
    before: Block | None,
    index: TokenIndex,
    limit: int,
    lists: Mapping[int, int],
) -> tuple[Place, Place]:
    """Return how good it is to cut in front of a block, and between its sentences, rows or lines."""
    size = index.count(block.start, block.end)
    within = Place.SENTENCE
    if block.kind == "code_block" and size <= limit:
        within = Place.HELD
    elif block.kind == "table":
        within = _within(size, limit)
    opening = Place.HEADING if block.kind == "heading" else Place.BLOCK
    if before is not None and leads(text, before, block):
        opening = Place.HELD
    elif before is not None and block.list_id and block.list_id == before.list_id:
        opening = _within(lists[block.list_id], limit)
    return opening, within


def _within(size: int, limit: int) -> Place:
    """Return how good it is to cut a list or table: not at all where it is short."""
    if size <= limit // 5:
        return Place.HELD
    return Place.PART if size <= limit // 2 else Place.SENTENCE


def _spans(
    text: str, block: Block, index: TokenIndex, limit: int
) -> Iterator[tuple[int, int, tuple[int, int]]]:
    """Yield the natural parts of a block as start, end and header to repeat."""
    body = text[block.start : block.end]
    if block.kind == "table" and block.header_end:
        header = (block.start, block.header_end)
        repeated = header if index.count(*header) <= limit // 4 else (0, 0)
        first, *rows = _lines(text, block.header_end + 1, block.end)
        yield block.start, first[1], (0, 0)
        for start, end in rows:
            yield start, end, repeated
    elif block.kind in {"table", "code_block"}:
        for start, end in _lines(text, block.start, block.end):
            yield start, end, (0, 0)
    elif block.kind == "heading":
        yield block.start, block.end, (0, 0)
    else:
        for start, end in sentence_spans(body):
            yield block.start + start, block.start + end, (0, 0)


def _lines(text: str, start: int, end: int) -> list[tuple[int, int]]:
    spans = []
    for line in text[start:end].split("\n"):
        if line.strip():
            spans.append((start, start + len(line)))
        start += len(line) + 1
    return spans


def _pieces(
    text: str,
    index: TokenIndex,
    span: tuple[int, int],
    repeated: tuple[int, int],
    number: int,
    block: Block,
    limit: int,
    place: Place,
) -> Iterator[Atom]:
    prose = block.kind not in {"table", "code_block", "heading"}
    room = limit - (index.count(*repeated) if repeated[1] else 0)
    small = max(1, min(room, limit // 26))
    parts = [(*span, place)]
    if index.count(*span) > room:
        parts = [(*part, Place.WORD) for part in _word_groups(text, index, span, small)]
    elif prose and index.count(*span) > limit // 13:
        parts = list(_clauses(text, index, span, small))
    for start, end, inner in parts:
        first = start == span[0]
        yield Atom(start, end, number, place if first else inner, first, prose, repeated)


def _clauses(
    text: str, index: TokenIndex, span: tuple[int, int], small: int
) -> Iterator[tuple[int, int, Place]]:
    """Yield the clauses of a sentence; one that is longer than the window of full chunks, word by word."""
    for start, end in clause_spans(text[slice(*span)]):
        place = Place.CLAUSE
        for part in _word_groups(text, index, (span[0] + start, span[0] + end), small):
            yield *part, place
            place = Place.WORD


def _word_groups(text: str, index: TokenIndex, span: tuple[int, int], size: int) -> list[tuple[int, int]]:
    """Cut a span at white space into groups of at most `size` tokens; a longer word is cut between tokens."""
    groups = []
    start, end = span
    while index.count(start, end) > size:
        starts = index.starts(start, end)
        cut = starts[size]
        space = max((at for at in range(start + 1, cut + 1) if text[at - 1].isspace()), default=0)
        cut = space or max(cut, start + 1)
        groups.append((start, start + len(text[start:cut].rstrip())))
        start = cut + len(text[cut:end]) - len(text[cut:end].lstrip())
    groups.append((start, end))
    return [(begin, stop) for begin, stop in groups if begin < stop]


def leads(text: str, block: Block, following: Block) -> bool:
    """Return whether a block belongs with the next one: a heading, a caption, the introduction of a list."""
    if block.kind == "heading":
        return True
    if block.kind == "caption":
        return following.kind in {"table", "figure", "code_block"}
    introduces = text[block.start : block.end].endswith(":")
    return introduces and block.kind == "paragraph" and following.kind in {"list", "table", "code_block"}


def _list_sizes(blocks: Sequence[Block], index: TokenIndex) -> dict[int, int]:
    spans: dict[int, tuple[int, int]] = {}
    for block in blocks:
        if block.list_id:
            first = spans.get(block.list_id, (block.start, 0))[0]
            spans[block.list_id] = (first, block.end)
    return {number: index.count(*span) for number, span in spans.items()}
