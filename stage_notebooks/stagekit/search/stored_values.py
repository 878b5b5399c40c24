"""Which values a field has in a collection, so that a filter meets them however they are written."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from stagekit.storage.reading.reader import StoreReader

MOST_VALUES: Final = 10_000
"""Of a field with more values, a filter's own value is looked for as it is written."""
_SHOWN: Final = 8


def stored_values(store: StoreReader, collection: str, field: str) -> list[str]:
    """Return the texts that a field has, the most frequent first; at most :data:`MOST_VALUES`."""
    return store.values(collection, field, MOST_VALUES)


def folded(text: str) -> str:
    """Return a text without accents, in one case, with single spaces."""
    plain = unicodedata.normalize("NFKD", text)
    return " ".join("".join(sign for sign in plain if not unicodedata.combining(sign)).casefold().split())


def nearest(wanted: str, values: Sequence[str]) -> str:
    """Return some of the values as a list for people, the one most like `wanted` first."""
    key = folded(wanted)
    ordered = sorted(values, key=lambda value: -difflib.SequenceMatcher(None, key, folded(value)).ratio())
    more = f" and {len(values) - _SHOWN} more" if len(values) > _SHOWN else ""
    return ", ".join(ordered[:_SHOWN]) + more
