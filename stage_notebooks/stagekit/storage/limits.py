"""How much one request may ask of a collection, and pages of it: less where Qdrant's strict mode says so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final, TypeVar
from weakref import WeakKeyDictionary

from qdrant_client import QdrantClient
from qdrant_client.http.models import StrictModeConfigOutput

PAGE: Final = 500
"""Points of one request that reads, unless told otherwise."""

T = TypeVar("T")
_known: WeakKeyDictionary[QdrantClient, dict[str, StrictModeConfigOutput | None]] = WeakKeyDictionary()


def largest_page(client: QdrantClient, collection_name: str, wanted: int = PAGE) -> int:
    """Return how many points one request may read: as many as wanted, or as strict mode lets it."""
    strict = _strict_mode(client, collection_name)
    return _least(wanted, strict.max_query_limit if strict else None)


def largest_upsert(client: QdrantClient, collection_name: str, wanted: int) -> int:
    """Return how many points one request may write: as many as wanted, or as strict mode lets it."""
    strict = _strict_mode(client, collection_name)
    return _least(wanted, strict.upsert_max_batchsize if strict else None)


def pages(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield the items in lists of at most ``size``."""
    iterator = iter(items)
    while page := list(islice(iterator, size)):
        yield page


def _strict_mode(client: QdrantClient, collection_name: str) -> StrictModeConfigOutput | None:
    known = _known.setdefault(client, {})  # asked once: who changes it does not do so during a run
    if collection_name not in known:
        strict = client.get_collection(collection_name).config.strict_mode_config
        known[collection_name] = strict if strict and strict.enabled else None
    return known[collection_name]


def _least(wanted: int, allowed: int | None) -> int:
    return max(1, min(wanted, allowed)) if allowed else wanted
