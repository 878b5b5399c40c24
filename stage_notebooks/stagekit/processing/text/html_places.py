"""Where the paragraphs of a page go: into the document's body, a list's item, a note, a header or footer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docling_core.types.doc import DocItemLabel
from docling_core.types.doc.document import Formatting

if TYPE_CHECKING:
    from docling_core.types.doc import DoclingDocument
    from docling_core.types.doc.document import ListGroup, NodeItem


class Place:
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


class Item(Place):
    """A list item: its first paragraph is its text, what follows stands below it."""

    def __init__(self, document: DoclingDocument, group: ListGroup, marker: str) -> None:
        super().__init__(document)
        self._group, self._marker = group, marker
        self._item: NodeItem | None = None

    def parent(self) -> NodeItem | None:
        """Return the item; it is made, without text, where it has no paragraph yet."""
        if self._item is None:
            self._open("")
        return self._item

    def add(self, text: str, label: DocItemLabel = DocItemLabel.TEXT, strong: bool = False) -> None:
        """Write its text, or a paragraph below it."""
        if self._item is None:
            self._open(text)
        else:
            super().add(text, label, strong)

    def _open(self, text: str) -> None:
        self._item = self.document.add_list_item(
            text=text, enumerated=bool(self._marker), marker=self._marker or "-", parent=self._group
        )


class PageEdge(Place):
    """A header or footer of the pages."""

    def __init__(self, document: DoclingDocument, label: DocItemLabel) -> None:
        super().__init__(document)
        self._label = label

    def add(self, text: str, label: DocItemLabel = DocItemLabel.TEXT, strong: bool = False) -> None:
        """Write a line of it."""
        super().add(text, self._label if label == DocItemLabel.TEXT else label, strong)


class NoteBody(Place):
    """A note: its first paragraph begins with its mark."""

    def __init__(self, place: Place, mark: str) -> None:
        super().__init__(place.document)
        self._place, self._mark = place, f"[^{mark}]: "

    def parent(self) -> NodeItem | None:
        """Return what the note stands below."""
        return self._place.parent()

    def add(self, text: str, label: DocItemLabel = DocItemLabel.TEXT, strong: bool = False) -> None:
        """Write a paragraph of it."""
        own = DocItemLabel.FOOTNOTE if label == DocItemLabel.TEXT else label
        super().add(self._mark + text, own, strong)
        self._mark = ""
