"""Text chunking: canonical Markdown of a document, and chunks that are exact spans of it.

Names are imported at their first use: checking a setting must not cost the 1.5 s of docling_core's import.
"""

from typing import TYPE_CHECKING

from stagekit.base.imports.lazy import lazy_names

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

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "stagekit.chunking.chunker": ("Chunk", "Chunking", "chunk_document"),
        "stagekit.chunking.fullness": ("Fullness",),
        "stagekit.chunking.limits": ("ChunkSettings", "check_chunk_settings"),
        "stagekit.chunking.markdown": ("Block", "CanonicalMarkdown", "Region", "Section", "build_markdown"),
        "stagekit.chunking.tables": ("CHUNK_SCHEMA", "chunks_to_table"),
    },
)
