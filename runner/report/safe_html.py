"""HTML of others made harmless: text, tables and links stay; what could run, load or cover is left out."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

_KEPT = frozenset({
    "a", "b", "blockquote", "br", "caption", "code", "dd", "dl", "dt", "em", "h1", "h2", "h3", "h4", "h5",
    "h6", "hr", "i", "li", "ol", "p", "pre", "progress", "s", "small", "span", "strong", "sub", "sup",
    "table", "tbody", "td", "tfoot", "th", "thead", "tr", "u", "ul",
})  # fmt: skip
_UNSEEN = frozenset({"script", "style", "template", "title", "noscript", "iframe", "object", "svg", "math"})
# What else HTML knows: their tags are left out, and what is in them stays. No other tag is one: it is text.
_LEFT_OUT = frozenset({
    "abbr", "address", "area", "article", "aside", "audio", "base", "bdi", "bdo", "body", "button", "canvas",
    "center", "cite", "col", "colgroup", "data", "datalist", "del", "details", "dialog", "div", "embed",
    "fieldset", "figcaption", "figure", "font", "footer", "form", "frame", "head", "header", "html", "img",
    "input", "ins", "kbd", "label", "legend", "link", "main", "map", "mark", "menu", "meta", "meter", "nav",
    "optgroup", "option", "output", "param", "picture", "q", "samp", "search", "section", "select", "slot",
    "source", "summary", "textarea", "time", "track", "var", "video", "wbr",
})  # fmt: skip
_EMPTY = frozenset({"br", "hr"})
_PLAIN = frozenset({"id", "colspan", "rowspan", "value", "max", "scope"})
_LINK = re.compile(r"(?:https?://|mailto:|#|(?![a-z][a-z0-9+.-]*:)[^/\s])", re.IGNORECASE)
_STYLE = re.compile(
    r"(?:(?:text-align|vertical-align|white-space|caption-side|padding|(?:min-|max-)?width)"
    r"\s*:\s*[\w .%-]+;?\s*)+"
)


def safe_html(text: str) -> str:
    """Return the harmless part of a piece of HTML, whole: what it opens it closes."""
    parser = _Parser()
    parser.feed(text)
    parser.close()
    return parser.result()


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []
        self._open: list[str] = []
        self._unseen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNSEEN:
            self._unseen.append(tag)
        if self._unseen or tag in _LEFT_OUT:
            return
        if tag not in _KEPT:
            self.handle_data(self.get_starttag_text() or "")
            return
        self._parts.append(f"<{tag}{''.join(_attribute(name, value or '') for name, value in attrs)}>")
        if tag not in _EMPTY:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._unseen:
            if tag == self._unseen[-1]:
                self._unseen.pop()
        elif tag in self._open:
            while (last := self._open.pop()) != tag:
                self._parts.append(f"</{last}>")
            self._parts.append(f"</{tag}>")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _EMPTY:
            self.handle_endtag(tag)

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self._parts.append(html.escape(data, quote=False))

    def result(self) -> str:
        return "".join(self._parts) + "".join(f"</{tag}>" for tag in reversed(self._open))


def _attribute(name: str, value: str) -> str:
    kept = (
        name in _PLAIN
        or (name == "href" and _LINK.match(value.strip()))
        or (name == "style" and _STYLE.fullmatch(value.strip()))
    )
    return f' {name}="{html.escape(value)}"' if kept else ""
