"""Reads what GitLab shows as struck beside `~~so~~`: revisions, text between single tildes, tasks put aside.

`{- removed -}` and `[- removed -]` are struck, `{+ added +}` and `[+ added +]` are text. Several words
between `~` are struck (one may be lowered, `CO~2~`, or a path), and the text of a task put aside (`- [~] …`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

_REVISED = re.compile(
    r"\{-(?P<removed>[^{}\n]*?\w[^{}\n]*?)-\}|\[-(?P<cut>[^\[\]\n]*?\w[^\[\]\n]*?)-\]"
    r"|\{\+(?P<added>[^{}\n]*?\w[^{}\n]*?)\+\}|\[\+(?P<put>[^\[\]\n]*?\w[^\[\]\n]*?)\+\]"
    r"|(?<![\w~])~(?P<struck>[^\s~/][^~\n]*[ \t][^~\n]*[^\s~])~(?![\w~])"
)
_PUT_ASIDE = re.compile(r"\[~\][ \t]+(?=\S)")


def gitlab_plugin(parser: MarkdownIt) -> None:
    """Teach a parser these constructs."""
    parser.core.ruler.after("inline", "revisions", _revisions)
    parser.core.ruler.after("revisions", "tasks_put_aside", _tasks_put_aside)


def _revisions(state: StateCore) -> None:
    for block in state.tokens:
        if block.children and _REVISED.search(block.content):
            block.children = [
                part
                for is_text, tokens in groupby(block.children, key=lambda child: child.type == "text")
                for part in (_revised(list(tokens)) if is_text else tokens)
            ]


def _revised(tokens: Sequence[Token]) -> Iterator[Token]:
    """Yield the pieces of a text; a parser may have cut it at signs that begin a link."""
    text = "".join(token.content for token in tokens)
    end = 0
    for found in _REVISED.finditer(text):
        yield _text(text[end : found.start()])
        gone = found["removed"] or found["cut"] or found["struck"]
        kept = found["added"] or found["put"]
        yield _html(f"<del>{escapeHtml(gone)}</del>") if gone else _text(kept)
        end = found.end()
    yield _text(text[end:])


def _tasks_put_aside(state: StateCore) -> None:
    for place, block in enumerate(state.tokens):
        opens = place > 1 and state.tokens[place - 2].type == "list_item_open"
        mark = _PUT_ASIDE.match(block.content) if opens and block.children else None
        if mark is None or not block.children or block.children[0].type != "text":
            continue
        first = block.children[0]
        first.content = first.content.removeprefix(mark[0])
        block.children = [_html("<del>"), *block.children, _html("</del>")]


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)


def _html(content: str) -> Token:
    return Token("html_inline", "", 0, content=content)
