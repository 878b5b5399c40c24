"""Puts passages with the clause that a question names first, those of the norm that it names before all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from stagekit.chunking.normative.address import Address, ancestors
from stagekit.chunking.normative.citations import NamedNorm, read_citations, read_norm, variants
from stagekit.embedding.sparse import path_text
from stagekit.embedding.terms import sparse_terms
from stagekit.storage.reading.conditions import AnyOf, Where

CLAUSES: Final = "clauses"


@dataclass(frozen=True, slots=True)
class NamedClauses:
    """What a question names of norms."""

    # values of the payload field `clauses`, to be looked for one after another: the clauses as they are
    # named, then those that they lie in, up to the article
    attempts: tuple[tuple[str, ...], ...]
    norm: NamedNorm | None  # the norm that they are said to be of

    @classmethod
    def of(cls, question: str) -> NamedClauses | None:
        """Return what a question names, None where it names no clause."""
        addresses = read_citations(question)
        if not addresses:
            return None
        deepest = max(map(len, addresses))
        attempts = [
            _values([_at_depth(address, depth) for address in addresses]) for depth in range(deepest, 0, -1)
        ]
        return cls(tuple(dict.fromkeys(attempts)), read_norm(question))

    def nearness(self, payload: Mapping[str, Any]) -> int:
        """Return how surely a passage is of the norm that the question names; 0 where nothing says so."""
        if self.norm is None:
            return 0
        terms = set(
            sparse_terms(f"{payload.get('title', '')} {path_text(str(payload.get('file_path', '')))}")
        )
        kind = set(sparse_terms(self.norm.kind)) <= terms
        if self.norm.number:
            if self.norm.number.lstrip("0") not in terms:
                return 0
            return 2 + 2 * kind + (self.norm.year in terms)
        if not kind:
            return 0
        return 1 + len(set(sparse_terms(self.norm.name)) & terms)


def clause_condition(values: Sequence[str], others: Where | None = None) -> Where:
    """Return the condition of passages that hold one of some clauses and meet other conditions."""
    return Where(must=[AnyOf(CLAUSES, values), *([others] if others is not None else [])])


def _at_depth(address: Address, depth: int) -> Address:
    lines = [*ancestors(address), address]
    return next(line for line in reversed(lines) if len(line) <= max(depth, len(lines[0])))


def _values(addresses: Sequence[Address]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for address in addresses for name in variants(address)))
