"""The second readers: one small reader a format, which shares nothing with the converter but the bytes."""

from __future__ import annotations

import importlib

from stagekit.conservation.source_text import SourceText

__all__ = ["read_source"]

_READERS = {
    "docx": "word",
    "pptx": "slides",
    "xlsx": "workbook",
    "odt": "opendocument",
    "html": "page",
    "md": "marked_text",
    "txt": "plain_text",
}


def read_source(content: bytes | str, file_format: str) -> SourceText | None:
    """Read what a file says.

    Args:
        content: the bytes of an Office package that :func:`~stagekit.processing.content_type.detect_format`
            has let pass; of Markdown (without front matter), HTML and plain text the decoded text.
        file_format: as `detect_format` names it.

    Returns:
        What the file says; None for formats without a second reader: PDF, whose pages have a text layer to
        compare with, and images, of which only OCR's confidence tells.

    Raises:
        ValueError: a part of the file cannot be read.
    """
    if file_format not in _READERS:
        return None
    reader = importlib.import_module(f"{__name__}.{_READERS[file_format]}")
    try:
        found: SourceText = reader.read(content)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return found
