"""Takes in the HTML and plain text that a Word file holds as parts of their own (`w:altChunk`).

Other parts, whose text stands in files of other programs, are named: embedded workbooks, old equations, the
documents of which a master document is made.
"""

from __future__ import annotations

import email
import email.policy

from lxml import etree, html

from stagekit.declared.decoding import decode_html, decode_text
from stagekit.processing.office.struck_texts import STRUCK
from stagekit.processing.office.word.names import Element, drop, new, new_paragraph, r, w
from stagekit.processing.office.word.package import WordPackage

_BLOCKS = {
    "p", "div", "li", "blockquote", "pre", "section", "article", "header", "footer", "address", "dt", "dd",
    "figcaption", "caption", "legend", "body", "ul", "ol", "dl", "center", "form", "br", "hr", "table", "tr",
    "h1", "h2", "h3", "h4", "h5", "h6",
}  # fmt: skip
_SILENT = {"script", "style", "head", "title", "template", "noscript"}
_STRUCK = {"s", "strike", "del"}
_CELLS = {"td", "th"}


def take_in_imports(root: Element, package: WordPackage, part: str) -> tuple[bool, list[str]]:
    """Set the content of each imported part into its place.

    Returns:
        Whether there was any, and the names of those that cannot be read.
    """
    chunks = list(root.iter(w("altChunk")))
    unread = []
    for chunk in chunks:
        name = package.part_of(part, chunk.get(r("id")))
        if name is not None and not package.take(name):
            drop(chunk)
            continue
        blocks = _blocks(package.read(name), name) if name is not None else None
        if blocks is None:
            unread.append(name or "a part that is missing")
            drop(chunk)
            continue
        parent = chunk.getparent()
        place = parent.index(chunk)
        parent[place : place + 1] = blocks
    return bool(chunks), unread


def unread_objects(root: Element) -> list[str]:
    """Return what each embedded object of a part is that Word shows as a picture, each kind once.

    An object that is shown as an icon is an attachment.
    """
    objects = [one for one in root.iter("{*}OLEObject") if one.get("DrawAspect") != "Icon"]
    kinds = [one.get("ProgID") or "an unknown program" for one in objects]
    kinds += ["a part of a master document" for _ in root.iter(w("subDoc"))]
    return list(dict.fromkeys(kinds))


def _blocks(content: bytes, name: str) -> list[Element] | None:
    extension = name.rpartition(".")[2].lower()
    if extension in ("mht", "mhtml"):
        message = email.message_from_bytes(content, policy=email.policy.default)
        found = next((one for one in message.walk() if one.get_content_type() == "text/html"), None)
        return None if found is None else _from_html(str(found.get_content()))
    if extension in ("htm", "html", "xhtml"):
        return _from_html(decode_html(content)[0])
    if extension in ("txt", "text"):
        return [new_paragraph(line.strip()) for line in decode_text(content)[0].splitlines() if line.strip()]
    return None


def _from_html(text: str) -> list[Element] | None:
    parser = html.HTMLParser(encoding="utf-8", no_network=True)
    try:
        root = html.document_fromstring(text.encode(), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError):
        return None
    for hidden in list(root.iter(*_SILENT, etree.Comment)):
        hidden.drop_tree()
    return _Reading().of(root)


class _Reading:
    """The blocks of an HTML page so far, its present line, and the rows of its present table."""

    def __init__(self) -> None:
        self._blocks: list[Element] = []
        self._line: list[str] = []
        self._rows: list[list[str]] = []
        self._tables = 0

    def of(self, root: Element) -> list[Element]:
        """Read a page from its root element, a table within a table as text of its cell."""
        for event, element in etree.iterwalk(root, events=("start", "end")):
            name = element.tag if isinstance(element.tag, str) else ""
            if event == "start":
                self._start(name)
                self._line.append(element.text or "")
            else:
                self._end(name)
                self._line.append(element.tail or "")
        self._finish_line()
        return self._blocks

    def _start(self, name: str) -> None:
        if name in _BLOCKS:
            self._finish_line()
        if name in _STRUCK:
            self._line.append(STRUCK)
        self._tables += name == "table"
        if self._tables == 1 and name == "tr":
            self._rows.append([])
        if self._tables == 1 and name in _CELLS:
            self._line = []

    def _end(self, name: str) -> None:
        if name in _STRUCK:
            self._line.append(STRUCK)
        if self._tables == 1 and name in _CELLS and self._rows:
            self._rows[-1].append(self._take_line())
        if name in _BLOCKS:
            self._finish_line()
        if name == "table":
            self._tables -= 1
            if self._tables == 0:
                self._finish_table()

    def _take_line(self) -> str:
        text = " ".join("".join(self._line).split())
        self._line = []
        return text.replace(STRUCK * 2, "")

    def _finish_line(self) -> None:
        if self._tables:
            self._line.append(" ")  # a block within a cell is a part of the cell's text
        elif text := self._take_line():
            self._blocks.append(new_paragraph(text))

    def _finish_table(self) -> None:
        rows, self._rows = [row for row in self._rows if any(row)], []
        if not rows:
            return
        table = new("tbl")
        for row in rows:
            table.append(line := new("tr"))
            for text in row + [""] * (max(map(len, rows)) - len(row)):
                line.append(cell := new("tc"))
                cell.append(new_paragraph(text))
        self._blocks.append(table)
