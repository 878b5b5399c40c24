"""The one reader of what a document says of itself, in whatever format and encoding it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from stagekit.declared.decoding import decode_html, decode_text
from stagekit.declared.formats import ZIP, text_format
from stagekit.declared.front_matter import split_front_matter
from stagekit.declared.html_head import html_properties, meta_elements
from stagekit.declared.office import office_properties

_SILENT = (b"%PDF-", b"\x89PNG", b"\xff\xd8\xff")  # what needs no look to be known as no text


@dataclass(frozen=True)
class Declaration:
    """What a document says of itself.

    Attributes:
        front_matter: of a Markdown file, as plain JSON.
        properties: of an Office, OpenDocument or HTML file, as plain JSON.
        text: of a text file, decoded and without its front matter; None for other formats.
        fault: why front matter cannot be read, with its line; the document must not be used then.
        warnings: sentences on what could not be read, but for which no text is lost.
        said: keys and values among which a status may stand, in their order; one may stand there twice.
    """

    front_matter: dict[str, Any] = field(default_factory=dict)
    properties: dict[str, Any] = field(default_factory=dict)
    text: str | None = None
    fault: str | None = None
    warnings: list[str] = field(default_factory=list)
    said: list[tuple[str, Any]] = field(default_factory=list)


def declared_format(content: bytes, file_name: str) -> str:
    """Return `office`, `md`, `html` or `txt`, whose declarations are read; empty for all other formats.

    The bytes decide; the name tells Markdown, HTML and plain text apart.
    """
    if content.startswith(ZIP):
        return "office"
    if content.startswith(_SILENT):
        return ""
    return text_format(content, file_name) or ""


def read_declaration(content: bytes, file_format: str) -> Declaration:
    """Read what a document says of itself.

    Args:
        content: the whole file.
        file_format: `md`, `html`, `txt`, or an Office format: `office`, `docx`, `pptx`, `xlsx`, `odt`.
            Other formats say nothing here; plain text has no front matter.
    """
    if file_format == "md":
        text, _ = decode_text(content)
        found = split_front_matter(text)
        said = [*found.repeated, *found.values.items()]
        return Declaration(found.values, text=found.body, fault=found.fault, said=said)
    if file_format == "html":
        text, _ = decode_html(content)
        return Declaration(properties=html_properties(text), text=text, said=[*meta_elements(text)])
    if file_format == "txt":
        return Declaration(text=decode_text(content)[0])
    if file_format not in ("office", "docx", "pptx", "xlsx", "odt"):
        return Declaration()
    try:
        return Declaration(properties=office_properties(content))
    except ValueError as error:  # a malformed part must not cost the text
        return Declaration(warnings=[f"The document properties cannot be read: {error}"])
