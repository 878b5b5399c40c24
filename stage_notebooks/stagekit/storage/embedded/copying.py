"""Copies the embedded store of one outputs folder into another, under the key that the other one has."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any, Final

from qdrant_client import models

from stagekit.errors import StageError
from stagekit.sealing.cipher import Cipher
from stagekit.storage.embedded.store import EmbeddedQdrant

_PAGE: Final = 500


def copy_embedded(source: Path, opening: Cipher, target: Path) -> int:
    """Copy collections, their points and aliases, and return how many points there are.

    The source is opened with its cipher; the folder above the target says under which key the copy is.

    Raises:
        StageError: another process has a store open, it is under another key or cannot be read, or not all
            points arrived.
    """
    with (
        contextlib.closing(EmbeddedQdrant(source, opening)) as old,
        contextlib.closing(EmbeddedQdrant(target)) as new,
    ):
        count = sum(_copy(old, new, one.name) for one in old.get_collections().collections)
        aliases = old.get_aliases().aliases
        new.update_collection_aliases([_alias(one.alias_name, one.collection_name) for one in aliases])
    return count


def _copy(old: EmbeddedQdrant, new: EmbeddedQdrant, name: str) -> int:
    request = old.request(name)
    settings: dict[str, Any] = {
        field: getattr(request, field)
        for field in request.model_fields_set - {"vectors", "sparse_vectors", "metadata"}
    }
    vectors = request.vectors if isinstance(request.vectors, dict) else {}
    new.create_collection(
        name, vectors, request.sparse_vectors, metadata=dict(request.metadata or {}), **settings
    )
    for field, index in old.get_collection(name).payload_schema.items():
        new.create_payload_index(name, field, index.data_type)
    offset = None
    while True:
        records, offset = old.scroll(name, limit=_PAGE, offset=offset, with_vectors=True)
        if records:
            new.upsert(name, [_point(one) for one in records])
        if offset is None:
            break
    there, arrived = old.count(name).count, new.count(name).count
    if there != arrived:
        raise StageError(f"Of the {there:,} points of {name} only {arrived:,} could be copied.")
    return arrived


def _point(record: models.Record) -> models.PointStruct:
    vectors = record.vector if isinstance(record.vector, dict) else {}
    return models.PointStruct(id=record.id, vector=dict(vectors), payload=record.payload)


def _alias(name: str, collection: str) -> models.CreateAliasOperation:
    made = models.CreateAlias(alias_name=name, collection_name=collection)
    return models.CreateAliasOperation(create_alias=made)
