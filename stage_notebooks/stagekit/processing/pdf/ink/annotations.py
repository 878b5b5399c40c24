"""Makes what annotations and form fields show part of their page, so that every reader of the page reads it.

Values stand in a form's fields and not in the page; text boxes and stamps float above it. PDFium draws them
all into the page. Boxes to tick become a sign each, a strike-out annotation the line that viewers draw.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

from stagekit.processing.pdf.ink.field_labels import label_before, label_behind, shown_in
from stagekit.processing.pdf.ink.open_page import OpenPage
from stagekit.processing.pdf.ink.page_objects import Box, PaintedText, by_font, count_objects, font_name
from stagekit.processing.pdf.ink.signs import EMPTY, TICKED, insert_sign, sign_object

_PRINTED = dict.fromkeys("✓✔☑☒", TICKED) | dict.fromkeys("❏❐❑❒☐", EMPTY)

_UNSEEN_FLAGS = 0b100011  # invisible, hidden, no view
_STRIKE = 0.06  # thickness of the line, in heights of the text
_BOX_SIZE = 0.8  # size of the sign, in heights of the field
_SHOWN_KINDS = {
    pdfium.FPDF_ANNOT_WIDGET,
    pdfium.FPDF_ANNOT_FREETEXT,
    pdfium.FPDF_ANNOT_STAMP,
    pdfium.FPDF_ANNOT_WATERMARK,
}
# They hide what lies below them where they are filled.
_COVERING_KINDS = {pdfium.FPDF_ANNOT_SQUARE, pdfium.FPDF_ANNOT_CIRCLE, pdfium.FPDF_ANNOT_POLYGON}
_BLANK = 0.28  # white between a label and its value, in sizes of its letters


@dataclass(frozen=True)
class _Annotation:
    handle: Any
    index: int
    kind: int
    box: Box


@dataclass(frozen=True)
class DrawnStamps:
    """The stamps that were drawn into a page."""

    first: int  # the order of the first object that an annotation has painted
    boxes: tuple[Box, ...]  # where the stamps stand

    def hold(self, text: PaintedText) -> bool:
        """Whether a text of the page is one of a stamp."""
        return text.order >= self.first and any(box.holds(text.box, slack=1.0) for box in self.boxes)


def draw_annotations(document: Any, reopen: Callable[[], Any]) -> dict[int, DrawnStamps]:
    """Draw form values, text boxes, stamps and strike-outs into the pages of a document of PDFium.

    Return, by the number of each page that was changed, the stamps on it; `reopen` opens it once more.
    """
    found = _pages_that_say_something(document)
    if not found:
        return {}
    if document.formenv is None and document.get_formtype():
        document.init_forms()
    values = _shown_values(reopen, found) if document.formenv is not None else {}
    drawn = {}
    for index in found:
        drawn[index + 1] = _draw(document, index, values.get(index, {}))
        _flatten(document, index)
    return drawn


def write_ticks(document: Any, page: OpenPage, texts: Sequence[PaintedText]) -> list[PaintedText]:
    """Write boxes and ticks that a page prints in ZapfDingbats as the signs of boxes to tick.

    Most readers take the letters of that font for what their codes mean in others. Return the texts that are
    written anew, which have to go.
    """
    gone = []
    for text in _in_font(texts, b"ZapfDingbats"):
        sign = _PRINTED.get(page.letters(text).strip())
        if sign is None:
            continue
        written = sign_object(document, sign, text.size)
        _insert(page.page, written, text.box.left, text.foot)
        gone.append(text)
    return gone


def _in_font(texts: Sequence[PaintedText], wanted: bytes) -> list[PaintedText]:
    """Return the texts in a font, in the order of painting; to ask each for its letters first takes long."""
    found = (text for font, own in by_font(texts) if font_name(font) == wanted for text in own)
    return sorted(found, key=lambda text: text.order)


def _pages_that_say_something(document: Any) -> list[int]:

    said = _SHOWN_KINDS | {pdfium.FPDF_ANNOT_STRIKEOUT}
    found = []
    for index in range(len(document)):
        try:
            page = document[index]
        except pypdfium2.PdfiumError:  # a number without a page
            continue
        if any(
            annotation.kind in said
            or (annotation.kind in _COVERING_KINDS and pdfium.FPDFAnnot_HasKey(annotation.handle, b"IC"))
            for annotation in _annotations(page)
        ):
            found.append(index)
        page.close()
    return found


def _shown_values(reopen: Callable[[], Any], pages: list[int]) -> dict[int, dict[int, str]]:
    """Return the lines that fields show, by page and by the annotation's number on it."""
    copy = reopen()
    try:
        copy.init_forms()
        values = {}
        for index in pages:
            page = copy[index]
            fields = {
                annotation.index: annotation.box
                for annotation in _annotations(page)
                if annotation.kind == pdfium.FPDF_ANNOT_WIDGET and not _is_unseen(annotation)
            }
            page.close()
            _flatten(copy, index)
            lines = shown_in(copy, index, list(fields.values()))
            values[index] = dict(zip(fields, lines, strict=True))
        return values
    finally:
        copy.close()


def _draw(document: Any, index: int, values: dict[int, str]) -> DrawnStamps:
    """Draw what PDFium would not draw as text, take away what is not to be drawn, and return the stamps."""
    opened = OpenPage(document, index)
    page, gone, stamps = opened.page, [], []
    for annotation in _annotations(page):
        unseen = _is_unseen(annotation)
        if annotation.kind == pdfium.FPDF_ANNOT_STRIKEOUT and not unseen:
            for box in _marked_places(annotation.handle):
                _add_line(page, box)
        shown = annotation.kind in _SHOWN_KINDS | _COVERING_KINDS
        keeps = shown and not unseen and _is_switched_on(page, annotation)
        if keeps and annotation.kind == pdfium.FPDF_ANNOT_WIDGET and document.formenv is not None:
            keeps = not (
                _add_box(document, opened, annotation)
                or _add_value(document, opened, annotation, values.get(annotation.index, ""))
            )
        if not keeps:
            gone.append(annotation.index)
        elif annotation.kind == pdfium.FPDF_ANNOT_STAMP:
            stamps.append(annotation.box)
    for number in reversed(gone):
        pdfium.FPDFPage_RemoveAnnot(page, number)
    opened.release()
    page.gen_content()
    drawn = DrawnStamps(count_objects(page), tuple(stamps))
    page.close()
    return drawn


def _flatten(document: Any, index: int) -> None:

    page = document[index]
    pdfium.FPDFPage_Flatten(page, pdfium.FLAT_NORMALDISPLAY)
    page.close()


def _annotations(page: Any) -> Iterator[_Annotation]:
    for index in range(pdfium.FPDFPage_GetAnnotCount(page)):
        handle = pdfium.FPDFPage_GetAnnot(page, index)
        if not handle:
            continue
        place = pdfium.FS_RECTF()
        pdfium.FPDFAnnot_GetRect(handle, place)
        box = Box.around([(place.left, place.bottom), (place.right, place.top)])
        try:
            yield _Annotation(handle, index, pdfium.FPDFAnnot_GetSubtype(handle), box)
        finally:
            pdfium.FPDFPage_CloseAnnot(handle)


def _is_unseen(annotation: _Annotation) -> bool:
    return bool(pdfium.FPDFAnnot_GetFlags(annotation.handle) & _UNSEEN_FLAGS)


def _is_switched_on(page: Any, annotation: _Annotation) -> bool:
    """Whether an annotation that belongs to a layer is shown: the page is drawn with it and without it."""
    if not pdfium.FPDFAnnot_HasKey(annotation.handle, b"OC"):
        return True
    flags = pdfium.FPDFAnnot_GetFlags(annotation.handle)
    shown = page.render(scale=1.0, may_draw_forms=False).to_numpy().copy()
    pdfium.FPDFAnnot_SetFlags(annotation.handle, flags | pdfium.FPDF_ANNOT_FLAG_HIDDEN)
    hidden = page.render(scale=1.0, may_draw_forms=False).to_numpy()
    pdfium.FPDFAnnot_SetFlags(annotation.handle, flags)
    return bool((shown != hidden).any())


def _add_box(document: Any, page: OpenPage, annotation: _Annotation) -> bool:
    """Write the sign of a box to tick before its label; return whether the annotation is one."""
    form, box = document.formenv, annotation.box
    kind = pdfium.FPDFAnnot_GetFormFieldType(form, annotation.handle)
    if kind not in (pdfium.FPDF_FORMFIELD_CHECKBOX, pdfium.FPDF_FORMFIELD_RADIOBUTTON):
        return False
    sign = TICKED if pdfium.FPDFAnnot_IsChecked(form, annotation.handle) else EMPTY
    label = label_behind(box, page)
    if label:
        insert_sign(document, page.page, sign, label.size, label.box.left, label.foot)
    else:
        text = sign_object(document, sign, _BOX_SIZE * box.height)
        _insert(page.page, text, box.left, box.bottom + 0.15 * box.height)
    return True


def _add_value(document: Any, page: OpenPage, annotation: _Annotation, value: str) -> bool:
    """Write the value of a field behind its label; return whether that could be done."""
    label = label_before(annotation.box, page) if value else None
    if label is None or not _in_helvetica(value):
        return False
    text = pdfium.FPDFPageObj_NewTextObj(document, b"Helvetica", label.size)
    pdfium.FPDFText_SetText(text, (ctypes.c_ushort * (len(value) + 1))(*map(ord, value), 0))
    left = label.box.right + _BLANK * label.size
    _insert(page.page, text, left, label.foot)
    return True


def _in_helvetica(text: str) -> bool:
    """Whether a text has no letters but those of the standard font: Western European ones."""
    try:
        return bool(text.encode("cp1252"))
    except UnicodeEncodeError:
        return False


def _marked_places(handle: Any) -> Iterator[Box]:
    for index in range(pdfium.FPDFAnnot_CountAttachmentPoints(handle)):
        points = pdfium.FS_QUADPOINTSF()
        if pdfium.FPDFAnnot_GetAttachmentPoints(handle, index, points):
            corners = [(points.x1, points.y1), (points.x2, points.y2), (points.x3, points.y3)]
            yield Box.around([*corners, (points.x4, points.y4)])


def _add_line(page: Any, box: Box) -> None:
    thickness = _STRIKE * box.height
    middle = (box.bottom + box.top - thickness) / 2
    line = pdfium.FPDFPageObj_CreateNewRect(box.left, middle, box.width, thickness)
    pdfium.FPDFPageObj_SetFillColor(line, 0, 0, 0, 255)
    pdfium.FPDFPath_SetDrawMode(line, pdfium.FPDF_FILLMODE_WINDING, False)
    pdfium.FPDFPage_InsertObject(page, line)


def _insert(page: Any, text: Any, x: float, y: float) -> None:
    pdfium.FPDFPageObj_Transform(text, 1.0, 0.0, 0.0, 1.0, x, y)
    pdfium.FPDFPage_InsertObject(page, text)
