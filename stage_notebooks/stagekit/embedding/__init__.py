"""Embedding models: found, verified, loaded, and their vectors kept by content.

Names are loaded when they are asked for: whoever checks a setting needs the registry, and not NumPy with it.
"""

from typing import TYPE_CHECKING

from stagekit.base.imports.lazy import lazy_names

if TYPE_CHECKING:
    from stagekit.embedding.arithmetic import accepted_computations, computation, resolve_backend
    from stagekit.embedding.documents import DocumentEmbedding
    from stagekit.embedding.hardware import resolve_device, resolve_dtype
    from stagekit.embedding.hub import fetch_model
    from stagekit.embedding.model import EmbeddingModel, computation_of, embed_texts, load_model
    from stagekit.embedding.packaged import PACKAGED_MODELS
    from stagekit.embedding.registry import ModelFiles, max_sequence_length, resolve_model
    from stagekit.embedding.reuse import EmbeddedTexts, embed_with_reuse
    from stagekit.embedding.sparse import (
        SPARSE_VERSION,
        SparseVector,
        sparse_document_vector,
        sparse_query_vector,
    )
    from stagekit.embedding.tables import embeddings_table
    from stagekit.embedding.terms import sparse_terms
    from stagekit.embedding.tokens import TokenCounter, load_tokenizer
    from stagekit.embedding.vectors import VectorStore, vector_key
    from stagekit.errors import ModelUnavailableError

__all__ = [
    "PACKAGED_MODELS",
    "SPARSE_VERSION",
    "DocumentEmbedding",
    "EmbeddedTexts",
    "EmbeddingModel",
    "ModelFiles",
    "ModelUnavailableError",
    "SparseVector",
    "TokenCounter",
    "VectorStore",
    "accepted_computations",
    "computation",
    "computation_of",
    "embed_texts",
    "embed_with_reuse",
    "embeddings_table",
    "fetch_model",
    "load_model",
    "load_tokenizer",
    "max_sequence_length",
    "resolve_backend",
    "resolve_device",
    "resolve_dtype",
    "resolve_model",
    "sparse_document_vector",
    "sparse_query_vector",
    "sparse_terms",
    "vector_key",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "stagekit.embedding.arithmetic": ("accepted_computations", "computation", "resolve_backend"),
        "stagekit.embedding.documents": ("DocumentEmbedding",),
        "stagekit.errors": ("ModelUnavailableError",),
        "stagekit.embedding.hardware": ("resolve_device", "resolve_dtype"),
        "stagekit.embedding.hub": ("fetch_model",),
        "stagekit.embedding.model": ("EmbeddingModel", "computation_of", "embed_texts", "load_model"),
        "stagekit.embedding.packaged": ("PACKAGED_MODELS",),
        "stagekit.embedding.registry": ("ModelFiles", "max_sequence_length", "resolve_model"),
        "stagekit.embedding.reuse": ("EmbeddedTexts", "embed_with_reuse"),
        "stagekit.embedding.sparse": (
            "SPARSE_VERSION",
            "SparseVector",
            "sparse_document_vector",
            "sparse_query_vector",
        ),
        "stagekit.embedding.tables": ("embeddings_table",),
        "stagekit.embedding.terms": ("sparse_terms",),
        "stagekit.embedding.tokens": ("TokenCounter", "load_tokenizer"),
        "stagekit.embedding.vectors": ("VectorStore", "vector_key"),
    },
)
