"""Cuts a Docling document into chunks that follow its structure and fit the embedding model."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from docling_core.types.doc import DoclingDocument

from stagekit.chunking.articulation import articulate, clause_names, is_revoked
from stagekit.chunking.atoms import Atom, make_atoms
from stagekit.chunking.context import fit_context, heading_context
from stagekit.chunking.fullness import ChunkSizes, Fullness, measure_fullness
from stagekit.chunking.limits import ChunkSettings, check_chunk_settings
from stagekit.chunking.markdown import Block, CanonicalMarkdown, Region, Section, build_markdown
from stagekit.chunking.packing import Packed, pack_atoms
from stagekit.chunking.struck import MARK, has_struck, struck_spans, without_struck
from stagekit.chunking.tokens import TokenIndex
from stagekit.embedding.tokens import TokenCounter


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a document.

    Attributes:
        chunk_index: Position in the document, from 0.
        text: `markdown[start:end]`; where a table is cut between rows, with the table's header lines and a
            line end in front, which `start` and `end` do not cover; where struck text is cut, with its mark.
        embedded_text: What is embedded and searched by words: titles of document and sections, a blank line,
            the text without what is struck out.
        token_count: Tokens of `text`.
        embedded_token_count: Tokens the model gets for `embedded_text`, prompt and special tokens included.
        start: Character offset in the canonical Markdown. The part that is not repeated from the chunk before
            begins at the later of `start` and that chunk's `end`.
        end: One past the last character.
        content_type: paragraph, heading, table, list, code_block, figure, caption, footnote or mixed.
        section_titles: Headings from the outermost to the chunk's own section, the document's title left out.
        section_hierarchy: Their numbers, written or counted.
        pages: Page numbers, ascending.
        regions: The items that the chunk was made of, with page and box.
        content_hash: sha256 of `text`.
        clauses: Of a norm, the clauses that the text holds something of, see
            :func:`stagekit.chunking.articulation.clause_names`.
        has_struck_text: Whether the source shows a part of it as struck out, or says that a clause was
            revoked.
    """

    chunk_index: int
    text: str
    embedded_text: str
    token_count: int
    embedded_token_count: int
    start: int
    end: int
    content_type: str
    section_titles: tuple[str, ...]
    section_hierarchy: tuple[str, ...]
    pages: tuple[int, ...]
    regions: tuple[Region, ...]
    content_hash: str
    clauses: tuple[str, ...] = ()
    has_struck_text: bool = False


@dataclass(frozen=True, slots=True)
class Chunking:
    """A document's canonical Markdown, its chunks in order, and how many of them are full."""

    markdown: str
    chunks: list[Chunk]
    fullness: Fullness = field(default_factory=Fullness)


def chunk_document(
    document: DoclingDocument,
    counter: TokenCounter,
    settings: ChunkSettings | None = None,
    title: str = "",
) -> Chunking:
    """Return the Markdown of a document and its chunks; none where it has no visible text.

    A title that is known is better than the document's own first heading.

    Raises:
        ValueError: The settings do not fit the model.
    """
    settings = settings or ChunkSettings()
    check_chunk_settings(
        settings.chunk_size, settings.chunk_overlap, counter.max_seq_length, counter.overhead
    )
    markdown = articulate(build_markdown(document), settings.struck_text)
    cutter = _Cutter(markdown, counter, settings, title or markdown.title)
    slack = 0
    while True:
        chunks = cutter.cut(slack)
        excess = max((_excess(chunk, counter, settings) for chunk in chunks), default=0)
        if excess <= 0 or slack >= settings.chunk_size // 2:
            return Chunking(
                markdown.text, chunks, measure_fullness(markdown, cutter.sizes, counter, settings)
            )
        slack += excess  # tokens of a span were estimated from the whole text; a few tokenizers differ there


def _excess(chunk: Chunk, counter: TokenCounter, settings: ChunkSettings) -> int:
    over_size = chunk.token_count - settings.largest
    return max(over_size, chunk.embedded_token_count - counter.max_seq_length)


class _Cutter:
    """One document with its token index, so that it can be cut again with smaller limits."""

    def __init__(
        self, markdown: CanonicalMarkdown, counter: TokenCounter, settings: ChunkSettings, title: str
    ) -> None:
        self.markdown, self.counter, self.settings, self.title = markdown, counter, settings, title
        self.index = TokenIndex(counter.offsets(markdown.text))
        self.room = counter.max_seq_length - counter.overhead
        self.contexts: dict[tuple[str, ...], tuple[str, int]] = {}
        self.struck = struck_spans(markdown.text)
        self.sizes: list[ChunkSizes] = []

    def cut(self, slack: int) -> list[Chunk]:
        """Return the chunks, `slack` tokens smaller than the settings allow."""
        budget = self._context_budget()
        limit = max(1, min(self.settings.largest, self.room - budget) - slack)
        atoms = make_atoms(self.markdown, self.index, limit)
        chunks: list[Chunk] = []
        self.sizes = []
        for run in self._runs(atoms):

            def limits(number: int, run: Sequence[Atom] = run) -> tuple[int, int]:
                full, most = self.settings.window(self.room - self._context(run, number)[1])
                return max(1, full - slack), max(1, most - slack)

            packed = pack_atoms(run, self.index, limits, self.settings.chunk_overlap)
            chunks += [self._chunk(len(chunks) + at, run, part) for at, part in enumerate(packed)]
        return chunks

    def _context_budget(self) -> int:
        """Return the most tokens of heading context: what the model leaves, within reason."""
        reasonable = max(self.settings.min_context, self.settings.chunk_size // 4)
        guaranteed = min(self.settings.min_context, self.room // 4)
        return min(reasonable, max(self.room - self.settings.largest, guaranteed))

    def _block(self, atom: Atom) -> Block:
        return self.markdown.blocks[atom.block]

    def _runs(self, atoms: Sequence[Atom]) -> list[list[Atom]]:
        """Return the atoms by top-level section, tiny neighbours joined while they fit one chunk."""
        sections: list[list[Atom]] = []
        for atom in atoms:
            if not sections or self._block(sections[-1][-1]).section.top != self._block(atom).section.top:
                sections.append([])
            sections[-1].append(atom)
        tiny = self.settings.chunk_size * self.settings.tiny_section
        joined: list[list[Atom]] = []
        for section in sections:
            before = joined[-1] if joined else section
            is_tiny = min(self._size(section), self._size(before)) < tiny
            # Headings with no text of their own (a title page, a part) say nothing alone.
            bare = all(self._block(atom).kind == "heading" for atom in before)
            if joined and (bare or (is_tiny and self._fit_together(before, section))):
                joined[-1] = before + section
            else:
                joined.append(section)
        return joined

    def _size(self, atoms: Sequence[Atom]) -> int:
        return self.index.count(atoms[0].start, atoms[-1].end)

    def _fit_together(self, left: Sequence[Atom], right: Sequence[Atom]) -> bool:
        size = self.index.count(left[0].start, right[-1].end)
        return size <= min(self.settings.chunk_size, self.room - self._context(left, 0)[1])

    def _context(self, run: Sequence[Atom], number: int) -> tuple[str, int]:
        """Return the heading context of a chunk whose first new atom is `run[number]`, and its tokens."""
        block = self._block(run[number])
        opening = ""
        if block.kind == "heading" and run[number].start == block.start:
            opening = self.markdown.text[block.start : block.end].lstrip("#").strip()
        titles = heading_context(self.title, block.section.titles, opening)
        if titles not in self.contexts:
            self.contexts[titles] = fit_context(titles, self.counter, self._context_budget())
        return self.contexts[titles]

    def _chunk(self, chunk_index: int, run: Sequence[Atom], part: Packed) -> Chunk:
        atoms = run[part.overlap : part.end]
        start, end = atoms[0].start, atoms[-1].end
        text = self._marked(start, end)
        if atoms[0].repeated.text:
            text = atoms[0].repeated.text + "\n" + text
        context, _ = self._context(run, part.first)
        token_count, whole = self.counter.count(text), self.counter.count_embedded(context + text)
        self.sizes.append(ChunkSizes(start, end, token_count, whole - token_count))
        in_force = without_struck(text)
        embedded = context + in_force
        numbers = range(atoms[0].block, atoms[-1].block + 1)
        blocks = [self.markdown.blocks[number] for number in numbers]
        section = self._section(run[part.first : part.end])
        regions = tuple(dict.fromkeys(region for block in blocks for region in block.regions_of(start, end)))
        return Chunk(
            chunk_index=chunk_index,
            text=text,
            embedded_text=embedded,
            token_count=token_count,
            embedded_token_count=whole if in_force == text else self.counter.count_embedded(embedded),
            start=start,
            end=end,
            content_type=_content_type(blocks),
            section_titles=section.titles,
            section_hierarchy=section.numbers,
            pages=tuple(sorted({region.page for region in regions if region.page is not None})),
            regions=regions,
            content_hash=hashlib.sha256(text.encode()).hexdigest(),
            clauses=tuple(clause_names(self.markdown.clauses, start, end)),
            has_struck_text=has_struck(text) or self._holds_revoked(start, end),
        )

    def _marked(self, start: int, end: int) -> str:
        """Return a span of the text; struck text that it cuts has its mark on either side of the cut."""
        text = self.markdown.text[start:end]
        for first, last in self.struck:
            if first < start < last:
                text = MARK + text
            if first < end < last:
                text += MARK
        return text

    def _holds_revoked(self, start: int, end: int) -> bool:
        return any(
            is_revoked(self.markdown.text, clause)
            for clause in self.markdown.clauses
            if clause.start < end and clause.end > start and not clause.quoted
        )

    def _section(self, atoms: Sequence[Atom]) -> Section:
        """Return the section of a chunk's first new text; headings that stand alone count as their own."""
        blocks = [self._block(atom) for atom in atoms]
        return next((block.section for block in blocks if block.kind != "heading"), blocks[0].section)


def _content_type(blocks: Sequence[Block]) -> str:
    """Return the kind of a chunk's blocks; headings and captions go with whatever else there is."""
    kinds = Counter(block.kind for block in blocks)
    substance = [kind for kind in kinds if kind not in {"heading", "caption"}] or list(kinds)
    return substance[0] if len(substance) == 1 else "mixed"
