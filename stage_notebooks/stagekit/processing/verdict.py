"""The quality gates: what a converted document has to pass, or else be marked."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stagekit.processing.process import ProcessedDocument, ProcessingSettings


def quality_verdict(processed: ProcessedDocument, settings: ProcessingSettings) -> str:
    """Return `pass`, `low_confidence` or `low_coverage`.

    The coverage is too low where a table cell, a clause or three words in a row are missing, or too many
    words of the worst page.
    """
    if not settings.enable_quality_gates:
        return "pass"
    coverage = processed.text_coverage
    if coverage is not None and coverage.is_low(settings.min_text_coverage):
        return "low_coverage"
    return "low_confidence" if processed.confidence < settings.min_confidence_threshold else "pass"
