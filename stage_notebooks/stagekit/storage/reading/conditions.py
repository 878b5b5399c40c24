"""What a reader of a store asks for: conditions on points, and the words of a query, in words of our own.

Qdrant's client has such words too; importing them takes longer than a question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

PointId: TypeAlias = int | str


@dataclass(frozen=True, slots=True)
class AnyOf:
    """A text field has one of some values, or, where it is a list, holds one of them."""

    field: str
    values: Sequence[str]


@dataclass(frozen=True, slots=True)
class Flag:
    """A field is true, or false."""

    field: str
    value: bool


@dataclass(frozen=True, slots=True)
class Within:
    """A number or moment lies between bounds; all are of one kind, and None is no bound."""

    field: str  # of the payload
    gte: float | datetime | None = None  # at least
    gt: float | datetime | None = None  # more than
    lte: float | datetime | None = None  # at most
    lt: float | datetime | None = None  # less than


@dataclass(frozen=True, slots=True)
class Empty:
    """A field is missing, null, or an empty list."""

    field: str


@dataclass(frozen=True, slots=True)
class WithId:
    """A point has one of some ids."""

    ids: Sequence[PointId]


@dataclass(frozen=True, slots=True)
class Where:
    """All of ``must`` hold, one of ``should`` (where there are any), and none of ``must_not``."""

    must: Sequence[Condition] = ()
    should: Sequence[Condition] = ()
    must_not: Sequence[Condition] = ()


Condition: TypeAlias = AnyOf | Flag | Within | Empty | WithId | Where


@dataclass(frozen=True, slots=True)
class Terms:
    """A sparse vector: the terms of a text, and what each weighs."""

    indices: Sequence[int]
    values: Sequence[float]
