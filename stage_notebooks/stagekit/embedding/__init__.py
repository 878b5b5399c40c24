"""Embedding models: found, verified, loaded, and their vectors kept by content."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stagekit.embedding.errors import ModelUnavailableError
    from stagekit.embedding.hardware import resolve_device, resolve_dtype
    from stagekit.embedding.hub import fetch_model
    from stagekit.embedding.model import EmbeddingModel, computation, embed_texts, load_model, resolve_backend
    from stagekit.embedding.packaged import PACKAGED_MODELS
    from stagekit.embedding.registry import ModelFiles, max_sequence_length, resolve_model
    from stagekit.embedding.reuse import EmbeddedTexts, embed_with_reuse
    from stagekit.embedding.sparse import (
        SPARSE_VERSION,
        SparseVector,
        sparse_document_vector,
        sparse_query_vector,
        sparse_terms,
    )
    from stagekit.embedding.tables import embeddings_table
    from stagekit.embedding.tokens import TokenCounter, load_tokenizer
    from stagekit.embedding.vectors import VectorStore, vector_key

# Loaded when they are asked for: whoever checks a setting needs the registry, and not NumPy with it.
_MODULES = {
    "errors": ("ModelUnavailableError",),
    "hardware": (
        "resolve_device",
        "resolve_dtype",
    ),
    "hub": ("fetch_model",),
    "model": (
        "EmbeddingModel",
        "computation",
        "embed_texts",
        "load_model",
        "resolve_backend",
    ),
    "packaged": ("PACKAGED_MODELS",),
    "registry": (
        "ModelFiles",
        "max_sequence_length",
        "resolve_model",
    ),
    "reuse": (
        "EmbeddedTexts",
        "embed_with_reuse",
    ),
    "sparse": (
        "SPARSE_VERSION",
        "SparseVector",
        "sparse_document_vector",
        "sparse_query_vector",
        "sparse_terms",
    ),
    "tables": ("embeddings_table",),
    "tokens": (
        "TokenCounter",
        "load_tokenizer",
    ),
    "vectors": (
        "VectorStore",
        "vector_key",
    ),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "PACKAGED_MODELS",
    "SPARSE_VERSION",
    "EmbeddedTexts",
    "EmbeddingModel",
    "ModelFiles",
    "ModelUnavailableError",
    "SparseVector",
    "TokenCounter",
    "VectorStore",
    "computation",
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


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
