"""Fills chunks with atoms: full where the text allows, cut at the best place within the last few tokens."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stagekit.chunking.atoms import Atom, Place
from stagekit.chunking.tokens import TokenIndex


@dataclass(frozen=True, slots=True)
class Packed:
    """A chunk as atom numbers: `overlap` to `first` repeats the chunk before, `first` to `end` is new."""

    overlap: int
    first: int
    end: int


def pack_atoms(
    atoms: Sequence[Atom],
    index: TokenIndex,
    limits: Callable[[int], tuple[int, int]],
    chunk_overlap: int,
) -> list[Packed]:
    """Pack a run of atoms into chunks, greedily and in order.

    Args:
        atoms: At least one.
        index: Counts tokens.
        limits: For the number of a chunk's first new atom, the tokens from which on it is full, and the
            most that it may have.
        chunk_overlap: Most tokens to repeat from the chunk before; a chunk that begins with a heading or an
            article of a norm repeats nothing.
    """
    run = _Run(atoms, index)
    chunks: list[Packed] = []
    first = 0
    while first < len(atoms):
        full, most = limits(first)
        earliest = first
        if chunks and atoms[first].place < Place.HEADING:
            earliest = run.overlap_start(first, chunks[-1].first, min(chunk_overlap, most // 2))
        chunks.append(run.best_chunk(earliest, first, full, most))
        first = chunks[-1].end
    return chunks


class _Run:
    """Atoms with the tokens before and behind each, so that the size of any span is one subtraction."""

    def __init__(self, atoms: Sequence[Atom], index: TokenIndex) -> None:
        self.atoms = atoms
        self._before = [index.before(atom.start) for atom in atoms]
        self._behind = [index.before(atom.end) for atom in atoms]
        self._header = [atom.repeated.tokens for atom in atoms]

    def tokens(self, start: int, end: int) -> int:
        """Return the tokens of a chunk of these atoms, with the table header that it repeats."""
        return self._header[start] + self._behind[end - 1] - self._before[start]

    def overlap_start(self, first: int, floor: int, most: int) -> int:
        """Return the first atom to repeat: whole sentences before `first`, as many as `most` tokens allow."""
        start = earliest = first
        while start - 1 > floor and self.atoms[start - 1].prose:
            if self._behind[first - 1] - self._before[start - 1] > most:
                break
            start -= 1
            earliest = start if self.atoms[start].opens_sentence else earliest
        return earliest

    def best_chunk(self, earliest: int, first: int, full: int, most: int) -> Packed:
        """Return the chunk with the longest repetition that comes out full and ends with a sentence.

        Failing that, a full one that ends at the next best place; failing that, the fullest. One that goes on
        within a sentence repeats its beginning where the overlap has room for that.
        """
        candidates = []
        for overlap in range(earliest, first + 1):
            if overlap < first and not self.atoms[overlap].opens_sentence:
                continue
            end = self._choose_end(overlap, first, full, most)
            size = self.tokens(overlap, end)
            if size > most and overlap < first:
                continue  # the next atom is long: it needs the room more than the repetition does
            enough = end == len(self.atoms) or size >= full
            quality = min(self._place(end), Place.SENTENCE)
            opens = self.atoms[overlap].opens_sentence
            candidates.append((enough, opens, quality, min(size, full), -overlap, end))
            if enough and quality == Place.SENTENCE:
                break
        *_, start, end = max(candidates)
        return Packed(-start, first, end)

    def _place(self, end: int) -> Place:
        return self.atoms[end].place if end < len(self.atoms) else Place.HEADING

    def _choose_end(self, start: int, first: int, full: int, most: int) -> int:
        """Return the best end that makes a full chunk; failing that, the last that may be one."""
        base = self._before[start] - self._header[start]
        lowest = first + 1  # one atom at least, so that there is progress
        fitting = max(lowest, bisect_right(self._behind, base + most))
        if fitting == len(self.atoms):
            return fitting
        enough = max(lowest, bisect_left(self._behind, base + full) + 1)
        best = max(range(enough, fitting + 1), key=lambda end: (self._place(end), end), default=0)
        if best and self._place(best) > Place.HELD:
            return best
        return next((end for end in range(fitting, first, -1) if self._place(end) > Place.HELD), fitting)
