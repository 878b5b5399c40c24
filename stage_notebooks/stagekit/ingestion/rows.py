"""The rows that the ingestion stage hands on: documents with a stable identity, and their snapshot."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from stagekit.artifacts.rows import column_of
from stagekit.ingestion.identity import Identity
from stagekit.ingestion.selection import Document, extension_of
from stagekit.ingestion.source import FileHistory, Snapshot, Source, SourceTraits

Row = dict[str, Any]
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "nic-etl.documents")
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


def media_type(extension: str) -> str:
    """Return the IANA media type of a file name extension."""
    return _MEDIA_TYPES.get(extension, "application/octet-stream")


def document_rows(source: Source, documents: Sequence[Document], project: str = "") -> list[Row]:
    """Return a row for each document, without its content; its id derives from the project's lasting name.

    For a symbolic link, type, size and blob id are the target's, and the last change is the later one of link
    and target.
    """
    snapshot = source.snapshot()
    history = source.history({file.path: file for d in documents for file in (d.entry, d.content)}.values())
    return [_row(project or snapshot.project, document, history) for document in documents]


def snapshot_record(
    snapshot: Snapshot,
    folders: Sequence[str],
    documents: Sequence[Row],
    ignored: Sequence[Row],
    *,
    identity: Identity,
    traits: SourceTraits,
    named: bool = False,
    trial: bool = False,
) -> Row:
    """Return what the stage says of its source: whose it is, which state was read, and what it held.

    Args:
        snapshot: the state, under the name that lasts.
        folders: approved folders.
        documents: rows of the documents.
        ignored: rows of the other files.
        identity: who the source is.
        traits: what it is recognised by.
        named: the setting ``project`` gave it its name.
        trial: only some of the documents were read, to try them.
    """
    return {
        "source": snapshot.source,
        "source_id": identity.source_id,
        "named": named,
        "traits": asdict(traits),
        "trial": trial,
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


def _row(project: str, document: Document, history: Mapping[str, FileHistory]) -> Row:
    path, content = document.entry.path, document.content
    own = history[path]
    last = max(own, history[content.path], key=lambda change: change.timestamp or "")
    extension = extension_of(content.path)
    return {
        "document_id": document_id(project, path),
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
