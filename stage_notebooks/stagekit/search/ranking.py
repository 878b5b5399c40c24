"""Puts the passages of a collection in order for one question: by meaning, by words, or by both.

Both searches are fused here and not by Qdrant, so that a passage has the same place however many are asked
for, on a server as in the embedded store, and in each build of a collection. Qdrant's fusions see two cut
lists: what one of them lacks has no score there, and a list of one hit counts half. Equal scores come in any
order.

Scores are fused, not ranks: Bruch, Gai and Ingber 2023, "An Analysis of Fusion Functions for Hybrid
Retrieval". docs/architecture.md has the measurements by which the figures below were chosen.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

from stagekit.embedding.sparse import sparse_query_vector
from stagekit.search.languages import Languages, Levels, language_condition
from stagekit.search.rarity import Word, words_of
from stagekit.storage.reading.conditions import PointId, Terms, Where, WithId
from stagekit.storage.reading.reader import Point

if TYPE_CHECKING:
    from stagekit.storage.reading.reader import StoreReader

Mode = Literal["hybrid", "dense", "sparse"]
Scores: TypeAlias = dict[PointId, float]
MODES: Final[tuple[str, ...]] = get_args(Mode)
DENSE: Final = "dense"
SPARSE: Final = "sparse"

MEANING: Final = 0.6
"""The share of meaning in a fused score; words have the rest."""
EXACT: Final = 0.3
"""What is added where a passage's document alone holds all words of a question; where some, their share."""
POOL: Final = 100
"""Points that each of the two searches finds at first, whatever is asked for."""
EXACT_PLACES: Final = 3
"""A passage of the only document that holds a word of the question is among so many first."""
_SOLE_POINTS: Final = 10  # of a word that one document holds, which are ranked in any case
_GROWTH: Final = 4
_DEEPEST: Final = POOL * _GROWTH**3
_DIGITS: Final = 5  # of a score, beyond which engines differ


@dataclass(frozen=True, slots=True)
class Question:
    """A question's text and its dense vector (None where the mode needs none)."""

    text: str
    vector: Sequence[float] | None


class Ranking:
    """The passages for one question, best first; what is given keeps its place when more is asked for.

    A filter makes a collection of its own: words are as rare as they are among the points that pass it.
    """

    def __init__(
        self,
        store: StoreReader,
        collection: str,
        question: Question,
        mode: Mode,
        where: Where | None = None,
        most: int | None = None,
        languages: Languages | None = None,
    ) -> None:
        """Prepare the question; nothing is asked of the store yet.

        Args:
            store: to be read.
            collection: its name or alias.
            question: with its vector unless the mode is sparse.
            mode: how to search; a question of function words alone is searched by meaning in hybrid mode.
            where: what passages have to meet; None for all.
            most: points that the store gives in one answer; None for no limit.
            languages: of the collection, weighed alike in hybrid mode; None to take cosines as they are.
        """
        self._store = store
        self._collection = collection
        self._where = where
        self._vector = [] if mode == "sparse" else list(question.vector or ())
        self._indices = [] if mode == "dense" else sparse_query_vector(question.text).indices
        self._fuses = bool(self._vector and self._indices)
        self._languages = languages if languages and self._fuses else Languages()
        self._levels: Levels = self._languages.levels(self._vector)
        self._scores: Scores = {}  # in the order of the ranking
        self._scale: _Scale | None = None
        self._most = 0.0  # the best BM25 score
        self._most_given = most
        self._deepest = min(_DEEPEST, most - 1) if most else _DEEPEST
        self._depth = min(POOL, self._deepest)
        self._whole = not self._vector and not self._indices

    def first(self, limit: int) -> list[Point]:
        """Return the first points with their payloads; fewer than asked for where there are no more."""
        while len(self._scores) < limit and not self._whole:
            self._deepen()
        return self._read(list(self._scores)[:limit])

    def exact(self) -> list[Point]:
        """Return the best passage of each document that alone holds a word of the question, with its payload.

        Copies of a document are no other documents. Those with the rarest words come first.
        """
        self.first(1)
        ranked = [point for point in self._scores if point in self._exactness]
        best: dict[str, Point] = {}
        for point in self._read(sorted(ranked, key=lambda point: -round(self._exactness[point], _DIGITS))):
            if document := _document(point):
                best.setdefault(document, point)
        return list(best.values())

    @cached_property
    def _words(self) -> list[Word]:
        return words_of(self._store, self._collection, SPARSE, self._indices, self._where, self._most_given)

    @cached_property
    def _exactness(self) -> Scores:
        """Return the points that hold words which no other document holds, and their share of all rarity."""
        total = sum(word.rarity for word in self._words)
        shares: Scores = {}
        for word in self._words:
            for point in word.sole:
                shares[point] = shares.get(point, 0.0) + word.rarity / total
        return shares

    def _deepen(self) -> None:
        """Put what two deeper searches find behind what is ranked already."""
        meaning, all_meant = self._search_meaning()
        words, all_said = self._search_words()
        self._whole = (all_meant and all_said) or self._depth >= self._deepest
        self._depth = min(self._depth * _GROWTH, self._deepest)
        sole = (point for word in self._words for point in word.sole[:_SOLE_POINTS])
        new = [point for point in dict.fromkeys([*meaning, *words, *sole]) if point not in self._scores]
        if not new:
            return
        near = dict(meaning)
        if self._fuses:
            near |= self._similarities([point for point in new if point not in meaning])
        there = self._store.points(
            self._collection,
            new,
            fields=["file_path", "chunk_index", "language"],
            weights_of=SPARSE if self._words else "",
        )
        for point in there:
            near[point.id] = near.get(point.id, 0.0) - self._levels.of(
                str(point.payload.get("language") or "")
            )
        if self._fuses and self._scale is None:
            self._scale = _Scale.of(sorted((near[point] for point in meaning), reverse=True)[:POOL])
        said = {point.id: self._said(point) for point in there}
        self._most = self._most or max(said.values(), default=0.0)
        scores = {one: self._score(one, near[one], value) for one, value in said.items()}
        places = {point.id: _place(point) for point in there}
        order = sorted(scores, key=lambda one: (-scores[one], places[one]))
        self._scores |= {one: scores[one] for one in order}

    def _search_meaning(self) -> tuple[Scores, bool]:
        """Search in all languages together and in each: the nearest of one may be behind all of another."""
        if not self._vector:
            return {}, True
        found, whole = self._search(self._vector, DENSE, self._where)
        if not whole:
            for values in self._languages.values:
                found |= self._search(self._vector, DENSE, language_condition(values, self._where))[0]
        return found, whole

    def _search(self, query: Sequence[float] | Terms, using: str, where: Where | None) -> tuple[Scores, bool]:
        """Return the nearest points, and whether they are all that there are; never a part of equals."""
        depth = self._depth
        while True:
            found = self._store.nearest(self._collection, query, using, where=where, limit=depth + 1)
            scores = {point.id: point.score for point in found}
            if len(found) <= depth:
                return scores, True
            last = found[-1].score
            above = {point: score for point, score in scores.items() if score > last}
            if len(above) > depth // 2 or depth >= self._deepest:
                return above or scores, False
            depth = min(depth * _GROWTH, self._deepest)

    def _search_words(self) -> tuple[Scores, bool]:
        if not self._words:
            return {}, True
        # Rarity counts twice in this query, so that a rare word is found behind any number of frequent ones.
        indices, rarities = [word.index for word in self._words], [word.rarity for word in self._words]
        return self._search(Terms(indices, rarities), SPARSE, self._where)

    def _similarities(self, points: Sequence[PointId]) -> Scores:
        """Return how near the question points are that were found by their words alone."""
        similarities: Scores = {}
        step = self._most_given or max(1, len(points))
        for begin in range(0, len(points), step):
            some = list(points[begin : begin + step])
            found = self._store.nearest(
                self._collection, self._vector, DENSE, where=Where(must=[WithId(some)]), limit=len(some)
            )
            similarities |= {point.id: point.score for point in found}
        return similarities

    def _said(self, point: Point) -> float:
        """Return the BM25 score of a point for the question."""
        return sum(word.rarity * point.weights.get(word.index, 0.0) for word in self._words)

    def _score(self, point: PointId, similarity: float, said: float) -> float:
        if not self._indices:
            return round(similarity, _DIGITS)
        if self._scale is None:
            return round(said, _DIGITS)
        words = said / self._most if self._most else 0.0
        fused = MEANING * self._scale.place(similarity) + (1 - MEANING) * words
        return round(fused + EXACT * self._exactness.get(point, 0.0), _DIGITS)

    def _read(self, points: Sequence[PointId]) -> list[Point]:
        """Return points with their payloads, in the order given."""
        if not points:
            return []
        there = {point.id: point.payload for point in self._store.points(self._collection, points)}
        return [Point(one, self._scores[one], there[one]) for one in points if one in there]


@dataclass(frozen=True, slots=True)
class _Scale:
    """Where similarities of one question lie: their mean, and their standard deviation."""

    mean: float
    deviation: float

    @classmethod
    def of(cls, similarities: Sequence[float]) -> _Scale:
        return (
            cls(statistics.fmean(similarities), statistics.pstdev(similarities))
            if similarities
            else cls(0, 0)
        )

    def place(self, similarity: float) -> float:
        """Return about 0 to 1 for 3 deviations below the mean to 3 above it, as Qdrant's DBSF."""
        if not self.deviation:
            return 0.5
        return max(0.0, 0.5 + (similarity - self.mean) / (6 * self.deviation))


def with_exact(points: Sequence[Point], exact: Sequence[Point]) -> list[Point]:
    """Return points with those of :meth:`Ranking.exact` among the first three; the first stays first."""
    if not points:
        return list(exact)
    documents = {_document(points[0])}
    wanted = [point for point in exact if _document(point) not in documents][: EXACT_PLACES - 1]
    head = [points[0]]
    for point in points[1:EXACT_PLACES]:
        if _document(point) in set(map(_document, wanted)) - documents:
            head.append(point)
            documents.add(_document(point))
    head += [point for point in wanted if _document(point) not in documents]
    if len(head) == 1:
        return list(points)
    first = {point.id for point in head}
    rest = [point for point in points if point.id not in first]
    free = EXACT_PLACES - len(head)
    return [head[0], *rest[:free], *head[1:], *rest[free:]]


def _document(point: Point) -> str:
    return str(point.payload.get("document_id") or "")


def _place(point: Point) -> tuple[str, int]:
    """Return what parts points of one score, the same in each build: their file, and their place in it."""
    return str(point.payload.get("file_path", "")), int(point.payload.get("chunk_index", 0))
