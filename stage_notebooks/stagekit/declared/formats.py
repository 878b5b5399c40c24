"""What kind of text a file holds: its bytes decide, its name only tells Markdown, HTML and text apart."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from stagekit.declared.decoding import looks_like_text

ZIP = b"PK\x03\x04"
"""What a file of Office Open XML or OpenDocument begins with."""
_HINTS = {
    **dict.fromkeys((".md", ".mkd", ".mkdn", ".mdwn", ".mdown", ".markdown"), "md"),  # as GitLab has it
    **dict.fromkeys((".html", ".htm", ".xhtml"), "html"),
}
_HTML = re.compile(rb"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*(<!doctype\s+html|<html)[\s>]", re.I | re.S)


def name_hint(file_name: str) -> str:
    """Return what a name says of a text file: `md`, `html`, or nothing."""
    return _HINTS.get(PurePosixPath(file_name).suffix.lower(), "")


def text_format(content: bytes, file_name: str) -> str | None:
    """Return `md`, `html` or `txt`; None where the bytes are no text that is read here."""
    if not looks_like_text(content) or content.startswith(b"{\\rtf"):
        return None
    hint = name_hint(file_name)
    is_page = not hint and _HTML.match(content.removeprefix(b"\xef\xbb\xbf")[:4096])
    return "html" if is_page else hint or "txt"
