"""What each worker process of stage 02 runs: one Docling converter, and what is kept of each document."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
from docling.document_converter import DocumentConverter

from stagekit.execution import DocumentOutput
from stagekit.processing.converter import format_options, pdf_pipeline_options
from stagekit.processing.process import document_json, process_document, quality_verdict
from stagekit.processing.settings import ProcessingSettings

__all__ = ["open_processor"]

Row = dict[str, Any]


def open_processor(
    settings: Row, *, read: Callable[[Row], bytes], threads: int
) -> Callable[[Row], DocumentOutput]:
    """Build the converter, and return the function that is applied to each document.

    Args:
        settings: the notebook's parameters that bear on the result, by name.
        read: gives the bytes of an artifact.
        threads: how many cores the libraries in this process may use.

    Raises:
        StageError: a setting has an unknown value.
    """
    cv2.setNumThreads(threads)
    options = pdf_pipeline_options(
        settings["layout_profile"],
        settings["ocr_engine"],
        settings["ocr_languages"],
        settings["artifacts_path"],
        threads=threads,
    )
    formats = format_options(options)
    converter = DocumentConverter(allowed_formats=list(formats), format_options=formats)
    rules = ProcessingSettings(
        max_pages=settings["max_pages"],
        min_confidence_threshold=settings["min_confidence_threshold"],
        min_text_coverage=settings["min_text_coverage"],
        enable_quality_gates=settings["enable_quality_gates"],
        upright_scans=options.do_ocr,
    )

    def process(row: Row) -> DocumentOutput:
        result = process_document(converter, read(row["content"]), row["file_name"], rules)
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
                "worst_page_coverage": coverage.minimum if coverage else None,
                "quality_verdict": quality_verdict(result, rules),
                "front_matter": result.front_matter,
                "properties": result.properties,
                "warnings": result.warnings,
            },
            blobs={"docling_document": (document_json(result.document), "application/json")},
        )

    return process
