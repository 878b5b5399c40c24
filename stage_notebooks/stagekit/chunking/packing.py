"""Fills chunks with atoms: full where the text allows, cut at the best place within the last few tokens."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stagekit.chunking.atoms import Atom, TokenIndex

__all__ = ["Packed", "pack_atoms"]


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
    opens_section: Callable[[int], bool],
) -> list[Packed]:
    """Pack a run of atoms into chunks, greedily and in order.

    Args:
        atoms: At least one.
        index: Counts tokens.
        limits: For the number of a chunk's first new atom, the tokens from which on it is full, and the
            most that it may have.
        chunk_overlap: Most tokens to repeat from the chunk before.
        opens_section: Whether an atom is a heading: the best place to cut, with nothing repeated.
    """
    chunks: list[Packed] = []
    first = 0
    while first < len(atoms):
        full, most = limits(first)
        earliest = first
        if chunks and not opens_section(first):
            earliest = _overlap_start(atoms, index, first, chunks[-1].first, min(chunk_overlap, most // 2))
        chunks.append(_best_chunk(atoms, index, earliest, first, full, most, opens_section))
        first = chunks[-1].end
    return chunks


def _best_chunk(
    atoms: Sequence[Atom],
    index: TokenIndex,
    earliest: int,
    first: int,
    full: int,
    most: int,
    opens_section: Callable[[int], bool],
) -> Packed:
    """Return the chunk with the longest repetition that comes out full and ends with a sentence.

    Failing that, a full one that ends within a sentence; failing that, the fullest.
    """
    candidates = []
    for overlap in range(earliest, first + 1):
        if overlap < first and not atoms[overlap].opens_sentence:
            continue
        end = _choose_end(atoms, index, overlap, first, full, most, opens_section)
        size = _tokens(atoms, index, overlap, end)
        if size > most and overlap < first:
            continue  # the next atom is long: it needs the room more than the repetition does
        done = end == len(atoms)
        whole = done or atoms[end].opens_sentence
        candidates.append((size >= full or done, whole, min(size, full), -overlap, end))
        if whole and (size >= full or done):
            break
    *_, start, end = max(candidates)
    return Packed(-start, first, end)


def _tokens(atoms: Sequence[Atom], index: TokenIndex, start: int, end: int) -> int:
    header = index.count(*atoms[start].repeated)
    return header + index.count(atoms[start].start, atoms[end - 1].end)


def _overlap_start(atoms: Sequence[Atom], index: TokenIndex, first: int, floor: int, most: int) -> int:
    """Return the first atom to repeat: whole sentences before `first`, as many as `most` tokens allow."""
    start = earliest = first
    while start - 1 > floor and atoms[start - 1].prose:
        if index.count(atoms[start - 1].start, atoms[first - 1].end) > most:
            break
        start -= 1
        earliest = start if atoms[start].opens_sentence else earliest
    return earliest


def _choose_end(
    atoms: Sequence[Atom],
    index: TokenIndex,
    start: int,
    first: int,
    full: int,
    most: int,
    opens_section: Callable[[int], bool],
) -> int:
    fitting = first + 1  # one atom at least, so that there is progress
    while fitting < len(atoms) and _tokens(atoms, index, start, fitting + 1) <= most:
        fitting += 1
    if fitting == len(atoms):
        return fitting
    ends = [end for end in range(first + 1, fitting + 1) if not atoms[end - 1].glued]
    if not ends:
        return fitting
    in_window = [end for end in ends if _tokens(atoms, index, start, end) >= full]

    def rank(end: int) -> tuple[bool, bool, bool, int]:
        return opens_section(end), atoms[end].opens_block, atoms[end].opens_sentence, end

    return max(in_window, key=rank) if in_window else ends[-1]
