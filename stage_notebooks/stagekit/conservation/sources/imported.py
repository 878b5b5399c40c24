"""Reads a part that a Word document imports when it is opened (`altChunk`), in whatever format it is."""

from __future__ import annotations

import email
import email.policy

from stagekit.conservation.source_text import SourceText
from stagekit.declared.decoding import decode_html, decode_text


def imported_text(part: str, content: bytes) -> SourceText | None:
    """Return what a part says; None for formats that are not read here (RTF).

    Raises:
        ValueError: it is a Word document that cannot be read.
    """
    from stagekit.conservation.sources import read_source

    kind = part.rpartition(".")[2].lower()
    if kind == "docx":
        return read_source(content, "docx")
    if kind in {"mht", "mhtml"}:
        message = email.message_from_bytes(content, policy=email.policy.default)
        pages = [found for found in message.walk() if found.get_content_type() == "text/html"]
        return read_source(str(pages[0].get_content()), "html") if pages else None
    if kind in {"html", "htm", "xhtml"}:
        return read_source(decode_html(content)[0], "html")
    return read_source(decode_text(content)[0], "txt") if kind == "txt" else None
