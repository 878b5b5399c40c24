"""Reads what a Markdown file says, by taking away the signs that are no words.

The converter parses Markdown as the standard says; this reader knows only what a sign looks like, so that no
rule of a parser can hide a text from both.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from stagekit.conservation.source_text import STRUCK, SourceText
from stagekit.conservation.sources.page import KNOWN_TAGS, is_unseen_style

_FENCE = re.compile(r"^(?:[ \t>]|[-*+][ \t]|\d+[.)][ \t])*(`{3,}|~{3,})([^`\n]*)$")
_EXAMPLE = re.compile(r"^ {0,3}\(@([\w-]*)\)(?=[ \t]+\S)", re.MULTILINE)  # of Pandoc
_EXAMPLE_NAMED = re.compile(r"(?<![\w@.])@([\w-]+)")
_RAISED = re.compile(r"(?<=\w)(?:\^(\d{1,3}|[oa])\^|~(\d{1,3})~)")
_DIVISION = re.compile(r"^[ \t>]*:{3,}[ \t]*(\{[^{}\n]*\}|[\w-]+)?", re.MULTILINE)
_LINE_START = r"^((?:[ \t]*>)*[ \t]*"
_CODE = re.compile(r"(?<!`)(`+)(?!`)((?:(?!\n[ \t]*\n).)+?)(?<!`)\1(?!`)", re.DOTALL)
_COMMENT = re.compile(r"<!--(.*?)(?:-->|\Z)", re.DOTALL)
_WIKI_COMMENT = re.compile(r"%%(.*?)%%", re.DOTALL)
_NOTE_MARK = re.compile(r"\[\^([^\[\]\n]+)\]:?")
_TASK = re.compile(_LINE_START + r"(?:[-*+]|\d+[.)])[ \t]+)\[[ xX]\](?=\s)", re.MULTILINE)
_NUMBER = re.compile(_LINE_START + r")\d{1,9}[.)](?=[ \t])", re.MULTILINE)
_ATTRIBUTES = re.compile(
    r"^(.{0,300}?)(\{:?(?:[ \t]*(?:[#.][\w:.-]+|[\w-]+=(?:\"[^\"\n]*\"|[^\s{}\"]+)))+[ \t]*\})[ \t]*$",
    re.MULTILINE,
)
_CALLOUT = re.compile(r"^((?:[ \t]*>)+[ \t]*)\[!([\w-]+)\][-+]?", re.MULTILINE)
_ADMONITION = re.compile(r"^([ \t]*)(?:!!!|\?\?\?\+?)[ \t]+([\w-]+)", re.MULTILINE)
_WIKI_LINK = re.compile(r"!?\[\[([^\[\]\n|]*)(?:\|([^\[\]\n]*))?\]\]")
_DEFINITION = re.compile(r"^ {0,3}\[([^\]\n]+)\]:[ \t]*\n?[ \t]*(?:<[^>\n]*>|\S+)(.*)$", re.MULTILINE)
_BRACKETS = r"\[((?:[^\[\]]|\[[^\[\]]*\])*)\]"
_TARGET = (
    r"""\(\s{0,20}(?:<[^>\n]*>|(?:[^()\s]|\([^()\s]*\))*)(\s{1,20}(?:"[^"]*"|'[^']*'|\([^)]*\)))?\s{0,20}\)"""
)
_IMAGE = re.compile("!" + _BRACKETS + rf"(?:{_TARGET}|\[([^\]\n]*)\])")
_LINK = re.compile(_BRACKETS + rf"(?:{_TARGET}|\[([^\]\n]*)\])")
_AUTOLINK = re.compile(r"<((?:[a-zA-Z][a-zA-Z0-9+.-]+:|[^\s<>@]+@)[^\s<>]*)>")
_UNSHOWN = re.compile(r"<(script|style|template|head)\b[^>]*>.*?(?:</\1\s*>|\Z)", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"<(/?)([a-zA-Z][\w-]*)([^<>]*)>")
_SAID = re.compile(r"""\b(?:alt|title|value|placeholder)\s*=\s*("[^"]*"|'[^']*')""", re.IGNORECASE)
_INSIDE = re.compile(r"a|abbr|b|big|cite|code|em|font|i|ins|kbd|mark|q|small|span|strong|sub|sup|u")
_EMPHASIS = re.compile(r"(\*{1,3})(?=[^\s*])((?:(?!\n[ \t]*\n).){1,300}?)(?<=[^\s*])\1", re.DOTALL)
_SIGNS = re.compile(r"^(?:[ \t>]+|[-*+][ \t]+|#{1,6}[ \t]+)+", re.MULTILINE)
_RULE = re.compile(r"^[ \t>]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$")
_BAR = re.compile(r"(?<!\\)\|")
_BLANK = re.compile(r"\n[ \t>]*\n")


def read(content: str) -> SourceText:
    """Return the paragraphs and cells of a Markdown text that has no front matter (any more)."""
    source = SourceText()
    tables = 0
    for text, is_code in _parts(content, source):
        if is_code:
            source.add(text)
            continue
        for block in _BLANK.split(_without_signs(text, source)):
            tables = _block(block, source, tables)
    return source


def _parts(content: str, source: SourceText) -> Iterator[tuple[str, bool]]:
    """Yield the text between fences, and that inside them."""
    lines: list[str] = []
    fence = ""
    for line in content.split("\n"):
        mark = _FENCE.match(line)
        if mark and not fence:
            yield "\n".join(lines), False
            fence, lines = mark.group(1), []
            source.may_stand.append(mark.group(2))
        elif fence and line.strip(" \t>").startswith(fence) and not line.strip(" \t>" + fence[0]):
            yield "\n".join(lines), True
            fence, lines = "", []
        else:
            lines.append(line)
    yield "\n".join(lines), bool(fence)


def _without_signs(text: str, source: SourceText) -> str:
    """Return a text without comments, links' targets, tags and the marks of notes, boxes and emphasis."""
    codes: list[str] = []

    def set_aside(code: re.Match[str]) -> str:
        codes.append(code.group(2))
        return f"\ue000{len(codes) - 1}\ue001"

    text = _CODE.sub(set_aside, text)
    text = _COMMENT.sub(lambda found: _left_out(found.group(1), "comment", source), text)
    text = _WIKI_COMMENT.sub(lambda found: _may_stand("", source, found.group(1)), text)
    text = _NOTE_MARK.sub(lambda found: _may_stand("", source, found.group(1)), text)
    text = _ATTRIBUTES.sub(lambda found: _may_stand(found.group(1), source, found.group(2)), text)
    text = _RAISED.sub(r"\1\2", _without_examples(text, source))
    text = _DIVISION.sub(lambda found: _may_stand("", source, found.group(1)), text)
    text = _NUMBER.sub(r"\1", _TASK.sub(r"\1", text))
    text = _CALLOUT.sub(lambda found: _may_stand(found.group(1), source, found.group(2)), text)
    text = _ADMONITION.sub(lambda found: _may_stand(found.group(1), source, found.group(2)), text)
    text = _WIKI_LINK.sub(
        lambda found: _may_stand(found.group(2) or found.group(1), source, found.group(1)), text
    )
    text = _DEFINITION.sub(lambda found: _may_stand("", source, found.group()), text)
    text = _IMAGE.sub(lambda found: _may_stand("", source, found.group()), text)
    text = _LINK.sub(lambda found: _may_stand(found.group(1), source, found.group()), text)
    text = _AUTOLINK.sub(r"\1", text)
    if "<" in text:
        text = _without_tags(text, source)
    text = html.unescape(_EMPHASIS.sub(r"\2", text))
    for number, code in enumerate(codes):
        text = text.replace(f"\ue000{number}\ue001", code)
    return text


def _without_examples(text: str, source: SourceText) -> str:
    """Take the labels of numbered examples away, where they stand and where the text names them."""
    labels = {found.group(1) for found in _EXAMPLE.finditer(text)} - {""}
    text = _EXAMPLE.sub("", text)
    if not labels:
        return text
    return _EXAMPLE_NAMED.sub(
        lambda found: _may_stand("", source, found.group(1)) if found.group(1) in labels else found.group(),
        text,
    )


def _left_out(text: str, rule: str, source: SourceText) -> str:
    source.leave_out(rule, text)
    return ""


def _may_stand(shown: str, source: SourceText, *texts: str | None) -> str:
    source.may_stand += [text for text in texts if text]
    return shown


def _without_tags(text: str, source: SourceText) -> str:
    """Take the tags of HTML away; what looks like one and is none is a place to fill in, and stays."""
    text = _UNSHOWN.sub("\n\n", text)
    text = _without_hidden(text, source)

    def one(tag: re.Match[str]) -> str:
        name = tag.group(2).lower()
        if name not in KNOWN_TAGS:
            return tag.group()
        source.may_stand.extend(_SAID.findall(tag.group(3)))
        if name in {"del", "s", "strike"}:
            return STRUCK
        return "" if _INSIDE.fullmatch(name) else " " if name in {"br", "wbr", "img"} else "\n\n"

    return _TAG.sub(one, text)


def _without_hidden(text: str, source: SourceText) -> str:
    """Take away what stands between a tag that hides its text and its end, or that of the block."""
    parts: list[str] = []
    at = 0
    unclosed: set[str] = set()
    for tag in _TAG.finditer(text):
        if tag.start() < at or tag.group(1) or not is_unseen_style(tag.group(3)):
            continue
        name = tag.group(2)
        end = -1 if name in unclosed else text.find(f"</{name}", tag.end())
        if end < 0:
            unclosed.add(name)
            blank = _BLANK.search(text, tag.end())
            end = blank.start() if blank else len(text)
        source.leave_out("hidden", _TAG.sub(" ", text[tag.end() : end]))
        parts.append(text[at : tag.start()])
        at = end
    return "".join([*parts, text[at:]])


def _block(block: str, source: SourceText, tables: int) -> int:
    """Add a paragraph, or the cells of a table; return how many tables there are now."""
    lines = block.split("\n")
    rule = next((at for at, line in enumerate(lines) if at and _RULE.match(line) and "|" in lines[at - 1]), 0)
    if not rule:
        source.add(_SIGNS.sub("", block))
        return tables
    source.add(_SIGNS.sub("", "\n".join(lines[: rule - 1])))
    for number, line in enumerate([lines[rule - 1], *lines[rule + 1 :]]):
        cells = _BAR.split(line.strip(" \t>").strip("|"))
        for column, cell in enumerate(cells):
            source.add(cell, "cell", (tables, number, column))
    return tables + 1
