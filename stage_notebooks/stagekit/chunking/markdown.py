"""Writes a Docling document as canonical Markdown, item by item, and remembers where each item went.

Text is written raw, without Markdown escapes (only `|` inside a table cell is escaped), and hyperlinks as
their text: what is embedded and shown is what a reader of the document sees. Text that the source strikes out
stands between `~~`. Page headers and footers are not part of it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from docling_core.types.doc import DoclingDocument
from docling_core.types.doc.document import (
    CodeItem,
    DocItem,
    FloatingItem,
    FormulaItem,
    GroupItem,
    InlineGroup,
    ListItem,
    NodeItem,
    PictureItem,
    SectionHeaderItem,
    TableItem,
    TextItem,
    TitleItem,
)
from docling_core.types.doc.labels import DocItemLabel, GroupLabel

from stagekit.base.invisible_signs import without_invisible_signs
from stagekit.chunking.normative.clauses import Clause
from stagekit.chunking.struck import merged, struck
from stagekit.chunking.table_pages import first_rows
from stagekit.chunking.table_rows import table_lines

_Places = tuple[tuple["Region", int], ...]
"""Regions of a text, each with the character of the text that it begins with."""
_SPACE_BEFORE_PUNCTUATION = re.compile(r" ([.,;:!?)\]])")
_HEADING_NUMBER = re.compile(r"\s*(\d+(?:\.\d+)*)(?:[.)]|\s|$)")
_CHECKBOXES = {DocItemLabel.CHECKBOX_SELECTED: "[x] ", DocItemLabel.CHECKBOX_UNSELECTED: "[ ] "}


@dataclass(frozen=True, slots=True)
class Region:
    """Where on the pages an item stands; the box is in points from the top left, None where unknown."""

    ref: str
    page: int | None = None
    bbox: tuple[float, float, float, float] | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """A place in the heading hierarchy: titles and numbers from the outermost heading to its own.

    `top` counts the top-level sections; text before the first heading is section 0.
    """

    titles: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    top: int = 0


@dataclass(frozen=True, slots=True)
class Block:
    """A heading, paragraph, list item, table, code block, caption or footnote: `markdown[start:end]`."""

    kind: str  # a content type of the NIC schema
    start: int
    end: int
    section: Section  # the section that the block belongs to; of a heading, the one it opens
    regions: tuple[Region, ...]  # the items of the document that it was written from
    header_end: int = 0  # of a table, where its header and rule end; 0 elsewhere
    list_id: int = 0  # items of one list share it; 0 elsewhere
    # where the text of each region begins; the block's start where that is not known
    region_starts: tuple[int, ...] = ()

    def regions_of(self, start: int, end: int) -> tuple[Region, ...]:
        """Return the regions that hold something of `markdown[start:end]`."""
        starts = self.region_starts or (self.start,) * len(self.regions)
        ends = [next((one for one in starts if one > begin), self.end) for begin in starts]
        return tuple(
            region
            for region, begin, stop in zip(self.regions, starts, ends, strict=True)
            if begin < end and start < stop
        )


@dataclass(frozen=True, slots=True)
class CanonicalMarkdown:
    """The Markdown of a document, its blocks in order, its own title, and the clauses where it is a norm."""

    text: str
    blocks: tuple[Block, ...]
    title: str
    clauses: tuple[Clause, ...] = ()


def build_markdown(document: DoclingDocument) -> CanonicalMarkdown:
    """Write a document as Markdown. Blocks are separated by white space only.

    The only title of the document is its title and no section; any other heading, and each of several titles,
    opens one.
    """
    writer = _Writer(document, top_level=_top_level(document))
    writer.walk(document.body)
    return CanonicalMarkdown("".join(writer.parts), tuple(writer.blocks), writer.title)


def _top_level(document: DoclingDocument) -> int:
    """Return the level of the outermost headings, the document's title left out."""
    levels = []
    for item in document.texts:
        if isinstance(item, TitleItem):
            levels.append(0)
        elif isinstance(item, SectionHeaderItem):
            levels.append(item.level)
    if levels.count(0) == 1:
        levels.remove(0)
    return min(levels, default=1)


@dataclass
class _Writer:
    """The Markdown so far, with the heading stack and list depth of the present place."""

    document: DoclingDocument
    top_level: int
    parts: list[str] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    title: str = ""
    section: Section = field(default_factory=Section)
    _length: int = 0
    _levels: list[int] = field(default_factory=list)
    _counts: dict[tuple[str, ...], int] = field(default_factory=dict)
    _seen: set[str] = field(default_factory=set)
    _lists: int = 0

    def walk(self, node: NodeItem, depth: int = 0, list_id: int = 0, in_picture: bool = False) -> None:
        """Write the children of a node in order; `depth` is that of the innermost list, 0 outside."""
        number = 0
        for reference in node.children:
            child = reference.resolve(self.document)
            if child.self_ref in self._seen or child.content_layer.value != "body":
                continue
            self._seen.add(child.self_ref)
            if isinstance(child, ListItem):
                number += 1
                self._list_item(child, max(depth, 1), list_id, number)
            elif isinstance(child, InlineGroup):
                self._inline(child, in_picture)
            elif isinstance(child, GroupItem):
                is_list = child.label in {GroupLabel.LIST, GroupLabel.ORDERED_LIST}
                if is_list and depth == 0:
                    self._lists += 1
                self.walk(child, depth + is_list, self._lists if is_list else list_id, in_picture)
            else:
                self._item(child, depth, list_id, in_picture)

    def _item(self, item: NodeItem, depth: int, list_id: int, in_picture: bool) -> None:
        if isinstance(item, FloatingItem):
            self._captions(item)
        if isinstance(item, TableItem):
            self._table(item)
        elif isinstance(item, TitleItem | SectionHeaderItem):
            self._heading(item)
        elif isinstance(item, CodeItem):
            self._write("code_block", _fenced(item), self._regions(item))
        elif isinstance(item, FormulaItem):
            text = item.text.strip() or item.orig.strip()
            self._write("paragraph", f"$${text}$$" if text else "", self._regions(item), prefix=2)
        elif isinstance(item, TextItem):
            kind = _text_kind(item, in_picture)
            box = _CHECKBOXES.get(item.label, "")
            self._write(kind, box + _shown(item), self._regions(item), prefix=len(box))
        self.walk(item, depth, list_id, in_picture or isinstance(item, PictureItem))

    def _heading(self, item: TitleItem | SectionHeaderItem) -> None:
        level = 0 if isinstance(item, TitleItem) else item.level
        text, regions = self._own_text(item)
        if not _visible(text):
            return
        if level == 0 and self.top_level > 0 and not self.title and not self._levels:
            self.title = text
        else:
            self._open_section(level, text)
        marks = "#" * min(level + 1, 6) + " "
        self._write("heading", marks + text, regions, prefix=len(marks))

    def _open_section(self, level: int, title: str) -> None:
        while self._levels and self._levels[-1] >= level:
            self._levels.pop()
        kept = len(self._levels)
        parents = self.section.numbers[:kept]
        self._counts[parents] = self._counts.get(parents, 0) + 1
        written = _HEADING_NUMBER.match(title)
        derived = ".".join([*parents[-1:], str(self._counts[parents])])
        number = written.group(1) if written else derived
        top = self.section.top + (level <= self.top_level)
        self._levels.append(level)
        self.section = Section((*self.section.titles[:kept], title), (*parents, number), top)

    def _list_item(self, item: ListItem, depth: int, list_id: int, number: int) -> None:
        text, regions = self._own_text(item)
        written = item.marker if item.marker.strip("-*•") else f"{number}."
        marker = written if item.enumerated else "-"
        begin = f"{'    ' * (depth - 1)}{marker} "
        line = begin + text if _visible(text) else ""
        self._write("list", line, regions, list_id=list_id, prefix=len(begin))
        self.walk(item, depth, list_id)

    def _inline(self, group: InlineGroup, in_picture: bool) -> None:
        text, regions = self._joined(group)
        self._write("figure" if in_picture else "paragraph", text, regions)

    def _own_text(self, item: TextItem) -> tuple[str, _Places]:
        """Return an item's text; where it has formatting, Docling puts it into an inline group below it."""
        if _visible(item.text):
            return _shown(item), self._regions(item)
        for reference in item.children:
            child = reference.resolve(self.document)
            if isinstance(child, InlineGroup):
                self._seen.add(child.self_ref)
                text, regions = self._joined(child)
                return text, (*self._regions(item), *regions)
        return "", self._regions(item)

    def _joined(self, group: InlineGroup) -> tuple[str, _Places]:
        items = [reference.resolve(self.document) for reference in group.children]
        texts = [item for item in items if isinstance(item, TextItem)]
        self._seen.update(item.self_ref for item in texts)
        text = merged(" ".join(_shown(item) for item in texts if item.text.strip()))
        text = _SPACE_BEFORE_PUNCTUATION.sub(r"\1", text)
        return text, self._places_within(text, texts)

    def _places_within(self, text: str, items: Sequence[TextItem]) -> _Places:
        """Return the regions of items whose texts were joined, each with where its text begins."""
        places, at = [], 0
        for item in items:
            own = _clean(item.text)
            found = text.find(own, at)
            at = found if found >= 0 else at
            places += [(region, at + offset) for region, offset in self._regions(item)]
            at += len(own) if found >= 0 else 0
        return tuple(places)

    def _captions(self, item: FloatingItem) -> None:
        for reference in item.captions:
            caption = reference.resolve(self.document)
            if isinstance(caption, TextItem) and caption.self_ref not in self._seen:
                self._seen.add(caption.self_ref)
                self._write("caption", _shown(caption), self._regions(caption))

    def _table(self, item: TableItem) -> None:
        footnotes = {reference.cref for reference in item.footnotes}
        for reference in item.children:
            # What a rich cell holds lies below the table too; the cell already has its text.
            if reference.cref not in footnotes:
                self._seen.add(reference.cref)
        header, rows = table_lines(item.data)
        if rows or header:
            text = "\n".join([*header, *rows])
            header_end = len("\n".join(header)) if header and rows else 0
            self._write("table", text, self._row_places(item, header, rows), header_end=header_end)

    def _row_places(self, item: TableItem, header: Sequence[str], rows: Sequence[str]) -> _Places:
        """Return the regions of a table, each with where its first row begins."""
        places = self._regions(item)
        lines, above = [*header, *rows], item.data.num_rows - len(rows)
        for number, row in enumerate(first_rows(item) if len(places) > 1 else []):
            line = len(header) + row - above
            if row and 0 < line < len(lines):
                region = places[number][0]
                at = len("\n".join(lines[:line])) + 1
                places = (*places[:number], (region, at), *places[number + 1 :])
        return places

    def _regions(self, item: DocItem) -> _Places:
        return tuple(_regions(self.document, item))

    def _write(
        self, kind: str, text: str, places: _Places, header_end: int = 0, list_id: int = 0, prefix: int = 0
    ) -> None:
        """Write a block; `prefix` is how many of its characters stand before the item's own text."""
        if not _visible(text):
            return
        if self.blocks:
            same_list = list_id > 0 and self.blocks[-1].list_id == list_id
            self._append("\n" if same_list else "\n\n")
        start = self._length
        self._append(text)
        end_of_header = start + header_end if header_end else 0
        regions = tuple(region for region, _ in places)
        last = self._length - 1  # an item without text stands at the end
        starts = tuple(min(start + prefix + offset, last) if offset else start for _, offset in places)
        self.blocks.append(
            Block(kind, start, self._length, self.section, regions, end_of_header, list_id, starts)
        )

    def _append(self, text: str) -> None:
        self.parts.append(text)
        self._length += len(text)


def _regions(document: DoclingDocument, item: DocItem) -> list[tuple[Region, int]]:
    if not item.prov:
        return [(Region(item.self_ref), 0)]
    offsets = [prov.charspan[0] for prov in item.prov]
    if offsets != sorted(offsets):  # parts that were put together in another order
        offsets = [0] * len(offsets)
    regions = []
    for prov, offset in zip(item.prov, offsets, strict=True):
        box, page = prov.bbox, document.pages.get(prov.page_no)
        if page is not None:
            box = box.to_top_left_origin(page.size.height)
        regions.append((Region(item.self_ref, prov.page_no, (box.l, box.t, box.r, box.b)), offset))
    return regions


def _shown(item: TextItem) -> str:
    """Return an item's text, marked where its source strikes it out."""
    text = _clean(item.text)
    return struck(text) if item.formatting is not None and item.formatting.strikethrough else text


def _text_kind(item: TextItem, in_picture: bool) -> str:
    if item.label == DocItemLabel.CAPTION:
        return "caption"
    if item.label == DocItemLabel.FOOTNOTE:
        return "footnote"
    return "figure" if in_picture else "paragraph"


def _fenced(item: CodeItem) -> str:
    text = item.text.strip("\n")
    if not _visible(text):
        return ""
    fence = "```"
    while fence in text:
        fence += "`"
    language = getattr(item.code_language, "value", "")
    return f"{fence}{language if language != 'unknown' else ''}\n{text}\n{fence}"


def _clean(text: str) -> str:
    """Return a text with single line ends and no blank lines, so that a blank line always ends a block."""
    text = without_invisible_signs(text).replace("\r\n", "\n").replace("\r", "\n")
    lines = (line.strip() for line in text.split("\n"))
    return "\n".join(line for line in lines if line)


def _visible(text: str) -> bool:
    return any(character.isprintable() and not character.isspace() for character in text)
