"""Embedding models: found, verified, loaded, and their vectors kept by content.

Names are loaded when they are asked for: whoever checks a setting needs the registry, and not NumPy with it.
"""

from typing import TYPE_CHECKING

from stagekit.base.imports.lazy import lazy_names

if TYPE_CHECKING:
    from stagekit.embedding.arithmetic import accepted_computations as accepted_computations
    from stagekit.embedding.arithmetic import computation as computation
    from stagekit.embedding.arithmetic import resolve_backend as resolve_backend
    from stagekit.embedding.documents import DocumentEmbedding as DocumentEmbedding
    from stagekit.embedding.hardware import resolve_device as resolve_device
    from stagekit.embedding.hardware import resolve_dtype as resolve_dtype
    from stagekit.embedding.hub import fetch_model as fetch_model
    from stagekit.embedding.model import EmbeddingModel as EmbeddingModel
    from stagekit.embedding.model import computation_of as computation_of
    from stagekit.embedding.model import embed_texts as embed_texts
    from stagekit.embedding.model import load_model as load_model
    from stagekit.embedding.packaged import PACKAGED_MODELS as PACKAGED_MODELS
    from stagekit.embedding.registry import ModelFiles as ModelFiles
    from stagekit.embedding.registry import max_sequence_length as max_sequence_length
    from stagekit.embedding.registry import resolve_model as resolve_model
    from stagekit.embedding.reuse import EmbeddedTexts as EmbeddedTexts
    from stagekit.embedding.reuse import embed_with_reuse as embed_with_reuse
    from stagekit.embedding.sparse import SPARSE_VERSION as SPARSE_VERSION
    from stagekit.embedding.sparse import SparseVector as SparseVector
    from stagekit.embedding.sparse import sparse_document_vector as sparse_document_vector
    from stagekit.embedding.sparse import sparse_query_vector as sparse_query_vector
    from stagekit.embedding.tables import embeddings_table as embeddings_table
    from stagekit.embedding.terms import sparse_terms as sparse_terms
    from stagekit.embedding.tokens import TokenCounter as TokenCounter
    from stagekit.embedding.tokens import load_tokenizer as load_tokenizer
    from stagekit.embedding.vectors import VectorStore as VectorStore
    from stagekit.embedding.vectors import vector_key as vector_key
    from stagekit.errors import ModelUnavailableError as ModelUnavailableError

__getattr__, __dir__, __all__ = lazy_names(__name__, __file__)
