"""Which values a field has in a collection, so that a filter meets them however they are written."""

from __future__ import annotations

import difflib
import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from qdrant_client import QdrantClient

__all__ = ["MOST_VALUES", "folded", "nearest", "stored_values"]

MOST_VALUES: Final = 10_000
"""Of a field with more values, a filter's own value is looked for as it is written."""
_SHOWN: Final = 8
_PAGE: Final = 1000


def stored_values(client: QdrantClient, collection: str, field: str) -> list[str]:
    """Return the texts that a field has, the most frequent first; at most :data:`MOST_VALUES`.

    A server counts them in the field's index; without one every point is looked at.
    """
    from stagekit.storage.embedded.store import EmbeddedQdrant

    if isinstance(client, EmbeddedQdrant) or field in client.get_collection(collection).payload_schema:
        hits = client.facet(collection, key=field, limit=MOST_VALUES, exact=True).hits
        return [str(hit.value) for hit in hits]
    found: Counter[str] = Counter()
    following: Any = None
    while True:
        points, following = client.scroll(
            collection, limit=_PAGE, offset=following, with_payload=[field], with_vectors=False
        )
        for point in points:
            value = (point.payload or {}).get(field)
            found.update(map(str, value if isinstance(value, list) else [] if value is None else [value]))
        if following is None:
            return [value for value, _ in found.most_common(MOST_VALUES)]


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
