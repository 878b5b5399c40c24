"""Brings the rows of the stages before enrichment together, one set a document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from stagekit.artifacts.rows import Rows, column_of

Row = Mapping[str, Any]
_SOURCE_FIELDS: Final = (
    "document_id", "path", "file_extension", "size_bytes", "blob_id", "repository_commit",
    "repository_commit_timestamp", "author", "created", "modified", "declared_status", "status_warning",
)  # fmt: skip
_PROCESSED_FIELDS: Final = (
    "front_matter", "properties", "title", "language", "ocr_applied", "ocr_confidence", "confidence",
    "watermark", "warnings",
)  # fmt: skip


def join_documents(
    documents: Sequence[Row], processed: Sequence[Row], chunks: Sequence[Row], relations: Sequence[Row]
) -> Sequence[dict[str, Any]]:
    """Join manifests by document_id: one row for each document that has chunks.

    A document whose newest version could not be read or processed is served from its last good one. Its
    payload then describes that version (the ``source`` kept in ``processed``) and ``is_latest`` is False.
    One that is as it was processed takes its row of ``documents``, so that a moved file has its new path.

    Args:
        documents: rows of ``gitlab_ingestion.documents``.
        processed: rows of ``document_processing.processed``.
        chunks: rows of ``text_chunking.chunks``.
        relations: rows of :func:`stagekit.enrichment.relations.relate_documents`.

    Returns:
        rows with document_id, path, source, processed, chunks (the chunk manifest's row), relation and
        is_latest; joined when they are asked for, if all four are :class:`~stagekit.artifacts.rows.Rows`.
    """
    places = [_places(rows) for rows in (documents, processed, relations)]

    def build(place: int) -> dict[str, Any]:
        row = chunks[place]
        now, result, relation = (
            rows[known[row["document_id"]]] if row["document_id"] in known else None
            for rows, known in zip((documents, processed, relations), places, strict=True)
        )
        return _joined(row, now, result, relation)

    if (
        isinstance(documents, Rows)
        and isinstance(processed, Rows)
        and isinstance(chunks, Rows)
        and isinstance(relations, Rows)
    ):
        sources = documents.sources + processed.sources + chunks.sources + relations.sources
        return Rows(chunks.table, sources, build)
    return [build(place) for place in range(len(chunks))]


def _places(rows: Sequence[Row]) -> dict[str, int]:
    return {document_id: place for place, document_id in enumerate(column_of(rows, "document_id"))}


def _joined(row: Row, now: Row | None, result: Row | None, relation: Row | None) -> dict[str, Any]:
    then = result.get("source") if result else None
    is_latest = (
        now is not None
        and now.get("status", "ok") == "ok"  # else it is the row of the last good version
        and (then is None or then["blob_id"] == now["blob_id"])
    )
    source = now if is_latest or then is None else then
    if source is None or result is None:
        raise ValueError(f"{row['path']} has chunks but no row in documents: run the chain from stage 01.")
    return {
        "document_id": row["document_id"],
        "path": source["path"],
        "source": dict(source),
        "processed": dict(result),
        "chunks": dict(row),
        "relation": {name: (relation or {}).get(name) for name in ("superseded_by", "warnings")},
        "is_latest": is_latest,
    }


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
        row["relation"],
    ]
