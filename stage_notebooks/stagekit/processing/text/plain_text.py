"""Turns a plain text file into a DoclingDocument, without taking its stars and hashes for Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from docling_core.types.doc import DocItemLabel, DoclingDocument
from docling_core.types.doc.document import ListGroup

__all__ = ["text_to_document"]

LONGEST_HEADING = 90
MOST_HEADING_WORDS = 12
_BULLET = re.compile(r"^\s*([-*•·–])\s+(?=\S)")
_NUMBERED_ITEM = re.compile(r"^\s*(\d{1,3}[.)]|[a-z]\))\s+(?=\S)")
_NUMBERED_HEADING = re.compile(r"^(\d{1,2}(?:\.\d{1,2})*)\.?\s+(?=[^\W\d_])")
_UNDERLINE = re.compile(r"^\s*([=\-~_*])\1{2,}\s*$")


def text_to_document(text: str, name: str) -> DoclingDocument:
    """Return the text as paragraphs (blocks between blank lines), lists and the headings that are obvious.

    A heading is a single short line between blank lines, followed by something, that is numbered (`8.1.
    Redes`), in capitals, underlined, or without the punctuation that ends a sentence.

    Args:
        text: The decoded text.
        name: Name of the DoclingDocument.
    """
    document = DoclingDocument(name=name)
    blocks = [block.split("\n") for block in re.split(r"\n[ \t\f\v]*\n", text.replace("\f", "\n\n"))]
    blocks = [[line.rstrip() for line in block if line.strip()] for block in blocks]
    blocks = [block for block in blocks if block]
    group: ListGroup | None = None
    for index, block in enumerate(blocks):
        following = blocks[index + 1] if index + 1 < len(blocks) else []
        level = _heading_level(block, following, first=index == 0)
        if level is not None:
            group = None
            document.add_heading(text=block[0].strip(), level=level)
        elif _is_list(block):
            group = group or document.add_list_group(name="list")
            _add_items(document, group, block)
        else:
            group = None
            for paragraph in _paragraphs(block):
                document.add_text(label=DocItemLabel.TEXT, text=paragraph)
    return document


def _heading_level(block: Sequence[str], following: Sequence[str], *, first: bool) -> int | None:
    line = block[0].strip()
    underlined = len(block) == 2 and _UNDERLINE.match(block[1])
    if len(block) != 1 and not underlined:
        return None
    letters = [c for c in line if c.isalpha()]
    if not letters or len(line) > LONGEST_HEADING or not following or line.endswith((".", ";", ",", ":")):
        return None
    number = _NUMBERED_HEADING.match(line)
    if number:
        return min(6, number.group(1).count(".") + 1)
    if _BULLET.match(line) or _NUMBERED_ITEM.match(line):
        return None
    if underlined or all(c.isupper() for c in letters):
        return 1
    short = len(line.split()) <= MOST_HEADING_WORDS and line[0].isupper()
    longer = len(" ".join(following)) > 1.5 * len(line) or _is_list(following)
    return 1 if short and longer and (first or not line.endswith("!")) else None


def _is_list(block: Sequence[str]) -> bool:
    marked = [bool(_BULLET.match(line) or _NUMBERED_ITEM.match(line)) for line in block]
    return bool(_BULLET.match(block[0])) or (marked[0] and sum(marked) > 1)


def _add_items(document: DoclingDocument, group: ListGroup, block: Sequence[str]) -> None:
    items: list[tuple[str, str]] = []
    for line in block:
        mark = _BULLET.match(line) or _NUMBERED_ITEM.match(line)
        if mark:
            items.append((mark.group(1), line[mark.end() :].strip()))
        else:
            items[-1] = (items[-1][0], f"{items[-1][1]} {line.strip()}")
    for marker, item in items:
        enumerated = marker[0].isalnum()
        document.add_list_item(text=item, enumerated=enumerated, marker=marker, parent=group)


def _paragraphs(block: Sequence[str]) -> list[str]:
    """Join lines that were wrapped at a margin; keep apart lines that end short, as in an address."""
    longest = max(len(line) for line in block)
    paragraphs = [block[0].strip()]
    for before, line in pairwise(block):
        wrapped = len(before) + len(line.split()[0]) + 1 > 0.8 * longest and longest > 40
        if wrapped:
            paragraphs[-1] = f"{paragraphs[-1]} {line.strip()}"
        else:
            paragraphs.append(line.strip())
    return paragraphs
