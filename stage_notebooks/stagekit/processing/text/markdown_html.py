"""Renders Markdown as the HTML that its reader sees, with what people write beside the standard.

GitHub's and GitLab's additions are understood (tables, struck text, boxes, notes, alerts), definition lists
and admonitions, and the links of wikis. `<NOME DO SETOR>` is no tag but a place to fill in, and stays text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

from lxml.html import defs
from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.rules_block import StateBlock
from markdown_it.rules_block.html_block import html_block
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.html_inline import html_inline
from markdown_it.token import Token
from mdit_py_plugins.admon import admon_plugin
from mdit_py_plugins.deflist import deflist_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.footnote import footnote_plugin

from stagekit.processing.nesting import refuse_deep_nesting
from stagekit.processing.pdf.hyphenation import Vocabulary, is_divided, join_lines
from stagekit.processing.text.aligned_lines import aligned_cells
from stagekit.processing.text.gitlab_markdown import gitlab_plugin
from stagekit.processing.text.markdown_rows import whole_rows
from stagekit.processing.text.pandoc_markdown import pandoc_plugin, without_divisions

_ELEMENTS: Final = frozenset(defs.tags) | {
    "bdi", "data", "dialog", "main", "picture", "rb", "rtc", "search", "slot", "template", "tex",
}  # fmt: skip
_VOID: Final = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "wbr"})
_TAG = re.compile(r"</?([A-Za-z][\w-]*)")
_WIKI_LINK = re.compile(r"!?\[\[([^\[\]|\n]+)(?:\|([^\[\]\n]+))?\]\]")
_HEADING_ATTRIBUTES = re.compile(
    r"[ \t]*\{:?(?:[ \t]*(?:[#.][\w:.-]+|[\w-]+=(?:\"[^\"]*\"|[^\s{}\"]+)))+[ \t]*\}[ \t]*$"
)
_RULE_OVER_COLUMNS = re.compile(r"[ \t]*-+(?:[ \t]+-+)+[ \t]*")
_LEAST_ALIGNED: Final = 2  # lines and columns; no more of both may be chance
_PARAGRAPH: Final = ("paragraph_open", "inline", "paragraph_close")
_TITLED_ALERT = re.compile(r"\[!(\w+)\][+-]?[ \t]+(\S.*)\n?")
# A line that begins so is a clause of its own, and not the continuation of the line before.
_CLAUSE = re.compile(
    r"(?:art(?:igo)?\.?\s*\d|§|par[aá]grafo\s+[uú]nico"
    r"|(?:par[aá]grafo|cl[aá]usula)\s+[\wº°ª]+(?:[ -]\w+)?\s*[-–—:]"
    r"|[IVXLC]{1,7}\s*[-–—]\s|[a-z]{1,2}\)\s|\d{1,3}\)\s)",
    re.IGNORECASE,
)


def markdown_to_html(text: str) -> str:
    """Return the page that a Markdown text stands for; its front matter is taken off before.

    Notes (`[^1]: …`) are linked with their marks in both directions, for
    :func:`stagekit.processing.text.html_notes.find_notes`. The delimiter of numbers that an author wrote
    (`1)`) is in the attribute `data-delimiter` of the list.

    Raises:
        DocumentRejected: Category `too_complex`.
    """
    environment: dict[str, Any] = {}
    parser = _parser()
    with refuse_deep_nesting():
        parsed = parser.parse(whole_rows(without_divisions(text)), environment)
        tokens = _notes_behind(parsed, environment.get("footnotes", {}))
        return str(parser.renderer.render(tokens, parser.options, environment))


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": True, "tasklists": True, "alerts": True, "maxNesting": 10_000})
    parser.validateLink = _any_link  # type: ignore[method-assign,assignment]
    parser.enable(["table", "strikethrough"])
    footnote_plugin(parser, move_to_end=False)
    deflist_plugin(parser)
    admon_plugin(parser)
    dollarmath_plugin(parser, renderer=lambda content, _: content)
    parser.disable("math_inline")  # `R$ 10 e R$ 20` is no formula
    parser.block.ruler.at("html_block", _html_block, {"alt": ["paragraph", "reference", "blockquote"]})
    parser.inline.ruler.at("html_inline", _html_inline)
    parser.inline.ruler.before("link", "wiki_link", _wiki_link)
    parser.core.ruler.before("inline", "titled_alert", _titled_alert)
    parser.core.ruler.before("inline", "heading_attributes", _heading_attributes)
    parser.core.ruler.before("inline", "aligned_table", _aligned_tables)
    parser.core.ruler.after("inline", "divided_words", _divided_words)
    pandoc_plugin(parser)
    gitlab_plugin(parser)
    for name, render in _RENDERERS.items():
        parser.add_render_rule(name, render)
    return parser


def _any_link(_: str) -> bool:
    """Where a link leads is no text; one that is refused would be (`[x](data:…)` with its megabytes)."""
    return True


def _html_block(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    line = state.src[state.bMarks[start_line] + state.tShift[start_line] : state.eMarks[start_line]]
    return not _is_placeholder(line, state.src) and html_block(state, start_line, end_line, silent)


def _html_inline(state: StateInline, silent: bool) -> bool:
    return not _is_placeholder(state.src[state.pos : state.posMax], state.src) and html_inline(state, silent)


def _is_placeholder(source: str, context: str) -> bool:
    """Tell `<NOME DO SETOR>` and `<DATA>` from a tag: no element has the name, or nothing closes it."""
    found = _TAG.match(source)
    if found is None:
        return False
    name = found[1]
    if name.lower() not in _ELEMENTS:
        return "-" not in name or name.isupper()
    return (
        name.isupper()
        and name.lower() not in _VOID
        and not source.startswith("</")
        and "=" not in source[: source.find(">")]
        and f"</{name}>" not in context
    )


def _wiki_link(state: StateInline, silent: bool) -> bool:
    """`[[Norma|a norma]]` reads as `a norma`, `[[Norma]]` and `![[figura.png]]` as what they name."""
    found = _WIKI_LINK.match(state.src, state.pos, state.posMax)
    if found is None:
        return False
    if not silent:
        token = state.push("text", "", 0)
        token.content = (found[2] or found[1]).strip()
    state.pos = found.end()
    return True


def _titled_alert(state: StateCore) -> None:
    """`> [!warning] Cuidado`, an alert with a title of its own, as Obsidian has it."""
    for before, token in pairwise(state.tokens[1:]):
        found = _TITLED_ALERT.match(token.content) if token.type == "inline" else None
        if found and before.level and before.type == "paragraph_open":
            token.content = f"{found[1].capitalize()}: {found[2]}  \n{token.content[found.end() :]}"


def _heading_attributes(state: StateCore) -> None:
    """Take off what names an anchor or a class behind a heading: `{#prazos .unnumbered}`, `{: #prazos}`."""
    for before, token in pairwise(state.tokens):
        if before.type == "heading_open" and token.type == "inline":
            token.content = _HEADING_ATTRIBUTES.sub("", token.content)


def _aligned_tables(state: StateCore) -> None:
    """Make a table of a paragraph whose lines stand in columns, which Markdown would run together."""
    lines = state.src.split("\n")
    tokens: list[Token] = []
    for token in state.tokens:
        tokens.append(token)
        opening = tokens[-3] if len(tokens) > 2 else token
        if token.type == "paragraph_close" and opening.type == "paragraph_open" and opening.level == 0:
            size = 7 if _is_below_rule(tokens, lines) else 3
            first, end = (tokens[-size].map or (0, 0))[0], (opening.map or (0, 0))[1]
            rows = aligned_cells(lines[first:end]) if end - first > 1 else None
            if rows is not None and max(len(rows), len(rows[0])) > _LEAST_ALIGNED:
                tokens[-size:] = _table_tokens(rows)
    state.tokens = tokens


def _divided_words(state: StateCore) -> None:
    """Close the words that a line's end divides, by the words of the text and of the language."""
    vocabulary: Vocabulary | None = None
    for block in state.tokens:
        children = block.children or []
        if not any(child.type == "softbreak" for child in children):
            continue
        kept: list[Token] = []
        for child in children:
            before = kept[-2] if len(kept) > 1 and kept[-1].type == "softbreak" else None
            if before is None or child.type != "text" or not is_divided(before.content, child.content):
                kept.append(child)
                continue
            vocabulary = vocabulary or Vocabulary.of(state.src.split("\n"))
            kept.pop()
            before.content = join_lines([before.content, child.content], vocabulary)
        block.children = kept


def _is_below_rule(tokens: Sequence[Token], lines: Sequence[str]) -> bool:
    """Tell a paragraph under one line and a rule over columns (`----  -----`), no blank line between them."""
    if [token.type for token in tokens[-7:-2]] != [*_PARAGRAPH, "hr", "paragraph_open"]:
        return False
    (_, end), (rule, behind), (start, _) = (tokens[at].map or (0, 0) for at in (-7, -4, -3))
    return end == rule and behind == start and _RULE_OVER_COLUMNS.fullmatch(lines[rule]) is not None


def _table_tokens(rows: Sequence[Sequence[str]]) -> list[Token]:
    tokens = [Token("table_open", "table", 1)]
    for number, row in enumerate(rows):
        name = "td" if number else "th"
        tokens.append(Token("tr_open", "tr", 1))
        for cell in row:
            inline = Token("inline", "", 0, content=cell, children=[])
            tokens += [Token(f"{name}_open", name, 1), inline, Token(f"{name}_close", name, -1)]
        tokens.append(Token("tr_close", "tr", -1))
    return [*tokens, Token("table_close", "table", -1)]


def _notes_behind(tokens: Sequence[Token], notes: dict[str, Any]) -> list[Token]:
    """Return the tokens with the notes that a mark leads to moved behind all text."""
    text: list[Token] = []
    moved: list[Token] = []
    goal, mark = text, ""
    for token in tokens:
        if token.type == "footnote_reference_open":
            number = notes["refs"].get(f":{token.meta['label']}", -1)
            token.meta["id"] = number
            goal, mark = (text, f"[^{token.meta['label']}]: ") if number < 0 else (moved, "")
        elif token.type == "inline" and mark:  # no mark in the text leads to this note: it shows its own
            token.children = [Token("text", "", 0, content=mark), *(token.children or [])]
            mark = ""
        goal.append(token)
        if token.type == "footnote_reference_close":
            goal, mark = text, ""
    for number, note in notes.get("list", {}).items():
        if "tokens" in note:  # `^[a note within its line]`
            opening, closing = (
                Token("footnote_reference_open", "", 1),
                Token("footnote_reference_close", "", -1),
            )
            opening.meta = {"id": number}
            moved += [opening, Token("inline", "", 0, children=note["tokens"]), closing]
    return text + moved


def _render_footnote_ref(_: Any, tokens: Sequence[Token], at: int, __: Any, ___: Any) -> str:
    number = tokens[at].meta["id"]
    return f'<a id="fnref:{number}:{tokens[at].meta.get("subId", 0)}" href="#fn:{number}">{number + 1}</a>'


def _render_footnote_reference_open(_: Any, tokens: Sequence[Token], at: int, __: Any, ___: Any) -> str:
    meta = tokens[at].meta
    if meta["id"] < 0:  # no mark in the text leads to it
        return "<div>"
    return f'<div id="fn:{meta["id"]}"><a href="#fnref:{meta["id"]}:0">↩</a>'


def _render_softbreak(_: Any, tokens: Sequence[Token], at: int, __: Any, ___: Any) -> str:
    following = tokens[at + 1].content if at + 1 < len(tokens) and tokens[at + 1].type == "text" else ""
    return "<br>\n" if _CLAUSE.match(following) else "\n"


def _render_math_block(_: Any, tokens: Sequence[Token], at: int, __: Any, ___: Any) -> str:
    return f'<pre class="math">{escapeHtml(tokens[at].content.strip())}</pre>\n'


def _render_ordered_list_open(
    renderer: Any, tokens: Sequence[Token], at: int, options: Any, environment: Any
) -> str:
    tokens[at].attrSet("data-delimiter", tokens[at].markup or ".")
    return str(renderer.renderToken(tokens, at, options, environment))


_RENDERERS: Final = {
    "footnote_ref": _render_footnote_ref,
    "footnote_reference_open": _render_footnote_reference_open,
    "footnote_reference_close": lambda *_: "</div>\n",
    "math_block": _render_math_block,
    "ordered_list_open": _render_ordered_list_open,
    "softbreak": _render_softbreak,
}
