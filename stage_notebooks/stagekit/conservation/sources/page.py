"""Reads what a browser shows of an HTML page, from its tokens."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Mapping

from stagekit.conservation.source_text import STRUCK, SourceText

_VOID = frozenset(
    "area base br col embed hr img input link meta param source track wbr".split()  # noqa: SIM905
)
_INLINE = frozenset(
    """
    a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark nobr q rb ruby s samp
    small span strike strong sub sup time tt u var wbr
    """.split()  # noqa: SIM905
)
_BLOCKS = frozenset(
    """
    address article aside blockquote body button caption center dd details dialog dir div dl dt fieldset
    figcaption figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr html legend li main menu nav ol optgroup
    option p pre rp rt search section select summary table tbody td textarea tfoot th thead tr ul
    """.split()  # noqa: SIM905
)
_UNSHOWN = {
    "script": "script", "style": "script", "template": "script", "noscript": "script", "head": "script",
    "svg": "script", "object": "script", "iframe": "script", "audio": "script", "video": "script",
    "canvas": "script", "datalist": "script", "noframes": "script",
}  # fmt: skip
KNOWN_TAGS = frozenset(_VOID | _INLINE | _BLOCKS | _UNSHOWN.keys() | {"title"})
_STRUCK_TAGS = {"del", "s", "strike"}
_MAY_STAND = {"placeholder", "navigation"}
_ENDS_ITSELF = {"li": {"li"}, "p": {"p"}, "td": {"td", "th"}, "th": {"td", "th"}, "tr": {"td", "th", "tr"},
                "dd": {"dd", "dt"}, "dt": {"dd", "dt"}, "option": {"option"}}  # fmt: skip
_UNSEEN_STYLE = re.compile(r"(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse))", re.IGNORECASE)
_SYMBOL_NAME = re.compile(r"symbol|webdings|wingdings(?: [23])?", re.IGNORECASE)
_SYMBOL_FONT = re.compile(
    rf"""font-family\s*:\s*["']?(?:{_SYMBOL_NAME.pattern})["']?\s*(?:[,;]|\Z)""", re.IGNORECASE
)
_HIDDEN_ATTRIBUTE = re.compile(r"(?<![\w-])hidden(?![\w-])", re.IGNORECASE)
_SHEET = re.compile(r"<style[^<>]*>(.*?)(?:</style|\Z)", re.IGNORECASE | re.DOTALL)
_NO_RULE = re.compile(r"/\*.*?\*/|@media\s+print\s*\{(?:[^{}]*\{[^{}]*\})*\s*\}", re.DOTALL)
_SIMPLE = re.compile(r"([a-zA-Z][\w-]*)?([.#][\w-]+)?")
_RAW = re.compile(r"<(script|style|template)\b[^<>]*>.*?(?:</\1\s*>|\Z)", re.IGNORECASE | re.DOTALL)
# No alternative looks beyond the next sign of its kind, so that no text takes more than linear time.
_TOKEN = re.compile(
    r"""
    <!--(?P<comment>.*?)(?:-->|\Z)
    | <[!?][^>]*(?:>|\Z)
    | <(?P<end>/?)(?P<tag>[a-zA-Z][^\s<>/"']*)(?P<given>(?:[^<>"']|"[^"<]*"|'[^'<]*')*|[^<>]*)>
    """,
    re.DOTALL | re.VERBOSE,
)
_ATTRIBUTE = re.compile(r"""([^\s"'<>/=]+)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s"'<>`]+))?""")


def read(content: str) -> SourceText:
    """Return the blocks and cells of a page; its title may stand beside them."""
    reader = _PageReader(_hidden_selectors(content))
    reader.read(_RAW.sub("\n", content))
    return reader.source


def is_unseen_style(attributes: str) -> bool:
    """Whether the attributes of a tag say that its text is not shown."""
    return bool(_UNSEEN_STYLE.search(attributes) or _HIDDEN_ATTRIBUTE.search(attributes))


class _PageReader:
    """Follows the tags of a page, with the open ones and the rule by which each hides its text."""

    def __init__(self, hidden: frozenset[str]) -> None:
        self.source = SourceText()
        self._hidden = hidden
        self._open: list[tuple[str, str]] = []
        self._names: Counter[str] = Counter()  # of the open tags
        self._text: list[str] = []
        self._cells: list[tuple[int, int, int]] = []
        self._tables: list[list[int]] = []
        self._count = 0
        self._title = False

    def read(self, content: str) -> None:
        """Read a page from its first sign to its last."""
        at = 0
        for token in _TOKEN.finditer(content):
            self._data(content[at : token.start()])
            at = token.end()
            if token["tag"] and token["end"]:
                self._end(token["tag"].lower())
            elif token["tag"]:
                self._start(token["tag"].lower(), _attributes(token["given"]))
            elif token["comment"] is not None:
                self.source.leave_out("comment", token["comment"])
        self._data(content[at:])
        self._flush(" ")

    def _start(self, tag: str, given: Mapping[str, str]) -> None:
        if tag not in _INLINE:
            self._flush(" ")
        ends = _ENDS_ITSELF.get(tag, set())
        if self._open and self._open[-1][0] in ends:
            self._close(self._open[-1][0])
        if tag == "img" or (tag == "input" and given.get("type") == "image"):
            self.source.may_stand += [given[key] for key in ("alt", "title") if given.get(key)]
        elif tag == "input" and given.get("type", "text") not in {"hidden", "password", "checkbox", "radio"}:
            self.source.may_stand += [given[key] for key in ("value", "placeholder") if given.get(key)]
        if given.get("title"):
            self.source.may_stand.append(given["title"])
        self._title = tag == "title" and not self._tables
        self._table_mark(tag)
        if tag in _VOID:
            return
        if tag in _STRUCK_TAGS:
            self._text.append(STRUCK)
        self._names[tag] += 1
        self._open.append((tag, (self._open[-1][1] if self._open else "") or self._rule(tag, given)))

    def _table_mark(self, tag: str) -> None:
        if tag == "table":
            self._tables.append([self._count, -1, -1])
            self._count += 1
        elif tag == "tr" and self._tables:
            self._tables[-1][1] += 1
            self._tables[-1][2] = -1
        elif tag in {"td", "th"} and self._tables:
            self._tables[-1][2] += 1

    def _rule(self, tag: str, given: Mapping[str, str]) -> str:
        """Return by which rule a tag's text is not shown; empty where it is."""
        if tag in _UNSHOWN:
            return _UNSHOWN[tag]
        if tag == "nav":
            return "navigation"
        if tag == "option" and "selected" not in given:
            return "placeholder"
        if _SYMBOL_FONT.search(given.get("style", "")) or _SYMBOL_NAME.fullmatch(given.get("face", "")):
            return "symbol"
        if tag == "dialog" and "open" not in given:
            return "hidden"
        if "hidden" in given or _UNSEEN_STYLE.search(given.get("style", "")):
            return "hidden"
        names = {tag, f"#{given.get('id')}", f"{tag}#{given.get('id')}"}
        for name in given.get("class", "").split():
            names |= {f".{name}", f"{tag}.{name}"}
        return "hidden" if names & self._hidden else ""

    def _end(self, tag: str) -> None:
        if tag not in _INLINE:
            self._flush(" ")
        self._title = False
        if self._names[tag]:
            while self._close(self._open[-1][0]) != tag:
                pass

    def _close(self, tag: str) -> str:
        if tag in _STRUCK_TAGS:
            self._text.append(STRUCK)
        self._flush("" if tag in _INLINE else " ")
        self._open.pop()
        self._names[tag] -= 1
        if tag == "table" and self._tables:
            self._tables.pop()
        return tag

    def _data(self, data: str) -> None:
        data = html.unescape(data)
        rule = self._open[-1][1] if self._open else ""
        if self._title:
            self.source.may_stand.append(data)
        elif rule:
            if rule in _MAY_STAND:
                self.source.may_stand.append(data)
            if rule != "script":
                self.source.leave_out(rule, data)
        else:
            self._text.append(data)

    def _flush(self, end: str) -> None:
        """End a block at a tag that is none inside a line."""
        if not end or not self._text:
            return
        text = "".join(self._text)
        self._text = []
        if self._is_in("td", "th") and self._tables:
            number, row, column = self._tables[-1]
            before = self.source.units[-1] if self.source.units else None
            if before is not None and before.place == (number, row, column):
                self.source.units.pop()
                text = f"{before.text}\n{text}"
            self.source.add(text, "cell", (number, row, column))
        else:
            inner = self._is_in("article", "main", "section", "blockquote")
            margin = self._is_in("header", "footer") and not inner
            self.source.add(text, "furniture" if margin else "paragraph")

    def _is_in(self, *tags: str) -> bool:
        return any(self._names[tag] for tag in tags)


def _attributes(given: str) -> dict[str, str]:
    found = ((name.lower(), html.unescape(value.strip("\"'"))) for name, value in _ATTRIBUTE.findall(given))
    return dict(found)


def _hidden_selectors(content: str) -> frozenset[str]:
    """Return the simple selectors of the page's own style sheets whose text is not shown."""
    found: set[str] = set()
    for sheet in _SHEET.findall(content):
        for rule in _NO_RULE.sub("", sheet).split("}"):
            selectors, _, said = rule.rpartition("{")
            if _UNSEEN_STYLE.search(said):
                names = (name.strip() for name in selectors.rpartition("{")[2].split(","))
                found.update(name for name in names if _SIMPLE.fullmatch(name))
    return frozenset(found)
