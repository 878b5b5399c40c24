"""The quality gates: what a converted document has to pass, or else be marked."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stagekit.processing.process import ProcessedDocument, ProcessingSettings

__all__ = ["quality_verdict"]


def quality_verdict(processed: ProcessedDocument, settings: ProcessingSettings) -> str:
    """Return `pass`, `low_confidence` or `low_coverage`; the worst page decides on coverage."""
    if not settings.enable_quality_gates:
        return "pass"
    coverage = processed.text_coverage
    if coverage is not None and coverage.minimum < settings.min_text_coverage:
        return "low_coverage"
    return "low_confidence" if processed.confidence < settings.min_confidence_threshold else "pass"
