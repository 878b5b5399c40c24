"""Reads what a Word document shows, from its XML parts (ECMA-376 part 1, 17)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from stagekit.conservation.source_text import STRUCK, SourceText, Unit
from stagekit.conservation.sources.drawing import diagram_texts, leave_out_charts
from stagekit.conservation.sources.package import Element, Package, attribute, is_on, local_name
from stagekit.conservation.sources.word_fields import OpenField, chosen_entry, equation, is_page_number
from stagekit.conservation.sources.word_styles import (
    LOOKS,
    Look,
    is_symbol_font,
    looks_of_styles,
    properties_of,
)
from stagekit.conservation.words import SYMBOL_FONTS, is_page_line

_OTHER_SIGNS = re.compile(r"[^\x00-\x7f]")  # of a formula, in which they become commands: `\\pi`
_SYMBOL = "\ufffc"  # stands for the signs of a symbol font; letters beside them make another word
_BESIDE_SYMBOL = re.compile(rf"[^\W\d_]*{_SYMBOL}(?:[^\W\d_]|{_SYMBOL})*")
_SILENT = {"pPr", "sdtPr", "sdtEndPr", "tblPr", "tblGrid", "trPr", "tcPr", "instrText", "delInstrText", "rPr"}
_GONE = {"del": "deleted", "moveFrom": "deleted"}
_SPACES = {"tab": "\t", "br": "\n", "cr": "\n", "ptab": "\t", "noBreakHyphen": "-"}
_NOTES = {"footnoteReference": "footnote", "endnoteReference": "endnote"}


def read(content: bytes) -> SourceText:
    """Read body, notes, headers and footers as they are shown with all revisions accepted.

    Raises:
        ValueError: a part is missing or damaged.
    """
    return _Document(Package(content)).read()


@dataclass
class _Document:
    """A package that is read, and what was found in it so far."""

    package: Package
    source: SourceText = field(default_factory=SourceText)
    _kind: str = "paragraph"
    _rule: str = ""
    _fields: list[OpenField] = field(default_factory=list)
    _cell: list[str] | None = None
    _tables: int = 0
    _notes: list[tuple[str, str]] = field(default_factory=list)
    _margins: list[tuple[str, str]] = field(default_factory=list)
    _taken_in: set[str] = field(default_factory=set)
    _numbered: bool = False
    _initial: str = ""
    _has_formula: bool = False
    _relations: dict[str, str] = field(default_factory=dict)
    _styles: dict[str, dict[str, bool]] = field(default_factory=dict)

    def read(self) -> SourceText:
        main, root = self.package.main_part("word/document.xml")
        related = self.package.relations(main)
        by_type = {found.type: found.target for found in related.values()}
        self._relations = {key: found.target for key, found in related.items()}
        self._styles = looks_of_styles(self.package.root(by_type.get("styles", ""), *LOOKS, *SYMBOL_FONTS))
        body = next((child for child in root if local_name(child.tag) == "body"), root)
        self._blocks(body)
        for note, kind in (("footnote", "footnotes"), ("endnote", "endnotes")):
            self._read_notes(self.package.root(by_type.get(kind, "")), note)
        self._read_margins(self.package.root(by_type.get("settings", ""), "evenAndOddHeaders"))
        self.source.may_stand += _level_texts(self.package.root(by_type.get("numbering", ""), "lvlText"))
        comments = self.package.root(by_type.get("comments", ""))
        for comment in comments if comments is not None else ():
            self.source.leave_out("comment", _all_text(comment))
        for text in diagram_texts(self.package, related.values()):
            self.source.add(text)
        leave_out_charts(self.package, related.values(), self.source)
        return self.source

    def _read_notes(self, root: Element | None, note: str) -> None:
        """Read the notes that the text refers to; the others are shown nowhere."""
        cited = {number for kind, number in self._notes if kind == note}
        with self._as("note"):
            for element in root if root is not None else ():
                if attribute(element, "id") in cited and attribute(element, "type") in (None, "normal"):
                    self._blocks(element)

    def _read_margins(self, settings: Element | None) -> None:
        """Read the headers and footers that are shown: that of even pages only where there is one for odd."""
        even = settings is not None and any(
            local_name(child.tag) == "evenAndOddHeaders" and is_on(child) for child in settings
        )
        shown = (part for kind, part in self._margins if kind != "even" or even)
        for part in dict.fromkeys(shown):
            root = self.package.root(part)
            if root is not None:
                with self._as("furniture"):
                    self._blocks(root)

    @contextmanager
    def _as(self, kind: str) -> Iterator[None]:
        before = self._kind, self._fields
        self._kind, self._fields = kind, []
        yield
        self._kind, self._fields = before

    @contextmanager
    def _left_out(self, rule: str) -> Iterator[None]:
        before, self._rule = self._rule, self._rule or rule
        yield
        self._rule = before

    def _blocks(self, parent: Element) -> None:
        """Read paragraphs and tables, in whatever they are wrapped."""
        for child in parent:
            name = local_name(child.tag)
            if name == "p":
                self._paragraph(child)
            elif name == "tbl":
                self._table(child)
            elif name == "sectPr":
                self._section(child)
            elif name == "AlternateContent":
                self._blocks(_alternative(child))
            elif name == "altChunk":
                self._imported(child)
            elif name == "sdt" and (rule := _control_rule(child)):
                with self._left_out(rule):
                    self._blocks(child)
            elif name in _GONE:
                with self._left_out(_GONE[name]):
                    self._blocks(child)
            elif name not in _SILENT:
                self._blocks(child)

    def _section(self, element: Element) -> None:
        titled = any(local_name(child.tag) == "titlePg" and is_on(child) for child in element)
        for child in element:
            if local_name(child.tag) in {"headerReference", "footerReference"}:
                kind = attribute(child, "type") or "default"
                part = self._relations.get(attribute(child, "id") or "")
                if part and (kind != "first" or titled):
                    self._margins.append((kind, part))

    def _imported(self, element: Element) -> None:
        """Read a part in another format, which Word reads when it opens the document."""
        from stagekit.conservation.sources.imported import imported_text

        part = self._relations.get(attribute(element, "id") or "", "")
        if part in self._taken_in:  # one part, referred to again and again, would make gigabytes of a word
            return
        self._taken_in.add(part)
        content = self.package.bytes(part)
        found = imported_text(part, content) if content else None
        if found is not None:
            self.source.units += [Unit(unit.text) for unit in found.units]
            self.source.may_stand += found.may_stand

    def _paragraph(self, element: Element) -> None:
        properties = next((child for child in element if local_name(child.tag) == "pPr"), None)
        look: dict[str, bool] = {}
        is_initial = False
        for child in properties if properties is not None else ():
            name = local_name(child.tag)
            if name == "framePr":
                is_initial = attribute(child, "dropCap") in {"drop", "margin"}
            elif name == "pStyle":
                look = self._styles.get(attribute(child, "val") or "", {})
            elif name == "sectPr":
                self._section(child)
        text: list[str] = []
        boxes: list[Element] = []
        self._inline(element, text, boxes, look)
        shown = self._initial + _BESIDE_SYMBOL.sub("", "".join(text).replace(f"{STRUCK}{STRUCK}", ""))
        self._initial = shown if is_initial else ""
        if not is_initial:
            self._end(shown)
        for box in boxes:
            cell, self._cell = self._cell, None
            self._blocks(box)
            self._cell = cell

    def _end(self, text: str) -> None:
        """Take a paragraph that has ended: into the cell in which it stands, or by itself."""
        numbered, self._numbered = self._numbered, False
        formula, self._has_formula = self._has_formula, False
        if numbered and self._kind == "furniture" and is_page_line(text):
            self.source.leave_out("page_number", text)
        elif self._cell is not None:
            self._cell.append(text)
        else:
            self.source.add(text, "formula" if formula and self._kind == "paragraph" else self._kind)

    def _inline(self, parent: Element, out: list[str], boxes: list[Element], look: Look) -> None:
        for child in parent:
            name = local_name(child.tag)
            if name == "r":
                self._run(child, out, boxes, look)
            elif name in _GONE:
                with self._left_out(_GONE[name]):
                    self._inline(child, out, boxes, look)
            elif name == "fldSimple":
                self._simple_field(child, out, boxes, look)
            elif name == "sdt" and (rule := _control_rule(child)):
                with self._left_out(rule):
                    self._inline(child, out, boxes, look)
            elif name == "AlternateContent":
                self._inline(_alternative(child), out, boxes, look)
            elif name == "oMath":
                formula: list[str] = []
                self._inline(child, formula, boxes, {})
                out += [f" {_OTHER_SIGNS.sub(' ', text)} " for text in formula]
                self._has_formula = True
            elif name == "txbxContent":
                boxes.append(child)
            elif name not in _SILENT:
                self._inline(child, out, boxes, look)

    def _simple_field(self, element: Element, out: list[str], boxes: list[Element], look: Look) -> None:
        instruction = attribute(element, "instr") or ""
        self.source.leave_out("field", instruction)
        if is_page_number(instruction):
            self._numbered = True
            with self._left_out("page_number"):
                self._inline(element, out, boxes, look)
        else:
            before = len(out)
            self._inline(element, out, boxes, look)
            if not "".join(out[before:]).strip():
                self._text(equation(instruction), out)

    def _run(self, element: Element, out: list[str], boxes: list[Element], look: Look) -> None:
        look = self._look(element, look)
        for kind, rule in (("vanish", "hidden"), ("symbols", "symbol")):
            if look.get(kind):
                with self._left_out(rule):
                    self._run_content(element, out, boxes)
                out += [_SYMBOL] if kind == "symbols" else []
                return
        start = len(out)
        self._run_content(element, out, boxes)
        if (look.get("strike") or look.get("dstrike")) and "".join(out[start:]).strip():
            out[start:] = [STRUCK, *out[start:], STRUCK]

    def _run_content(self, element: Element, out: list[str], boxes: list[Element]) -> None:
        for child in element:
            name = local_name(child.tag)
            if name in {"t", "delText"}:
                with self._left_out("deleted" if name == "delText" else self._rule):
                    self._text(child.text or "", out)
            elif name in _SPACES:
                if not self._rule and self._is_shown():
                    out.append(_SPACES[name])
            elif name == "fldChar":
                self._field_mark(child, out)
            elif name == "instrText" and self._fields:
                self._fields[-1].instruction += child.text or ""
            elif name in _NOTES:
                if not self._rule and self._is_shown():
                    self._notes.append((_NOTES[name], attribute(child, "id") or ""))
            elif name == "ruby":
                self._ruby(child, out, boxes)
            elif name in {"drawing", "pict", "object", "AlternateContent"}:
                self._drawn(child, boxes)

    def _ruby(self, element: Element, out: list[str], boxes: list[Element]) -> None:
        for part in element:
            if local_name(part.tag) in {"rt", "rubyBase"}:
                self._inline(part, out, boxes, {})
                out.append(" ")

    def _drawn(self, element: Element, boxes: list[Element]) -> None:
        """Look for text boxes, alternative texts and watermarks in a drawing."""
        name = local_name(element.tag)
        if name == "AlternateContent":
            element = _alternative(element)
        elif name == "txbxContent":
            if not self._rule:
                boxes.append(element)
            return
        elif name == "textpath":
            self.source.leave_out("watermark", element.get("string", ""))
        elif name in {"docPr", "cNvPr", "shape", "imagedata"}:
            said = (element.get(key) for key in ("descr", "title", "alt"))
            self.source.may_stand += [text for text in said if text]
        elif name == "t":
            self.source.add(element.text or "")
        for child in element:
            self._drawn(child, boxes)

    def _field_mark(self, element: Element, out: list[str]) -> None:
        kind = attribute(element, "fldCharType")
        if kind == "begin":
            self._fields.append(OpenField(choice=chosen_entry(element)))
        elif self._fields and kind == "separate":
            self._fields[-1].in_result = True
        elif self._fields and kind == "end":
            ended = self._fields.pop()
            self.source.leave_out("field", ended.instruction)
            self._text(ended.choice, out)
            if not ended.has_text:
                self._text(equation(ended.instruction), out)

    def _text(self, text: str, out: list[str]) -> None:
        if self._rule:
            self.source.leave_out(self._rule, text)
        elif any(is_page_number(found.instruction) for found in self._fields):
            self._numbered = True
            self.source.leave_out("page_number", text)
        elif self._is_shown():
            out.append(text)
            for open_field in self._fields:
                open_field.has_text |= bool(text.strip())
        else:
            self.source.leave_out("field", text)

    def _is_shown(self) -> bool:
        return all(found.in_result for found in self._fields)

    def _look(self, run: Element, look: Look) -> Look:
        """Return whether a run is hidden or struck, by its own word, its style's or its paragraph's."""
        own: dict[str, bool] = {}
        for child in properties_of(run, "rPr"):
            name = local_name(child.tag)
            if name in LOOKS:
                own[name] = is_on(child)
            elif name == "rFonts":
                own["symbols"] = is_symbol_font(child)
            elif name == "rStyle":
                look = {**look, **self._styles.get(attribute(child, "val") or "", {})}
        return {**look, **own} if own else look

    def _table(self, element: Element) -> None:
        number = self._tables
        self._tables += 1
        outer = self._cell
        for said in properties_of(element, "tblPr"):
            if local_name(said.tag) in {"tblCaption", "tblDescription"}:
                self.source.leave_out("table_title", attribute(said, "val") or "")
        for row_number, (row, outside) in enumerate(_wrapped(element, "tr")):
            row_rule = outside or _row_rule(row)
            for column, (cell, around) in enumerate(_wrapped(row, "tc")):
                rule = row_rule or around or ("deleted" if _says(cell, "tcPr", "cellDel") else "")
                rule = rule or ("covered" if _is_covered(cell) else "")
                self._cell = []
                if rule:
                    with self._left_out(rule):
                        self._blocks(cell)
                else:
                    self._blocks(cell)
                kind = "cell" if self._kind == "paragraph" else self._kind
                self.source.add("\n".join(self._cell), kind, (number, row_number, column))
        self._cell = outer


def _row_rule(row: Element) -> str:
    """Return why a row does not count; empty where it does."""
    if _says(row, "trPr", "del"):
        return "deleted"
    return "hidden" if _says(row, "trPr", "hidden") else ""


def _wrapped(parent: Element, wanted: str, rule: str = "") -> Iterator[tuple[Element, str]]:
    """Yield the rows of a table or the cells of a row, in whatever wrapper, and why they are gone."""
    for child in parent:
        name = local_name(child.tag)
        if name == wanted:
            yield child, rule
        elif name == "AlternateContent":
            yield from _wrapped(_alternative(child), wanted, rule)
        elif name not in _SILENT and name not in {"tbl", "p"}:
            own = _control_rule(child) if name == "sdt" else _GONE.get(name, "")
            yield from _wrapped(child, wanted, rule or own)


def _says(element: Element, properties: str, name: str) -> bool:
    return any(local_name(said.tag) == name for said in properties_of(element, properties))


def _is_covered(cell: Element) -> bool:
    """Whether a cell continues the one above it; what it holds is not shown."""
    return any(
        local_name(said.tag) == "vMerge" and attribute(said, "val") in (None, "continue")
        for said in properties_of(cell, "tcPr")
    )


def _alternative(element: Element) -> Element:
    """Return one of the forms in which a thing is written for new and for old programs."""
    forms = {local_name(child.tag): child for child in reversed(element)}
    return forms.get("Choice", forms.get("Fallback", Element("none")))


def _control_rule(control: Element) -> str:
    """Return why the text of a content control does not count: it is a prompt, or the sign of a box."""
    if _says(control, "sdtPr", "checkbox"):
        return "box"
    return "placeholder" if _says(control, "sdtPr", "showingPlcHdr") else ""


def _level_texts(root: Element | None) -> list[str]:
    """Return the words that stand in numbers ("Art. %1"), which no paragraph holds."""
    levels = root.iter() if root is not None else ()
    return [attribute(found, "val") or "" for found in levels if local_name(found.tag) == "lvlText"]


def _all_text(element: Element) -> str:
    return " ".join(found.text or "" for found in element.iter() if local_name(found.tag) == "t")
