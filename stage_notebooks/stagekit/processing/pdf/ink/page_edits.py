"""Changes to a PDF page in PDFium's memory: texts taken away, or the page replaced by a picture of it."""

from __future__ import annotations

import ctypes
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from stagekit.conservation.comparison import compare_units
from stagekit.conservation.source_text import Unit
from stagekit.processing.pdf.ink.page_objects import PaintedText

__all__ = ["replace_by_picture", "take_away"]

PICTURE_SCALE = 200 / 72  # pixels a point: what OCR reads well
LARGEST_PICTURE = 4000  # pixels of the long side
MOST_LOST = 0.005  # share of a page's words that PDFium may lose in writing it anew


def take_away(document: Any, index: int, page: Any, texts: Sequence[PaintedText]) -> bool:
    """Remove texts from a page and close it.

    Args:
        document: Of PDFium.
        index: Of the page, from 0.
        page: It is open, and the texts are of it.
        texts: What goes.

    Returns:
        Whether the page still says all the rest.
    """
    import pypdfium2.raw as pdfium

    _open_forms(pdfium, page, {_address(text.handle) for text in texts})
    for text in texts:
        if pdfium.FPDFPage_RemoveObject(page, text.handle):
            pdfium.FPDFPageObj_Destroy(text.handle)
    _make_one_stream(pdfium, page)
    wanted = _text_on(page)
    pdfium.FPDFPage_GenerateContent(page)
    page.close()
    again = document[index]
    written = _text_on(again)
    again.close()
    return compare_units([Unit(wanted)], written).share >= 1 - MOST_LOST


def replace_by_picture(document: Any, index: int, source: Any) -> None:
    """Replace all that is on a page by a picture of it, which OCR will read.

    Args:
        document: Of PDFium.
        index: Of the page, from 0.
        source: The open page of which the picture is taken; it may be of another copy of the document.
    """
    import pypdfium2
    import pypdfium2.raw as pdfium

    scale = min(PICTURE_SCALE, LARGEST_PICTURE / max(*source.get_size(), 1.0))
    upright = (360 - source.get_rotation()) % 360
    bitmap = source.render(scale=scale, rotation=upright, may_draw_forms=False)
    page = document[index]
    for handle in list(_objects(pdfium, page)):
        if pdfium.FPDFPage_RemoveObject(page, handle):
            pdfium.FPDFPageObj_Destroy(handle)
    left, bottom, right, top = page.get_bbox()
    image = pypdfium2.PdfImage.new(document)
    image.set_bitmap(bitmap)
    image.set_matrix(pypdfium2.PdfMatrix().scale(right - left, top - bottom).translate(left, bottom))
    page.insert_obj(image)
    page.gen_content()
    page.close()


def _text_on(page: Any) -> str:
    text_page = page.get_textpage()
    try:
        text: str = text_page.get_text_bounded()
        return text
    finally:
        text_page.close()


def _make_one_stream(pdfium: Any, page: Any) -> None:
    """Forget from which of its streams each object of the page comes.

    PDFium writes changed streams anew and leaves the others. Where lines go on from one into the next, those
    in the next would lose what the first has set, and be gone.
    """
    for handle in list(_objects(pdfium, page)):
        pdfium.FPDFPage_RemoveObject(page, handle)
        pdfium.FPDFPage_InsertObject(page, handle)


def _open_forms(pdfium: Any, page: Any, wanted: Collection[int]) -> None:
    """Lay what forms hold on the page itself where they hold wanted texts: only pages are written anew."""
    index = 0
    while index < pdfium.FPDFPage_CountObjects(page):
        form = pdfium.FPDFPage_GetObject(page, index)
        if not _holds(pdfium, form, wanted):
            index += 1
            continue
        matrix = pdfium.FS_MATRIX()
        pdfium.FPDFPageObj_GetMatrix(form, matrix)
        numbers = (matrix.a, matrix.b, matrix.c, matrix.d, matrix.e, matrix.f)
        pdfium.FPDFPage_RemoveObject(page, form)
        for turn, inner in enumerate(list(_inner(pdfium, form))):
            pdfium.FPDFFormObj_RemoveObject(form, inner)
            pdfium.FPDFPageObj_Transform(inner, *numbers)
            pdfium.FPDFPageObj_TransformClipPath(inner, *numbers)
            pdfium.FPDFPage_InsertObjectAtIndex(page, inner, index + turn)
        pdfium.FPDFPageObj_Destroy(form)


def _holds(pdfium: Any, handle: Any, wanted: Collection[int]) -> bool:
    if pdfium.FPDFPageObj_GetType(handle) != pdfium.FPDF_PAGEOBJ_FORM:
        return False
    return any(_address(inner) in wanted or _holds(pdfium, inner, wanted) for inner in _inner(pdfium, handle))


def _inner(pdfium: Any, form: Any) -> Iterator[Any]:
    for index in range(pdfium.FPDFFormObj_CountObjects(form)):
        yield pdfium.FPDFFormObj_GetObject(form, index)


def _objects(pdfium: Any, page: Any) -> Iterator[Any]:
    for index in range(pdfium.FPDFPage_CountObjects(page)):
        yield pdfium.FPDFPage_GetObject(page, index)


def _address(handle: Any) -> int:
    return ctypes.cast(handle, ctypes.c_void_p).value or 0
