"""Seals the payloads of an encrypted embedded store: the engine and its write-ahead log see no text.

Fields that say which document it is, where it is, and what people filter by stay as they are; all others,
the chunk's text and title among them, become one sealed value beside them. Vectors stay clear: the engine
searches in them.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Any, Final, TypeVar

from qdrant_client import models

from stagekit.errors import StageError
from stagekit.sealing.cipher import Cipher, DamagedError
from stagekit.storage.embedded.edge_models import edge_id

__all__ = ["CLEAR_FIELDS", "SEALED", "PayloadSealer"]

SEALED: Final = "sealed"
"""The payload field that holds the others."""
CLEAR_FIELDS: Final = frozenset({
    "document_id", "source_id", "chunk_id", "chunk_index", "chunk_count", "point_fingerprint",
    "schema_version", "file_path", "file_name", "file_extension", "file_size_bytes", "is_latest",
    "page_number", "pages", "status", "document_type", "content_type", "language", "category", "subcategory",
    "department", "tags",
    "organization", "version", "created", "modified", "effective_date", "expiration_date",
    "ocr_applied", "ocr_confidence", "processing_confidence", "processing_timestamp", "pipeline_version",
    "embedding_model", "vector_dimension", "chunk_token_count", "metadata_completeness_score", "stale",
    "has_struck_text", "clause", "clauses",
    "repository_branch", "repository_commit", "repository_commit_timestamp", "repository_url",
})  # fmt: skip

Payload = dict[str, Any]
P = TypeVar("P", models.Record, models.ScoredPoint)


class PayloadSealer:
    """Seals payloads before the engine gets them and opens those that it gives; nothing in a clear store."""

    def __init__(self, cipher: Cipher) -> None:
        self._cipher = cipher
        self._active = bool(cipher.key_id)

    def sealed(self, point: models.PointStruct) -> models.PointStruct:
        """Return the point that the engine is to store."""
        if not self._active:
            return point
        fields = dict(point.payload or {})
        secret = {name: fields.pop(name) for name in fields.keys() - CLEAR_FIELDS}
        data = json.dumps(secret, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
        value = base64.b64encode(self._cipher.seal(_name(point.id), data)).decode()
        return models.PointStruct(id=point.id, vector=point.vector, payload=fields | {SEALED: value})

    def fields(self, wanted: bool | Sequence[str]) -> bool | list[str]:
        """Return which fields to ask the engine for."""
        if isinstance(wanted, bool):
            return wanted
        if not self._active or CLEAR_FIELDS.issuperset(wanted):
            return list(wanted)
        return [*wanted, SEALED]

    def opened(self, point: P, wanted: bool | Sequence[str]) -> P:
        """Give a point the fields that were asked for; those of a sealed value that was altered are missing.

        Raises:
            EncryptionError: it was sealed under another key.
        """
        if self._active and point.payload and SEALED in point.payload:
            fields = dict(point.payload)
            fields |= self._secret(point.id, str(fields.pop(SEALED)))
            names = fields.keys() if isinstance(wanted, bool) else wanted
            point.payload = {name: fields[name] for name in fields if name in names}
        return point

    def _secret(self, point_id: Any, value: str) -> Payload:
        try:
            data = self._cipher.open(_name(point_id), base64.b64decode(value, validate=True))
        except (DamagedError, binascii.Error):
            return {}  # the point then differs from the desired one: `nic-etl verify` shows and mends it
        return dict(json.loads(data))

    def filters_by(self, field: str) -> bool:
        """Tell whether the engine sees a field."""
        return not self._active or field in CLEAR_FIELDS

    def check(self, query: models.Filter | None, prefetch: Any = None) -> None:
        """Refuse filters, also of the searches that a query fuses, that look at a sealed field.

        Raises:
            StageError: one does.
        """
        searches = prefetch if isinstance(prefetch, list | tuple) else [prefetch]
        filters = [query, *(one.filter for one in searches if one is not None)]
        looked_at = {key for one in filters if one is not None for key in _keys(one)}
        hidden = sorted(field for field in looked_at if not self.filters_by(field))
        if hidden:
            raise StageError(
                f"{hidden[0]} is encrypted in the embedded store, where nothing can be filtered by it: "
                "choose another field."
            )


def _name(point_id: Any) -> str:
    return f"points/{edge_id(point_id)}"


def _keys(query: models.Filter) -> set[str]:
    """Return the payload fields that a filter looks at."""
    found: set[str] = set()
    for given in (query.must, query.should, query.must_not):
        for one in given if isinstance(given, list | tuple) else [given]:
            if isinstance(one, models.Filter):
                found |= _keys(one)
            else:
                place = getattr(one, "is_empty", None) or getattr(one, "is_null", None) or one
                key = getattr(place, "key", None)
                found |= {key} if key else set()
    return found
