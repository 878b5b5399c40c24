"""Turns the bytes of one document into a DoclingDocument and what is known about it, or refuses them."""

from __future__ import annotations

import hashlib
import io
import math
import warnings as python_warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from docling_core.types.doc import DoclingDocument
from docling_core.types.doc.document import ContentLayer, DocumentOrigin

from stagekit.conservation.coverage import TextCoverage
from stagekit.declared import Declaration, read_declaration
from stagekit.declared.revocation import revocations
from stagekit.errors import DocumentRejected
from stagekit.processing.conserved import conserve_text, loss_sentences
from stagekit.processing.content_type import OFFICE_FORMATS, detect_format
from stagekit.processing.ocr.orientation import upright_image, upright_pdf
from stagekit.processing.office.embedded_images import read_pictures
from stagekit.processing.office.formulas import formulas_warning
from stagekit.processing.office.gaps import complete_document
from stagekit.processing.office.open_text import open_text_to_html
from stagekit.processing.office.word.plain import PlainWord, make_plain
from stagekit.processing.office.word.restore import restore_marks
from stagekit.processing.pdf.file import PdfFile, inspect_pdf, text_layer_lines
from stagekit.processing.pdf.ink.watermarks import sentences_of
from stagekit.processing.pdf.lost_text import place_text, put_back_lost_text
from stagekit.processing.pdf.page_coverage import is_readable, measure_coverage, page_texts_of
from stagekit.processing.pdf.page_verdicts import quality_sentences, read_by_ocr
from stagekit.processing.pdf.words.carried_signs import write_signs
from stagekit.processing.reader import DocumentReader
from stagekit.processing.settings import ProcessingSettings
from stagekit.processing.text.html_document import read_html, read_page
from stagekit.processing.text.markdown_html import markdown_to_html
from stagekit.processing.text.plain_text import text_to_document
from stagekit.processing.text.quality import FAULTS, text_fault
from stagekit.processing.title import document_title

__all__ = ["ProcessedDocument", "ProcessingSettings", "document_json", "process_document"]

MAX_IMAGE_PIXELS = 120_000_000
_LONGEST_SAMPLE = 60  # characters of hidden text in the report
LONGEST_STRIP = 100  # times as long as wide; a line in it would be enlarged to gigabytes for OCR


@dataclass(frozen=True)
class ProcessedDocument:
    """One converted document."""

    document: DoclingDocument  # what Docling made of it
    file_format: str  # what `detect_format` found
    # what names the document, see :func:`stagekit.processing.title.document_title`; None where nothing
    # does
    title: str | None = None
    # pages, slides or sheets; None for formats without pages (DOCX, Markdown, text)
    page_count: int | None = None
    ocr_applied: bool = False  # OCR ran and gave text
    ocr_confidence: float | None = None  # mean OCR confidence of the pages it was applied to, 0 to 1
    # mean of Docling's page scores, 0 to 1. Formats that are read and not recognised (DOCX, Markdown,
    # text) have 1.0: nothing was guessed
    confidence: float = 1.0
    # how much of the file's text arrived, as a second reader finds it; None for images and for PDFs
    # without a text layer, of whose text only `confidence` tells
    text_coverage: TextCoverage | None = None
    # pages to which lost words were put back, because too few had arrived
    pages_reconverted: list[int] = field(default_factory=list)
    front_matter: dict[str, Any] = field(default_factory=dict)  # the front matter of a Markdown file
    properties: dict[str, Any] = field(default_factory=dict)  # what the file says about itself
    # other documents that this one replaces as a whole, see
    # :func:`stagekit.declared.revocation.revocations`
    revokes: list[dict[str, Any]] = field(default_factory=list)
    # words that stand across the pages, such as "MINUTA"; they are not in the document
    watermark: str | None = None
    warnings: list[str] = field(default_factory=list)  # sentences for the report


def process_document(
    reader: DocumentReader, content: bytes, file_name: str, settings: ProcessingSettings
) -> ProcessedDocument:
    """Convert one document. Its name only tells Markdown from plain text, and does not enter the result.

    Raises:
        DocumentRejected: The document cannot be used; the category says why (see `detect_format`,
        `inspect_pdf`, `front_matter`: it is metadata and cannot be read, and `blank`: no text in it).
        RuntimeError: Docling failed on a document that can be opened.
    """
    file_format = detect_format(content, file_name)
    if file_format in ("md", "txt", "html"):
        declared = read_declaration(content, file_format)
        processed, hidden = _process_text(declared, file_format)
        processed = _conserved(processed, declared.text or "", hidden)
    elif file_format in OFFICE_FORMATS:
        processed, hidden = _process_office(reader, content, file_format, settings)
        processed = _conserved(processed, content, hidden)
    else:
        processed = _process_paged(reader, content, file_format, settings)
    _refuse_blank(processed.document)
    if processed.page_count is None:
        fault = text_fault("\n".join(item.text for item in processed.document.texts))
        processed.warnings.extend([f"The text may be wrong: {FAULTS[fault]}."] if fault else [])
    processed.document.origin = _origin(content, file_format)
    seen = (item.text for item in processed.document.texts if item.content_layer != ContentLayer.INVISIBLE)
    processed.revokes.extend(revocations(processed.front_matter, seen))
    return processed


def document_json(document: DoclingDocument) -> bytes:
    """Return a DoclingDocument as JSON; equal documents give equal bytes."""
    return document.model_dump_json(by_alias=True, exclude_none=True).encode()


def _conserved(
    processed: ProcessedDocument, content: bytes | str, hidden: Sequence[str]
) -> ProcessedDocument:
    """Hold a document that was read, and not recognised, against its file, less what nobody sees in it."""
    coverage, notes = conserve_text(processed.document, content, processed.file_format, hidden)
    if coverage is not None and processed.ocr_applied:
        coverage = replace(coverage, added=())  # what OCR reads in pictures stands in no text of the file
    return replace(processed, text_coverage=coverage, warnings=[*processed.warnings, *notes])


def _process_text(declared: Declaration, file_format: str) -> tuple[ProcessedDocument, list[str]]:
    """Return what was made of a text, and the passages in it that no reader sees."""
    if declared.fault:
        raise DocumentRejected(
            "front_matter",
            f"The front matter at the top of the file cannot be read: {declared.fault}.",
            "Correct that line; a value that holds a colon stands in quotes.",
        )
    text = declared.text or ""
    if not text.strip("\ufeff \t\r\n\f\v"):
        raise _blank()
    hidden: list[str] = []
    if file_format == "txt":
        document = text_to_document(text, "document")
    else:
        reading = read_html(markdown_to_html(text) if file_format == "md" else text)
        document, hidden = reading.document, reading.hidden
    processed = ProcessedDocument(
        document,
        file_format,
        document_title(declared, document),
        front_matter=declared.front_matter,
        properties=declared.properties,
        warnings=[*declared.warnings, *_hidden_text_warning(hidden)],
    )
    return processed, hidden


def _process_office(
    reader: DocumentReader, content: bytes, file_format: str, settings: ProcessingSettings
) -> tuple[ProcessedDocument, list[str]]:
    """Return what was made of an Office file, and the passages in it that no reader sees."""
    declared = read_declaration(content, file_format)
    word = make_plain(content) if file_format == "docx" else PlainWord(content)
    hidden = list(word.unseen)
    if file_format == "odt":
        reading = read_page(open_text_to_html(content), with_pictures=settings.ocr_embedded_images)
        document = reading.document
        hidden += reading.hidden
    else:
        document = reader.convert(word.content, file_format).document
    if word.content is not content:
        restore_marks(document)
    complete_document(document, file_format)
    ocr_confidence = read_pictures(document) if settings.ocr_embedded_images else None
    hidden += _invisible(document)
    processed = ProcessedDocument(
        document,
        file_format,
        document_title(declared, document),
        page_count=len(document.pages) or None,
        ocr_applied=ocr_confidence is not None,
        ocr_confidence=ocr_confidence,
        properties=declared.properties,
        watermark=word.watermark,
        warnings=[
            *declared.warnings,
            *word.warnings,
            *(formulas_warning(content) if file_format == "xlsx" else ()),
            *_hidden_text_warning(hidden),
        ],
    )
    return processed, hidden


def _hidden_text_warning(hidden: Sequence[str]) -> list[str]:
    """Return the sentence for the texts that were left out; none where there are none."""
    if not hidden:
        return []
    first = hidden[0]
    if len(first) > _LONGEST_SAMPLE:
        first = f"{first[: _LONGEST_SAMPLE - 1].rstrip()}…"
    passages = "1 passage" if len(hidden) == 1 else f"{len(hidden)} passages"
    return [f"Hidden text was left out ({passages}): “{first}”."]


def _invisible(document: DoclingDocument) -> list[str]:
    """Return the texts of a document that its reader does not see: hidden sheets, rows and columns."""
    tables = [table for table in document.tables if table.content_layer == ContentLayer.INVISIBLE]
    cells = (" | ".join(cell.text for cell in table.data.table_cells if cell.text) for table in tables)
    texts = (item.text for item in document.texts if item.content_layer == ContentLayer.INVISIBLE)
    return [text for text in (*texts, *cells) if text.strip()]


def _process_paged(
    reader: DocumentReader, content: bytes, file_format: str, settings: ProcessingSettings
) -> ProcessedDocument:
    if file_format == "pdf":
        pdf = inspect_pdf(
            content, settings.max_pages, settings.pdf_passwords, ask_pictures=settings.upright_scans
        )
        content = pdf.rewritten or content
        scanned = [index for index, text in enumerate(pdf.page_texts) if not is_readable(text)]
        upright = upright_pdf(content, scanned) if settings.upright_scans and scanned else content
    else:
        pdf = _inspect_image(content)
        upright = upright_image(content) if settings.upright_scans else content
    kind = file_format if upright is content or file_format == "pdf" else "png"
    result = reader.convert(upright, kind, pictures_before=pdf.pictures_before)
    # Not before: the reader's first conversion loads Docling without torch.
    from stagekit.processing.ocr.page_ocr import printed_across

    write_signs(result.document)
    pale = printed_across(result)
    by_ocr = read_by_ocr(result.pages)
    coverage = measure_coverage(pdf.page_texts, result.document, read_by_ocr=by_ocr)
    put_back = []
    if coverage is not None and coverage.is_low(settings.min_text_coverage):
        lines = partial(text_layer_lines, upright)
        put_back = put_back_lost_text(result.document, coverage, settings.min_text_coverage, lines)
        coverage = measure_coverage(pdf.page_texts, result.document, read_by_ocr=by_ocr)
    for stamp in pdf.stamps:
        place_text(result.document, stamp.page, stamp.text, stamp.box)
    notes = quality_sentences(pdf.page_texts, page_texts_of(result.document), by_ocr, put_back)
    notes += loss_sentences(coverage) if coverage is not None else []
    pages = result.confidence.pages.values()
    ocr = [float(page.ocr_score) for page in pages if not math.isnan(page.ocr_score)]
    read = [page for page in pages if not (math.isnan(page.ocr_score) and math.isnan(page.parse_score))]
    scores = [float(page.mean_score) for page in read]
    return ProcessedDocument(
        document=result.document,
        file_format=file_format,
        title=document_title(Declaration(properties=pdf.properties), result.document),
        page_count=len(result.document.pages),
        ocr_applied=bool(ocr),
        ocr_confidence=round(sum(ocr) / len(ocr), 4) if ocr else None,
        confidence=round(sum(scores) / len(scores), 4) if scores else 0.0,
        text_coverage=coverage,
        pages_reconverted=put_back,
        properties=pdf.properties,
        watermark=pdf.watermark or next((words[0] for words in pale.values()), None),
        warnings=[
            *(f"Page {e.page_no}: {e.error_message}" for e in result.errors),
            *pdf.notes,
            *sentences_of(pale),
            *notes,
        ],
    )


def _inspect_image(content: bytes) -> PdfFile:
    from PIL import Image

    try:
        with python_warnings.catch_warnings():
            python_warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content)) as image:
                if image.width * image.height > MAX_IMAGE_PIXELS:
                    raise DocumentRejected(
                        "too_large",
                        f"The image has {image.width} x {image.height} pixels.",
                        "Scan it again at 300 dpi or less.",
                    )
                _refuse_strip(image.width, image.height)
                image.load()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DocumentRejected(
            "corrupt",
            "The image is damaged or cut short and cannot be opened.",
            "Export or upload the image again.",
        ) from error
    return PdfFile()


def _refuse_strip(width: int, height: int) -> None:
    if max(width, height) > LONGEST_STRIP * min(width, height):
        raise DocumentRejected(
            "blank",
            f"The image is a strip of {width} x {height} pixels, in which no text can be read.",
            "Delete it from the folder, or commit the picture as a whole.",
        )


def _refuse_blank(document: DoclingDocument) -> None:
    if any(item.text.strip() or item.orig.strip() for item in document.texts):
        return
    if any(cell.text.strip() for table in document.tables for cell in table.data.table_cells):
        return
    raise _blank()


def _blank() -> DocumentRejected:
    return DocumentRejected(
        "blank",
        "There is no text in the document.",
        "Commit the document again with its content; a scan may need a better resolution.",
    )


_MEDIA_TYPES = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "odt": "application/vnd.oasis.opendocument.text",
    "html": "text/html",
    "png": "image/png",
    "jpeg": "image/jpeg",
    "md": "text/markdown",
    "txt": "text/plain",
}


def _origin(content: bytes, file_format: str) -> DocumentOrigin:
    """Origin that depends on the bytes alone; the hash is the first 64 bits of their SHA-256."""
    number = int.from_bytes(hashlib.sha256(content).digest()[:8])
    return DocumentOrigin(
        mimetype=_MEDIA_TYPES[file_format], filename=f"document.{file_format}", binary_hash=number
    )
