"""Reads what an OpenDocument text shows, from its XML parts (OpenDocument 1.3 part 3)."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from stagekit.conservation.source_text import STRUCK, SourceText
from stagekit.conservation.sources.package import Element, Package, attribute, local_name
from stagekit.conservation.words import SYMBOL_FONTS, is_page_line

_SKIPPED = {
    "sequence-decls": "", "forms": "", "variable-decls": "", "user-field-decls": "", "note-citation": "",
    "annotation": "comment", "tracked-changes": "deleted", "covered-table-cell": "covered",
    "page-number": "page_number", "page-count": "page_number", "hidden-text": "hidden",
    "hidden-paragraph": "hidden", "script": "script", "event-listeners": "", "shapes": "",
    "annotation-end": "", "dde-connection-decls": "", "alphabetical-index-auto-mark-file": "",
    "binary-data": "", "index-title-template": "",
}  # fmt: skip
_FIELDS = {"variable-set", "variable-input", "user-field-get", "user-defined", "expression"}
_SPACES = {"tab": "\t", "line-break": "\n"}


def read(content: bytes) -> SourceText:
    """Read body, notes, headers and footers as they are shown with all revisions accepted.

    Raises:
        ValueError: a part is missing or damaged.
    """
    package = Package(content)
    root = package.root("content.xml")
    if root is None:
        raise ValueError("content.xml: there is no such part")
    styles = package.root("styles.xml")
    reader = _Reader(package, *_styles([root, *([styles] if styles is not None else [])]))
    for element in root:
        if local_name(element.tag) == "body":
            reader.blocks(element)
    reader.margins(styles)
    return reader.source


@dataclass
class _Reader:
    """What was found so far, and what the present place is."""

    package: Package
    hidden: set[str]
    struck: set[str]
    symbols: set[str]
    source: SourceText = field(default_factory=SourceText)
    kind: str = "paragraph"
    rule: str = ""
    cell: list[str] | None = None
    tables: int = 0

    def margins(self, styles: Element | None) -> None:
        """Read the headers and footers of the page styles."""
        with self._as("furniture"):
            for page in styles.iter() if styles is not None else ():
                if local_name(page.tag) == "master-page":
                    for margin in page:
                        if attribute(margin, "display") != "false":
                            self.blocks(margin)

    @contextmanager
    def _as(self, kind: str) -> Iterator[None]:
        before = self.kind, self.cell
        self.kind, self.cell = kind, None
        yield
        self.kind, self.cell = before

    @contextmanager
    def _left_out(self, rule: str) -> Iterator[None]:
        before, self.rule = self.rule, self.rule or rule
        yield
        self.rule = before

    def blocks(self, parent: Element) -> None:
        """Read what stands below an element: paragraphs, headings, tables, and whatever wraps them."""
        for child in parent:
            self._block(child)

    def _block(self, element: Element) -> None:
        name = local_name(element.tag)
        if name in {"p", "h"}:
            self._paragraph(element)
        elif name == "table":
            self._table(element)
        elif name in _SKIPPED:
            self._skip(element)
        elif name in {"title", "desc"} and "svg" in element.tag:
            self.source.may_stand.append("".join(element.itertext()))
        elif name == "section" and (
            attribute(element, "display") == "none" or attribute(element, "is-hidden") == "true"
        ):
            with self._left_out("hidden"):
                self.blocks(element)
        elif name == "object":
            self._object(element)
        elif name == "note-body":
            with self._as("note"):
                self.blocks(element)
        else:
            self.blocks(element)

    def _object(self, element: Element) -> None:
        """Read a workbook, or the source of a formula, which may lie in a part of its own."""
        formula = next(iter(element), None)
        if formula is None:
            part = posixpath.normpath(attribute(element, "href") or "")
            formula = self.package.root(f"{part}/content.xml", "math", "spreadsheet")
        if formula is not None:
            for table in formula.iterfind("{*}body/{*}spreadsheet/{*}table"):
                self._table(table)
        if formula is None or local_name(formula.tag) != "math":
            return
        source = next((one for one in formula.iter() if local_name(one.tag) == "annotation"), formula)
        out: list[str] = []
        self._text(" ".join(source.itertext()), out)
        self.source.add("".join(out), self.kind)

    def _skip(self, element: Element) -> None:
        rule = _SKIPPED[local_name(element.tag)]
        if rule:
            self.source.leave_out(rule, " ".join(element.itertext()))

    def _paragraph(self, element: Element) -> None:
        out: list[str] = []
        apart: list[Element] = []
        numbers = len(self.source.left_out.get("page_number", ()))
        if attribute(element, "style-name") in self.hidden:
            with self._left_out("hidden"):
                self._inline(element, out, apart)
        else:
            self._inline(element, out, apart)
        text = "".join(out)
        if len(self.source.left_out.get("page_number", ())) > numbers and is_page_line(text):
            self.source.leave_out("page_number", text)
            return
        if text.strip() and attribute(element, "style-name") in self.struck:
            text = f"{STRUCK}{text}{STRUCK}"
        if self.cell is not None:
            self.cell.append(text)
        else:
            self.source.add(text, self.kind)
        for block in apart:
            cell, self.cell = self.cell, None
            self._block(block)
            self.cell = cell

    def _inline(self, element: Element, out: list[str], apart: list[Element]) -> None:
        self._text(element.text, out)
        for child in element:
            name = local_name(child.tag)
            if name == "s":
                self._text(" " * int(attribute(child, "c") or 1), out)
            elif name in _SPACES:
                self._text(_SPACES[name], out)
            elif name in _SKIPPED:
                self._skip(child)
            elif name == "note":
                apart += [part for part in child if local_name(part.tag) == "note-body"]
            elif name == "ruby":
                for part in child:
                    self._inline(part, out, apart)
                    self._text(" ", out)
            elif name == "span" and attribute(child, "style-name") in self.hidden:
                with self._left_out("hidden"):
                    self._inline(child, out, apart)
            elif name == "span" and attribute(child, "style-name") in self.symbols:
                with self._left_out("symbol"):
                    self._inline(child, out, apart)
            elif name == "span" and attribute(child, "style-name") in self.struck:
                out.append(STRUCK)
                self._inline(child, out, apart)
                out.append(STRUCK)
            elif name in _FIELDS and attribute(child, "display") == "none":
                self.source.leave_out("field", " ".join(child.itertext()))
            elif name == "fieldmark":
                self._text(_chosen(child), out)
                self._inline(child, out, apart)
            elif "drawing:1.0" in child.tag:  # a frame, a shape: its text stands apart
                apart.append(child)
            else:
                self._inline(child, out, apart)
            self._text(child.tail, out)

    def _text(self, text: str | None, out: list[str]) -> None:
        if text and self.rule:
            self.source.leave_out(self.rule, text)
        elif text:
            out.append(text)

    def _table(self, element: Element) -> None:
        number = self.tables
        self.tables += 1
        outer = self.cell
        for row_number, row in enumerate(_wrapped(element, "table-row")):
            for column, cell in enumerate(_wrapped(row, "table-cell")):
                self.cell = []
                self.blocks(cell)
                kind = "cell" if self.kind == "paragraph" else self.kind
                self.source.add("\n".join(self.cell), kind, (number, row_number, column))
            for covered in row:
                if local_name(covered.tag) == "covered-table-cell":
                    self._skip(covered)
        self.cell = outer


def _chosen(field: Element) -> str:
    """Return the entry that was chosen from the list of a form's field, "" where it has none."""
    said = [(attribute(part, "name"), attribute(part, "value") or "") for part in field]
    entries = [value for name, value in said if name == "Dropdown_ListEntry"]
    chosen = next((value for name, value in said if name == "Dropdown_Selected"), "")
    return entries[int(chosen)] if chosen.isdigit() and int(chosen) < len(entries) else ""


def _wrapped(parent: Element, wanted: str) -> Iterator[Element]:
    """Yield the rows of a table or the cells of a row; header rows and groups wrap them."""
    for child in parent:
        name = local_name(child.tag)
        if name == wanted:
            yield child
        elif name in {"table-rows", "table-header-rows", "table-row-group"}:
            yield from _wrapped(child, wanted)


def _styles(roots: list[Element]) -> tuple[set[str], set[str], set[str]]:
    """Return the names of the styles whose text is not displayed, is struck, or is in a symbol font."""
    hidden, struck, symbols = set(), set(), set()
    for style in (found for root in roots for found in root.iter() if local_name(found.tag) == "style"):
        for said in style:
            if local_name(said.tag) == "text-properties":
                if attribute(said, "display") == "none":
                    hidden.add(attribute(style, "name") or "")
                if (attribute(said, "text-line-through-style") or "none") != "none":
                    struck.add(attribute(style, "name") or "")
                font = attribute(said, "font-name") or attribute(said, "font-family") or ""
                if re.sub(r"(?<=s)[0-9]$", "", font.strip("'\" ").lower()) in SYMBOL_FONTS:
                    symbols.add(attribute(style, "name") or "")
    return hidden, struck, symbols
