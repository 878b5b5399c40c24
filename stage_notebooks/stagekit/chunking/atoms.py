"""Cuts blocks into the sentences, rows, lines and, as a last resort, words that chunks are filled with."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from stagekit.chunking.markdown import Block, CanonicalMarkdown
from stagekit.chunking.normative.address import Level
from stagekit.chunking.normative.clauses import Clause
from stagekit.chunking.repeated_header import NO_HEADER, RepeatedHeader, repeated_header
from stagekit.chunking.sentences import clause_spans, sentence_spans
from stagekit.chunking.tokens import TokenIndex


class Place(IntEnum):
    """How good a place to end a chunk is, worst first.

    HELD is behind a heading, a caption or an introduction, and within a clause of a norm or code that fits a
    chunk; PART is between the items or rows of a list or table that is better kept whole; SENTENCE is between
    sentences, rows, lines and items of a list.
    """

    HELD = 0
    WORD = 1
    CLAUSE = 2
    PART = 3
    SENTENCE = 4
    BLOCK = 5
    HEADING = 6  # or an article of a norm


_MARKS_BEFORE = " *_~>#-"  # what may stand between the beginning of a line and the label of a clause


@dataclass(frozen=True, slots=True)
class Atom:
    """A span of the Markdown that is never cut."""

    start: int  # first character
    end: int  # one past the last character
    block: int  # index of the block it belongs to
    place: Place  # how good a place its start is to end the chunk before
    opens_sentence: bool  # whether a sentence, row or line begins with it; False inside a long one
    prose: bool  # whether it may be repeated as overlap (a sentence or part of one)
    repeated: RepeatedHeader = NO_HEADER  # the table header to put before a chunk that starts here


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
    clauses = _Clauses(markdown, index, limit)
    atoms: list[Atom] = []
    before: Block | None = None
    for number, block in enumerate(blocks):
        opening, within = _places(markdown.text, block, before, index, limit, lists)
        for start, end, header in _spans(markdown.text, block, index, limit):
            place = clauses.place(start, opening if start == block.start else within)
            held = clauses.holds(start)
            atoms += _pieces(markdown.text, index, (start, end), header, number, block, limit, place, held)
        before = block
    return atoms


class _Clauses:
    """How good it is to cut in front of a clause of a norm, and within one."""

    def __init__(self, markdown: CanonicalMarkdown, index: TokenIndex, limit: int) -> None:
        self._text, self._clauses, self._limit = markdown.text, markdown.clauses, limit
        self._starts = [clause.start for clause in markdown.clauses]
        self._sizes = [index.count(clause.start, clause.end) for clause in markdown.clauses]
        # A numbered heading opens a section, which is cut like any other, not a clause that is one statement.
        heads = {block.start for block in markdown.blocks if block.kind == "heading"}
        self._sections = {
            at
            for at, clause in enumerate(markdown.clauses)
            if clause.level == Level.DECIMAL and self._line_start(clause.start) in heads
        }

    def place(self, start: int, usual: Place) -> Place:
        """Return how good it is to cut at a place, which without clauses would be `usual`."""
        at = bisect_right(self._starts, start + len(_MARKS_BEFORE)) - 1
        if at < 0 or usual == Place.HEADING or start >= self._clauses[at].end:
            return usual
        clause = self._clauses[at]
        if start <= clause.start and not self._text[start : clause.start].strip(_MARKS_BEFORE):
            return self._opening(clause, usual)
        return Place.HELD if self.holds(start) else usual

    def holds(self, start: int) -> bool:
        """Return whether a place lies within a clause that fits a chunk."""
        at = bisect_right(self._starts, start) - 1
        if at < 0 or at in self._sections:
            return False
        return start < self._clauses[at].end and self._sizes[at] <= self._limit

    def _line_start(self, place: int) -> int:
        return self._text.rfind("\n", 0, place) + 1

    def _opening(self, clause: Clause, usual: Place) -> Place:
        before = self._text[max(0, clause.start - 40) : clause.start].rstrip(" \n*_~>|#-")
        if before.endswith(":") or self._names_grouping(clause):
            return Place.HELD
        if clause.level == Level.ARTIGO and not clause.quoted:
            return Place.HEADING
        return max(usual, Place.SENTENCE)

    def _names_grouping(self, clause: Clause) -> bool:
        """Whether the clause before is a grouping, whose name belongs with what it opens."""
        at = bisect_right(self._starts, clause.start) - 2
        return at >= 0 and self._clauses[at].level <= Level.SUBSECAO and self._clauses[at].end >= clause.start


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
) -> Iterator[tuple[int, int, RepeatedHeader]]:
    """Yield the natural parts of a block as start, end and header to repeat."""
    if block.kind == "table" and block.header_end:
        header = repeated_header(text, block, index, limit // 2)
        rows = _lines(text, block.header_end, block.end)
        if index.count(block.start, rows[0][1]) > limit:
            yield block.start, block.header_end, NO_HEADER
        else:
            yield block.start, rows.pop(0)[1], NO_HEADER
        for start, end in rows:
            yield start, end, header
    elif block.kind in {"table", "code_block"}:
        for start, end in _lines(text, block.start, block.end):
            yield start, end, NO_HEADER
    elif block.kind == "heading":
        yield block.start, block.end, NO_HEADER
    else:
        for start, end in sentence_spans(text[block.start : block.end]):
            yield block.start + start, block.start + end, NO_HEADER


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
    header: RepeatedHeader,
    number: int,
    block: Block,
    limit: int,
    place: Place,
    held: bool,
) -> Iterator[Atom]:
    prose = block.kind not in {"table", "code_block", "heading"}
    room = limit - header.tokens
    small = max(1, min(room, limit // 26))
    parts = [(*span, place)]
    if index.count(*span) > room:
        parts = [(*part, Place.WORD) for part in _word_groups(text, index, span, small)]
    elif prose and index.count(*span) > limit // 13:
        parts = list(_clauses(text, index, span, small))
    for start, end, inner in parts:
        first = start == span[0]
        behind = place if first else Place.HELD if held else inner
        yield Atom(start, end, number, behind, first, prose, header)


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
        cut = index.nth(start, size)
        space = max((at for at in range(start + 1, cut + 1) if text[at - 1].isspace()), default=0)
        cut = space or max(cut, start + 1)
        groups.append((start, start + len(text[start:cut].rstrip())))
        start = cut
        while start < end and text[start].isspace():
            start += 1
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
            first, _ = spans.get(block.list_id, (block.start, block.end))
            spans[block.list_id] = (first, block.end)
    return {number: index.count(*span) for number, span in spans.items()}
