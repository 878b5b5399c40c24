"""Puts the steps in order that make a Word file plain."""

from __future__ import annotations

import re
import zipfile
import zlib
from dataclasses import dataclass, field
from functools import cached_property, partial

from lxml import etree

from stagekit.processing.office.word.drop_caps import join_drop_caps
from stagekit.processing.office.word.fields.shown import show_fields, show_simple_fields
from stagekit.processing.office.word.imports import take_in_imports, unread_objects
from stagekit.processing.office.word.names import Element, drop, value, w
from stagekit.processing.office.word.notes import NOTE_PARTS, Notes, notes_of, set_notes
from stagekit.processing.office.word.numbering import Numbering, write_numbers
from stagekit.processing.office.word.package import WordPackage
from stagekit.processing.office.word.page_edges import (
    drop_page_numbers,
    edge_lines,
    edge_references,
    take_watermark,
    write_edges,
)
from stagekit.processing.office.word.revisions import accept_revisions
from stagekit.processing.office.word.runs import (
    drop_hidden,
    drop_marks,
    join_words,
    mark_struck,
    raise_ordinals,
    write_symbols,
)
from stagekit.processing.office.word.styles import Styles
from stagekit.processing.office.word.tables import open_frames, write_tables
from stagekit.processing.office.word.text_boxes import set_out_boxes
from stagekit.processing.office.word.unseen import drop_unseen
from stagekit.processing.office.word.wrappers import choose_alternatives, unwrap_all

_DRAFT = re.compile(r"minuta|rascunho|draft|borrador|confer[êe]ncia", re.IGNORECASE)
_TITLE = "Title"  # by this identifier Docling knows the style; Word translates it


@dataclass(frozen=True)
class PlainWord:
    """A Word file as Docling is to read it, and what a reader of the report should know."""

    content: bytes  # the package; the very bytes of the original where nothing had to be changed
    watermark: str | None = None  # the text that Word shows across the pages; None without one
    # passages that were left out because Word shows them as nobody sees them
    unseen: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)  # sentences on what was left out or cannot be read


def make_plain(content: bytes) -> PlainWord:
    """Rewrite a harmless Word file so that it says in plain paragraphs, runs and tables what Word shows.

    A package that is broken comes back as it is: Docling says what is wrong with it.
    """
    try:
        return _Rewriting(WordPackage(content)).done()
    except (zipfile.BadZipFile, zlib.error, KeyError, OSError, EOFError, etree.XMLSyntaxError):
        return PlainWord(content)


class _Rewriting:
    """One package on its way, and what was found in it so far."""

    def __init__(self, package: WordPackage) -> None:
        self._package = package
        self._styles = Styles(self._related("styles"))
        self._watermark: str | None = None
        self._hidden_words = 0
        self._unseen: list[str] = []
        self._unknown_fonts: set[str] = set()
        self._unread: list[str] = []
        self._objects: list[str] = []

    def done(self) -> PlainWord:
        """Take all steps, and return what came of them."""
        package, main = self._package, self._package.main
        root = package.root(main)
        edges = self._edges(root)
        changed = self._make_plain(root, main)
        changed |= set_notes(root, self._notes, lambda: self._settings)
        changed |= join_words(root)
        changed |= open_frames(root)
        changed |= write_numbers(root, Numbering(partial(self._related, "numbering"), self._styles))
        changed |= write_tables(root)
        body = root.find(w("body"))
        if body is not None:
            changed |= write_edges(body, edges)
        changed |= self._name_titles(root)
        if self._hidden_words:
            self._show_styles()
        if changed:
            package.changed(main)
        # Docling would read the notes a second time, and comments with the text.
        package.forget(main, "comments", *(kind for kind, _ in NOTE_PARTS.values() if self._has_notes(kind)))
        return PlainWord(package.content(), self._watermark, self._unseen, self._warnings())

    @cached_property
    def _settings(self) -> Element | None:
        return self._related("settings")

    def _related(self, kind: str) -> Element | None:
        name = self._package.target_of(self._package.main, kind)
        return None if name is None else self._package.root(name)

    def _make_plain(self, root: Element, part: str) -> bool:
        """Take the steps that hold for the body, for notes, and for headers and footers alike."""
        changed = choose_alternatives(root)
        changed |= accept_revisions(root)
        changed |= self._plain_contents_heading(root)
        changed |= show_simple_fields(root)
        changed |= unwrap_all(root)
        changed |= join_drop_caps(root)
        unseen = drop_unseen(root, self._styles)
        self._objects += unread_objects(root)
        imported, unread = take_in_imports(root, self._package, part)
        boxes = set_out_boxes(root, self._package, part)
        changed |= show_fields(root)
        hidden = drop_hidden(root, self._styles)
        symbols, unknown = write_symbols(root, self._styles)
        changed |= mark_struck(root, self._styles)
        changed |= raise_ordinals(root)
        changed |= drop_marks(root)
        self._hidden_words += hidden
        self._unseen += unseen
        self._unread += unread
        self._unknown_fonts |= unknown
        return changed or imported or boxes or symbols or hidden > 0 or bool(unseen)

    def _show_styles(self) -> None:
        """Take `vanish` out of the styles: what they hide is gone, and Docling would hide more by them."""
        part = self._package.target_of(self._package.main, "styles")
        if part is not None and self._styles.mentions("vanish"):
            for mark in list(self._package.root(part).iter(w("vanish"))):
                drop(mark)
            self._package.changed(part)

    def _plain_contents_heading(self, root: Element) -> bool:
        """Let the heading of a contents list be text: it names no document and no section."""
        named = self._styles.named("toc heading")
        found = [one for one in root.iter(w("pStyle")) if value(one) in named] if named else []
        for style in found:
            drop(style)
        return bool(found)

    def _edges(self, root: Element) -> list[tuple[str, str]]:
        """Return the lines of the headers and footers, each with its mark, and note the watermark."""
        lines: list[tuple[str, str]] = []
        for mark, identifier in list(edge_references(root, lambda: self._settings)):
            part = self._package.part_of(self._package.main, identifier)
            if part is None or not self._package.take(part):
                continue
            edge = self._package.root(part)
            choose_alternatives(edge)
            self._watermark = take_watermark(edge) or self._watermark
            drop_page_numbers(edge)
            self._make_plain(edge, part)
            lines += [(mark, line) for line in edge_lines(edge)]
        return lines

    def _has_notes(self, kind: str) -> bool:
        root = self._related(kind)
        return root is not None and bool(notes_of(root, kind.removesuffix("s")))

    def _notes(self) -> Notes:
        notes: Notes = {}
        for reference, (kind, name) in NOTE_PARTS.items():
            part = self._package.target_of(self._package.main, kind)
            if part is not None:
                root = self._package.root(part)
                self._make_plain(root, part)
                notes[reference] = notes_of(root, name)
        return notes

    def _name_titles(self, root: Element) -> bool:
        """Give the paragraphs in Word's title style the identifier by which Docling knows it."""
        named = [one for one in self._styles.named("title") if one != _TITLE]
        found = [one for one in root.iter(w("pStyle")) if value(one) in named] if named else []
        if not found:
            return False
        for style in found:
            style.set(w("val"), _TITLE)
        part = self._package.target_of(self._package.main, "styles")
        if part is not None:
            for one in self._package.root(part).iter(w("style")):
                if value(one, "styleId") in named:
                    one.set(w("styleId"), _TITLE)
            self._package.changed(part)
        return True

    def _warnings(self) -> list[str]:
        found = []
        if self._watermark:
            draft = (
                ": a draft may have slipped in."
                if _DRAFT.search(self._watermark)
                else ", left out of the text."
            )
            found.append(f'The pages carry the watermark "{self._watermark}"{draft}')
        if self._hidden_words:
            found.append(f"Hidden text was left out: {self._hidden_words} words that Word does not show.")
        if self._unknown_fonts:
            fonts = ", ".join(sorted(font or "without a name" for font in self._unknown_fonts))
            found.append(f"Signs of these fonts cannot be read and were left out: {fonts}.")
        if self._unread:
            found.append(f"Imported parts cannot be read and were left out: {', '.join(self._unread)}.")
        if self._objects:
            kinds = ", ".join(dict.fromkeys(self._objects))
            found.append(f"Embedded objects cannot be read and were left out: {kinds}.")
        return found
