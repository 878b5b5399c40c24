"""Text chunking: canonical Markdown of a document, and chunks that are exact spans of it.

Names are imported at their first use: checking a setting must not cost the 1.5 s of docling_core's import.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stagekit.chunking.chunker import Chunk, Chunking, chunk_document
    from stagekit.chunking.fullness import Fullness
    from stagekit.chunking.limits import ChunkSettings, check_chunk_settings
    from stagekit.chunking.markdown import Block, CanonicalMarkdown, Region, Section, build_markdown
    from stagekit.chunking.tables import CHUNK_SCHEMA, chunks_to_table

__all__ = [
    "CHUNK_SCHEMA",
    "Block",
    "CanonicalMarkdown",
    "Chunk",
    "ChunkSettings",
    "Chunking",
    "Fullness",
    "Region",
    "Section",
    "build_markdown",
    "check_chunk_settings",
    "chunk_document",
    "chunks_to_table",
]

_MODULES = ("limits", "markdown", "fullness", "chunker", "tables")


def __getattr__(name: str) -> Any:
    if name in __all__:
        for module in (import_module(f"{__name__}.{part}") for part in _MODULES):
            if name in module.__all__:
                return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
