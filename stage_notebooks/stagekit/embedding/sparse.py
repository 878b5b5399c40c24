"""Makes sparse vectors of words: BM25 as Qdrant's IDF modifier expects it, for what meaning alone misses.

A document's vector holds the term-frequency half of BM25 (Robertson and Zaragoza 2009, "The Probabilistic
Relevance Framework: BM25 and Beyond", equation 3.15), a question's vector ones; Qdrant multiplies by the
inverse document frequency of each term, so that nothing has to be counted over all documents in advance.

Terms are independent of language on purpose: documents and questions mix Portuguese, English and Spanish.
Case and accents are folded, function words left out, and words lose a final s and what follows their sixth
letter, which removes most inflection in these languages. Numbers and codes stay whole and give their parts
too, so that `POL-012`, `12.527/2011` and `Lei 12527` are found, and `5o` and `1a` give the number of `5º`
and `1ª`.
"""

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

__all__ = [
    "ANSWERABLE_VERSIONS",
    "SPARSE_VERSION",
    "SparseVector",
    "path_text",
    "sparse_document_vector",
    "sparse_query_vector",
    "sparse_terms",
]

SPARSE_VERSION: Final = "bm25-2"
"""Changes whenever the same text would get another vector."""
ANSWERABLE_VERSIONS: Final = frozenset({"bm25-1", SPARSE_VERSION})
"""Vectors of documents that a question made here can be asked of: bm25-1 had fewer terms for `5o` alone."""

STEM_LETTERS: Final = 6
K1: Final = 1.2
B: Final = 0.75
# Qdrant knows no average length: a constant near that of a chunk of 250 tokens, in terms. BM25 forgives a
# factor of two.
AVERAGE_TERMS: Final = 90.0

# A word, or words and numbers joined without a space: 12.527/2011, POL-012, e-mail, 10,5.
_COMPOUND = re.compile(r"[^\W_]+(?:[./,\-–'’][^\W_]+)*")
_JOINTS = re.compile(r"[./,\-–'’]")
_ORDINALS = str.maketrans("", "", "ºª°")
_MARKS = re.compile("[\u0300-\u036f]")
_TYPED_ORDINAL = re.compile(r"(\d{1,4})[oa]s?")  # typed without the signs: 5o, 1a, 2as
_SOFT_HYPHEN = "\u00ad"

# Function words, question words among them; accents folded.
_PORTUGUESE = """
    a ao aos aquela aquelas aquele aqueles aquilo as ate cada com como cujo da das de dela delas dele
    deles depois desde dessa desse desta deste disso disto do dos e ela elas ele eles em entre era eram
    essa essas esse esses esta estao estas estava este estes estou eu foi foram ha haver isso isto ja la
    lhe lhes mais mas me mesma mesmo meu minha muito na nao nas nem nessa nesse nesta neste no nos nossa
    nosso num numa o onde os ou para pela pelas pelo pelos pode podem pois por porque posso quais qual
    quando quanta quantas quanto quantos que quem sao se seja sem ser sera seu seus so sob sobre sua suas
    tambem tao te tem tenho ter teu tinha um uma umas uns voce voces
"""
_ENGLISH = """
    about after all also am an and any are at be because been before being both but by can could did do
    does each for from had has have he her here him his how i if in into is it its may me more most my no
    not of off on only or other our out over own she should so some such than that the their them then
    there these they this those through to too under up very was we were what when where which while who
    whom whose why will with would you your
"""
_SPANISH = """
    al algun alguna alguno antes aunque con cual cuales cuando cuanta cuantas cuanto cuantos cuya cuyo del
    donde el ella ellas ellos en es esa esas ese eso esos esta estan estar esto estos fue fueron hasta hay la
    las le les lo los mi mis muy ni nosotros otra otro pero poco porque puede pueden quien quienes segun
    si sido sin sino son su sus tal tambien tan tanto tiene todo tu un una unas uno unos usted y ya yo
"""
_STOP_WORDS: Final = frozenset(f"{_PORTUGUESE} {_ENGLISH} {_SPANISH}".split())


@dataclass(frozen=True, slots=True)
class SparseVector:
    """Indices (unsigned 32 bits, ascending, distinct) and their weights, in parallel."""

    indices: list[int]
    values: list[float]


def sparse_document_vector(text: str, path: str = "") -> SparseVector:
    """Return the BM25 weights of a chunk's terms, without the inverse document frequency.

    Args:
        text: What is searched: the chunk with its titles in front.
        path: Of the file; its words count as words of the text.
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


def sparse_terms(text: str) -> Iterator[str]:
    """Yield the terms of a text in order, repeated ones too."""
    for match in _COMPOUND.finditer(_fold(text)):
        compound = match.group()
        if not _JOINTS.search(compound):
            yield from _word(compound)
        elif any(character.isdigit() for character in compound):
            yield from _code(compound)
        else:
            for part in _JOINTS.split(compound):
                yield from _word(part)


def _code(compound: str) -> Iterator[str]:
    """Yield a code without its signs, and its parts: 12.527/2011 gives 125272011, 12527, 2011."""
    whole = _JOINTS.sub("", compound)
    yield whole
    for part in re.split(r"[/\-–'’]", compound):
        joined = _JOINTS.sub("", part)
        # A point or comma between digits belongs to one number, elsewhere it parts words.
        pieces = [joined] if joined.isdigit() else _JOINTS.split(part)
        for piece in pieces:
            if piece != whole:
                yield from _word(piece)


def _word(word: str) -> Iterator[str]:
    if word.isdigit():
        yield word.lstrip("0") or "0"  # Portaria 058 is Portaria 58
    elif any(character.isdigit() for character in word):
        yield word
        if ordinal := _TYPED_ORDINAL.fullmatch(word):
            yield ordinal.group(1).lstrip("0") or "0"
    elif len(word) > 1 and word not in _STOP_WORDS:
        # The plural of all three languages goes first: of short words, cutting alone would leave it.
        yield word[: -1 if word.endswith("s") and len(word) > 3 else None][:STEM_LETTERS]


def _fold(text: str) -> str:
    plain = text.replace(_SOFT_HYPHEN, "").translate(_ORDINALS).casefold()
    return _MARKS.sub("", unicodedata.normalize("NFKD", plain))


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
