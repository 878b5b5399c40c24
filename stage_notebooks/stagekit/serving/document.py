"""Returns one document as the collection holds it: its fields, and its passages in their order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from stagekit.search.passages import as_written
from stagekit.search.query import SearchRequestError, file_link
from stagekit.search.retrieval import open_collection, open_store
from stagekit.storage.reading.conditions import AnyOf, PointId, Where

_PAGE: Final = 256  # points that are asked for at once
_OF_PASSAGE: Final = ("chunk_id", "chunk_index", "page_number", "section_titles", "clause", "has_struck_text")
_OF_DOCUMENT: Final = (
    "document_id", "file_path", "title", "version", "status", "language", "document_type", "is_latest",
    "effective_date", "expiration_date", "superseded_by", "watermark", "stale", "repository_commit",
)  # fmt: skip


def document(
    path: str,
    *,
    qdrant_url: str = "embedded",
    collection_name: str = "nic_documents",
    outputs_dir: str = "",
    settings: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return what the collection holds of a document, by its path in the repository or its ``document_id``.

    That is the fields of the payload that concern the document, ``link`` to its file, and ``passages``: of
    each its text with page, sections and clause, in the order of the document. Neighbours may share a
    sentence.

    Raises:
        SearchRequestError: if the collection has no such document.
        StageError: if the collection is missing, empty, locked or cannot be reached.
    """
    named_so = Where(should=[AnyOf(field, [path]) for field in ("file_path", "document_id")])
    rows: list[dict[str, Any]] = []
    with open_store(qdrant_url, outputs_dir, settings) as store:
        collection = open_collection(store, collection_name)
        begin: PointId | None = None
        while True:
            points, begin = store.page(collection.name, named_so, limit=_PAGE, offset=begin)
            rows += [dict(point.payload) for point in points if point.payload]
            if begin is None:
                break
    rows = [row for row in rows if as_written(row)]  # what somebody altered is not served
    if not rows:
        raise SearchRequestError(
            f"The collection {collection_name} has no document {path}: name its path as a hit of a search "
            "shows it, or its document_id."
        )
    rows.sort(key=lambda row: int(row.get("chunk_index", 0)))
    facts = {name: rows[0].get(name) for name in _OF_DOCUMENT if name in rows[0]}
    passages = [
        {name: row.get(name) for name in _OF_PASSAGE} | {"text": row["chunk_content"]} for row in rows
    ]
    return facts | {"link": file_link(rows[0]), "passages": passages}


def plain_document(path: str, **request: Any) -> dict[str, Any]:
    """Call :func:`document` with those of a search's arguments that concern it."""
    known = ("qdrant_url", "collection_name", "outputs_dir", "settings")
    return document(path, **{name: request[name] for name in known if name in request})
