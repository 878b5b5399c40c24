"""Reads what a Markdown file says, from the tokens of CommonMark with tables and struck text."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from stagekit.conservation.source_text import STRUCK, SourceText
from stagekit.conservation.sources.page import KNOWN_TAGS, read_piece

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

__all__ = ["read"]

_NOTE = re.compile(r"^( {0,3})\[\^([^\]\n]+)\]:", re.MULTILINE)
_NOTE_MARK = re.compile(r"\[\^[^\]\s]+\]")
_TASK = re.compile(r"^([ \t]*(?:>[ \t]*)*(?:[-*+]|\d+[.)])[ \t]+)\[[ xX]\](?=\s)", re.MULTILINE)
_CALLOUT = re.compile(r"^((?:[ \t]*>)+[ \t]*)\[!([\w-]+)\][-+]?", re.MULTILINE)
_WIKI_LINK = re.compile(r"!?\[\[([^\]\n|]*)(?:\|([^\]\n]*))?\]\]")
_WIKI_COMMENT = re.compile(r"%%.*?%%", re.DOTALL)
_TAG = re.compile(r"</?([a-zA-Z][\w-]*)")


def read(content: str) -> SourceText:
    """Return the paragraphs and cells of a Markdown text that has no front matter (any more)."""
    source = SourceText()
    text = _without_signs(content, source)
    tokens = _parser().parse(text)
    place = [-1, -1, -1]
    in_cell = False
    for token in tokens:
        kind = token.type
        if kind == "table_open":
            place = [place[0] + 1, -1, -1]
        elif kind == "tr_open":
            place = [place[0], place[1] + 1, -1]
        elif kind in {"th_open", "td_open"}:
            place[2] += 1
            in_cell = True
        elif kind in {"th_close", "td_close"}:
            in_cell = False
        elif kind == "inline":
            cell = (place[0], place[1], place[2]) if in_cell else None
            _inline(token, source, "cell" if in_cell else "paragraph", cell)
        elif kind in {"fence", "code_block"}:
            source.add(token.content)
            source.may_stand.append(token.info)
        elif kind == "html_block":
            read_piece(token.content, source)
    return source


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    parser.validateLink = _any_link  # type: ignore[method-assign]
    return parser


def _any_link(url: str) -> bool:  # noqa: ARG001
    """Take every address for a link, that of a picture in the text itself too; nobody follows it here."""
    return True


def _without_signs(content: str, source: SourceText) -> str:
    """Return a text without the signs of notes, tasks, callouts and wiki links, which are no words."""
    source.may_stand += _NOTE_MARK.findall(content) + [kind for _, kind in _CALLOUT.findall(content)]
    text = _NOTE.sub(r"\1", content)
    text = _NOTE_MARK.sub("", text)
    text = _TASK.sub(r"\1", text)
    text = _CALLOUT.sub(r"\1", text)
    source.may_stand += _WIKI_COMMENT.findall(text)
    text = _WIKI_COMMENT.sub("", text)
    for target, _ in _WIKI_LINK.findall(text):
        source.may_stand.append(target)
    return _WIKI_LINK.sub(lambda link: link.group(2) or link.group(1), text)


def _inline(token: Token, source: SourceText, kind: str, place: tuple[int, int, int] | None) -> None:
    parts: list[str] = []
    for child in token.children or ():
        if child.type in {"softbreak", "hardbreak"}:
            parts.append("\n")
        elif child.type in {"s_open", "s_close"}:
            parts.append(STRUCK)
        elif child.type == "image":
            source.may_stand += [child.content, str(child.attrGet("title") or "")]
        elif child.type == "html_inline":
            parts.append(_tag(child.content, source))
        else:
            parts.append(child.content)
            if child.attrGet("title"):
                source.may_stand.append(str(child.attrGet("title")))
    source.add("".join(parts), kind, place)


def _tag(text: str, source: SourceText) -> str:
    """Return what a tag inside a line says: nothing, a line's end, or itself where it is a placeholder."""
    if text.startswith("<!--"):
        source.leave_out("comment", text[4:-3])
        return ""
    found = _TAG.match(text)
    if found is None or found.group(1).lower() in KNOWN_TAGS:
        return "\n" if found is not None and found.group(1).lower() == "br" else ""
    return text
