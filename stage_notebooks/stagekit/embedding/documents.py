"""Embeds the chunks of documents: those of a batch together, so that small ones leave no core idle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any, Protocol

from stagekit.embedding.arithmetic import accepted_computations
from stagekit.embedding.model import computation_of, embed_texts, load_model
from stagekit.embedding.reuse import EmbeddedTexts, embed_with_reuse
from stagekit.embedding.sparse import SPARSE_VERSION, sparse_document_vector
from stagekit.embedding.tables import embeddings_table
from stagekit.embedding.vectors import VectorStore
from stagekit.stage.execution import DocumentOutput, InBatches

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from stagekit.embedding.model import EmbeddingModel
    from stagekit.embedding.registry import ModelFiles

Row = dict[str, Any]


class _Elsewhere(Protocol):
    made: int


@dataclass
class DocumentEmbedding:
    """What stage 04 does with a document; the model is loaded when a text turns up without a vector."""

    read_part: Callable[[Row, list[str]], pa.Table]  # gives columns of a document's table of chunks
    files: ModelFiles  # the model
    model: Row  # the arguments of :func:`stagekit.embedding.load_model`, by name
    store: VectorStore  # where vectors are looked up and kept
    batch_size: int  # how many texts are embedded together, of as many documents as that takes
    sparse: bool  # whether each text gets a vector of its words too
    chunks: int = field(default=0, init=False)  # how many were worked on
    reused: int = field(default=0, init=False)  # how many of them had a vector already
    # what has made vectors on other machines, and put them into `store`
    elsewhere: _Elsewhere | None = field(default=None, init=False)
    _ready: dict[str, tuple[pa.Table, EmbeddedTexts]] = field(default_factory=dict, init=False)

    @property
    def accepted(self) -> tuple[str, ...]:
        """The computations whose vectors are taken, those of other processors among them."""
        return accepted_computations(self.model["dtype"])

    @property
    def sparse_version(self) -> str:
        """Of the vectors of words; empty without them."""
        return SPARSE_VERSION if self.sparse else ""

    @cached_property
    def loaded(self) -> EmbeddingModel:
        """The model, loaded when it is asked for."""
        return load_model(**self.model)

    @property
    def made(self) -> int:
        """How many vectors were made, here and elsewhere."""
        return self.chunks - self.reused + (self.elsewhere.made if self.elsewhere else 0)

    def in_batches(self) -> InBatches:
        """Return the executor that embeds here."""
        return InBatches(
            self.embed, self.prepare, size=lambda row: int(row["chunk_count"]), most=self.batch_size
        )

    def texts(self, row: Row) -> list[str]:
        """Return the texts of a document."""
        texts: list[str] = self._chunks_of(row)["embedded_text"].to_pylist()
        return texts

    def prepare(self, rows: Sequence[Row]) -> None:
        """Embed the texts of a batch of documents together, each distinct one once."""
        self._ready.clear()
        parts = [self._chunks_of(row) for row in rows]
        texts = [part["embedded_text"].to_pylist() for part in parts]
        made = embed_with_reuse(
            list(chain.from_iterable(texts)),
            self._make,
            self.store,
            prompt=self.files.passage_prompt,
            model_fingerprint=self.files.fingerprint,
            accepted=self.accepted,
        )
        self.chunks += len(made.keys)
        self.reused += made.reused
        for row, part, vectors in zip(rows, parts, made.split(map(len, texts)), strict=True):
            self._ready[row["document_id"]] = part, vectors

    def embed(self, row: Row) -> DocumentOutput:
        """Return the vectors of a document, and what made them; by itself where it was not prepared."""
        if row["document_id"] not in self._ready:
            self.prepare([row])
        chunks, vectors = self._ready.pop(row["document_id"])
        texts = chunks["embedded_text"].to_pylist()
        sparse = [sparse_document_vector(text, row["path"]) for text in texts] if self.sparse else None
        return DocumentOutput(
            fields={
                "chunk_count": len(chunks),
                "chunks_sha256": row["chunks"]["sha256"],
                "embedding_model": self.files.fingerprint,
                "vector_dimension": vectors.vectors.shape[1],
                "computations": sorted(set(vectors.computations)),
                "sparse_version": self.sparse_version,
            },
            tables={"embeddings": embeddings_table(chunks["chunk_index"].to_pylist(), vectors, sparse)},
        )

    def _make(self, texts: list[str]) -> tuple[NDArray[np.float32], str]:
        vectors = embed_texts(self.loaded, texts, self.files.passage_prompt, self.batch_size)
        return vectors, computation_of(self.loaded)

    def _chunks_of(self, row: Row) -> pa.Table:
        return self.read_part(row["chunks"], ["chunk_index", "embedded_text"])
