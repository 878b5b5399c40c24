"""Keeps with a collection where the vectors of each language lie, so that search can weigh languages alike.

To a multilingual model a question is nearer to any text in its own language than to the answer in another.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Final

import numpy as np
from qdrant_client import QdrantClient
from qdrant_client.models import FieldCondition, Filter, MatchAny

from stagekit.storage.collection import DENSE
from stagekit.storage.limits import largest_page
from stagekit.storage.metadata.keys import LANGUAGE_CENTROIDS

__all__ = ["LANGUAGE_CENTROIDS", "LEAST_POINTS", "SAMPLED", "keep_language_centroids"]

LEAST_POINTS: Final = 20
"""A language with fewer has no centroid: it would say what these few are about."""
SAMPLED: Final = 1000
"""Points of a language that are read; cosines deviate by 0.01 to 0.03, their mean over so many by 0.001."""
_MOST_VALUES: Final = 1000
_DIGITS: Final = 6  # of a component, beyond which engines differ


def keep_language_centroids(client: QdrantClient, collection_name: str, *, changed: bool = True) -> None:
    """Keep the centroid of each language in the metadata; none where one language alone has enough points.

    Of a language with many points the first by id are read. Ids are made of what the points hold: they are a
    fair sample, and the same one in each build of a collection. Where no points were written since, they are
    only added to a collection without them.
    """
    metadata = client.get_collection(collection_name).config.metadata or {}
    if not changed and LANGUAGE_CENTROIDS in metadata:
        return
    found: dict[str, dict[str, Any]] = {}
    for language, values in _languages(client, collection_name).items():
        vectors = _vectors(client, collection_name, values)
        if len(vectors) >= LEAST_POINTS:
            found[language] = {"values": values, "vector": _mean(vectors)}
    kept = found if len(found) > 1 else {}
    if metadata.get(LANGUAGE_CENTROIDS) != kept:
        client.update_collection(collection_name, metadata={LANGUAGE_CENTROIDS: kept})


def _languages(client: QdrantClient, collection_name: str) -> dict[str, list[str]]:
    """Return the values of ``language`` by their primary subtag."""
    languages: dict[str, list[str]] = defaultdict(list)
    for hit in client.facet(collection_name, key="language", limit=_MOST_VALUES, exact=True).hits:
        value = str(hit.value)
        languages[value.partition("-")[0].lower()].append(value)
    return {language: sorted(languages[language]) for language in sorted(languages) if language}


def _vectors(client: QdrantClient, collection_name: str, values: list[str]) -> list[Any]:
    """Return the dense vectors of the first points by id, at most :data:`SAMPLED`."""
    vectors: list[Any] = []
    page, offset = largest_page(client, collection_name), None
    while len(vectors) < SAMPLED:
        records, offset = client.scroll(
            collection_name,
            scroll_filter=Filter(must=[FieldCondition(key="language", match=MatchAny(any=values))]),
            limit=min(page, SAMPLED - len(vectors)),
            offset=offset,
            with_payload=False,
            with_vectors=[DENSE],
        )
        vectors += [record.vector[DENSE] for record in records if isinstance(record.vector, dict)]
        if offset is None:
            break
    return vectors


def _mean(vectors: list[Any]) -> list[float]:
    matrix = np.asarray(vectors, np.float64)
    unit = matrix / np.linalg.norm(matrix, axis=1, keepdims=True)
    return [round(float(component), _DIGITS) for component in unit.mean(axis=0)]
