"""The points that a collection should hold, read document by document so that memory stays flat."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from qdrant_client.models import PointStruct, SparseVector

from stagekit.artifacts.rows import Rows
from stagekit.enrichment.completion import complete_payload
from stagekit.errors import StageError
from stagekit.storage.collection import DENSE, SPARSE, CollectionIdentity

if TYPE_CHECKING:
    import pyarrow as pa

Row = Mapping[str, Any]
Sparse = tuple[list[int], list[float]]


@dataclass(frozen=True, slots=True)
class DesiredPoint:
    """One point as it should be stored: id (the chunk's), vector, complete payload, and sparse vector.

    The sparse vector is its indices and their values; None where the collection has none.
    """

    id: str
    vector: list[float]
    payload: dict[str, Any]
    sparse: Sparse | None = None

    def as_struct(self) -> PointStruct:
        """Return it as requests carry it: with named vectors; a text without words has no sparse one."""
        vectors: dict[str, Any] = {DENSE: self.vector}
        if self.sparse is not None and self.sparse[0]:
            indices, values = self.sparse
            vectors[SPARSE] = SparseVector(indices=indices, values=values)
        return PointStruct(id=self.id, vector=vectors, payload=self.payload)


@dataclass(frozen=True)
class DesiredDocument:
    """The points of one document: their fingerprints at hand, vectors and payloads read when needed."""

    document_id: str  # of the document
    path: str  # of its file
    fingerprints: dict[str, str]  # ``point_fingerprint`` by point id
    load: Callable[[], Iterable[DesiredPoint]] = field(repr=False, compare=False)  # reads the points anew
    content: str = ""  # git blob id of the file; empty if unknown
    is_latest: bool = True  # whether that is the file's newest version

    def points(self, ids: Collection[str] | None = None) -> Iterator[DesiredPoint]:
        """Yield the points, or those of the given ids."""
        return (point for point in self.load() if ids is None or point.id in ids)


def embedding_identity(
    embeddings: Iterable[Row],
    vector_kind: Callable[[], Row] | None = None,
    *,
    chunk_size: int = 0,
    chunk_overlap: int = 0,
) -> CollectionIdentity:
    """Return what all documents' vectors have in common: model, dimension, kind of sparse vectors.

    Args:
        embeddings: rows of ``embedding_generation.embeddings`` with embedding_model, vector_dimension and,
            for hybrid search, sparse_version.
        vector_kind: returns these three where there is no row; None where there have to be rows.
        chunk_size: setting that the texts were cut by; it matters to the name of a collection only.
        chunk_overlap: as chunk_size.

    Raises:
        StageError: if the rows come from different models, or nothing says which.
    """
    columns = ("embedding_model", "vector_dimension", "sparse_version")
    rows = list(embeddings.columns(columns) if isinstance(embeddings, Rows) else embeddings)
    found = {
        (str(row["embedding_model"]), int(row["vector_dimension"]), str(row.get("sparse_version") or ""))
        for row in rows or ([vector_kind()] if vector_kind else [])
    }
    if not found:
        raise StageError(
            "No document has embeddings: look at the reasons in the notebooks of stages 01 to 04."
        )
    if len(found) > 1:
        names = ", ".join(
            f"{name} ({size} dimensions{', ' + sparse if sparse else ''})"
            for name, size, sparse in sorted(found)
        )
        raise StageError(
            f"The embeddings come from different models ({names}): run embedding_generation again."
        )
    (model, dimension, sparse) = found.pop()
    return CollectionIdentity(
        model, dimension, chunk_size=chunk_size, chunk_overlap=chunk_overlap, sparse=sparse
    )


def desired_documents(
    payloads: Iterable[Row],
    embeddings: Iterable[Row],
    read_part: Callable[[Any], pa.Table],
    identity: CollectionIdentity,
    *,
    known: Mapping[str, dict[str, str]] | None = None,
) -> list[DesiredDocument]:
    """Join the rows of payloads and vectors by document.

    A document that one of the stages could not finish is left out; its stored points stay as they are. The
    parts of documents whose fingerprints are known need not be read for them.

    Raises:
        StageError: if payloads and vectors of a document do not belong together.
    """
    vectors = {row["document_id"]: row for row in embeddings}
    documents = []
    for row in payloads:
        embedded = vectors.get(row["document_id"])
        if embedded is None:
            continue
        chunks = {made.get("chunks_sha256") for made in (row, embedded)} - {None}
        if len(chunks) > 1:
            raise _different_chunks(row["path"])
        load = _Loader(row["path"], row["payloads"], embedded["embeddings"], read_part, identity)
        fingerprints = (known or {}).get(row["document_id"])
        if fingerprints is None:
            fingerprints = load.fingerprints()
        content, is_latest = str(row.get("file_hash") or ""), bool(row.get("is_latest", True))
        documents.append(
            DesiredDocument(row["document_id"], row["path"], fingerprints, load, content, is_latest)
        )
    return documents


@dataclass(frozen=True, slots=True)
class _Loader:
    """Reads the points of one document from its two artifacts."""

    path: str
    payloads: Any
    embeddings: Any
    read_part: Callable[[Any], pa.Table]
    identity: CollectionIdentity

    def __call__(self) -> Iterator[DesiredPoint]:
        table = self.read_part(self.embeddings)
        vectors = _matrix(table["vector"], table.num_rows)
        self._check(vectors)
        sparse = self._sparse(table)
        for (index, payload), vector, words in zip(
            self._payloads(table, sparse), vectors, sparse, strict=True
        ):
            yield DesiredPoint(index, vector.tolist(), payload, words)

    def fingerprints(self) -> dict[str, str]:
        table = self.read_part(self.embeddings)
        payloads = self._payloads(table, self._sparse(table))
        return {chunk_id: payload["point_fingerprint"] for chunk_id, payload in payloads}

    def _payloads(
        self, embeddings: pa.Table, sparse: Sequence[Sparse | None]
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        table = self.read_part(self.payloads)
        if table["chunk_index"].to_pylist() != embeddings["chunk_index"].to_pylist():
            raise _different_chunks(self.path)
        columns = (table["chunk_id"], table["payload"], embeddings["vector_key"])
        rows = zip(*(column.to_pylist() for column in columns), sparse, strict=True)
        for chunk_id, payload, key, words in rows:
            yield (
                chunk_id,
                complete_payload(
                    json.loads(payload),
                    vector_key=key if words is None else _key_of_both(key, words),
                    vector_dimension=self.identity.dimension,
                    embedding_model=self.identity.embedding_model,
                ),
            )

    def _sparse(self, embeddings: pa.Table) -> Sequence[Sparse | None]:
        if not self.identity.sparse:
            return [None] * embeddings.num_rows
        if "sparse_indices" not in embeddings.column_names:
            raise StageError(f"{self.path} has no sparse vectors: run embedding_generation again.")
        columns = (embeddings["sparse_indices"].to_pylist(), embeddings["sparse_values"].to_pylist())
        return list(zip(*columns, strict=True))

    def _check(self, vectors: np.ndarray[Any, np.dtype[np.float32]]) -> None:
        if len(vectors) and vectors.shape[1] != self.identity.dimension:
            raise StageError(
                f"A vector of {self.path} has {vectors.shape[1]} dimensions instead of "
                f"{self.identity.dimension}: run embedding_generation again."
            )
        bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1) | ~vectors.any(axis=1))
        if bad.size:
            raise StageError(
                f"The vector of chunk {bad[0]} of {self.path} is zero or holds NaN and would match anything "
                "or nothing: set embedding_dtype to float32 and run embedding_generation again."
            )


def _key_of_both(key: str, sparse: Sparse) -> str:
    """Return a key that changes with the dense vector and with the sparse one."""
    indices, values = sparse
    state = hashlib.sha256(key.encode())
    state.update(np.asarray(indices, "<u4").tobytes() + np.asarray(values, "<f4").tobytes())
    return state.hexdigest()


def _different_chunks(path: str) -> StageError:
    return StageError(
        f"Payloads and embeddings of {path} are of different chunks: run embedding_generation and "
        "metadata_enrichment again after text_chunking."
    )


def _matrix(column: Any, rows: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Return a fixed-size-list column as an array of shape (rows, dimension)."""
    flat = column.combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return np.asarray(flat, dtype=np.float32).reshape(rows, -1) if rows else np.empty((0, 0), np.float32)
