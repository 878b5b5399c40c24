"""Hands spans to an exporter batch by batch, and stops where it does not take them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import SpanExportResult

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

__all__ = ["Batches"]

_BATCH: Final = 512


class Batches(SpanProcessor):
    """Exports in the calling thread: the SDK's own processor drops what comes faster than it is sent.

    Attributes:
        taken: whether the exporter has taken everything so far; after a refusal nothing more is tried, so
            that a collector that is away costs one time limit.
    """

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._waiting: list[ReadableSpan] = []
        self.taken = True

    def on_end(self, span: ReadableSpan) -> None:
        """Keep a span; export if there are enough."""
        if self.taken:
            self._waiting.append(span)
            if len(self._waiting) >= _BATCH:
                self.force_flush()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002 - the SDK calls it so
        """Export what waits."""
        if self._waiting and self.taken:
            self.taken = self._exporter.export(self._waiting) is SpanExportResult.SUCCESS
        self._waiting = []
        return self.taken

    def shutdown(self) -> None:
        """Export what waits, and close the exporter."""
        self.force_flush()
        self._exporter.shutdown()
