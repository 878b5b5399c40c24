"""Brings the rows of the stages before enrichment together, one set a document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

__all__ = ["join_documents", "payload_inputs"]

Row = Mapping[str, Any]
_SOURCE_FIELDS: Final = (
    "document_id", "path", "file_extension", "size_bytes", "blob_id", "repository_commit",
    "repository_commit_timestamp", "author", "created", "modified",
)  # fmt: skip
_PROCESSED_FIELDS: Final = (
    "front_matter", "properties", "title", "language", "ocr_applied", "ocr_confidence", "confidence",
    "warnings",
)  # fmt: skip


def join_documents(
    documents: Iterable[Row], processed: Iterable[Row], chunks: Iterable[Row]
) -> list[dict[str, Any]]:
    """Join manifests by document_id: one row for each document that has chunks.

    A document whose newest version could not be processed is served from its last good one. Its payload then
    describes that version (the ``source`` kept in ``processed``) and ``is_latest`` is False. A document that
    is as it was processed takes its row of ``documents``, so that a moved file has its new path.

    Args:
        documents: rows of ``gitlab_ingestion.documents``.
        processed: rows of ``document_processing.processed``.
        chunks: rows of ``text_chunking.chunks``.

    Returns:
        rows with document_id, path, source, processed, chunks (the chunk manifest's row) and is_latest.
    """
    current = {row["document_id"]: row for row in documents}
    results = {row["document_id"]: row for row in processed}
    joined = []
    for row in chunks:
        document_id = row["document_id"]
        result = results[document_id]
        now, then = current.get(document_id), result.get("source")
        is_latest = now is not None and (then is None or then["blob_id"] == now["blob_id"])
        source = now if is_latest else then
        if source is None:
            raise ValueError(
                f"{row['path']} has chunks but no row in documents: run the chain from stage 01."
            )
        joined.append(
            {
                "document_id": document_id,
                "path": source["path"],
                "source": dict(source),
                "processed": dict(result),
                "chunks": dict(row),
                "is_latest": is_latest,
            }
        )
    return joined


def payload_inputs(row: Row) -> list[Any]:
    """Return what of a joined row determines the payloads, as plain JSON: the key of the memo.

    When something was fetched, how long it took and which commit is newest elsewhere are no part of it.
    """
    source, processed = row["source"], row["processed"]
    return [
        row["chunks"]["chunks"]["sha256"],
        {name: source.get(name) for name in _SOURCE_FIELDS},
        {name: processed.get(name) for name in _PROCESSED_FIELDS},
        row["is_latest"],
    ]
