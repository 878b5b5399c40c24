"""Weighs the languages of a collection alike: no passage is nearer for speaking the question's language.

What is taken from each cosine is the mean cosine of the question to the passages of the passage's language.
"""

from __future__ import annotations

import math
import operator
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from stagekit.storage.metadata.keys import LANGUAGE_CENTROIDS
from stagekit.storage.reading.conditions import AnyOf, Where


@dataclass(frozen=True, slots=True)
class Levels:
    """The mean cosine of one question to each language."""

    by_value: Mapping[str, float] = field(default_factory=dict)  # of the payload field ``language``
    # of languages with few passages; nobody knows theirs, and it is the mean of the known ones
    other: float = 0.0

    def of(self, language: str) -> float:
        """Return what is to be taken from the cosine of a passage in a language."""
        return self.by_value.get(language, self.other)


@dataclass(frozen=True, slots=True)
class Languages:
    """The languages of a collection that have a centroid, the mean of their passages' unit vectors."""

    # of each language, those of the payload field ``language`` that are its
    values: Sequence[Sequence[str]] = ()
    centroids: Sequence[Sequence[float]] = ()  # of each language, in the same order

    @classmethod
    def of(cls, metadata: Mapping[str, Any]) -> Languages:
        """Return those that :mod:`stagekit.storage.metadata.languages` kept; none where it did not yet."""
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


def language_condition(values: Sequence[str], others: Where | None) -> Where:
    """Return the condition of the passages of a language that meet another one."""
    return Where(must=[AnyOf("language", values), *([others] if others is not None else [])])
