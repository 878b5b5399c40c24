"""Makes sparse vectors of words: BM25 as Qdrant's IDF modifier expects it, for what meaning alone misses.

A document's vector holds the term-frequency half of BM25 (Robertson and Zaragoza 2009, "The Probabilistic
Relevance Framework: BM25 and Beyond", equation 3.15), a question's vector ones; Qdrant multiplies by the
inverse document frequency of each term, so that nothing has to be counted over all documents in advance.

The terms are those of :mod:`stagekit.embedding.terms`.
"""

import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from stagekit.embedding.terms import sparse_terms

SPARSE_VERSION: Final = "bm25-3"
"""Changes whenever the same text would get another vector; only vectors of one version can be compared."""

K1: Final = 1.2
B: Final = 0.75
# Qdrant knows no average length: a constant near that of a chunk of 250 tokens, in terms. BM25 forgives a
# factor of two.
AVERAGE_TERMS: Final = 90.0


@dataclass(frozen=True, slots=True)
class SparseVector:
    """Indices (unsigned 32 bits, ascending, distinct) and their weights, in parallel."""

    indices: list[int]
    values: list[float]


def sparse_document_vector(text: str, path: str = "") -> SparseVector:
    """Return the BM25 weights of a chunk's terms, without the inverse document frequency.

    The titles in front of the chunk count, and so do the words of the file's path.
    """
    counts = Counter(sparse_terms(f"{path_text(path)}\n{text}"))
    norm = K1 * (1 - B + B * counts.total() / AVERAGE_TERMS)
    return _vector({term: count * (K1 + 1) / (count + norm) for term, count in counts.items()})


def sparse_query_vector(text: str) -> SparseVector:
    """Return a question's vector: 1 for each distinct term; empty where all its words are function words."""
    return _vector(dict.fromkeys(sparse_terms(text), 1.0))


def path_text(path: str) -> str:
    """Return a path as words: no extension, the names of folders and file parted at signs and camel case.

    Example: `30-Aprovados/rh/PoliticaFerias_v2.pdf` gives `30 Aprovados rh Politica Ferias v2`.
    """
    stem = re.sub(r"\.[A-Za-z0-9]{1,5}$", "", path)
    parted = re.sub(r"(?<=[a-zà-ÿ])(?=[A-ZÀ-Þ])", " ", stem)
    return " ".join(re.split(r"[/_\s]+|-(?=\D)|(?<=\D)-", parted)).strip()


@lru_cache(maxsize=65536)
def _index(term: str) -> int:
    """Return a term's index: 32 bits of its blake2b, the same on every machine.

    Of collections with 50,000 different terms, a third have one pair that shares an index: each of the two is
    then found for the other as well, which costs a little precision and nothing else.
    """
    return int.from_bytes(hashlib.blake2b(term.encode(), digest_size=4).digest(), "big")


def _vector(weights: dict[str, float]) -> SparseVector:
    merged: dict[int, float] = {}
    for term, weight in weights.items():
        index = _index(term)
        merged[index] = merged.get(index, 0.0) + weight
    indices = sorted(merged)
    return SparseVector(indices, [merged[index] for index in indices])
