"""What each worker process of stage 02 runs: one reader of documents, and what is kept of each."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from stagekit.processing.isolation import isolated, with_network
from stagekit.processing.models.page_engine import choose_page_engine
from stagekit.processing.pdf.passwords import pdf_passwords
from stagekit.processing.process import document_json, process_document
from stagekit.processing.reader import DocumentReader
from stagekit.processing.settings import ProcessingSettings, check_settings
from stagekit.processing.verdict import quality_verdict
from stagekit.stage.execution import DocumentOutput

if TYPE_CHECKING:
    from stagekit.processing.pdf.converter import PagedConverter
    from stagekit.processing.process import ProcessedDocument

Row = dict[str, Any]


def open_processor(
    settings: Row, *, read: Callable[[Row], bytes], threads: int
) -> Callable[[Row], DocumentOutput]:
    """Open the reader of documents, and return the function that is applied to each document.

    The settings are the notebook's parameters that bear on the result, by name; ``read`` gives the bytes of
    an artifact, and the libraries in this process may use so many threads.

    Raises:
        StageError: a setting has an unknown value.
    """
    named = ("layout_profile", "ocr_engine", "artifacts_path", "ocr_languages")
    check_settings(*(settings[name] for name in named))
    choose_page_engine(settings["inference_engine"])

    def open_converter() -> PagedConverter:
        import cv2

        from stagekit.processing.pdf.converter import build_converter

        cv2.setNumThreads(threads)
        fetches = settings["layout_profile"] == "docling" and not settings["artifacts_path"]
        with with_network() if fetches else nullcontext():
            return build_converter(
                settings["layout_profile"],
                settings["ocr_engine"],
                settings["ocr_languages"],
                settings["artifacts_path"],
                threads=threads,
            )

    reader = DocumentReader(open_converter)
    rules = ProcessingSettings(
        max_pages=settings["max_pages"],
        min_confidence_threshold=settings["min_confidence_threshold"],
        min_text_coverage=settings["min_text_coverage"],
        enable_quality_gates=settings["enable_quality_gates"],
        upright_scans=settings["ocr_engine"] != "none",
        ocr_embedded_images=settings["ocr_embedded_images"],
        pdf_passwords=pdf_passwords(),
    )

    def process(row: Row) -> DocumentOutput:
        content = read(row["content"])  # perhaps from far away
        with isolated():
            result = process_document(reader, content, row["file_name"], rules)
        return _output(result, quality_verdict(result, rules))

    return process


def _output(result: ProcessedDocument, verdict: str) -> DocumentOutput:
    coverage = result.text_coverage
    return DocumentOutput(
        fields={
            "file_format": result.file_format,
            "title": result.title,
            "pages": result.page_count,
            "ocr_applied": result.ocr_applied,
            "ocr_confidence": result.ocr_confidence,
            "confidence": result.confidence,
            "text_coverage": coverage.total if coverage else None,
            "pages_reconverted": result.pages_reconverted,
            "worst_page_coverage": coverage.minimum if coverage else None,
            "quality_verdict": verdict,
            "conservation": coverage.as_json() if coverage else None,
            "front_matter": result.front_matter,
            "properties": result.properties,
            "revokes": result.revokes,
            "watermark": result.watermark,
            "warnings": result.warnings,
        },
        blobs={"docling_document": (document_json(result.document), "application/json")},
    )
