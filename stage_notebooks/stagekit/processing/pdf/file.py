"""Looks into a PDF before Docling does: can it be opened, how long is it, what does its text layer hold."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

from stagekit.declared.pdf_info import pdf_properties
from stagekit.errors import DocumentRejected
from stagekit.processing.pdf.ink.font_entries import with_font_entries
from stagekit.processing.pdf.ink.page_objects import text_on
from stagekit.processing.pdf.ink.plain_pdf import PlainPdf, make_plain
from stagekit.processing.pdf.ink.upright_text import turn_upright
from stagekit.processing.pdf.lost_text import LayerLine

_PASSWORD_ERROR = 4  # FPDF_ERR_PASSWORD
_SECURITY_ERROR = 5  # FPDF_ERR_SECURITY
_LARGEST_PAGE = 40e6  # square points; 4A0, the largest of ISO 216's relatives, has 32e6
_LINE_END_HYPHENS = "\x02\ufffe"  # PDFium's signs for a hyphen behind which it drops the line's end
_MM_PER_POINT = 25.4 / 72
_REMOVE_SECURITY = 3  # FPDF_REMOVE_SECURITY, a flag of FPDF_SaveAsCopy


@dataclass
class PdfFile(PlainPdf):
    """A PDF before conversion, with what was done to it.

    Attributes:
        page_texts: The text layer of each page, empty where it has none; without what stamps say.
        properties: What the file says about itself.
        rewritten: The PDF as it is to be read, where that is not the file itself: without its protection,
            upright, saying what it shows, and what its fonts leave to the reader.
    """

    page_texts: list[str] = field(default_factory=list)
    properties: dict[str, Any] = field(default_factory=dict)
    rewritten: bytes | None = None


def inspect_pdf(
    content: bytes, max_pages: int, passwords: Sequence[str] = (), *, ask_pictures: bool = True
) -> PdfFile:
    """Open a PDF with PDFium, make it say what it shows, and read its text layer and properties.

    The passwords are tried in turn on a protected one.

    Raises:
        DocumentRejected: Category `encrypted`, `corrupt`, `too_many_pages` or `too_large` (of a page).
    """
    from docling.utils.locks import pypdfium2_lock

    with pypdfium2_lock:
        document, changed = _open(content, passwords)
        try:
            pages = len(document)
            if pages == 0:
                raise _verdict(content)
            if pages > max_pages:
                raise DocumentRejected(
                    "too_many_pages",
                    f"The document has {pages} pages; the limit is {max_pages}.",
                    "Split the document, or raise max_pages.",
                )
            _check_sizes(document, pages)
            if turn_upright(document):
                content, changed = _saved(document), True
                document.close()
                document, _ = _open(content, ())
            properties = pdf_properties(document.get_metadata_dict())
            plain = make_plain(
                document,
                lambda: _open(content, passwords)[0],
                layers=b"/OCProperties" in content or b"/ObjStm" in content,
                ask_pictures=ask_pictures,
            )
            texts = [_page_text(document, index) for index in range(pages)]
            rewritten = _saved(document) if changed or plain.changed else None
            rewritten = with_font_entries(rewritten or content) or rewritten
            return PdfFile(**vars(plain), page_texts=texts, properties=properties, rewritten=rewritten)
        finally:
            document.close()


def text_layer_lines(content: bytes, pages: Sequence[int]) -> dict[int, list[LayerLine]]:
    """Return the lines of the text layer of pages (numbers from 1), in the order of the file.

    Places are in points from the bottom left of the page as it is shown, unless the page is turned.
    """
    from docling.utils.locks import pypdfium2_lock

    with pypdfium2_lock:
        document = pypdfium2.PdfDocument(content)
        try:
            return {number: list(_lines(document[number - 1])) for number in pages}
        finally:
            document.close()


def _lines(page: Any) -> Iterator[LayerLine]:
    """Yield lines with the blanks that PDFium has found or, where a gap is wide, added."""
    text_page = page.get_textpage()
    left, bottom = page.get_bbox()[:2]
    signs: list[str] = []
    places: list[tuple[float, float, float, float]] = []
    for sign, place in [*_signs(text_page), ("\n", None)]:
        hyphen = sign in _LINE_END_HYPHENS
        if hyphen or sign not in "\r\n":
            signs.append("-" if hyphen else sign)
            places += [place] if place is not None else []
            if not hyphen:
                continue
        text = " ".join("".join(signs).split())
        if text and places:
            lefts, bottoms, rights, tops = zip(*places, strict=True)
            yield LayerLine(
                text, min(lefts) - left, min(bottoms) - bottom, max(rights) - left, max(tops) - bottom
            )
        signs, places = [], []
    text_page.close()
    page.close()


def _signs(text_page: Any) -> Iterator[tuple[str, tuple[float, float, float, float] | None]]:
    """Yield each sign with its left, bottom, right and top; blanks and what PDFium has added have none."""
    for index in range(text_page.count_chars()):
        sign = chr(pdfium.FPDFText_GetUnicode(text_page, index))
        yield sign, None if sign.isspace() else text_page.get_charbox(index)


def _open(content: bytes, passwords: Sequence[str]) -> tuple[Any, bool]:
    """Return the opened PDF, and whether it took a password."""
    try:
        return pypdfium2.PdfDocument(content), False
    except pypdfium2.PdfiumError as error:
        verdict = _verdict(content, getattr(error, "err_code", None))
    for password in passwords if verdict.category == "encrypted" else ():
        try:
            return pypdfium2.PdfDocument(content, password=password), True
        except pypdfium2.PdfiumError:
            continue
    raise verdict


def _saved(document: Any) -> bytes:
    plain = io.BytesIO()
    document.save(plain, flags=_REMOVE_SECURITY)
    return plain.getvalue()


def _check_sizes(document: Any, pages: int) -> None:
    """Refuse pages that no paper has: as images they would take gigabytes."""
    readable = 0
    for index in range(pages):
        try:
            width, height = document.get_page_size(index)
        except pypdfium2.PdfiumError:  # no page behind the number, as in a tree that leads back to itself
            continue
        readable += 1
        if width * height > _LARGEST_PAGE:
            size = f"{width * _MM_PER_POINT:,.0f} x {height * _MM_PER_POINT:,.0f} mm"
            raise DocumentRejected(
                "too_large",
                f"Page {index + 1} measures {size}.",
                "Export the document again with pages of a usual size (4A0 is the largest).",
            )
    if not readable:
        raise _verdict(b"")


def _page_text(document: Any, index: int) -> str:

    try:
        page = document[index]
    except pypdfium2.PdfiumError:
        return ""
    text = text_on(page)
    page.close()
    return text


def _verdict(content: bytes, code: int | None = None) -> DocumentRejected:
    # PDFium may leave the code of an earlier file behind, so the file has to agree.
    if code in (_PASSWORD_ERROR, _SECURITY_ERROR) and b"/Encrypt" in content:
        return DocumentRejected(
            "encrypted",
            "The PDF is protected with a password.",
            "Remove the password and commit the document again, or put it into NIC_ETL_PDF_PASSWORDS (one a "
            "line) and run `nic-etl quarantine retry`.",
        )
    return DocumentRejected(
        "corrupt",
        "The PDF is damaged or cut short and cannot be opened.",
        "Export or upload the document again.",
    )
