"""Cuts blocks into the sentences, rows, lines and, as a last resort, words that chunks are filled with."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from stagekit.chunking.markdown import Block, CanonicalMarkdown
from stagekit.chunking.sentences import clause_spans, sentence_spans

__all__ = ["Atom", "TokenIndex", "make_atoms"]


@dataclass(frozen=True, slots=True)
class Atom:
    """A span of the Markdown that is never cut.

    Attributes:
        start: First character.
        end: One past the last character.
        block: Index of the block it belongs to.
        opens_block: Whether it is the first of its block.
        opens_sentence: Whether a sentence, row or line begins with it; False inside a long one.
        prose: Whether it may be repeated as overlap (a sentence or part of one).
        repeated: Span of the table header to put before a chunk that starts here; (0, 0) where there is none.
        glued: Whether it must not be the last atom of a chunk where that can be avoided.
    """

    start: int
    end: int
    block: int
    opens_block: bool
    opens_sentence: bool
    prose: bool
    repeated: tuple[int, int] = (0, 0)
    glued: bool = False


class TokenIndex:
    """Counts the tokens of any span from one tokenization of the whole text.

    Exact where the tokenizer splits at white space and the span ends there, as with BERT's and XLM-RoBERTa's;
    close elsewhere.
    """

    def __init__(self, offsets: Sequence[tuple[int, int]]) -> None:
        self._starts = sorted(start for start, _ in offsets)

    def count(self, start: int, end: int) -> int:
        """Return how many tokens begin in `text[start:end]`."""
        return bisect_left(self._starts, end) - bisect_left(self._starts, start)

    def starts(self, start: int, end: int) -> list[int]:
        """Return where the tokens of `text[start:end]` begin."""
        return self._starts[bisect_left(self._starts, start) : bisect_left(self._starts, end)]


def make_atoms(markdown: CanonicalMarkdown, index: TokenIndex, limit: int, keep_lists: int) -> list[Atom]:
    """Return the atoms of a document in order.

    Args:
        markdown: The document.
        index: Of its text.
        limit: Most tokens of an atom; also the size up to which a table or a code block is kept whole.
        keep_lists: The size up to which a list is kept whole, with its introduction.
    """
    blocks = markdown.blocks
    atoms: list[Atom] = []
    for number, block in enumerate(blocks):
        made = [
            piece
            for start, end, repeated in _spans(markdown.text, block, index, limit)
            for piece in _pieces(markdown.text, index, (start, end), repeated, number, block, limit)
        ]
        whole = block.kind in {"table", "code_block"} and index.count(block.start, block.end) <= limit
        following = blocks[number + 1] if number + 1 < len(blocks) else None
        made = [replace(atom, glued=whole) for atom in made[:-1]] + [
            replace(atom, glued=_leads(markdown.text, block, following)) for atom in made[-1:]
        ]
        atoms += made
    return _glue_lists(atoms, blocks, index, keep_lists)


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
) -> Iterator[Atom]:
    prose = block.kind not in {"table", "code_block", "heading"}
    room = limit - (index.count(*repeated) if repeated[1] else 0)
    parts = [span]
    if index.count(*span) > room:
        parts = _word_groups(text, index, span, max(1, min(room, limit // 20)))
    elif prose and index.count(*span) > limit // 8:
        parts = [(span[0] + start, span[0] + end) for start, end in clause_spans(text[slice(*span)])]
    for start, end in parts:
        yield Atom(
            start,
            end,
            block=number,
            opens_block=start == block.start,
            opens_sentence=start == span[0],
            prose=prose,
            repeated=repeated,
        )


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


def _leads(text: str, block: Block, following: Block | None) -> bool:
    """Return whether a block belongs with the next one: a heading, a caption, the introduction of a list."""
    if following is None:
        return False
    if block.kind == "heading":
        return True
    if block.kind == "caption":
        return following.kind in {"table", "figure", "code_block"}
    introduces = text[block.start : block.end].endswith(":")
    return introduces and block.kind == "paragraph" and following.kind in {"list", "table", "code_block"}


def _glue_lists(atoms: list[Atom], blocks: Sequence[Block], index: TokenIndex, keep: int) -> list[Atom]:
    spans: dict[int, tuple[int, int]] = {}
    for block in blocks:
        if block.list_id:
            first = spans.get(block.list_id, (block.start, 0))[0]
            spans[block.list_id] = (first, block.end)
    glued = []
    for atom in atoms:
        list_id = blocks[atom.block].list_id
        kept = bool(list_id) and index.count(*spans[list_id]) <= keep and atom.end < spans[list_id][1]
        glued.append(replace(atom, glued=True) if kept else atom)
    return glued
