"""Tells what became of one document, stage by stage; ``nic-etl document`` starts it as a process."""

from __future__ import annotations

import difflib
from typing import Any

from stagekit.errors import StageError
from stagekit.stage.stage import Stage, open_stage

Row = dict[str, Any]
_SOURCE = (
    "document_id", "status", "category", "message", "remedy", "author", "created", "modified", "size_bytes",
    "repository_commit", "declared_status", "expiration_date",
)  # fmt: skip
_PROCESSED = (
    "status", "category", "message", "remedy", "file_format", "title", "pages", "quality_verdict",
    "text_coverage", "ocr_applied", "ocr_confidence", "watermark", "warnings", "seconds", "produced_at",
)  # fmt: skip
_CHUNK = ("chunk_index", "pages", "section_titles", "clauses", "token_count", "has_struck_text", "text")
_PAYLOAD = (
    "status", "document_status", "document_type", "language", "title", "is_latest", "validation_warnings",
    "message", "remedy",
)  # fmt: skip


def document(*, path: str, outputs_dir: str = "") -> Row:
    """Return what the newest good run of each stage made of a document.

    Args:
        path: of the file in the repository.
        outputs_dir: see :func:`stagekit.base.paths.outputs_path`.

    Returns:
        ``path``, and for each stage an object, or null where it has none of the document: ``source``,
        ``processed``, ``chunked`` (with ``chunks``: texts with pages, sections, clauses, and ``point``, the
        id in the collection), ``described``, ``stored`` (points written, unchanged and deleted in the newest
        run that stored). ``ignored`` is the reason why stage 01 left it out.

    Raises:
        StageError: if no run has seen such a document, or there is no run.
        ArtifactError: if something that a stage made is missing or altered.
    """
    stage = open_stage("document", outputs_dir=outputs_dir)
    source = _row(stage, "gitlab_ingestion", "documents", path)
    ignored = _row(stage, "gitlab_ingestion", "ignored", path)
    if source is None and ignored is None:
        raise StageError(_unknown(stage, path))
    chunked = _row(stage, "text_chunking", "chunks", path)
    payloads = _row(stage, "metadata_enrichment", "payloads", path)
    stored = _row(stage, "qdrant_storage", "storage_report", path)
    return {
        "path": path,
        "ignored": ignored and ignored["reason"],
        "source": _some(source, _SOURCE),
        "processed": _some(_row(stage, "document_processing", "processed", path), _PROCESSED),
        "chunked": chunked and _chunked(stage, chunked, payloads),
        "described": _some(payloads, _PAYLOAD),
        "stored": _some(stored, ("upserted", "unchanged", "deleted")),
    }


def _chunked(stage: Stage, row: Row, payloads: Row | None) -> Row:
    facts = _some(row, ("status", "message", "remedy", "warnings", "chunk_count", "token_count")) or {}
    ids: list[str | None] = [None] * int(row.get("chunk_count") or 0)
    if payloads and payloads.get("payloads"):
        ids = stage.read_part(payloads["payloads"], ["chunk_id"]).column("chunk_id").to_pylist()
    chunks = stage.read_part(row["chunks"]).to_pylist() if row.get("chunks") else []
    facts["chunks"] = [
        (_some(chunk, _CHUNK) or {}) | {"point": point} for chunk, point in zip(chunks, ids, strict=False)
    ]
    return facts


def _row(stage: Stage, name: str, product: str, path: str) -> Row | None:
    try:
        rows = stage.read(name, product, usable_only=False)
    except StageError:  # the stage has not been executed yet
        return None
    return next((row for row in rows if row["path"] == path), None)


def _some(row: Row | None, names: tuple[str, ...]) -> Row | None:
    return None if row is None else {name: row.get(name) for name in names}


def _unknown(stage: Stage, path: str) -> str:
    known = [row["path"] for row in stage.read("gitlab_ingestion", "documents", usable_only=False)]
    ends = [one for one in known if one.endswith("/" + path.lstrip("/"))]
    parts = [one for one in known if path.casefold() in one.casefold()]
    near = (ends or parts or difflib.get_close_matches(path, known))[:3]
    hint = f" Did you mean {' or '.join(near)}?" if near else " Name its path in the repository."
    return f"The newest run has seen no document {path}.{hint}"


tool = document
