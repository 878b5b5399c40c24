"""From the rows of a document to the payloads of its chunks, valid against the NIC schema."""

from __future__ import annotations

import math
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from stagekit.enrichment.citation import cited_fields
from stagekit.enrichment.completion import check_payload
from stagekit.enrichment.metadata import EnrichmentSettings, describe_document
from stagekit.enrichment.schema import ADDED_1_1, PayloadDraft, completeness

Row = Mapping[str, Any]
PREVIEW_CHARACTERS = 100


def build_payloads(
    source_row: Row,
    processed_row: Row,
    chunk_rows: Sequence[Row],
    settings: EnrichmentSettings,
    *,
    processing_timestamp: str,
    is_latest: bool = True,
    relation: Row | None = None,
) -> list[dict[str, Any]]:
    """Return the payload of every chunk of a document, all but the fields that the vector adds.

    Args:
        source_row: the ``documents`` row of the version that was processed.
        processed_row: its ``processed`` row.
        chunk_rows: its rows of ``chunks``, in order.
        settings: what is the same for all documents.
        processing_timestamp: when the chunks' content was produced, RFC 3339 in UTC.
        is_latest: whether the version is the one now in the branch.
        relation: its row of :func:`stagekit.enrichment.relations.relate_documents`.

    Raises:
        ValueError: if a payload breaks the schema; the message names the field.
    """
    described = describe_document(source_row, processed_row, chunk_rows, settings, processing_timestamp)
    related = relation or {}
    shared = (
        dict.fromkeys(ADDED_1_1)
        | described.fields
        | {
            "processing_timestamp": processing_timestamp,
            "is_latest": is_latest,
            "stale": not is_latest,
            "superseded_by": related.get("superseded_by"),
            "custom_fields": described.custom_fields,
            "validation_warnings": [*described.warnings, *(related.get("warnings") or [])],
            "chunk_count": len(chunk_rows),
        }
    )
    ids = chunk_ids(source_row["document_id"], [row["content_hash"] for row in chunk_rows])
    payloads = []
    for chunk_id, row in zip(ids, chunk_rows, strict=True):
        payload = shared | {"chunk_id": chunk_id} | _chunk_fields(row)
        payload["metadata_completeness_score"] = completeness(payload)
        payload["metadata"] = cited_fields(payload)
        check_payload(PayloadDraft, payload)
        payloads.append(payload)
    return payloads


def chunk_ids(document_id: str, content_hashes: Sequence[str]) -> list[str]:
    """Return the UUIDv5 of each chunk: of its content hash and how often that occurred before.

    An edit elsewhere in the document therefore does not change a chunk's id.
    """
    seen: Counter[str] = Counter()
    ids = []
    for content_hash in content_hashes:
        ids.append(str(uuid.uuid5(uuid.UUID(document_id), f"{content_hash}:{seen[content_hash]}")))
        seen[content_hash] += 1
    return ids


def _chunk_fields(row: Row) -> dict[str, Any]:
    pages = sorted({int(page) for page in row["pages"]})
    regions = [_region(region) for region in row["regions"]]
    clauses = list(row.get("clauses") or [])
    return {
        "chunk_index": int(row["chunk_index"]),
        "chunk_content": row["text"],
        "chunk_content_preview": row["text"][:PREVIEW_CHARACTERS],
        "chunk_token_count": int(row["token_count"]),
        "chunk_start_position": int(row["start"]),
        "chunk_end_position": int(row["end"]),
        "content_hash": row["content_hash"],
        "section_hierarchy": list(row["section_hierarchy"]),
        "section_titles": list(row["section_titles"]),
        "content_type": row["content_type"],
        "page_number": pages[0] if pages else None,
        "pages": pages,
        "region_id": regions[0]["ref"] if regions else None,
        "regions": regions,
        "clause": clauses[0] if clauses else None,
        "clauses": clauses or None,
        "has_struck_text": bool(row.get("has_struck_text")),
    }


def _region(region: Row) -> dict[str, Any]:
    """Return a region with its box as a list, from a struct with a nested or a flat box."""
    box = region.get("bbox", region)
    if isinstance(box, Mapping):
        box = [box.get(side) for side in ("l", "t", "r", "b")]
    usable = box is not None and all(side is not None and math.isfinite(side) for side in box)
    page = region.get("page")
    return {
        "ref": region["ref"],
        "page": None if page is None else int(page),
        "bbox": [round(float(side), 2) for side in box] if usable else None,
    }
