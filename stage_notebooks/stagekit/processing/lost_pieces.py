"""Puts text back that a conversion has lost, each piece where its neighbours in the file tell its place.

For formats that are read and not recognised. What a PDF has lost has a place on its page (`pdf.lost_text`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from docling_core.types.doc import DocItemLabel, DoclingDocument, NodeItem, TableItem, TextItem
from docling_core.types.doc.document import TableCell

from stagekit.conservation.comparison import Comparison, Loss
from stagekit.conservation.source_text import SourceText, Unit
from stagekit.conservation.words import letters_of, words_of

SHORTEST_ANCHOR = 6  # letters by which a neighbour is known
FURTHEST_ANCHOR = 4  # units between a lost one and the neighbour that tells its place


def put_back_lost_pieces(document: DoclingDocument, source: SourceText, found: Comparison) -> list[Loss]:
    """Put lost paragraphs, cells and parts of them back, where their place can be told; return those losses.

    Headers and footers stand at the start of the document then.
    """
    if not found.losses:
        return []
    pieces = _Pieces(document, source.units, {loss.unit for loss in found.losses if loss.is_whole})
    return [loss for loss in found.losses if pieces.put_back(loss)]


@dataclass
class _Pieces:
    """The texts and tables of a document by their letters, beside the units of its file."""

    document: DoclingDocument
    units: Sequence[Unit]
    gone: set[int]
    _texts: dict[str, list[TextItem]] = field(default_factory=lambda: defaultdict(list))
    _cells: dict[str, list[tuple[TableItem, TableCell]]] = field(default_factory=lambda: defaultdict(list))
    _inserted: dict[int, NodeItem] = field(default_factory=dict)
    _margin: NodeItem | None = None

    def __post_init__(self) -> None:
        for item, _ in self.document.iterate_items():
            if isinstance(item, TableItem):
                for cell in item.data.table_cells:
                    self._cells[letters_of(cell.text)].append((item, cell))
            elif isinstance(item, TextItem) and item.text.strip():
                self._texts[letters_of(item.text)].append(item)

    def put_back(self, loss: Loss) -> bool:
        """Put one loss back; False where its place cannot be told."""
        unit = self.units[loss.unit]
        if unit.kind == "formula":  # its letters without their places would say something else
            return False
        if not loss.is_whole:
            return self._complete(unit, loss)
        if unit.kind == "furniture":
            return self._begin(unit)
        return self._fill(unit, loss.unit) if unit.kind == "cell" else self._insert(unit, loss.unit)

    def _complete(self, unit: Unit, loss: Loss) -> bool:
        """Give the item that says a unit without its lost words the whole text."""
        words = words_of(unit.text)
        if len(words) != len(loss.missing):  # a number, missing in the form in which its cell shows it
            return False
        rest = "".join(word for word, gone in zip(words, loss.missing, strict=True) if not gone)
        texts, cells = self._texts.get(rest, []), self._cells.get(rest, [])
        if len(texts) + len(cells) != 1:
            return False
        text = " ".join(unit.text.split())
        for item in texts:
            if "~~" in item.text:
                return False
            item.text = item.orig = text
        for _, cell in cells:
            cell.text = text
        return True

    def _begin(self, unit: Unit) -> bool:
        """Write a header or footer at the start of the document, behind those that stand there already."""
        text = " ".join(unit.text.split())
        first = next((child.resolve(self.document) for child in self.document.body.children), None)
        anchor = self._margin or first
        if anchor is None:
            self._margin = self.document.add_text(label=DocItemLabel.PAGE_HEADER, text=text)
        else:
            self._margin = self.document.insert_text(
                sibling=anchor, label=DocItemLabel.PAGE_HEADER, text=text, after=anchor is self._margin
            )
        return True

    def _insert(self, unit: Unit, number: int) -> bool:
        """Insert a paragraph behind the unit that stands before it in the file, or before the next one."""
        text = " ".join(unit.text.split())
        for behind in (True, False):
            anchor = self._anchor(number, -1 if behind else 1)
            if anchor is not None:
                self._inserted[number] = self.document.insert_text(
                    sibling=outermost(self.document, anchor),
                    label=DocItemLabel.TEXT,
                    text=text,
                    after=behind,
                )
                return True
        return False

    def _anchor(self, number: int, step: int) -> NodeItem | None:
        for at in range(number + step, number + step * (FURTHEST_ANCHOR + 1), step):
            if not 0 <= at < len(self.units) or self.units[at].kind == "furniture":
                return None
            if at in self._inserted:
                return self._inserted[at]
            letters = letters_of(self.units[at].text)
            if at in self.gone or len(letters) < SHORTEST_ANCHOR:
                continue
            cells = {id(table): table for table, _ in self._cells.get(letters, [])}
            found = [*self._texts.get(letters, []), *cells.values()]
            if len(found) == 1:
                return found[0]
        return None

    def _fill(self, unit: Unit, number: int) -> bool:
        """Write a lost cell into the empty cell beside its neighbours of the same row."""
        if unit.place is None:
            return False
        empty = {
            id(cell): cell
            for at, sideways in self._neighbours(unit.place)
            if at not in self.gone
            for cell in self._beside(letters_of(self.units[at].text), sideways)
        }
        if len(empty) != 1:
            return False
        cell = next(iter(empty.values()))
        cell.text = " ".join(unit.text.split())
        self.gone.discard(number)
        return True

    def _neighbours(self, place: tuple[int, int, int]) -> Iterator[tuple[int, int]]:
        """Yield the units of the same row, with how many cells further the lost one stands."""
        for at, unit in enumerate(self.units):
            if unit.place is not None and unit.place[:2] == place[:2] and unit.place[2] != place[2]:
                yield at, place[2] - unit.place[2]

    def _beside(self, letters: str, sideways: int) -> Iterator[TableCell]:
        """Yield the empty cells that stand so many cells beside one that says something."""
        for table, known in self._cells.get(letters, []):
            row = sorted(
                (
                    cell
                    for cell in table.data.table_cells
                    if cell.start_row_offset_idx == known.start_row_offset_idx
                ),
                key=lambda cell: cell.start_col_offset_idx,
            )
            at = next(place for place, cell in enumerate(row) if cell is known) + sideways
            if 0 <= at < len(row) and not row[at].text.strip():
                yield row[at]


def outermost(document: DoclingDocument, item: NodeItem) -> NodeItem:
    """Return the item of the document's body that holds an item, or is it."""
    while item.parent is not None and item.parent.cref != "#/body":
        item = item.parent.resolve(document)
    return item
