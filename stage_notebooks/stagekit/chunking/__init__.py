"""Text chunking: canonical Markdown of a document, and chunks that are exact spans of it.

Names are imported at their first use: checking a setting must not cost the 1.5 s of docling_core's import.
"""

from typing import TYPE_CHECKING

from stagekit.base.imports.lazy import lazy_names

if TYPE_CHECKING:
    from stagekit.chunking.chunker import Chunk as Chunk
    from stagekit.chunking.chunker import Chunking as Chunking
    from stagekit.chunking.chunker import chunk_document as chunk_document
    from stagekit.chunking.fullness import Fullness as Fullness
    from stagekit.chunking.limits import ChunkSettings as ChunkSettings
    from stagekit.chunking.limits import check_chunk_settings as check_chunk_settings
    from stagekit.chunking.markdown import Block as Block
    from stagekit.chunking.markdown import CanonicalMarkdown as CanonicalMarkdown
    from stagekit.chunking.markdown import Region as Region
    from stagekit.chunking.markdown import Section as Section
    from stagekit.chunking.markdown import build_markdown as build_markdown
    from stagekit.chunking.tables import CHUNK_SCHEMA as CHUNK_SCHEMA
    from stagekit.chunking.tables import chunks_to_table as chunks_to_table

__getattr__, __dir__, __all__ = lazy_names(__name__, __file__)
