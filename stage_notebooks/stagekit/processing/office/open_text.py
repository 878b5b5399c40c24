"""Turns an OpenDocument text into the HTML page that its reader sees, for the one reader of pages.

Docling's own reader loses the letters and Roman numbers of lists, sets notes apart from their marks, and
takes struck, hidden and deleted text for text.
"""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Callable
from typing import Any, Final

import lxml.etree
from lxml.html import HtmlElement, builder

from stagekit.errors import DocumentRejected
from stagekit.processing.nesting import refuse_deep_nesting, too_deeply_nested
from stagekit.processing.office.open_text_fields import form_field
from stagekit.processing.office.open_text_styles import ListLevel, OpenTextStyles, attributes, name_of
from stagekit.processing.office.word.page_edges import PAGE_WORDS

_MOST_REPEATED = 200  # of a row or cell; programs fill a table up with empty ones
_MOST_CELLS = 500_000
_LARGEST_PICTURE = 50 * 2**20
_PICTURES: Final = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif"}
# Neither text nor anything that is shown: what was deleted or remarked, and marks within the text.
_SILENT = frozenset({
    "annotation", "annotation-end", "bookmark", "bookmark-end", "bookmark-start", "change", "change-end",
    "change-start", "event-listeners", "forms", "hidden-paragraph", "number",
    "reference-mark-end", "reference-mark-start", "scripts", "sequence-decls", "soft-page-break",
    "page-count", "page-number", "toc-mark", "tracked-changes", "user-field-decls", "variable-decls",
})  # fmt: skip
_FIELDS = frozenset({"variable-set", "variable-input", "user-field-get", "user-defined", "expression"})
_PAGE_FIELDS = frozenset({"page-count", "page-number"})
_SHAPES = frozenset({"custom-shape", "frame", "g", "rect", "ellipse", "line", "connector"})


def open_text_to_html(content: bytes) -> Any:
    """Return the page of an ODT file as an element tree.

    Raises:
        DocumentRejected: Category `corrupt` or `too_complex`.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive, refuse_deep_nesting():
            return _Page(archive).root
    except (zipfile.BadZipFile, lxml.etree.XMLSyntaxError, KeyError, OSError) as error:
        if "Excessive depth" in str(error):
            raise too_deeply_nested() from None
        raise DocumentRejected(
            "corrupt",
            f"The ODT document is damaged and cannot be opened: {error}",
            "Export or upload the document again.",
        ) from error


class _Page:
    """The page as it grows; each element of the document is visited once, in the order of the text."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        common = self._part("styles.xml") if "styles.xml" in archive.namelist() else None
        content = self._part("content.xml")
        self._styles = OpenTextStyles(part for part in (common, content) if part is not None)
        self._boxes = _check_boxes(content)
        self._notes: list[HtmlElement] = []
        self._floating: list[HtmlElement] = []
        self._cells = 0
        self._headings: list[int] = []
        self._counters: dict[str, list[int]] = {}
        texts = [element for element in content.iter() if name_of(element) == "text"]
        self.root = builder.BODY(style=self._styles.paper())
        self._has_title = any(
            self._styles.is_title(attributes(element).get("style-name", ""))
            for element in content.iter()
            if name_of(element) == "p"
        )
        self._handlers: dict[str, Callable[[Any, HtmlElement], None]] = {
            "h": self._heading,
            "p": self._paragraph,
            "list": self._list,
            "table": self._table,
            "section": self._section,
            "span": self._span,
            "s": lambda element, into: _add_text(into, " " * _count(element, "c")),
            "tab": lambda _, into: _add_text(into, " "),
            "line-break": lambda _, into: into.append(builder.BR()),
            "note": self._note,
            "ruby": self._ruby,
            "hidden-text": self._hidden,
            "image": self._image,
            "object": self._object,
            "control": self._control,
            "fieldmark": self._form_field,
            **dict.fromkeys(_SHAPES, self._shape),
        }
        if common is not None:
            self._edges(common)
        for element in texts[:1]:
            self._children(element, self.root)
        for note in self._notes:
            self.root.append(note)

    def _edges(self, styles: Any) -> None:
        """Write one copy of what each header and footer of the pages says; there stand code and revision."""
        seen: set[str] = set()
        margins = [margin for page in styles.iter() if name_of(page) == "master-page" for margin in page]
        for kind in ("header", "footer"):
            for margin in margins:
                said = " ".join("".join(margin.itertext()).split())
                shown = attributes(margin).get("display") != "false" and said not in seen
                if shown and name_of(margin).partition("-")[0] == kind:
                    seen.add(said)
                    edge = builder.DIV()
                    edge.set("data-edge", kind)
                    self.root.append(edge)
                    self._children(margin, edge)

    def _part(self, name: str) -> Any:
        parser = lxml.etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
        return lxml.etree.fromstring(self._archive.read(name), parser)

    def _children(self, element: Any, into: HtmlElement) -> None:
        _add_text(into, element.text)
        for child in element:
            self._child(child, into)
            _add_text(into, child.tail)

    def _child(self, element: Any, into: HtmlElement) -> None:
        kind = name_of(element)
        if not kind or kind in _SILENT or (kind in _FIELDS and attributes(element).get("display") == "none"):
            return
        handler = self._handlers.get(kind, self._children)
        handler(element, into)

    def _styled(self, element: Any, own: HtmlElement, family: str) -> HtmlElement:
        css = self._styles.css(family, attributes(element).get("style-name", ""))
        if css:
            own.set("style", css)
        return own

    def _paragraph(self, element: Any, into: HtmlElement) -> None:
        if _is_page_line(element):
            return
        is_title = self._styles.is_title(attributes(element).get("style-name", ""))
        own = self._styled(element, builder.H1() if is_title else builder.P(), "paragraph")
        into.append(own)
        self._children(element, own)
        self._add_floating(into)

    def _heading(self, element: Any, into: HtmlElement, label: str = "") -> None:
        """Write a heading with its number: the label of its list, else that of its level."""
        level = _count(element, "outline-level")
        own = self._styled(element, HtmlElement(), "paragraph")
        own.tag = f"h{min(level + self._has_title, 6)}"
        numbering = self._styles.headings
        self._headings = _next_number(self._headings, level, numbering, element)
        if not label and level in numbering and attributes(element).get("is-list-header") != "true":
            levels = [numbering.get(at, ListLevel()) for at in range(1, level + 1)]
            label = levels[-1].label(self._headings, levels)
        _add_text(own, f"{label} " if label else "")
        into.append(own)
        self._children(element, own)
        self._add_floating(into)

    def _add_floating(self, into: HtmlElement) -> None:
        """Put what is anchored in a paragraph behind it: a text box must not part its sentence."""
        floating, self._floating = self._floating, []
        for shape in floating:
            into.append(shape)

    def _list(
        self, element: Any, into: HtmlElement, style: str = "", level: int = 1, *, goes_on: bool = False
    ) -> None:
        """Write a list; one that goes on counts from where the list of its style was left."""
        said = attributes(element)
        style = said.get("style-name", style)
        goes_on = goes_on or said.get("continue-numbering") == "true" or "continue-list" in said
        counters = self._counters.setdefault(style, [])
        if not goes_on:
            del counters[level - 1 :]
        numbered = self._styles.list_levels(style).get(level, ListLevel()).number_format
        own: HtmlElement | None = None
        for item in element:
            if name_of(item) not in ("list-item", "list-header"):
                continue
            if _holds_heading(item):  # a list that numbers headings; they are no items of text
                own = None
                self._list_item(item, into, style, level)
                continue
            if own is None:
                own = builder.OL() if numbered else builder.UL()
                into.append(own)
            shown = builder.LI()
            own.append(shown)
            self._list_item(item, shown, style, level)

    def _list_item(self, item: Any, into: HtmlElement, style: str, level: int) -> None:
        """Write what an item holds; one of nothing but inner lists has no number and is not counted."""
        inner_only = {name_of(child) for child in item} <= {"list"}
        marker = ""
        if name_of(item) == "list-item" and not inner_only:
            levels = self._styles.list_levels(style)
            numbers = _next_number(self._counters[style], level, levels, item)
            self._counters[style] = numbers
            of_levels = [levels.get(at, ListLevel()) for at in range(1, level + 1)]
            written = next(("".join(child.itertext()) for child in item if name_of(child) == "number"), "")
            marker = (written or of_levels[-1].label(numbers, of_levels)).strip()
        if into.tag == "li":
            into.set("data-marker", marker)
        for child in item:
            if name_of(child) == "list":
                self._list(child, into, style, level + 1, goes_on=inner_only)
            elif name_of(child) == "h":
                self._heading(child, into, marker)
                marker = ""
            else:
                self._child(child, into)

    def _table(self, element: Any, into: HtmlElement) -> None:
        own = self._styled(element, builder.TABLE(), "table")
        into.append(own)
        self._rows(element, own)
        wide = any(len(row) > 1 for row in own.iter("tr"))
        if wide and not any(True for _ in own.iter("h1", "h2", "h3", "h4", "h5", "h6")):
            own.set("role", "table")  # also with tables in its cells

    def _rows(self, element: Any, into: HtmlElement) -> None:
        for child in element:
            kind = name_of(child)
            if kind == "table-header-rows":
                head = builder.THEAD()
                into.append(head)
                self._rows(child, head)
            elif kind in ("table-rows", "table-row-group"):
                self._rows(child, into)
            elif kind == "table-row":
                repeated = min(_count(child, "number-rows-repeated"), _MOST_REPEATED)
                for _ in range(repeated if any(child.itertext()) else 1):
                    into.append(self._row(child, builder.TH if into.tag == "thead" else builder.TD))

    def _row(self, element: Any, new_cell: Callable[[], HtmlElement]) -> HtmlElement:
        row = self._styled(element, builder.TR(), "table-row")
        if attributes(element).get("visibility", "visible") != "visible":
            row.set("style", "display: none")
        for cell in element:
            if name_of(cell) != "table-cell":  # one that another covers
                continue
            repeated = min(_count(cell, "number-columns-repeated"), _MOST_REPEATED)
            self._cells += repeated
            for _ in range(repeated if self._cells <= _MOST_CELLS else 1):
                own = self._styled(cell, new_cell(), "table-cell")
                own.set("rowspan", str(_count(cell, "number-rows-spanned")))
                own.set("colspan", str(_count(cell, "number-columns-spanned")))
                row.append(own)
                self._children(cell, own)
        return row

    def _section(self, element: Any, into: HtmlElement) -> None:
        own = builder.DIV()
        said = attributes(element)
        if said.get("display") == "none" or said.get("is-hidden") == "true":
            own.set("style", "display: none")
        into.append(own)
        self._children(element, own)

    def _span(self, element: Any, into: HtmlElement) -> None:
        own = self._styled(element, builder.SPAN(), "text")
        into.append(own)
        if raised := self._styles.raised(attributes(element).get("style-name", "")):
            own.append(builder.SUP() if raised == "sup" else builder.SUB())
            own = own[0]
        self._children(element, own)

    def _ruby(self, element: Any, into: HtmlElement) -> None:
        own = HtmlElement()
        own.tag = "ruby"
        into.append(own)
        for part in element:
            inner = HtmlElement()
            inner.tag = "rt" if name_of(part) == "ruby-text" else "rb"
            own.append(inner)
            self._children(part, inner)

    def _note(self, element: Any, into: HtmlElement) -> None:
        parts = {name_of(child): child for child in element}
        number = len(self._notes) + 1
        mark = "".join(parts["note-citation"].itertext()).strip() if "note-citation" in parts else ""
        link = builder.A(mark or str(number), id=f"fnref:{number}", href=f"#fn:{number}")
        into.append(link)
        note = builder.DIV(builder.A("↩", href=f"#fnref:{number}"), id=f"fn:{number}")
        self._notes.append(note)
        if "note-body" in parts:
            outer, self._floating = self._floating, []
            self._children(parts["note-body"], note)
            self._floating = outer

    def _hidden(self, element: Any, into: HtmlElement) -> None:
        own = builder.SPAN(style="display: none")
        into.append(own)
        self._children(element, own)

    def _shape(self, element: Any, into: HtmlElement) -> None:
        """Put a picture or a formula at its place, and the text of a box behind its paragraph."""
        kinds = [name_of(child) for child in element]
        if "text-box" not in kinds and ("object" in kinds or "image" in kinds):
            chosen = element[kinds.index("object" if "object" in kinds else "image")]
            self._child(chosen, into)
            return
        style = self._styles.filled(attributes(element).get("style-name", ""), name_of(element))
        box = builder.DIV(style=style)
        for child in element:
            if name_of(child) not in ("title", "desc"):
                self._child(child, box)
        if into.tag in ("p", "span", "a") or into.tag in ("h1", "h2", "h3", "h4", "h5", "h6"):
            self._floating.append(box)
        else:
            into.append(box)

    def _image(self, element: Any, into: HtmlElement) -> None:
        frame = element.getparent()
        said = [child for child in frame if name_of(child) in ("title", "desc")] if frame is not None else []
        picture = builder.IMG(alt=" ".join(" ".join(child.itertext()) for child in said))
        name = attributes(element).get("href", "").removeprefix("./")
        kind = next((kind for end, kind in _PICTURES.items() if name.lower().endswith(end)), "")
        known = kind and name in self._archive.namelist()
        if known and self._archive.getinfo(name).file_size <= _LARGEST_PICTURE:
            data = base64.b64encode(self._archive.read(name)).decode()
            picture.set("src", f"data:{kind};base64,{data}")
        into.append(picture)

    def _object(self, element: Any, into: HtmlElement) -> None:
        """Put a formula or workbook at its place; of another object, such as a chart, its replacement."""
        name = attributes(element).get("href", "").removeprefix("./").rstrip("/")
        inner = next((child for child in element if name_of(child) in ("math", "document")), None)
        if inner is None and f"{name}/content.xml" in self._archive.namelist():
            inner = self._part(f"{name}/content.xml")
        if inner is not None and name_of(inner) == "math":
            into.append(_formula(inner))
            return
        tables = [] if inner is None else list(inner.iterfind("{*}body/{*}spreadsheet/{*}table"))
        for table in tables:  # an embedded workbook, behind the paragraph that it stands in
            box = builder.DIV()
            self._table(table, box)
            _drop_empty_ends(box)
            self._floating.append(box)
        if tables:
            return
        for image in element.getparent():
            if name_of(image) == "image":
                self._image(image, into)

    def _control(self, element: Any, into: HtmlElement) -> None:
        said = self._boxes.get(attributes(element).get("control", ""))
        if said is not None:
            box = builder.INPUT(type="checkbox")
            if said.get("current-state", said.get("state")) == "checked":
                box.set("checked", "checked")
            into.append(box)
            _add_text(into, said.get("label", ""))

    def _form_field(self, element: Any, into: HtmlElement) -> None:
        """Write the state of a box, or the entry that was chosen from a list, of a form's field."""
        box, chosen = form_field(element)
        if box is not None:
            shown = builder.INPUT(type="checkbox")
            if box:
                shown.set("checked", "checked")
            into.append(shown)
        _add_text(into, chosen)
        self._children(element, into)


def _drop_empty_ends(box: HtmlElement) -> None:
    """Take away the empty cells with which a workbook fills its rows up, and the rows of nothing else."""
    for row in list(box.iter("tr")):
        while len(row) and not row[-1].text_content().strip():
            row.remove(row[-1])
        if not len(row):
            row.getparent().remove(row)


def _holds_heading(item: Any) -> bool:
    """Tell whether an item of a list, or one of the lists in it, is a heading."""
    return any(
        name_of(child) == "h" or (name_of(child) == "list" and any(map(_holds_heading, child)))
        for child in item
    )


def _is_page_line(paragraph: Any) -> bool:
    """Tell a paragraph that says which page it stands on, and nothing else."""
    numbered = any(name_of(inner) in _PAGE_FIELDS for inner in paragraph.iter())
    return numbered and PAGE_WORDS.fullmatch("".join(paragraph.itertext())) is not None


def _formula(formula: Any) -> HtmlElement:
    """Return a formula as `$…$`: its TeX or StarMath source, else its signs."""
    source = [element for element in formula.iter() if name_of(element) == "annotation"]
    text = " ".join("".join((source[0] if source else formula).itertext()).split())
    return builder.SPAN(f"${text}$")


def _check_boxes(content: Any) -> dict[str, dict[str, str]]:
    """Return what the document says of each of its check boxes, by the name under which the text calls it."""
    boxes = [element for element in content.iter() if name_of(element) in ("checkbox", "radio")]
    return {said["id"]: said for said in map(attributes, boxes) if "id" in said}


def _next_number(numbers: list[int], level: int, levels: dict[int, ListLevel], element: Any) -> list[int]:
    """Return the numbers of the next item, from the outermost level to its own."""
    outer = [*numbers[: level - 1]]
    outer += [levels.get(at, ListLevel()).start for at in range(len(outer) + 1, level)]
    own = numbers[level - 1] + 1 if len(numbers) >= level else levels.get(level, ListLevel()).start
    said = attributes(element).get("start-value", "")
    return [*outer, int(said) if said.isdigit() else own]


def _count(element: Any, name: str) -> int:
    said = attributes(element).get(name, "")
    return max(1, int(said)) if said.isdigit() else 1


def _add_text(into: HtmlElement, text: str | None) -> None:
    if text and len(into):
        into[-1].tail = (into[-1].tail or "") + text
    elif text:
        into.text = (into.text or "") + text
