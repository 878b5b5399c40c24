"""Brings payloads of an older NIC schema to the present one, so that what was made before can still be used.

A changed schema version makes stage 05 describe every document anew and stage 06 fill a collection of its
own, so stored points are never rewritten in place. What is migrated are the artifacts that cannot be made
anew: the payloads of a document that is served from its last good version.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from stagekit.declared.dates import parse_timestamp
from stagekit.enrichment.citation import cited_fields
from stagekit.enrichment.schema import ADDED_1_1, SCHEMA_VERSION, completeness, nullable_fields

Payload = dict[str, Any]

# Layout 0.9, before the schema was published -> its name in 1.0.
_RENAMED_0_9: Final = {
    "doc_type": "document_type",
    "custom": "custom_fields",
    "warnings": "validation_warnings",
    "text": "chunk_content",
    "tokens": "chunk_token_count",
}
_LISTS_1_0: Final = ("tags", "pages", "regions", "section_titles", "section_hierarchy", "validation_warnings")


def migrate_payload(payload: Mapping[str, Any]) -> Payload:
    """Return a payload in the layout of the present schema; one that has it already comes back as it is.

    Raises:
        ValueError: if the payload names no schema version, or one that this release does not know.
    """
    migrated = dict(payload)
    while (version := migrated.get("schema_version")) != SCHEMA_VERSION:
        step = _STEPS.get(str(version))
        if step is None:
            raise ValueError(
                f"The payload has schema_version {version!r}; this release reads "
                f"{', '.join([*_STEPS, SCHEMA_VERSION])}: run metadata_enrichment again."
            )
        migrated = step(migrated)
    return migrated


def _from_0_9(payload: Payload) -> Payload:
    """0.9 had other names, one line of section titles, days for timestamps, and a confidence in percent."""
    new = {_RENAMED_0_9.get(name, name): value for name, value in payload.items()}
    titles = new.pop("section_path", None)
    if titles:
        new["section_titles"] = titles.split(" > ")
    page = new.pop("page", None)
    new |= {"page_number": page, "pages": [] if page is None else [page]}
    for name in ("created", "modified"):
        new[name] = parse_timestamp(new[name]) or new[name]
    new["processing_confidence"] = round(new.pop("confidence") / 100, 4)
    new["chunk_content_preview"] = new["chunk_content"][:100]
    nullable = [name for name in nullable_fields() if name not in ADDED_1_1]
    missing: Payload = dict.fromkeys(nullable) | {name: [] for name in _LISTS_1_0}
    new = missing | {"custom_fields": {}} | new | {"schema_version": "1.0"}
    new["metadata_completeness_score"] = completeness(new)
    return new


def _from_1_0(payload: Payload) -> Payload:
    """1.1 added fields of which nothing was known then, but for ``stale``."""
    added = {"stale": not payload["is_latest"], "schema_version": "1.1"}
    migrated = dict.fromkeys(ADDED_1_1) | payload | added
    return migrated | {"metadata": cited_fields(migrated)}


_STEPS: Final[dict[str, Callable[[Payload], Payload]]] = {"0.9": _from_0_9, "1.0": _from_1_0}
