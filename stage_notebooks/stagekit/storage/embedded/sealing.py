"""Seals the payloads of an encrypted embedded store: the engine and its write-ahead log see no text.

Fields that say which document it is, where it is, and what people filter by stay as they are; all others,
the chunk's text and title among them, become one sealed value beside them. Vectors stay clear: the engine
searches in them.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

from stagekit.errors import StageError
from stagekit.sealing.cipher import Cipher, DamagedError
from stagekit.storage.embedded.ids import edge_id

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


class PayloadSealer:
    """Seals payloads before the engine gets them and opens those that it gives; nothing in a clear store."""

    def __init__(self, cipher: Cipher) -> None:
        self._cipher = cipher
        self._active = bool(cipher.key_id)

    def sealed(self, point_id: Any, payload: Payload) -> Payload:
        """Return the payload that the engine is to store for a point."""
        if not self._active:
            return payload
        fields = dict(payload)
        secret = {name: fields.pop(name) for name in fields.keys() - CLEAR_FIELDS}
        data = json.dumps(secret, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
        value = base64.b64encode(self._cipher.seal(_name(point_id), data)).decode()
        return fields | {SEALED: value}

    def fields(self, wanted: bool | Sequence[str]) -> bool | list[str]:
        """Return which fields to ask the engine for."""
        if isinstance(wanted, bool):
            return wanted
        if not self._active or CLEAR_FIELDS.issuperset(wanted):
            return list(wanted)
        return [*wanted, SEALED]

    def opened(self, point_id: Any, payload: Payload | None, wanted: bool | Sequence[str]) -> Payload | None:
        """Return the fields of a point that were asked for; those of an altered sealed value are missing.

        Raises:
            EncryptionError: it was sealed under another key.
        """
        if not self._active or not payload or SEALED not in payload:
            return payload
        fields = dict(payload)
        fields |= self._secret(point_id, str(fields.pop(SEALED)))
        names = fields.keys() if isinstance(wanted, bool) else wanted
        return {name: fields[name] for name in fields if name in names}

    def _secret(self, point_id: Any, value: str) -> Payload:
        try:
            data = self._cipher.open(_name(point_id), base64.b64decode(value, validate=True))
        except (DamagedError, binascii.Error):
            return {}  # the point then differs from the desired one: `nic-etl verify` shows and mends it
        return dict(json.loads(data))

    def filters_by(self, field: str) -> bool:
        """Tell whether the engine sees a field."""
        return not self._active or field in CLEAR_FIELDS

    def check(self, fields: Iterable[str]) -> None:
        """Refuse to filter by fields of which one is sealed; raise StageError where one is."""
        hidden = sorted(field for field in fields if not self.filters_by(field))
        if hidden:
            raise StageError(
                f"{hidden[0]} is encrypted in the embedded store, where nothing can be filtered by it: "
                "choose another field."
            )


def _name(point_id: Any) -> str:
    return f"points/{edge_id(point_id)}"
