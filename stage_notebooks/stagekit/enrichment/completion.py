"""A payload once its vector is there: complete, with its fingerprint, and as the schema wants it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from stagekit.enrichment.canonical import point_fingerprint
from stagekit.enrichment.migration import migrate_payload
from stagekit.enrichment.schema import NicPayload, PayloadDraft

Row = Mapping[str, Any]


def complete_payload(
    payload: Row, *, vector_key: str, vector_dimension: int, embedding_model: str
) -> dict[str, Any]:
    """Add what is known once the vector exists: its key, dimension, exact model, and the fingerprint.

    A payload of an older schema is migrated first.

    The fingerprint is the sha256 of the canonical JSON of all other fields, the vector's key among them.

    Raises:
        ValueError: if the payload breaks the schema; the message names the field.
    """
    complete = migrate_payload(payload) | {
        "vector_key": vector_key,
        "vector_dimension": vector_dimension,
        "embedding_model": embedding_model,
    }
    complete["point_fingerprint"] = point_fingerprint(complete)
    check_payload(NicPayload, complete)
    return complete


def check_payload(model: type[PayloadDraft], payload: Row) -> None:
    """Refuse a payload that breaks the schema.

    Raises:
        ValueError: it does; the message names the first field.
    """
    try:
        model.model_validate(dict(payload))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "payload"
        raise ValueError(f"The payload breaks the NIC schema in {field}: {first['msg']}.") from None
