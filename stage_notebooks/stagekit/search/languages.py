"""Weighs the languages of a collection alike: no passage is nearer for speaking the question's language.

What is taken from each cosine is the mean cosine of the question to the passages of the passage's language.
"""

from __future__ import annotations

import math
import operator
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qdrant_client.models import Filter

__all__ = ["Languages", "Levels", "language_condition"]


@dataclass(frozen=True, slots=True)
class Levels:
    """The mean cosine of one question to each language.

    Attributes:
        by_value: of the payload field ``language``.
        other: of languages with few passages; nobody knows theirs, and it is the mean of the known ones.
    """

    by_value: Mapping[str, float] = field(default_factory=dict)
    other: float = 0.0

    def of(self, language: str) -> float:
        """Return what is to be taken from the cosine of a passage in a language."""
        return self.by_value.get(language, self.other)


@dataclass(frozen=True, slots=True)
class Languages:
    """The languages of a collection that have a centroid, the mean of their passages' unit vectors.

    Attributes:
        values: of each language, those of the payload field ``language`` that are its.
        centroids: of each language, in the same order.
    """

    values: Sequence[Sequence[str]] = ()
    centroids: Sequence[Sequence[float]] = ()

    @classmethod
    def of(cls, metadata: Mapping[str, Any]) -> Languages:
        """Return those that :mod:`stagekit.storage.metadata.languages` kept; none where it did not yet."""
        from stagekit.storage.metadata.languages import LANGUAGE_CENTROIDS

        kept = list((metadata.get(LANGUAGE_CENTROIDS) or {}).values())
        return cls([one["values"] for one in kept], [one["vector"] for one in kept])

    def levels(self, vector: Sequence[float]) -> Levels:
        """Return the mean cosine of a question's vector to each language; all are 0 where there is none."""
        if not self.centroids:
            return Levels()
        length = math.hypot(*vector)
        means = [sum(map(operator.mul, vector, centroid)) / length for centroid in self.centroids]
        by_value = {value: mean for values, mean in zip(self.values, means, strict=True) for value in values}
        return Levels(by_value, statistics.fmean(means))


def language_condition(values: Sequence[str], others: Filter | None) -> Filter:
    """Return a filter for the passages of a language that pass another filter."""
    from qdrant_client.models import FieldCondition, Filter, MatchAny

    one = FieldCondition(key="language", match=MatchAny(any=list(values)))
    return Filter(must=[one, *([others] if others is not None else [])])
