"""Which libraries determine what a stage makes: another version of one makes its results anew."""

from __future__ import annotations

from importlib.metadata import version

__all__ = ["library_versions"]

# Not those whose version changes the last digits of a number at most (the arithmetic of embeddings), or only
# how something is stored. What stands here is in the stage's fingerprint and in the key of each document.
_LIBRARIES = {
    "document_processing": (
        "docling", "docling-core", "docling-parse", "pypdfium2", "rapidocr", "rapid-layout", "onnxruntime",
    ),
    "text_chunking": ("docling-core", "tokenizers"),
    "metadata_enrichment": ("py3langid",),
}  # fmt: skip


def library_versions(stage: str) -> dict[str, str]:
    """Return the version of each library that determines a stage's result, by the library's name."""
    return {name: version(name) for name in _LIBRARIES.get(stage, ())}
