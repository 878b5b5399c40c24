"""Knows the marks of text that the source shows as struck out: `~~revoked~~`, each within one line."""

import re
from typing import Final

MARK: Final = "~~"

_STRUCK = re.compile(r"(?<!~)~~(?![\s~])(?:(?!~~|\n\n).)+?(?<!\s)~~(?!~)", re.DOTALL)
_TOUCHING = re.compile(r"~~(\s?)~~")
_NOT_TEXT = re.compile(r"^#{1,6} .*$|^\|[-|: ]*\|$|[|>*_\-\s]|^\d+[.)]\s", re.MULTILINE)


def struck(text: str) -> str:
    """Return a text marked as struck out, line by line; marks that it has are not doubled."""
    lines = text.replace(MARK, "").split("\n")
    return "\n".join(_marked(line) for line in lines)


def _marked(line: str) -> str:
    body = line.strip()
    if not body:
        return line
    return line.replace(body, f"{MARK}{body}{MARK}")


def merged(text: str) -> str:
    """Return a text in which neighbouring struck parts are one."""
    return _TOUCHING.sub(r"\1", text)


def struck_spans(text: str) -> list[tuple[int, int]]:
    """Return the (start, end) spans of a text's struck parts, marks included."""
    return [match.span() for match in _STRUCK.finditer(text)]


def has_struck(text: str) -> bool:
    """Return whether a part of a text is struck out."""
    return _STRUCK.search(text) is not None


def without_struck(text: str) -> str:
    """Return a text without its struck parts, and without the lines that were nothing else."""
    if MARK not in text:
        return text
    kept = []
    for line in _STRUCK.sub(MARK, text).split("\n"):
        rest = line.replace(MARK, " ")
        if rest == line or re.search(r"[^\s|>*#\-]", rest):
            kept.append(re.sub(r"(?<=\S) {2,}", " ", rest).rstrip() if rest != line else line)
    return "\n".join(kept)


def is_wholly_struck(text: str) -> bool:
    """Return whether all text of a passage but its headings is struck out."""
    return has_struck(text) and not _NOT_TEXT.sub("", _STRUCK.sub("", text))
