"""Gives a document to the part of Docling that reads its format, and loads no more than that part needs.

A PDF or an image needs Docling's pipeline with its models. An Office format has a backend of Docling that
builds the document by itself; Docling's `DocumentConverter` does no more with it than is done here. Texts,
Markdown, HTML and OpenDocument texts are read by `processing/text`, without Docling's backends.
"""

from __future__ import annotations

import importlib
import io
import logging
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, cast

from stagekit.errors import DocumentRejected
from stagekit.processing.light_imports import import_docling_options
from stagekit.processing.nesting import refuse_deep_nesting
from stagekit.processing.seams.docling import backend_of

if TYPE_CHECKING:
    from docling.backend.abstract_backend import DeclarativeDocumentBackend
    from docling.datamodel.document import ConversionResult
    from docling_core.types.doc import BoundingBox

    from stagekit.processing.pdf.converter import PagedConverter

# By the format: the module and class of Docling's backend, or of ours above it.
_BACKENDS = {
    "docx": ("docling.backend.msword_backend", "MsWordDocumentBackend"),
    "pptx": ("stagekit.processing.office.slides", "ShownSlidesBackend"),
    "xlsx": ("stagekit.processing.office.workbook", "ShownWorkbookBackend"),
}


class DocumentReader:
    """Converts documents of all formats; the converter with models is opened for the first that needs it."""

    def __init__(self, open_converter: Callable[[], PagedConverter]) -> None:
        self._open_converter = open_converter
        self._converter: PagedConverter | None = None

    def convert(
        self,
        content: bytes,
        file_format: str,
        *,
        pictures_before: Mapping[int, Sequence[BoundingBox]] | None = None,
    ) -> ConversionResult:
        """Return what Docling made of a PDF, an image, or a format with a backend of its own.

        Pictures of a PDF that stood on a page before need not be read again, see `pdf.backend.PdfBackend`.

        Raises:
            DocumentRejected: Category `corrupt` or `too_complex`.
            RuntimeError: Docling failed on a document that can be opened.
        """
        import_docling_options()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # numpy on empty pages, Docling's own deprecations
            if file_format in _BACKENDS:
                result = _read(content, file_format)
            else:
                self._converter = self._converter or self._open_converter()
                name = _neutral_name(file_format)
                result = self._converter.convert(content, file_format, name, pictures_before)
        return _usable(result, file_format)


def _read(content: bytes, file_format: str) -> ConversionResult:
    from docling.datamodel.base_models import ConversionStatus, InputFormat
    from docling.datamodel.document import ConversionResult, InputDocument, build_invalid_input_errors

    module, backend = _BACKENDS[file_format]
    logging.getLogger("docling.backend").setLevel(logging.ERROR)  # it warns once a picture
    opened = InputDocument(
        path_or_stream=io.BytesIO(content),
        format=InputFormat(file_format),
        backend=getattr(importlib.import_module(module), backend),
        filename=_neutral_name(file_format),
    )
    result = ConversionResult(input=opened, status=ConversionStatus.FAILURE)
    if not opened.valid:
        result.errors = build_invalid_input_errors(opened)
        return result
    declarative = cast("DeclarativeDocumentBackend", backend_of(opened))
    try:
        with refuse_deep_nesting():
            result.document = declarative.convert()
    except DocumentRejected:
        raise
    except Exception as error:  # whatever a backend throws at a document is a failure on that document
        raise _failure(file_format, str(error)) from error
    result.status = ConversionStatus.SUCCESS
    return result


def _usable(result: ConversionResult, file_format: str) -> ConversionResult:
    from docling.datamodel.base_models import ConversionStatus

    if result.status in (ConversionStatus.SUCCESS, ConversionStatus.PARTIAL_SUCCESS):
        return result
    reason = "; ".join(error.error_message for error in result.errors) or result.status.value
    if result.input.valid:
        raise _failure(file_format, reason)
    raise DocumentRejected(
        "corrupt",
        f"The {file_format.upper()} document is damaged and cannot be opened: {reason}",
        "Export or upload the document again.",
    )


def _failure(file_format: str, reason: str) -> RuntimeError:
    return RuntimeError(f"Docling could not convert the {file_format} document: {reason}")


def _neutral_name(file_format: str) -> str:
    # The same for all: Docling writes it into the document, and equal bytes must give equal JSON.
    return f"document.{file_format}"
