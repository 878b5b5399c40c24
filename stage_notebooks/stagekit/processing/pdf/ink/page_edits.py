"""Changes to a PDF page in PDFium's memory: texts taken away, or the page replaced by a picture of it."""

from __future__ import annotations

import ctypes
from collections.abc import Collection, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pypdfium2
import pypdfium2.raw as pdfium

from stagekit.conservation.comparison import compare_units
from stagekit.conservation.source_text import Unit
from stagekit.processing.pdf.ink.page_objects import PaintedText, address_of, object_letters, text_on
from stagekit.processing.pdf.ink.signs import sign_object

if TYPE_CHECKING:
    from stagekit.processing.pdf.ink.covered_letters import SeenPart

PICTURE_SCALE = 200 / 72  # pixels a point: what OCR reads well
LARGEST_PICTURE = 4000  # pixels of the long side
MOST_LOST = 0.005  # share of a page's words that PDFium may lose in writing it anew


def take_away(
    document: Any,
    index: int,
    page: Any,
    texts: Sequence[PaintedText],
    instead: Mapping[int, Sequence[SeenPart]] = MappingProxyType({}),
) -> bool:
    """Remove texts from an open page and close it; return whether the page still says all the rest.

    Other words may take the place of a text, given by its order.
    """
    _open_forms(page, {address_of(text.handle) for text in texts})
    _make_one_stream(page)
    parts = _write_instead(document, page, texts, instead) if instead else []
    for text in texts:
        if pdfium.FPDFPage_RemoveObject(page, text.handle):
            pdfium.FPDFPageObj_Destroy(text.handle)
    if not _say(page, parts):
        page.close()
        return False
    wanted = text_on(page)
    pdfium.FPDFPage_GenerateContent(page)
    page.close()
    again = document[index]
    written = text_on(again)
    again.close()
    return compare_units([Unit(wanted)], written).share >= 1 - MOST_LOST


def replace_by_picture(document: Any, index: int, source: Any) -> None:
    """Replace all that is on a page (from 0) by a picture of an open one, which OCR will read."""
    scale = min(PICTURE_SCALE, LARGEST_PICTURE / max(*source.get_size(), 1.0))
    upright = (360 - source.get_rotation()) % 360
    bitmap = source.render(scale=scale, rotation=upright, may_draw_forms=False)
    page = document[index]
    for handle in list(_objects(page)):
        if pdfium.FPDFPage_RemoveObject(page, handle):
            pdfium.FPDFPageObj_Destroy(handle)
    left, bottom, right, top = page.get_bbox()
    image = pypdfium2.PdfImage.new(document)
    image.set_bitmap(bitmap)
    image.set_matrix(pypdfium2.PdfMatrix().scale(right - left, top - bottom).translate(left, bottom))
    page.insert_obj(image)
    page.gen_content()
    page.close()


def _write_instead(
    document: Any,
    page: Any,
    texts: Sequence[PaintedText],
    instead: Mapping[int, Sequence[SeenPart]],
) -> list[tuple[Any, str]]:
    """Write parts of texts before these; return the new objects with the letters that they are to have."""
    handles = list(_objects(page))
    places = {address_of(handle): place for place, handle in enumerate(handles)}
    written = []
    for text in sorted(texts, key=lambda item: -places.get(address_of(item.handle), 0)):
        for part in reversed(instead.get(text.order, ())):
            handle = _part_object(document, text, part)
            pdfium.FPDFPage_InsertObjectAtIndex(page, handle, places.get(address_of(text.handle), 0))
            written.append((handle, part.letters.strip()))
    return written


def _part_object(document: Any, text: PaintedText, part: SeenPart) -> Any:
    a, b, c, d, x, y = part.matrix
    if part.width is not None:
        handle = sign_object(document, part.letters, text.size, part.width)
        pdfium.FPDFPageObj_Transform(handle, 1.0, 0.0, 0.0, 1.0, x, y)
        return handle
    size = ctypes.c_float()
    pdfium.FPDFTextObj_GetFontSize(text.handle, size)
    handle = pdfium.FPDFPageObj_CreateTextObj(document, pdfium.FPDFTextObj_GetFont(text.handle), size)
    units = part.letters.encode("utf-16-le") + b"\0\0"
    pdfium.FPDFText_SetText(handle, (ctypes.c_ushort * (len(units) // 2)).from_buffer_copy(units))
    pdfium.FPDFPageObj_SetMatrix(handle, pdfium.FS_MATRIX(a, b, c, d, x, y))
    pdfium.FPDFPageObj_SetFillColor(handle, *text.colour)
    return handle


def _say(page: Any, written: Sequence[tuple[Any, str]]) -> bool:
    """Whether objects have the letters they are to have; a font may lack the way from Unicode to its own."""
    if not written:
        return True
    text_page = page.get_textpage()
    try:
        return all(object_letters(handle, text_page).strip() == letters for handle, letters in written)
    finally:
        text_page.close()


def _make_one_stream(page: Any) -> None:
    """Forget from which of its streams each object of the page comes.

    PDFium writes changed streams anew and leaves the others. Where lines go on from one into the next, those
    in the next would lose what the first has set, and be gone; and all that is new would come last.
    """
    for handle in list(_objects(page)):
        pdfium.FPDFPage_RemoveObject(page, handle)
        pdfium.FPDFPage_InsertObject(page, handle)


def _open_forms(page: Any, wanted: Collection[int]) -> None:
    """Lay what forms hold on the page itself where they hold wanted texts: only pages are written anew."""
    index = 0
    while index < pdfium.FPDFPage_CountObjects(page):
        form = pdfium.FPDFPage_GetObject(page, index)
        if not _holds(form, wanted):
            index += 1
            continue
        matrix = pdfium.FS_MATRIX()
        pdfium.FPDFPageObj_GetMatrix(form, matrix)
        numbers = (matrix.a, matrix.b, matrix.c, matrix.d, matrix.e, matrix.f)
        pdfium.FPDFPage_RemoveObject(page, form)
        for turn, inner in enumerate(list(_inner(form))):
            pdfium.FPDFFormObj_RemoveObject(form, inner)
            pdfium.FPDFPageObj_Transform(inner, *numbers)
            pdfium.FPDFPageObj_TransformClipPath(inner, *numbers)
            pdfium.FPDFPage_InsertObjectAtIndex(page, inner, index + turn)
        pdfium.FPDFPageObj_Destroy(form)


def _holds(handle: Any, wanted: Collection[int]) -> bool:
    if pdfium.FPDFPageObj_GetType(handle) != pdfium.FPDF_PAGEOBJ_FORM:
        return False
    return any(address_of(inner) in wanted or _holds(inner, wanted) for inner in _inner(handle))


def _inner(form: Any) -> Iterator[Any]:
    for index in range(pdfium.FPDFFormObj_CountObjects(form)):
        yield pdfium.FPDFFormObj_GetObject(form, index)


def _objects(page: Any) -> Iterator[Any]:
    for index in range(pdfium.FPDFPage_CountObjects(page)):
        yield pdfium.FPDFPage_GetObject(page, index)
