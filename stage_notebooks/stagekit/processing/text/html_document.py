"""Turns an HTML page into a DoclingDocument as its reader sees it: nothing lost, nothing hidden served.

Docling's own backend strips and parts the text at every tag, which leaves blanks inside words (`m 2`,
`contra cheque`), takes what precedes the first heading for furniture, and knows neither `<strike>`, style
sheets, letters of lists nor notes.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import lxml.html
from docling_core.types.doc import DocItemLabel, DoclingDocument, TableCell, TableData
from docling_core.types.doc.document import Formatting, ImageRef, ListGroup, NodeItem

from stagekit.base.invisible_signs import without_invisible_signs
from stagekit.processing.nesting import refuse_deep_nesting, too_deeply_nested
from stagekit.processing.office.word.symbol_fonts import symbol
from stagekit.processing.text.html_navigation import as_line, is_navigation
from stagekit.processing.text.html_notes import Note, find_notes
from stagekit.processing.text.html_styles import Styles
from stagekit.processing.text.html_visibility import Look
from stagekit.processing.text.inline_text import InlineText
from stagekit.processing.text.list_markers import list_number

__all__ = ["HtmlReading", "read_html", "read_page"]

HEADINGS: Final = ("h1", "h2", "h3", "h4", "h5", "h6")
_LISTS = frozenset({"ul", "ol", "menu", "dir"})
_BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "body", "center", "dd", "details", "div", "dt", "fieldset",
    "figcaption", "figure", "footer", "form", "head", "header", "hgroup", "hr", "html", "legend", "li",
    "main", "nav", "optgroup", "p", "section", "summary", "tbody", "td", "tfoot", "th", "thead", "tr",
})  # fmt: skip
# What a browser does not show, whatever stands in it.
_SILENT = frozenset({
    "annotation", "annotation-xml", "area", "audio", "base", "canvas", "col", "colgroup", "datalist",
    "dialog", "embed", "frame", "iframe", "link", "meta", "noembed", "noframes", "noscript", "object",
    "param", "rp", "script", "source", "style", "template", "title", "track", "video",
})  # fmt: skip
_SILENT_INPUTS = frozenset({"button", "file", "hidden", "image", "password", "reset", "submit"})
_EDGES: Final = {"header": DocItemLabel.PAGE_HEADER, "footer": DocItemLabel.PAGE_FOOTER}
_MOST_SPAN = 1000
_MOST_CELLS = 100_000

_Grid = dict[tuple[int, int], TableCell]


@dataclass(frozen=True)
class HtmlReading:
    """A page as a document, and the texts in it that no reader of the page sees, which were left out."""

    document: DoclingDocument
    hidden: list[str]


def read_html(page: str, name: str = "document") -> HtmlReading:
    """Turn a page into a document, as :func:`read_page` does.

    Args:
        page: The decoded page, or a piece of one.
        name: Name of the DoclingDocument.

    Raises:
        DocumentRejected: Category `too_complex`.
    """
    with refuse_deep_nesting():
        return read_page(_parsed(page), name)


def read_page(root: Any, name: str = "document", *, with_pictures: bool = False) -> HtmlReading:
    """Turn the element tree of a page into a document.

    The one heading of the first level, where it is the first of all headings, is the document's title; where
    there are several, each of them is a section.

    Args:
        root: Of the tree, in HTML's names.
        name: Name of the DoclingDocument.
        with_pictures: Pictures that lie in the page itself (`data:`) become part of the document.

    Raises:
        DocumentRejected: Category `too_complex`.
    """
    with refuse_deep_nesting():
        builder = _Builder(root, name, with_pictures)
        builder.build()
    return HtmlReading(builder.document, builder.hidden)


def _parsed(page: str) -> Any:
    parser = lxml.html.HTMLParser(encoding="utf-8", huge_tree=True, remove_comments=True, remove_pis=True)
    content = page.removeprefix("\ufeff").encode("utf-8", errors="replace")
    root = lxml.html.document_fromstring(content or b"<html></html>", parser=parser, ensure_head_body=False)
    if any("depth" in entry.message for entry in parser.error_log):
        raise too_deeply_nested()
    return root


class _Place:
    """Where paragraphs go: the body of a document, or below an item of it."""

    def __init__(self, document: DoclingDocument, parent: NodeItem | None = None) -> None:
        self.document = document
        self._parent = parent

    def parent(self) -> NodeItem | None:
        """Return the item that tables, lists and code of this place stand below; None for the body."""
        return self._parent

    def add(self, text: str, label: DocItemLabel = DocItemLabel.TEXT, strong: bool = False) -> None:
        """Write a paragraph."""
        formatting = Formatting(bold=True) if strong else None
        self.document.add_text(label=label, text=text, parent=self.parent(), formatting=formatting)


class _Item(_Place):
    """A list item: its first paragraph is its text, what follows stands below it."""

    def __init__(self, document: DoclingDocument, group: ListGroup, marker: str) -> None:
        super().__init__(document)
        self._group, self._marker = group, marker
        self._item: NodeItem | None = None

    def parent(self) -> NodeItem | None:
        if self._item is None:
            self._open("")
        return self._item

    def add(self, text: str, label: DocItemLabel = DocItemLabel.TEXT, strong: bool = False) -> None:
        if self._item is None:
            self._open(text)
        else:
            super().add(text, label, strong)

    def _open(self, text: str) -> None:
        self._item = self.document.add_list_item(
            text=text, enumerated=bool(self._marker), marker=self._marker or "-", parent=self._group
        )


class _Edge(_Place):
    """A header or footer of the pages."""

    def __init__(self, document: DoclingDocument, label: DocItemLabel) -> None:
        super().__init__(document)
        self._label = label

    def add(self, text: str, label: DocItemLabel = DocItemLabel.TEXT, strong: bool = False) -> None:
        """Write a line of it."""
        super().add(text, self._label if label == DocItemLabel.TEXT else label, strong)


class _NoteBody(_Place):
    """A note: its first paragraph begins with its mark."""

    def __init__(self, place: _Place, mark: str) -> None:
        super().__init__(place.document)
        self._place, self._mark = place, f"[^{mark}]: "

    def parent(self) -> NodeItem | None:
        return self._place.parent()

    def add(self, text: str, label: DocItemLabel = DocItemLabel.TEXT, strong: bool = False) -> None:
        own = DocItemLabel.FOOTNOTE if label == DocItemLabel.TEXT else label
        super().add(self._mark + text, own, strong)
        self._mark = ""


@dataclass
class _Builder:
    """Walks a page once, in the order of its text."""

    root: Any
    name: str
    with_pictures: bool = False
    hidden: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.document = DoclingDocument(name=self.name)
        self.styles = Styles("".join(sheet.itertext()) for sheet in self.root.iter("style"))
        self.notes = find_notes(self.root)
        self._of_link = {link: note for note in self.notes for link in note.links}
        self._of_holder = {note.holder: note for note in self.notes}
        self._ways_back = {link for note in self.notes for link in note.way_back}
        self._due: list[Note] = []
        self._pictures: list[Any] = []
        firsts = [h for h in self.root.iter(*HEADINGS) if not _in_table(h) and "".join(h.itertext()).strip()]
        outermost = [heading for heading in firsts if heading.tag == "h1"]
        self._title = outermost[0] if len(outermost) == 1 and firsts[0] is outermost[0] else None
        self._before_heading = bool(firsts)
        self._raised = 1 if self._title is not None or not outermost else 0
        self._handlers: dict[str, Callable[[Any, _Place, Look], None]] = {
            **dict.fromkeys(HEADINGS, self._heading),
            **dict.fromkeys(_LISTS, self._list),
            "dl": self._definitions,
            "table": self._table,
            "pre": self._code,
            "figcaption": self._caption,
        }

    def build(self) -> None:
        place, text = _Place(self.document), InlineText()
        self._child(self.root, place, Look(), text)
        self._flush(text, place)
        self._due = [note for note in self.notes if not note.written]  # their marks are hidden
        self._write_notes(place)

    def _flow(self, element: Any, place: _Place, look: Look, text: InlineText) -> None:
        text.add(_tick(element), look.struck)
        self._own_text(element.text, look, text)
        for child in element:
            self._child(child, place, look, text)
            self._own_text(child.tail, look, text)

    def _own_text(self, own: str | None, look: Look, text: InlineText) -> None:
        if own and look.hidden:
            self._leave_out(own)
        else:
            text.add(_in_unicode(own, look.symbols) if own else own, look.struck, look.strong)

    def _child(self, element: Any, place: _Place, look: Look, text: InlineText) -> None:
        tag = element.tag
        if not isinstance(tag, str) or tag in _SILENT or element in self._ways_back:
            return
        look = look.within(element, self.styles)
        if look.gone:
            self._leave_out(_all_text(element))
        elif element in self._of_holder:
            return  # written where its mark stands
        elif element.get("data-edge") in _EDGES:
            self._flush(text, place)
            edge = _Edge(self.document, _EDGES[element.get("data-edge")])
            self._flow(element, edge, look, text)
            self._flush(text, edge)
        elif is_navigation(element, before_heading=self._before_heading):
            self._flush(text, place)
            if line := as_line(self._lines(element, look)):
                place.add(line, DocItemLabel.PAGE_HEADER)
        elif tag in self._handlers:
            self._flush(text, place)
            self._handlers[tag](element, place, look)
        elif _tick(element) and not len(element) and not _plain(element):
            text.add(_tick(element), look.struck)  # a box that a style draws stands in the line behind it
        elif tag in _BLOCKS:
            if tag != "p" or not text.is_box:  # the box of a task stands before its paragraph
                self._flush(text, place)
            self._flow(element, place, look, text)
            self._flush(text, place)
        elif tag == "img":
            self._picture(element, look)
        else:
            self._inline(element, place, look, text)

    def _inline(self, element: Any, place: _Place, look: Look, text: InlineText) -> None:
        tag, note = element.tag, self._of_link.get(element)
        if note is not None:
            text.add(f"[^{note.mark}]")
            self._due.append(note)
        elif tag == "br":
            text.line_break()
        elif tag in ("input", "select", "textarea"):
            text.add(_shown_value(element), look.struck)
        elif tag == "rt" and _plain(element):  # how the letters before it are read
            text.add(" (")
            self._flow(element, place, look, text)
            text.add(") ")
        elif tag == "math" and (formula := _tex(element)):
            text.add(f"${formula}$", look.struck)
        elif tag == "sup" and self._of_link.keys().isdisjoint(element.iterdescendants()):
            with text.raised():
                self._flow(element, place, look, text)
        else:
            quoted = tag == "q"
            text.add("“" if quoted else "", look.struck)
            self._flow(element, place, look, text)
            text.add("”" if quoted else "", look.struck)

    def _flush(self, text: InlineText, place: _Place) -> None:
        for paragraph in text.take():
            place.add(paragraph.text, strong=paragraph.strong)
        self._write_pictures(place)
        self._write_notes(place)

    def _write_notes(self, place: _Place) -> None:
        due, self._due = self._due, []
        for note in due:
            if not note.written:
                note.written = True
                text, body = InlineText(), _NoteBody(place, note.mark)
                self._flow(note.holder, body, Look().within(note.holder, self.styles), text)
                self._flush(text, body)

    def _leave_out(self, text: str) -> None:
        words = " ".join(without_invisible_signs(text).split())
        self.hidden += [words] if words else []

    def _heading(self, element: Any, place: _Place, look: Look) -> None:
        text = " ".join(self._lines(element, look))
        if not text:
            return
        self._before_heading = False
        level = int(element.tag[1])
        if isinstance(place, _Item | _NoteBody):
            place.add(text)
        elif element is self._title:
            self.document.add_title(text=text)
        else:
            self.document.add_heading(text=text, level=max(1, level - self._raised))
        self._write_notes(place)

    def _list(self, element: Any, place: _Place, look: Look) -> None:
        group = self.document.add_list_group(name="list", parent=place.parent())
        number, step = _numbering(element)
        style = _list_style(element, self.styles)
        text = InlineText()
        for child in element:
            if child.tag != "li":  # a nested list without an item around it, or a stray paragraph
                self._child(child, _Place(self.document, group), look, text)
                continue
            own = look.within(child, self.styles)
            number = _integer(child.get("value"), number)
            marker = child.get("data-marker")
            if marker is None:
                marker = f"{list_number(number, style)}{element.get('data-delimiter', '.')}" if style else ""
            if own.gone:
                self._leave_out(_all_text(child))
            elif child not in self._of_holder:
                item = _Item(self.document, group, marker)
                self._flow(child, item, own, text)
                self._flush(text, item)
            number += step
        self._flush(text, _Place(self.document, group))

    def _definitions(self, element: Any, place: _Place, look: Look) -> None:
        group = self.document.add_list_group(name="list", parent=place.parent())
        term: _Item | None = None
        text = InlineText()
        for child in _definition_parts(element):
            own = look.within(child, self.styles)
            if own.gone:
                self._leave_out(_all_text(child))
                continue
            if child.tag == "dd" and term is not None:
                below = self.document.add_list_group(name="list", parent=term.parent())
                item = _Item(self.document, below, "")
            else:
                term = item = _Item(self.document, group, "")
            self._flow(child, item, own, text)
            self._flush(text, item)

    def _table(self, element: Any, place: _Place, look: Look) -> None:
        rows = list(_rows(element))
        for caption in element.findall("caption"):
            self._caption(caption, place, look.within(caption, self.styles))
        if _is_layout(element, rows):
            text = InlineText()
            for row, own in self._shown_rows(rows, look):
                for cell in _cells(row):
                    self._child(cell, place, own, text)
                    self._flush(text, place)
            return
        data = self._table_data(rows, look)
        if data is not None:
            self.document.add_table(data=data, parent=place.parent())
        self._write_notes(place)

    def _shown_rows(self, rows: list[Any], look: Look) -> Iterator[tuple[Any, Look]]:
        """Yield the rows that are shown, and how they look."""
        for row in rows:
            own = look
            for above in reversed([row, *_up_to_table(row)]):
                own = own.within(above, self.styles)
            if own.gone:
                self._leave_out(_all_text(row))
            else:
                yield row, own

    def _table_data(self, rows: list[Any], look: Look) -> TableData | None:
        shown = list(self._shown_rows(rows, look))
        grid: _Grid = {}
        headers = _header_rows([row for row, _ in shown])
        for number, (row, own) in enumerate(shown):
            self._fill_row(grid, row, own, number, len(shown), number < headers)
        if not grid:
            return None
        columns = max(column for _, column in grid) + 1
        return TableData(num_rows=len(shown), num_cols=columns, table_cells=list(grid.values()))

    def _fill_row(
        self,
        grid: dict[tuple[int, int], TableCell],
        row: Any,
        look: Look,
        number: int,
        rows: int,
        header: bool,
    ) -> None:
        """Place a row's cells; a label that spans rows, or columns of the header, stands in each of them."""
        column = 0
        for cell in _cells(row):
            own = look.within(cell, self.styles)
            if own.gone:
                self._leave_out(_all_text(cell))
                continue
            while (number, column) in grid:
                column += 1
            text = "\n".join(self._lines(cell, own))
            height = min(_span(cell, "rowspan", rows), rows - number)
            width = _span(cell, "colspan", 0)
            if len(grid) + height * width > _MOST_CELLS:  # spans that nobody wrote by hand
                height = width = 1
            for below in range(height):
                for beside in range(width):
                    place = (number + below, column + beside)
                    if place not in grid:
                        shown = text if header or beside == 0 else ""
                        grid[place] = _cell(shown, *place, header=header, first=cell.tag == "th")
            column += width

    def _code(self, element: Any, place: _Place, look: Look) -> None:
        from docling.utils.code_language import normalize_code_language

        if look.hidden:
            self._leave_out(_all_text(element))
            return
        lines = "".join(self._preformatted(element, look)).replace("\t", "    ").strip("\n")
        classes = " ".join(inner.get("class") or "" for inner in (element, *element.iter("code"))).split()
        hint = next((name for name in classes if name.startswith(("language-", "lang-"))), None)
        if lines.strip() and "math" in classes:
            self.document.add_formula(text=lines, parent=place.parent())
        elif lines.strip():
            self.document.add_code(
                text=lines, code_language=normalize_code_language(hint), parent=place.parent()
            )

    def _preformatted(self, element: Any, look: Look) -> Iterator[str]:
        struck = look.struck and bool((element.text or "").strip())
        yield f"~~{element.text}~~" if struck else without_invisible_signs(element.text or "")
        for child in element:
            own = look.within(child, self.styles) if isinstance(child.tag, str) else look
            if child.tag == "br":
                yield "\n"
            elif own.gone:
                self._leave_out(_all_text(child))
            else:
                yield from self._preformatted(child, own)
            yield without_invisible_signs(child.tail or "")

    def _caption(self, element: Any, place: _Place, look: Look) -> None:
        if caption := " ".join(self._lines(element, look)):
            place.add(caption, DocItemLabel.CAPTION)
        self._write_notes(place)

    def _picture(self, element: Any, look: Look) -> None:
        if not look.hidden:
            self._pictures.append(element)

    def _write_pictures(self, place: _Place) -> None:
        """Write the pictures of a paragraph behind it: they must not part its sentences."""
        pictures, self._pictures = self._pictures, []
        for element in pictures:
            alternative = " ".join((element.get("alt") or "").split())
            caption = None
            if alternative:
                caption = self.document.add_text(label=DocItemLabel.CAPTION, text=alternative)
            image = _image(element.get("src") or "") if self.with_pictures else None
            self.document.add_picture(caption=caption, image=image, parent=place.parent())

    def _lines(self, element: Any, look: Look) -> list[str]:
        """Return the text of an element that is one item (heading, cell), a line for each block within."""
        text = InlineText()
        self._flatten(element, look, text)
        return [line for paragraph in text.take() for line in paragraph.text.split("\n")]

    def _flatten(self, element: Any, look: Look, text: InlineText) -> None:
        text.add(_tick(element), look.struck)
        self._own_text(element.text, look, text)
        for number, child in enumerate(element, 1):
            tag = child.tag
            own = look.within(child, self.styles) if isinstance(tag, str) else look
            block = tag in self._handlers or tag in _BLOCKS
            if block:
                text.line_break()
            if not isinstance(tag, str) or tag in _SILENT or child in self._ways_back:
                pass
            elif child in self._of_holder:
                pass  # written where its mark stands
            elif own.gone:
                self._leave_out(_all_text(child))
            elif tag == "img":
                text.add(f" {child.get('alt') or ''} ", own.struck)
            elif block or (child not in self._of_link and _holds_blocks(child)):
                if tag == "li" and element.tag == "ol":
                    text.add(f"{list_number(number, _list_style(element, self.styles) or '1')}. ", own.struck)
                self._flatten(child, own, text)
            else:
                self._inline(child, _Place(self.document), own, text)
            if block:
                text.line_break()
            self._own_text(child.tail, look, text)


def _image(source: str) -> ImageRef | None:
    """Return the picture of a `data:` address; None for another, and for one that cannot be read."""
    from PIL import Image

    head, _, data = source.partition(";base64,")
    if not head.startswith("data:image/"):
        return None
    try:
        with Image.open(io.BytesIO(base64.b64decode(data))) as image:
            return ImageRef.from_pil(image, dpi=72)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def _in_table(element: Any) -> bool:
    return any(above.tag in ("table", "li", "dl") for above in element.iterancestors())


def _holds_blocks(element: Any) -> bool:
    return any(inner.tag in _BLOCKS or inner.tag in _LISTS or inner.tag in ("img", "table", "pre", *HEADINGS)
               for inner in element.iterdescendants())  # fmt: skip


def _plain(element: Any) -> str:
    return "".join(element.itertext()).strip()


def _in_unicode(text: str, font: str) -> str:
    """Return what letters of a symbol font look like; the text itself for any other font."""
    if not font:
        return text
    return "".join(sign if sign.isspace() else symbol(font, ord(sign)) or "" for sign in text)


def _tick(element: Any) -> str:
    """Return the box of an element that is one without a field: of a wiki's task list, or drawn by a style.

    So write Confluence (`inline-task-list`), Google Docs (`aria-checked`) and Notion (`checkbox-on`).
    """
    classes = set((element.get("class") or "").split())
    above = element.getparent()
    if element.get("aria-checked") in ("true", "false") and element.tag != "input":
        ticked = element.get("aria-checked") == "true"
    elif element.tag == "li" and "inline-task-list" in ((above is not None and above.get("class")) or ""):
        ticked = "checked" in classes
    elif "checkbox-on" in classes or "checkbox-off" in classes:
        ticked = "checkbox-on" in classes
    else:
        return ""
    return "☑ " if ticked else "☐ "


def _all_text(element: Any) -> str:
    """Return the text within an element, with a blank where a block of it begins or ends."""
    edge = " " if _begins_line(element) else ""
    parts = [edge, element.text or ""]
    for child in element:
        parts += [_all_text(child) if isinstance(child.tag, str) else "", child.tail or ""]
    return "".join([*parts, edge])


def _begins_line(element: Any) -> bool:
    return element.tag in _BLOCKS or element.tag in (*_LISTS, *HEADINGS, "br", "pre", "table")


def _shown_value(element: Any) -> str:
    """Return what a field of a form shows: a box, what was typed, the chosen entry."""
    if element.tag == "textarea":
        return element.text or ""
    if element.tag == "select":
        options = list(element.iter("option"))
        chosen = [option for option in options if option.get("selected") is not None] or options[:1]
        return f" {', '.join(_plain(option) for option in chosen)} "
    kind = (element.get("type") or "text").lower()
    if kind in ("checkbox", "radio"):
        return "☑ " if element.get("checked") is not None else "☐ "
    return "" if kind in _SILENT_INPUTS else f" {element.get('value') or ''} "


def _tex(math: Any) -> str:
    """Return the TeX that a formula of MathML carries with it; empty where it has none."""
    return next(
        (_plain(note) for note in math.iter("annotation") if "tex" in (note.get("encoding") or "").lower()),
        "",
    )


def _integer(text: str | None, default: int) -> int:
    found = re.match(r"\s*([+-]?\d{1,9})", text or "")
    return int(found[1]) if found else default


def _numbering(element: Any) -> tuple[int, int]:
    """Return the number of a list's first item and the step to the next."""
    if element.get("reversed") is None:
        return _integer(element.get("start"), 1), 1
    return _integer(element.get("start"), len(element.findall("li"))), -1


def _list_style(element: Any, styles: Styles) -> str:
    """Return the style of a list's numbers; empty where it has none."""
    said = styles.declared(element)
    shown = said.get("list-style-type") or next(iter(said.get("list-style", "").split()), "")
    if element.tag != "ol" or shown in ("none", "disc", "circle", "square"):
        return ""
    return shown or element.get("type") or "1"


def _definition_parts(element: Any) -> Iterator[Any]:
    for child in element:
        if child.tag == "div":
            yield from _definition_parts(child)
        elif isinstance(child.tag, str):
            yield child


def _rows(table: Any) -> Iterator[Any]:
    for child in table:
        if child.tag == "tr":
            yield child
        elif child.tag in ("thead", "tbody", "tfoot"):
            yield from child.findall("tr")


def _cells(row: Any) -> list[Any]:
    return [cell for cell in row if cell.tag in ("td", "th")]


def _up_to_table(row: Any) -> Iterator[Any]:
    above = row.getparent()
    if above is not None and above.tag in ("thead", "tbody", "tfoot"):
        yield above


def _is_layout(table: Any, rows: list[Any]) -> bool:
    """Tell a table that only arranges the page: marked so, one cell wide, with headings or unruled tables."""
    if table.get("role") in ("presentation", "none"):
        return True
    if table.get("role") == "table" or any(cell.tag == "th" for row in rows for cell in _cells(row)):
        return False
    if all(len(_cells(row)) <= 1 for row in rows):
        return True
    ruled = (table.get("border") or "0").strip() != "0"  # its rows are seen, also with tables in its cells
    parts = HEADINGS if ruled else ("table", *HEADINGS)
    return any(inner.tag in parts for cell in map(_cells, rows) for td in cell
               for inner in td.iterdescendants())  # fmt: skip


def _header_rows(rows: list[Any]) -> int:
    """Return how many rows from the top are the header.

    Those of `thead`, with nothing but `th`, or beside a label that spans rows next to one that spans columns.
    """
    count = 0
    for row in rows:
        parent, cells = row.getparent(), _cells(row)
        in_head = parent is not None and parent.tag == "thead"
        if not cells or not (in_head or all(cell.tag == "th" for cell in cells)):
            break
        count += 1
    count = max(count, _spanned_rows(rows[0]) if rows else 0)
    return count if count < len(rows) else min(count, 1)


def _spanned_rows(row: Any) -> int:
    """Return how many rows a first row with labels over several columns reaches down; 0 without such."""
    spans = [(_integer(cell.get("rowspan"), 1), _integer(cell.get("colspan"), 1)) for cell in _cells(row)]
    grouped = any(columns > 1 for _, columns in spans)
    return max((rows for rows, _ in spans), default=0) if grouped and any(r > 1 for r, _ in spans) else 0


def _span(cell: Any, name: str, most: int) -> int:
    wanted = _integer(cell.get(name), 1)
    if wanted == 0:  # down to the last row
        return max(most, 1)
    return max(1, min(wanted, _MOST_SPAN))


def _cell(text: str, row: int, column: int, *, header: bool, first: bool) -> TableCell:
    return TableCell(
        text=text,
        start_row_offset_idx=row,
        end_row_offset_idx=row + 1,
        start_col_offset_idx=column,
        end_col_offset_idx=column + 1,
        column_header=header,
        row_header=first and not header,
    )
