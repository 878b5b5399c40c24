"""Looks into a PDF before Docling does: can it be opened, how long is it, what does its text layer hold."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from stagekit.declared.pdf_info import pdf_properties
from stagekit.errors import DocumentRejected
from stagekit.processing.pdf.lost_text import LayerLine

__all__ = ["PdfFile", "inspect_pdf", "text_layer_lines"]

_PASSWORD_ERROR = 4  # FPDF_ERR_PASSWORD
_SECURITY_ERROR = 5  # FPDF_ERR_SECURITY
_LARGEST_PAGE = 40e6  # square points; 4A0, the largest of ISO 216's relatives, has 32e6
_MM_PER_POINT = 25.4 / 72
_REMOVE_SECURITY = 3  # FPDF_REMOVE_SECURITY, a flag of FPDF_SaveAsCopy


@dataclass(frozen=True)
class PdfFile:
    """A PDF before conversion.

    Attributes:
        page_texts: The text layer of each page, empty where it has none.
        properties: What the file says about itself.
        unlocked: The PDF without its protection, where a password was needed to open it.
    """

    page_texts: list[str]
    properties: dict[str, Any] = field(default_factory=dict)
    unlocked: bytes | None = None


def inspect_pdf(content: bytes, max_pages: int, passwords: Sequence[str] = ()) -> PdfFile:
    """Open a PDF with PDFium and read its text layer and properties.

    Args:
        content: The PDF.
        max_pages: A longer one is rejected.
        passwords: Tried in turn on a protected PDF.

    Raises:
        DocumentRejected: Category `encrypted`, `corrupt`, `too_many_pages` or `too_large` (of a page).
    """
    from docling.utils.locks import pypdfium2_lock

    with pypdfium2_lock:
        document, locked = _open(content, passwords)
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
            texts = [_page_text(document, index) for index in range(pages)]
            properties = pdf_properties(document.get_metadata_dict())
            return PdfFile(texts, properties, _unlocked(document) if locked else None)
        finally:
            document.close()


def text_layer_lines(content: bytes, pages: Sequence[int]) -> dict[int, list[LayerLine]]:
    """Return the lines of the text layer of pages (numbers from 1), in the order of the file.

    Places are in points from the bottom left of the page as it is shown, unless the page is turned.
    """
    import pypdfium2
    from docling.utils.locks import pypdfium2_lock

    with pypdfium2_lock:
        document = pypdfium2.PdfDocument(content)
        try:
            return {number: list(_lines(document[number - 1])) for number in pages}
        finally:
            document.close()


def _lines(page: Any) -> Iterator[LayerLine]:
    """Yield lines; PDFium gives a rectangle for each run of text in one font."""
    text_page = page.get_textpage()
    x, y = page.get_cropbox()[:2]
    line: LayerLine | None = None
    for index in range(text_page.count_rects()):
        left, bottom, right, top = text_page.get_rect(index)
        text = text_page.get_text_bounded(left, bottom, right, top)
        text = " ".join(text.split())
        run = LayerLine(text, left - x, bottom - y, right - x, top - y)
        if line is not None and line.bottom < (run.bottom + run.top) / 2 < line.top:
            gap = " " if run.left > line.right + 0.1 * (line.top - line.bottom) else ""
            line = LayerLine(
                f"{line.text}{gap}{run.text}",
                min(line.left, run.left),
                min(line.bottom, run.bottom),
                max(line.right, run.right),
                max(line.top, run.top),
            )
            continue
        if line is not None:
            yield line
        line = run
    if line is not None:
        yield line
    text_page.close()
    page.close()


def _open(content: bytes, passwords: Sequence[str]) -> tuple[Any, bool]:
    """Return the opened PDF, and whether it took a password."""
    import pypdfium2

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


def _unlocked(document: Any) -> bytes:
    plain = io.BytesIO()
    document.save(plain, flags=_REMOVE_SECURITY)
    return plain.getvalue()


def _check_sizes(document: Any, pages: int) -> None:
    """Refuse pages that no paper has: as images they would take gigabytes."""
    import pypdfium2

    readable = 0
    for index in range(pages):
        try:
            width, height = document.get_page_size(index)
        except (
            pypdfium2.PdfiumError
        ):  # no page behind the number, as in a page tree that leads back to itself
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
    import pypdfium2

    try:
        page = document[index]
    except pypdfium2.PdfiumError:
        return ""
    text_page = page.get_textpage()
    text: str = text_page.get_text_bounded()
    text_page.close()
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
