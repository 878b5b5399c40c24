"""Turns an HTML page into a DoclingDocument as its reader sees it: nothing lost, nothing hidden served.

Docling's own backend strips and parts the text at every tag, which leaves blanks inside words (`m 2`,
`contra cheque`), takes what precedes the first heading for furniture, and knows neither `<strike>`, style
sheets, letters of lists nor notes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import lxml.html
from docling_core.types.doc import DocItemLabel, DoclingDocument, TableData

from stagekit.base.invisible_signs import without_invisible_signs
from stagekit.processing.nesting import refuse_deep_nesting, too_deeply_nested
from stagekit.processing.text.html_elements import (
    BLOCKS,
    HEADINGS,
    LISTS,
    all_text,
    box_of,
    definition_parts,
    holds_blocks,
    in_table,
    in_unicode,
    integer,
    list_numbering,
    list_style,
    picture_of,
    plain_text,
    shown_value,
    tex_of,
)
from stagekit.processing.text.html_navigation import as_line, is_navigation
from stagekit.processing.text.html_notes import Note, find_notes
from stagekit.processing.text.html_places import Item, NoteBody, PageEdge, Place
from stagekit.processing.text.html_styles import Styles
from stagekit.processing.text.html_tables import (
    Grid,
    cells_of,
    header_rows,
    is_layout,
    rows_of,
    up_to_table,
)
from stagekit.processing.text.html_visibility import Look
from stagekit.processing.text.inline_text import InlineText
from stagekit.processing.text.list_markers import list_number

# What a browser does not show, whatever stands in it.
_SILENT = frozenset({
    "annotation", "annotation-xml", "area", "audio", "base", "canvas", "col", "colgroup", "datalist",
    "embed", "frame", "iframe", "link", "meta", "noembed", "noframes", "noscript", "object",
    "param", "rp", "script", "source", "style", "template", "title", "track", "video",
})  # fmt: skip
_EDGES: Final = {"header": DocItemLabel.PAGE_HEADER, "footer": DocItemLabel.PAGE_FOOTER}


@dataclass(frozen=True)
class HtmlReading:
    """A page as a document, and the texts in it that no reader of the page sees, which were left out."""

    document: DoclingDocument
    hidden: list[str]


def read_html(page: str, name: str = "document") -> HtmlReading:
    """Turn a decoded page, or a piece of one, into a document, as :func:`read_page` does.

    Raises:
        DocumentRejected: Category `too_complex`.
    """
    with refuse_deep_nesting():
        return read_page(_parsed(page), name)


def read_page(root: Any, name: str = "document", *, with_pictures: bool = False) -> HtmlReading:
    """Turn the element tree of a page, in HTML's names, into a document.

    The one heading of the first level, where it is the first of all headings, is the document's title; where
    there are several, each of them is a section. Pictures that lie in the page itself (`data:`) become part
    of it if asked for.

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
        firsts = [h for h in self.root.iter(*HEADINGS) if not in_table(h) and "".join(h.itertext()).strip()]
        outermost = [heading for heading in firsts if heading.tag == "h1"]
        self._title = outermost[0] if len(outermost) == 1 and firsts[0] is outermost[0] else None
        self._before_heading = bool(firsts)
        self._raised = 1 if self._title is not None or not outermost else 0
        self._handlers: dict[str, Callable[[Any, Place, Look], None]] = {
            **dict.fromkeys(HEADINGS, self._heading),
            **dict.fromkeys(LISTS, self._list),
            "dl": self._definitions,
            "table": self._table,
            "pre": self._code,
            "figcaption": self._caption,
        }

    def build(self) -> None:
        place, text = Place(self.document), InlineText()
        self._child(self.root, place, Look(), text)
        self._flush(text, place)
        self._due = [note for note in self.notes if not note.written]  # their marks are hidden
        self._write_notes(place)

    def _flow(self, element: Any, place: Place, look: Look, text: InlineText) -> None:
        text.add(box_of(element), look.struck)
        self._own_text(element.text, look, text)
        for child in element:
            self._child(child, place, look, text)
            self._own_text(child.tail, look, text)

    def _own_text(self, own: str | None, look: Look, text: InlineText) -> None:
        if own and look.hidden:
            self._leave_out(own)
        else:
            text.add(in_unicode(own, look.symbols) if own else own, look.struck, look.strong)

    def _child(self, element: Any, place: Place, look: Look, text: InlineText) -> None:
        tag = element.tag
        if not isinstance(tag, str) or tag in _SILENT or element in self._ways_back:
            return
        look = look.within(element, self.styles)
        if look.gone:
            self._leave_out(all_text(element))
        elif element in self._of_holder:
            return  # written where its mark stands
        elif element.get("data-edge") in _EDGES:
            self._flush(text, place)
            edge = PageEdge(self.document, _EDGES[element.get("data-edge")])
            self._flow(element, edge, look, text)
            self._flush(text, edge)
        elif is_navigation(element, before_heading=self._before_heading):
            self._flush(text, place)
            if line := as_line(self._lines(element, look)):
                place.add(line, DocItemLabel.PAGE_HEADER)
        elif tag in self._handlers:
            self._flush(text, place)
            self._handlers[tag](element, place, look)
        elif box_of(element) and not len(element) and not plain_text(element):
            text.add(box_of(element), look.struck)  # a box that a style draws stands in the line behind it
        elif tag in BLOCKS:
            if tag != "p" or not text.is_box:  # the box of a task stands before its paragraph
                self._flush(text, place)
            self._flow(element, place, look, text)
            self._flush(text, place)
        elif tag == "img":
            self._picture(element, look)
        else:
            self._inline(element, place, look, text)

    def _inline(self, element: Any, place: Place, look: Look, text: InlineText) -> None:
        tag, note = element.tag, self._of_link.get(element)
        if note is not None:
            text.add(f"[^{note.mark}]")
            self._due.append(note)
        elif tag == "br":
            text.line_break()
        elif tag in ("input", "select", "textarea"):
            text.add(shown_value(element), look.struck)
        elif tag == "rt" and plain_text(element):  # how the letters before it are read
            text.add(" (")
            self._flow(element, place, look, text)
            text.add(") ")
        elif tag == "math" and (formula := tex_of(element)):
            text.add(f"${formula}$", look.struck)
        elif tag == "sup" and self._of_link.keys().isdisjoint(element.iterdescendants()):
            with text.raised():
                self._flow(element, place, look, text)
        else:
            quoted = tag == "q"
            text.add("“" if quoted else "", look.struck)
            self._flow(element, place, look, text)
            text.add("”" if quoted else "", look.struck)

    def _flush(self, text: InlineText, place: Place) -> None:
        for paragraph in text.take():
            place.add(paragraph.text, strong=paragraph.strong)
        self._write_pictures(place)
        self._write_notes(place)

    def _write_notes(self, place: Place) -> None:
        due, self._due = self._due, []
        for note in due:
            if not note.written:
                note.written = True
                text, body = InlineText(), NoteBody(place, note.mark)
                self._flow(note.holder, body, Look().within(note.holder, self.styles), text)
                self._flush(text, body)

    def _leave_out(self, text: str) -> None:
        words = " ".join(without_invisible_signs(text).split())
        self.hidden += [words] if words else []

    def _heading(self, element: Any, place: Place, look: Look) -> None:
        text = " ".join(self._lines(element, look))
        if not text:
            return
        self._before_heading = False
        level = int(element.tag[1])
        if isinstance(place, Item | NoteBody):
            place.add(text)
        elif element is self._title:
            self.document.add_title(text=text)
        else:
            self.document.add_heading(text=text, level=max(1, level - self._raised))
        self._write_notes(place)

    def _list(self, element: Any, place: Place, look: Look) -> None:
        group = self.document.add_list_group(name="list", parent=place.parent())
        number, step = list_numbering(element)
        style = list_style(element, self.styles)
        text = InlineText()
        for child in element:
            if child.tag != "li":  # a nested list without an item around it, or a stray paragraph
                self._child(child, Place(self.document, group), look, text)
                continue
            own = look.within(child, self.styles)
            number = integer(child.get("value"), number)
            marker = child.get("data-marker")
            if marker is None:
                marker = f"{list_number(number, style)}{element.get('data-delimiter', '.')}" if style else ""
            if own.gone:
                self._leave_out(all_text(child))
            elif child not in self._of_holder:
                item = Item(self.document, group, marker)
                self._flow(child, item, own, text)
                self._flush(text, item)
            number += step
        self._flush(text, Place(self.document, group))

    def _definitions(self, element: Any, place: Place, look: Look) -> None:
        group = self.document.add_list_group(name="list", parent=place.parent())
        term: Item | None = None
        text = InlineText()
        for child in definition_parts(element):
            own = look.within(child, self.styles)
            if own.gone:
                self._leave_out(all_text(child))
                continue
            if child.tag == "dd" and term is not None:
                below = self.document.add_list_group(name="list", parent=term.parent())
                item = Item(self.document, below, "")
            else:
                term = item = Item(self.document, group, "")
            self._flow(child, item, own, text)
            self._flush(text, item)

    def _table(self, element: Any, place: Place, look: Look) -> None:
        rows = list(rows_of(element))
        for caption in element.findall("caption"):
            self._caption(caption, place, look.within(caption, self.styles))
        if is_layout(element, rows):
            text = InlineText()
            for row, own in self._shown_rows(rows, look):
                for cell in cells_of(row):
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
            for above in reversed([row, *up_to_table(row)]):
                own = own.within(above, self.styles)
            if own.gone:
                self._leave_out(all_text(row))
            else:
                yield row, own

    def _table_data(self, rows: list[Any], look: Look) -> TableData | None:
        shown = list(self._shown_rows(rows, look))
        grid = Grid(len(shown))
        headers = header_rows([row for row, _ in shown])
        for number, (row, own) in enumerate(shown):
            self._fill_row(grid, row, own, number, number < headers)
        return grid.data()

    def _fill_row(self, grid: Grid, row: Any, look: Look, number: int, header: bool) -> None:
        column = 0
        for cell in cells_of(row):
            own = look.within(cell, self.styles)
            if own.gone:
                self._leave_out(all_text(cell))
                continue
            text = "\n".join(self._lines(cell, own))
            column = grid.place(cell, text, number, column, header=header)

    def _code(self, element: Any, place: Place, look: Look) -> None:
        from docling.utils.code_language import normalize_code_language

        if look.hidden:
            self._leave_out(all_text(element))
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
                self._leave_out(all_text(child))
            else:
                yield from self._preformatted(child, own)
            yield without_invisible_signs(child.tail or "")

    def _caption(self, element: Any, place: Place, look: Look) -> None:
        if caption := " ".join(self._lines(element, look)):
            place.add(caption, DocItemLabel.CAPTION)
        self._write_notes(place)

    def _picture(self, element: Any, look: Look) -> None:
        if not look.hidden:
            self._pictures.append(element)

    def _write_pictures(self, place: Place) -> None:
        """Write the pictures of a paragraph behind it: they must not part its sentences."""
        pictures, self._pictures = self._pictures, []
        for element in pictures:
            alternative = " ".join((element.get("alt") or "").split())
            caption = None
            if alternative:
                caption = self.document.add_text(label=DocItemLabel.CAPTION, text=alternative)
            image = picture_of(element.get("src") or "") if self.with_pictures else None
            self.document.add_picture(caption=caption, image=image, parent=place.parent())

    def _lines(self, element: Any, look: Look) -> list[str]:
        """Return the text of an element that is one item (heading, cell), a line for each block within."""
        text = InlineText()
        self._flatten(element, look, text)
        return [line for paragraph in text.take() for line in paragraph.text.split("\n")]

    def _flatten(self, element: Any, look: Look, text: InlineText) -> None:
        text.add(box_of(element), look.struck)
        self._own_text(element.text, look, text)
        for number, child in enumerate(element, 1):
            tag = child.tag
            own = look.within(child, self.styles) if isinstance(tag, str) else look
            block = tag in self._handlers or tag in BLOCKS
            if block:
                text.line_break()
            if not isinstance(tag, str) or tag in _SILENT or child in self._ways_back:
                pass
            elif child in self._of_holder:
                pass  # written where its mark stands
            elif own.gone:
                self._leave_out(all_text(child))
            elif tag == "img":
                text.add(f" {child.get('alt') or ''} ", own.struck)
            elif block or (child not in self._of_link and holds_blocks(child)):
                if tag == "li" and element.tag == "ol":
                    text.add(f"{list_number(number, list_style(element, self.styles) or '1')}. ", own.struck)
                self._flatten(child, own, text)
            else:
                self._inline(child, Place(self.document), own, text)
            if block:
                text.line_break()
            self._own_text(child.tail, look, text)
