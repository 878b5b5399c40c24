"""The rows that the ingestion stage hands on: documents with a stable identity, and their snapshot."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from stagekit.artifacts.rows import column_of
from stagekit.ingestion.model import FileHistory, Snapshot, Source
from stagekit.ingestion.selection import Document, extension_of

__all__ = ["NAMESPACE", "document_id", "document_rows", "media_type", "snapshot_record", "source_id"]

Row = dict[str, Any]
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "nic-etl.documents")
_ID_DIGITS = 16
_MEDIA_TYPES = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "md": "text/markdown",
    "txt": "text/plain",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "html": "text/html",
    "htm": "text/html",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "odt": "application/vnd.oasis.opendocument.text",
}


def document_id(project: str, path: str) -> str:
    """Return the id of a document: the same in every copy of the project, whatever its content."""
    return str(uuid.uuid5(NAMESPACE, f"{project}\n{path}"))


def source_id(project: str, branch: str, folders: Iterable[str]) -> str:
    """Return a short id (16 hexadecimal digits) of what is ingested: project, branch and set of folders."""
    text = json.dumps([project, branch, sorted(set(folders))], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:_ID_DIGITS]


def media_type(extension: str) -> str:
    """Return the IANA media type of a file name extension."""
    return _MEDIA_TYPES.get(extension, "application/octet-stream")


def document_rows(source: Source, documents: Sequence[Document]) -> list[Row]:
    """Return a row for each document, without its content.

    For a symbolic link, type, size and blob id are the target's, and the last change is the later one of link
    and target.
    """
    snapshot = source.snapshot()
    history = source.history({file.path: file for d in documents for file in (d.entry, d.content)}.values())
    return [_row(snapshot, document, history) for document in documents]


def snapshot_record(
    snapshot: Snapshot, folders: Sequence[str], documents: Sequence[Row], ignored: Sequence[Row]
) -> Row:
    """Return what the stage says of its source: which state was read, and what it held."""
    return {
        "source": snapshot.source,
        "source_id": source_id(snapshot.project, snapshot.repository_branch, folders),
        "project": snapshot.project,
        "repository_url": snapshot.repository_url,
        "repository_branch": snapshot.repository_branch,
        "commit": snapshot.commit,
        "commit_timestamp": snapshot.commit_timestamp,
        "target_folder": list(folders),
        "counts": {
            "files": len(documents) + len(ignored),
            "documents": len(documents),
            "ignored": len(ignored),
            "bytes": sum(column_of(documents, "size_bytes")),
            "by_extension": dict(Counter(column_of(documents, "file_extension"))),
            "ignored_by_category": dict(Counter(row["category"] for row in ignored)),
        },
    }


def _row(snapshot: Snapshot, document: Document, history: Mapping[str, FileHistory]) -> Row:
    path, content = document.entry.path, document.content
    own = history[path]
    last = max(own, history[content.path], key=lambda change: change.timestamp or "")
    extension = extension_of(content.path)
    return {
        "document_id": document_id(snapshot.project, path),
        "path": path,
        "file_name": path.rpartition("/")[2],
        "file_extension": extension,
        "media_type": media_type(extension),
        "size_bytes": content.size,
        "blob_id": content.blob_id,
        "repository_commit": last.commit,
        "repository_commit_timestamp": last.timestamp,
        "author": last.author,
        "created": own.created,
        "modified": last.timestamp,
    }
