"""Reads what people write for Pandoc and other programs that know more of Markdown than the standard.

Title blocks (`% Title`), numbered examples (`(@)`, `(@label)`) and what refers to them, fenced divisions
(`::: note`), line blocks (`| a verse`), and raised and lowered digits (`m^2^`, `CO~2~`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

_EXAMPLE = re.compile(r"^ {0,3}\(@([\w-]*)\)[ \t]+(?=\S)", re.MULTILINE)
LONGEST_DIVISION: Final = 200  # characters of the line that opens one
_DIVISION = re.compile(r"[ \t>]*:{3,}([^:\n][^\n]*|)$")
_OF_DIVISION = re.compile(r"(?:\{[^{}]*\}|[\w-]+)(?:\[(?P<bracketed>[^\]]*)\]|\s(?P<title>[^{}:]*))?")
_FENCE = re.compile(r"^[ \t>]*(`{3,}|~{3,})")
_TITLE_LINE = re.compile(r"%[ \t]*(.*(?:\n[ \t]+\S.*)*)\n?")
_REFERENCE = re.compile(r"(?<![\w@.])\(?@([\w-]+)\)?")
_RAISED = re.compile(r"(?<=\w)(?:\^(\d{1,3}|[oa])\^|~(\d{1,3})~)")
_PARAGRAPH: Final = ("paragraph_open", "inline", "paragraph_close")


def pandoc_plugin(parser: MarkdownIt) -> None:
    """Teach a parser these constructs; divisions are taken off before, by :func:`without_divisions`."""
    parser.core.ruler.before("inline", "title_block", _title_block)
    parser.core.ruler.before("inline", "examples", _examples)
    parser.core.ruler.before("inline", "line_blocks", _line_blocks)
    parser.core.ruler.after("inline", "references", _references)
    parser.core.ruler.after("inline", "raised_digits", _raised_digits)


def without_divisions(text: str) -> str:
    """Return a text without the lines that open and close divisions; their titles are paragraphs."""
    if ":::" not in text:
        return text
    lines, fence = [], ""
    for line in text.split("\n"):
        mark = _FENCE.match(line)
        if mark and (not fence or mark[1].startswith(fence)):
            fence = "" if fence else mark[1]
        title = _division_title(line) if not fence else None
        if title is None:
            lines.append(line)
        else:
            lines += ["", f"**{title}**", ""] if title else [""]
    return "\n".join(lines)


def _division_title(line: str) -> str | None:
    """Return the title of the division that a line opens, an empty one where it has none or ends one."""
    found = _DIVISION.match(line) if len(line) <= LONGEST_DIVISION else None
    if found is None:
        return None
    rest = found[1].rstrip(" \t:").strip()
    named = _OF_DIVISION.fullmatch(rest)
    if rest and named is None:
        return None
    return (named["bracketed"] or named["title"] or "").strip() if named else ""


def _title_block(state: StateCore) -> None:
    """`% Title`, `% Authors`, `% Date` at the top of the text."""
    if not state.src.startswith("%") or [token.type for token in state.tokens[:3]] != list(_PARAGRAPH):
        return
    lines, at = [], 0
    while found := _TITLE_LINE.match(state.tokens[1].content, at):
        lines.append(" ".join(found[1].split()))
        at = found.end()
    if not lines[0] or len(lines) > 3 or state.tokens[1].content[at:].strip():
        return
    heading = [
        Token("heading_open", "h1", 1),
        Token("inline", "", 0, content=lines[0], children=[]),
        Token("heading_close", "h1", -1),
    ]
    state.tokens[:3] = [*heading, *_paragraphs([line for line in lines[1:] if line])]


def _examples(state: StateCore) -> None:
    """Number the examples through the text; each is a paragraph of its own."""
    labels: dict[str, int] = {}
    count = 0
    tokens: list[Token] = []
    for token in state.tokens:
        tokens.append(token)
        if token.type != "paragraph_close" or not _EXAMPLE.search(tokens[-2].content):
            continue
        parts: list[str] = []
        for line in tokens[-2].content.split("\n"):
            example = _EXAMPLE.match(line)
            if example:
                count += 1
                labels.setdefault(example[1], count)
                parts.append(f"({count}) {line[example.end() :]}")
            elif parts:
                parts[-1] += f"\n{line}"
            else:
                parts.append(line)
        tokens[-3:] = _paragraphs(parts)
    state.tokens = tokens
    state.env["examples"] = labels


def _references(state: StateCore) -> None:
    """Write the number of an example where the text names its label."""
    labels: dict[str, int] = state.env.get("examples", {})
    if not labels:
        return

    def number(found: re.Match[str]) -> str:
        if found[1] not in labels:
            return found[0]
        return found[0].replace(f"@{found[1]}", str(labels[found[1]]))

    for block in state.tokens:
        for child in block.children or ():
            if child.type == "text":
                child.content = _REFERENCE.sub(number, child.content)


def _line_blocks(state: StateCore) -> None:
    """`| a line` under `| a line` is no table but lines that keep their ends."""
    for token in state.tokens:
        lines = token.content.split("\n") if token.type == "inline" else []
        if len(lines) > 1 and all(
            re.match(r"\|(?:[ \t]|$)", line) and line.count("|") == 1 for line in lines
        ):
            token.content = "\\\n".join(line[1:].strip() for line in lines)


def _raised_digits(state: StateCore) -> None:
    for block in state.tokens:
        children = block.children or []
        if any(child.type == "text" and _RAISED.search(child.content) for child in children):
            block.children = [part for child in children for part in _raised_parts(child)]


def _raised_parts(token: Token) -> list[Token]:
    if token.type != "text":
        return [token]
    html = _RAISED.sub(
        lambda found: f"\0sup\1{found[1]}\0/sup\1" if found[1] else f"\0sub\1{found[2]}\0/sub\1",
        token.content,
    )
    if html == token.content:
        return [token]
    shown = escapeHtml(html).replace("\0", "<").replace("\1", ">")
    return [Token("html_inline", "", 0, content=shown)]


def _paragraphs(texts: Sequence[str]) -> list[Token]:
    tokens = []
    for text in texts:
        tokens += [
            Token("paragraph_open", "p", 1, block=True),
            Token("inline", "", 0, content=text, children=[]),
            Token("paragraph_close", "p", -1, block=True),
        ]
    return tokens
