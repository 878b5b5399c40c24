"""Makes a PDF say what it shows, before anything reads its text.

What leaves no ink goes, words printed across the pages go and are named, annotations and form fields become
text of the page, and a page whose letters are not those on paper becomes a picture for OCR. So every later
reader of the text layer reads what a person sees. A PDF with nothing of that kind stays as it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import pypdfium2
from docling_core.types.doc import BoundingBox

from stagekit.conservation.words import words_of
from stagekit.processing.pdf.ink.annotations import DrawnStamps, draw_annotations, write_ticks
from stagekit.processing.pdf.ink.covered_letters import SeenPart, covered_letters
from stagekit.processing.pdf.ink.drawn_boxes import write_drawn_boxes
from stagekit.processing.pdf.ink.font_maps import Fingerprint, doubtful_texts
from stagekit.processing.pdf.ink.open_page import OpenPage
from stagekit.processing.pdf.ink.page_edits import replace_by_picture, take_away
from stagekit.processing.pdf.ink.page_objects import PaintedText
from stagekit.processing.pdf.ink.picture_check import contradicts
from stagekit.processing.pdf.ink.pictures import SeenPictures
from stagekit.processing.pdf.ink.stamps import Stamp, stamp_of, stamp_sentence
from stagekit.processing.pdf.ink.visibility import hidden_text
from stagekit.processing.pdf.ink.watermarks import (
    Inscription,
    across_pages,
    inscriptions,
    sentences_of,
)
from stagekit.processing.text.quality import page_ranges, text_fault


@dataclass
class PlainPdf:
    """What was done to a PDF."""

    changed: set[int] = field(default_factory=set)  # numbers of the pages that were changed
    watermark: str | None = None  # the words that stand across the pages; of several the most frequent
    notes: list[str] = field(default_factory=list)  # sentences for the report
    # by page number, where pictures stand that stood on an earlier page too
    pictures_before: dict[int, list[BoundingBox]] = field(default_factory=dict)
    stamps: list[Stamp] = field(default_factory=list)  # what stamps say; it is no text of the pages any more


def make_plain(
    document: Any, reopen: Callable[[], Any], *, layers: bool = True, ask_pictures: bool = True
) -> PlainPdf:
    """Change a document of PDFium, which may have layers, so that it says what it shows.

    It is changed in memory, and opened once more as it was. Where pictures may be asked, OCR checks a text
    layer and reads a page instead of it.
    """
    return _Plainer(document, reopen, layers=layers, ask_pictures=ask_pictures).run()


class _Plainer:
    def __init__(self, document: Any, reopen: Callable[[], Any], *, layers: bool, ask_pictures: bool) -> None:
        self._document = document
        self._reopen = reopen
        self._layers = layers
        self._ask_pictures = ask_pictures
        self._found = PlainPdf()
        self._hidden: Counter[int] = Counter()  # words by page number
        self._contradicted: list[int] = []
        self._doubtful: list[int] = []
        self._uncut: list[int] = []
        self._pictures = SeenPictures()
        self._honest_fonts: set[Fingerprint] = set()
        self._inscriptions: dict[int, list[Inscription]] = {}
        self._stamps: dict[int, DrawnStamps] = {}

    def run(self) -> PlainPdf:

        self._stamps = draw_annotations(self._document, self._reopen)
        self._found.changed |= set(self._stamps)
        for index in range(len(self._document)):
            try:
                self._look_at(index)
            except pypdfium2.PdfiumError:  # a number without a page
                continue
        self._remove_watermarks()
        self._report()
        return self._found

    def _look_at(self, index: int) -> None:
        opened = OpenPage(self._document, index)
        number = index + 1
        again = self._pictures.again(opened)
        if again:
            self._found.pictures_before[number] = again
        hidden = hidden_text(opened, layers=self._layers)
        gone = hidden.nowhere
        layer = hidden.on_picture
        if layer and self._ask_pictures and self._layer_lies(opened, layer):
            gone = gone + layer
            self._contradicted.append(number)
        unseen = {text.order for text in (*hidden.nowhere, *layer)}
        inked = [text for text in opened.texts if text.order not in unseen]
        if self._letters_lie(opened, inked, number):
            opened.release().close()
            self._as_picture(index)
            return
        stamps = self._stamps.get(number)
        stamped = [text for text in inked if stamps.hold(text)] if stamps and stamps.boxes else []
        if stamped:
            self._found.stamps.append(stamp_of(number, opened, stamped))
            inked = [text for text in inked if text not in stamped]
        found = inscriptions(opened, inked)
        if found:
            self._inscriptions[number] = found
        seen, covered = covered_letters(opened, inked)
        self._hidden[number] += sum(len(words_of(opened.letters(text))) for text in hidden.nowhere)
        self._hidden[number] += sum(len(words_of(letters)) for letters in covered.values())
        gone = gone + stamped + [text for text in inked if text.order in seen]
        marks = write_drawn_boxes(self._document, opened, inked)
        in_boxes = {text.order for text in marks or ()}
        gone = gone + (marks or [])
        printed = [text for text in inked if text.order not in in_boxes]
        gone = gone + write_ticks(self._document, opened, printed)
        if gone or marks is not None:
            self._take_away(index, opened, gone, seen)
        else:
            opened.release().close()

    def _layer_lies(self, opened: OpenPage, layer: list[PaintedText]) -> bool:
        """Whether the layer below a scan says something else; a faulty one is told, and replaced, later."""
        fault = text_fault("\n".join(map(opened.letters, layer)))
        return fault is None and contradicts(opened, layer)

    def _letters_lie(self, opened: OpenPage, inked: list[PaintedText], number: int) -> bool:
        """Whether the picture of a page shows other letters than its fonts claim to have."""
        for font, written in doubtful_texts(opened, inked).items():
            if font in self._honest_fonts:
                continue
            if not self._ask_pictures:
                self._doubtful.append(number)
                return False
            if contradicts(opened, written):
                self._contradicted.append(number)
                return True
            self._honest_fonts.add(font)
        return False

    def _remove_watermarks(self) -> None:
        marks = across_pages(self._inscriptions, len(self._document))
        names: Counter[str] = Counter()
        for number, found in sorted(marks.items()):
            names.update(one.text for one in found)
            opened = OpenPage(self._document, number - 1)
            again = inscriptions(opened, opened.texts)
            wanted = {one.text for one in found}
            self._take_away(
                number - 1, opened, [text for one in again if one.text in wanted for text in one.texts]
            )
        if names:
            self._found.watermark = names.most_common(1)[0][0]
            self._found.notes += sentences_of(
                {page: [one.text for one in found] for page, found in marks.items()}
            )

    def _take_away(
        self,
        index: int,
        opened: OpenPage,
        texts: list[PaintedText],
        instead: Mapping[int, Sequence[SeenPart]] = MappingProxyType({}),
    ) -> None:
        self._found.changed.add(index + 1)
        whole = take_away(self._document, index, opened.release(), texts, instead)
        if not whole and self._ask_pictures:  # PDFium cannot write this page anew
            self._as_picture(index)
        elif not whole and instead:
            del self._hidden[index + 1]
            self._uncut.append(index + 1)

    def _as_picture(self, index: int) -> None:
        self._found.changed.add(index + 1)
        original = self._reopen()
        try:
            page = original[index]
            replace_by_picture(self._document, index, page)
            page.close()
        finally:
            original.close()

    def _report(self) -> None:
        self._found.notes += map(stamp_sentence, self._found.stamps)
        hidden = +self._hidden
        if hidden:
            words = hidden.total()
            self._found.notes.append(
                f"{page_ranges(hidden)}: {words} word{'s' if words > 1 else ''} that cannot be seen on the "
                "page (switched off, covered, outside it, or in its colour) left out."
            )
        if self._contradicted:
            self._found.notes.append(
                f"{page_ranges(self._contradicted)}: the text layer says other words than the page shows, "
                "so OCR read it."
            )
        if self._uncut:
            self._found.notes.append(
                f"{page_ranges(self._uncut)}: words that are covered could not be told from the rest of "
                "their line, and stayed; switch OCR on to have the page read."
            )
        if self._doubtful:
            self._found.notes.append(
                f"{page_ranges(self._doubtful)}: the text may be wrong: its letters do not go with their "
                "widths; switch OCR on to have the page read."
            )
