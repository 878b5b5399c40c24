"""Looks into a PDF before Docling does: can it be opened, how long is it, what does its text layer hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from stagekit.errors import DocumentRejected
from stagekit.processing.properties import pdf_properties

__all__ = ["PdfFile", "inspect_pdf"]

_PASSWORD_ERROR = 4  # FPDF_ERR_PASSWORD
_SECURITY_ERROR = 5  # FPDF_ERR_SECURITY


@dataclass(frozen=True)
class PdfFile:
    """A PDF before conversion: the text layer of each page (empty where it has none), and properties."""

    page_texts: list[str]
    properties: dict[str, Any] = field(default_factory=dict)


def inspect_pdf(content: bytes, max_pages: int) -> PdfFile:
    """Open a PDF with PDFium and read its text layer and properties.

    Raises:
        DocumentRejected: Category `encrypted`, `corrupt` or `too_many_pages`.
    """
    import pypdfium2
    from docling.utils.locks import pypdfium2_lock

    with pypdfium2_lock:
        try:
            document = pypdfium2.PdfDocument(content)
        except pypdfium2.PdfiumError as error:
            raise _verdict(content, getattr(error, "err_code", None)) from error
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
            texts = [_page_text(document, index) for index in range(pages)]
            return PdfFile(texts, pdf_properties(document.get_metadata_dict()))
        finally:
            document.close()


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
            "Remove the password and commit the document again.",
        )
    return DocumentRejected(
        "corrupt",
        "The PDF is damaged or cut short and cannot be opened.",
        "Export or upload the document again.",
    )
