"""Writes the embedded store anew with its payloads under another key: nothing of the old one is left."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from qdrant_client import models

from stagekit.sealing.cipher import Cipher, EncryptionError
from stagekit.storage.embedded.files import read_json
from stagekit.storage.embedded.store import COLLECTION_FILE, EmbeddedQdrant

__all__ = ["rekey_embedded"]

_PAGE: Final = 500


def rekey_embedded(folder: Path, sealing: Cipher, known: Iterable[Cipher]) -> int:
    """Copy the store into a new folder, which takes the place of the old one, and return how many points.

    A change that was broken off begins again; the old store stays whole until the new one is.

    Args:
        folder: of the store.
        sealing: the cipher for the new payloads.
        known: ciphers that the old ones may be under.

    Raises:
        EncryptionError: a collection is under none of them.
        StageError: another process has the store open, or it cannot be read.
    """
    new, old = folder.with_name(f"{folder.name}.new"), folder.with_name(f"{folder.name}.old")
    if old.is_dir() and not folder.is_dir():
        old.rename(folder)
    for remains in (new, old):
        shutil.rmtree(remains, ignore_errors=True)
    found = _key_ids(folder)
    if not found - {sealing.key_id}:
        return 0
    opening = next((cipher for cipher in known if {cipher.key_id} == found), None)
    if opening is None:
        raise EncryptionError(
            f"The collections in {folder} are under other keys ({', '.join(sorted(found))}): move the folder "
            "away; the next run fills it from the artifacts."
        )
    with (
        contextlib.closing(EmbeddedQdrant(folder, opening)) as source,
        contextlib.closing(EmbeddedQdrant(new, sealing)) as target,
    ):
        count = sum(_copy(source, target, one.name) for one in source.get_collections().collections)
        aliases = source.get_aliases().aliases
        target.update_collection_aliases([_alias(one.alias_name, one.collection_name) for one in aliases])
    folder.rename(old)
    new.rename(folder)
    shutil.rmtree(old)
    return count


def _key_ids(folder: Path) -> set[str]:
    entries = (read_json(path) for path in sorted(folder.glob(f"collections/*/{COLLECTION_FILE}")))
    return {str(entry.get("key_id", "")) for entry in entries}


def _copy(source: EmbeddedQdrant, target: EmbeddedQdrant, name: str) -> int:
    request = source.request(name)
    settings: dict[str, Any] = {
        field: getattr(request, field)
        for field in request.model_fields_set - {"vectors", "sparse_vectors", "metadata"}
    }
    vectors = request.vectors if isinstance(request.vectors, dict) else {}
    target.create_collection(
        name, vectors, request.sparse_vectors, metadata=dict(request.metadata or {}), **settings
    )
    for field, index in source.get_collection(name).payload_schema.items():
        target.create_payload_index(name, field, index.data_type)
    count, offset = 0, None
    while True:
        records, offset = source.scroll(name, limit=_PAGE, offset=offset, with_vectors=True)
        points = [_point(one) for one in records]
        if points:
            target.upsert(name, points)
        count += len(points)
        if offset is None:
            return count


def _point(record: models.Record) -> models.PointStruct:
    vectors = record.vector if isinstance(record.vector, dict) else {}
    return models.PointStruct(id=record.id, vector=dict(vectors), payload=record.payload)


def _alias(name: str, collection: str) -> models.CreateAliasOperation:
    made = models.CreateAlias(alias_name=name, collection_name=collection)
    return models.CreateAliasOperation(create_alias=made)
