"""Makes what annotations and form fields show part of their page, so that every reader of the page reads it.

Values stand in a form's fields and not in the page; text boxes and stamps float above it. PDFium draws them
all into the page. Boxes to tick become a sign each, a strike-out annotation the line that viewers draw.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from stagekit.processing.pdf.ink.page_objects import Box

__all__ = ["BOX_SIGNS", "draw_annotations"]

# Signs of the font ZapfDingbats, the only one that every reader knows without its file and that has signs no
# form prints, and what they stand for.
_EMPTY, _TICKED = "\u2761", "\u2767"
BOX_SIGNS = {_EMPTY: "☐", _TICKED: "☑"}
_CODES = {_EMPTY: 0xA1, _TICKED: 0xA7}

_UNSEEN_FLAGS = 0b100011  # invisible, hidden, no view
_EMPTY_APPEARANCE = 12  # characters of a drawing that draws nothing: "/Tx BMC EMC"
_STRIKE = 0.06  # thickness of the line, in heights of the text
_BOX_SIZE = 0.8  # size of the sign, in heights of the field


@dataclass(frozen=True)
class _Annotation:
    handle: Any
    index: int
    kind: int
    box: Box


def draw_annotations(document: Any) -> set[int]:
    """Draw form values, text boxes, stamps and strike-outs into the pages of a document of PDFium.

    Returns:
        The numbers of the pages that were changed.
    """
    import pypdfium2

    changed = set()
    for index in range(len(document)):
        try:
            page = document[index]
        except pypdfium2.PdfiumError:  # a number without a page
            continue
        if _speaks(page):
            if document.formenv is None and document.get_formtype():
                page.close()
                document.init_forms()
                page = document[index]
            _draw(document, page)
            _flatten(document, index)
            changed.add(index + 1)
        else:
            page.close()
    return changed


def _speaks(page: Any) -> bool:
    """Whether there is an annotation that says something."""
    import pypdfium2.raw as pdfium

    said = _shown_kinds(pdfium) | {pdfium.FPDF_ANNOT_STRIKEOUT}
    return any(annotation.kind in said for annotation in _annotations(pdfium, page))


def _shown_kinds(pdfium: Any) -> set[int]:
    return {pdfium.FPDF_ANNOT_WIDGET, pdfium.FPDF_ANNOT_FREETEXT, pdfium.FPDF_ANNOT_STAMP}


def _draw(document: Any, page: Any) -> None:
    """Draw what PDFium would not draw as text, take away what is not to be drawn, and close the page."""
    import pypdfium2.raw as pdfium

    drawn = []
    for annotation in _annotations(pdfium, page):
        unseen = pdfium.FPDFAnnot_GetFlags(annotation.handle) & _UNSEEN_FLAGS
        if annotation.kind == pdfium.FPDF_ANNOT_STRIKEOUT and not unseen:
            for box in _marked_places(pdfium, annotation.handle):
                _add_line(pdfium, page, box)
        keeps = annotation.kind in _shown_kinds(pdfium) and not unseen and _is_switched_on(page, annotation)
        if keeps and annotation.kind == pdfium.FPDF_ANNOT_WIDGET:
            keeps = not _add_value(pdfium, document, page, annotation)
        if not keeps:
            drawn.append(annotation.index)
    for index in reversed(drawn):
        pdfium.FPDFPage_RemoveAnnot(page, index)
    page.gen_content()
    page.close()


def _flatten(document: Any, index: int) -> None:
    import pypdfium2.raw as pdfium

    page = document[index]
    pdfium.FPDFPage_Flatten(page, pdfium.FLAT_NORMALDISPLAY)
    page.close()


def _annotations(pdfium: Any, page: Any) -> Iterator[_Annotation]:
    for index in range(pdfium.FPDFPage_GetAnnotCount(page)):
        handle = pdfium.FPDFPage_GetAnnot(page, index)
        if not handle:
            continue
        place = pdfium.FS_RECTF()
        pdfium.FPDFAnnot_GetRect(handle, place)
        box = Box(
            min(place.left, place.right),
            min(place.bottom, place.top),
            max(place.left, place.right),
            max(place.bottom, place.top),
        )
        try:
            yield _Annotation(handle, index, pdfium.FPDFAnnot_GetSubtype(handle), box)
        finally:
            pdfium.FPDFPage_CloseAnnot(handle)


def _is_switched_on(page: Any, annotation: _Annotation) -> bool:
    """Whether an annotation that belongs to a layer is shown: the page is drawn with it and without it."""
    import pypdfium2.raw as pdfium

    if not pdfium.FPDFAnnot_HasKey(annotation.handle, b"OC"):
        return True
    flags = pdfium.FPDFAnnot_GetFlags(annotation.handle)
    shown = page.render(scale=1.0, may_draw_forms=False).to_numpy().copy()
    pdfium.FPDFAnnot_SetFlags(annotation.handle, flags | pdfium.FPDF_ANNOT_FLAG_HIDDEN)
    hidden = page.render(scale=1.0, may_draw_forms=False).to_numpy()
    pdfium.FPDFAnnot_SetFlags(annotation.handle, flags)
    return bool((shown != hidden).any())


def _add_value(pdfium: Any, document: Any, page: Any, annotation: _Annotation) -> bool:
    """Write the value of a form field on the page, if PDFium's drawing would not; return whether it was."""
    form, handle, box = document.formenv, annotation.handle, annotation.box
    if form is None:
        return False
    kind = pdfium.FPDFAnnot_GetFormFieldType(form, handle)
    if kind in (pdfium.FPDF_FORMFIELD_CHECKBOX, pdfium.FPDF_FORMFIELD_RADIOBUTTON):
        sign = _TICKED if pdfium.FPDFAnnot_IsChecked(form, handle) else _EMPTY
        size = _BOX_SIZE * box.height
        text = _new_text(pdfium, document, b"ZapfDingbats", size)
        pdfium.FPDFText_SetCharcodes(text, (ctypes.c_uint32 * 1)(_CODES[sign]), 1)
        _insert(pdfium, page, text, box.left, box.bottom + 0.15 * box.height)
        return True
    if kind not in (pdfium.FPDF_FORMFIELD_TEXTFIELD, pdfium.FPDF_FORMFIELD_COMBOBOX):
        return False
    value = _value(pdfium, form, handle)
    appearance = pdfium.FPDFAnnot_GetAP(handle, pdfium.FPDF_ANNOT_APPEARANCEMODE_NORMAL, None, 0) // 2
    if not value.strip() or appearance > _EMPTY_APPEARANCE:
        return False
    size = max(4.0, min(11.0, 0.7 * box.height))
    for row, line in enumerate(value.splitlines()):
        text = _new_text(pdfium, document, b"Helvetica", size)
        pdfium.FPDFText_SetText(text, _utf16(line))
        top = box.bottom + 0.25 * box.height if "\n" not in value else box.top - (row + 1) * 1.2 * size
        _insert(pdfium, page, text, box.left + 2.0, top)
    return True


def _value(pdfium: Any, form: Any, handle: Any) -> str:
    size = pdfium.FPDFAnnot_GetFormFieldValue(form, handle, None, 0)
    buffer = (ctypes.c_ushort * (size // 2 + 1))()
    pdfium.FPDFAnnot_GetFormFieldValue(form, handle, buffer, size)
    return bytes(buffer)[: max(0, size - 2)].decode("utf-16-le", "replace").replace("\r", "\n")


def _marked_places(pdfium: Any, handle: Any) -> Iterator[Box]:
    for index in range(pdfium.FPDFAnnot_CountAttachmentPoints(handle)):
        points = pdfium.FS_QUADPOINTSF()
        if pdfium.FPDFAnnot_GetAttachmentPoints(handle, index, points):
            xs = (points.x1, points.x2, points.x3, points.x4)
            ys = (points.y1, points.y2, points.y3, points.y4)
            yield Box(min(xs), min(ys), max(xs), max(ys))


def _add_line(pdfium: Any, page: Any, box: Box) -> None:
    thickness = _STRIKE * box.height
    middle = (box.bottom + box.top - thickness) / 2
    line = pdfium.FPDFPageObj_CreateNewRect(box.left, middle, box.width, thickness)
    pdfium.FPDFPageObj_SetFillColor(line, 0, 0, 0, 255)
    pdfium.FPDFPath_SetDrawMode(line, pdfium.FPDF_FILLMODE_WINDING, False)
    pdfium.FPDFPage_InsertObject(page, line)


def _new_text(pdfium: Any, document: Any, font: bytes, size: float) -> Any:
    return pdfium.FPDFPageObj_NewTextObj(document, font, size)


def _insert(pdfium: Any, page: Any, text: Any, x: float, y: float) -> None:
    pdfium.FPDFPageObj_Transform(text, 1.0, 0.0, 0.0, 1.0, x, y)
    pdfium.FPDFPage_InsertObject(page, text)


def _utf16(text: str) -> Any:
    encoded = text.encode("utf-16-le") + b"\0\0"
    return (ctypes.c_ushort * (len(encoded) // 2)).from_buffer_copy(encoded)
