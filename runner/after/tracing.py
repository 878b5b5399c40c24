"""Sends a run to an OpenTelemetry collector as a trace: a span for the run, each stage and each document.

The trace is made when the run has ended, from the events and manifests that it has left: it costs the run
itself nothing. The standard variables say where it goes: ``OTEL_EXPORTER_OTLP_ENDPOINT`` (OTLP over HTTP),
``OTEL_TRACES_EXPORTER`` (``otlp``, ``console`` or ``none``), ``OTEL_SDK_DISABLED``, ``OTEL_SERVICE_NAME``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from datetime import datetime
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.after.captured_log import captured_log
from runner.events import Event, read_events
from runner.models import ExecutionStatus, PipelineState
from runner.record.report_generator import MANIFESTS, RunRows
from runner.record.state_manager import StateManager
from stagekit.base.redaction import Redactor, secret_values

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span, Tracer

__all__ = ["send_trace", "trace_run", "tracing_wanted"]

Row = dict[str, Any]
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_PRODUCTS = dict(MANIFESTS)
_BAD = {"failed", "rejected", "stale"}


def tracing_wanted(environment: Mapping[str, str] | None = None) -> bool:
    """Tell whether the environment asks for traces and the packages of the extra ``otel`` are there."""
    env = os.environ if environment is None else environment
    exporter = env.get("OTEL_TRACES_EXPORTER", "")
    if env.get("OTEL_SDK_DISABLED", "").lower() == "true" or exporter == "none":
        return False
    asked = bool(exporter) or any(env.get(name) for name in _ENDPOINTS)
    return asked and find_spec("opentelemetry") is not None and find_spec("opentelemetry.sdk") is not None


def send_trace(manager: StateManager, state: PipelineState, rows: RunRows | None = None) -> str:
    """Send the trace of a run that has ended and return a warning if that failed; empty if it did not."""
    with captured_log("opentelemetry") as said:
        try:
            sent = trace_run(manager, state, _exporter(state), rows)
        except Exception as error:  # a trace tells of the run, and must never be what fails it
            said.append(f"{type(error).__name__}: {error}")
            sent = False
    if sent:
        return ""
    reason = Redactor(secret_values())(said[-1].rstrip(".")) if said else "the collector refused them"
    where = next((os.environ[name] for name in _ENDPOINTS if os.environ.get(name)), "the collector")
    return (
        f"The traces of {state.execution_id} could not be sent to {where} ({reason}); the run is not "
        "affected. See to OTEL_EXPORTER_OTLP_ENDPOINT, or unset it."
    )


def trace_run(
    manager: StateManager, state: PipelineState, exporter: SpanExporter, rows: RunRows | None = None
) -> bool:
    """Hand the spans of a run to an exporter, which is shut down; return whether it took all of them.

    Args:
        manager: of the outputs folder.
        state: the run.
        exporter: of the OpenTelemetry SDK.
        rows: the run's manifests, if somebody has read them before.
    """
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    from runner.after.tracing_batches import Batches

    name = os.environ.get("OTEL_SERVICE_NAME") or "nic-etl"
    resource = Resource.create({"service.name": name, "service.version": version("nic-etl")})
    batches = Batches(exporter)
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(batches)
    spans = _RunSpans(provider.get_tracer("nic-etl"), state, rows or RunRows(manager, state))
    for event in _events(manager.run_dir(state.execution_id) / "events.jsonl"):
        spans.take(event)
    spans.close()
    provider.shutdown()
    return batches.taken


class _RunSpans:
    """Turns the events of one run into spans, with the times that they were written at."""

    def __init__(self, tracer: Tracer, state: PipelineState, rows: RunRows) -> None:
        self._tracer = tracer
        self._state = state
        self._rows = rows
        self._redact = Redactor(secret_values())
        self._run: Span | None = None
        self._open: dict[str, tuple[Span, float]] = {}
        self._last = state.start_timestamp.timestamp()

    def take(self, event: Event) -> None:
        """Begin, describe or end the span that an event belongs to."""
        self._last = max(self._last, event.at)
        if event.kind == "run_started":
            names = {"execution_id": self._state.execution_id, "mode": str(self._state.mode)}
            names["collection"] = str(self._state.pipeline_config.get("collection_name", ""))
            self._run = self._begin("nic-etl run", event.at, None, names)
        elif event.kind == "stage_started":
            span = self._begin(event.stage, event.at, self._run, self._stage_names(event.stage))
            self._open[event.stage] = (span, event.at)
        elif event.kind == "stage_retried" and event.stage in self._open:
            reason = {"reason": self._redact(str(event.data.get("error", "")))}
            self._open[event.stage][0].add_event("retried", reason, timestamp=_ns(event.at))
        elif event.kind == "stage_carried_over":
            names = self._stage_names(event.stage) | {"outcome": "carried over", "from": event.data["from"]}
            _end(self._begin(event.stage, event.at, self._run, names), event.at)
        elif event.kind == "stage_finished" and event.stage in self._open:
            self._stage_ended(event)

    def close(self) -> None:
        """End what is open: the run, and the stages of one that was killed."""
        for span, _ in self._open.values():
            self._set(span, {"outcome": "interrupted"})
            _end(span, self._last, "interrupted")
        if self._run is not None:
            self._set(self._run, {"outcome": str(self._state.status)})
            _end(self._run, self._last, self._redact(self._state.error))

    def _stage_ended(self, event: Event) -> None:
        span, begin = self._open.pop(event.stage)
        data = dict(event.data)
        error = self._redact(str(data.pop("error", "")))
        self._set(span, {"outcome": data.pop("status", "")} | data)
        if not error and event.stage in _PRODUCTS:
            for row in self._rows(event.stage, _PRODUCTS[event.stage]):
                if not row.get("unchanged"):
                    self._document(row, event.stage, span, begin, event.at)
        _end(span, event.at, error)

    def _document(self, row: Row, stage: str, parent: Span, begin: float, end: float) -> None:
        seconds = float(row.get("seconds") or 0.0)
        # A manifest tells the second in which a document was finished; it lies within its stage.
        made = datetime.fromisoformat(row["produced_at"]).timestamp() if row.get("produced_at") else end
        finished = min(max(made, begin + seconds), end)
        outcome = str(row["status"])
        names = self._stage_names(stage) | {"document": self._redact(str(row["path"])), "outcome": outcome}
        names |= {"seconds": seconds, "category": row.get("category") or ""}
        span = self._begin(f"{stage} document", finished - seconds, parent, names)
        said = self._redact(str(row.get("message") or outcome)) if outcome in _BAD else ""
        _end(span, finished, said)

    def _stage_names(self, stage: str) -> Row:
        return {"execution_id": self._state.execution_id, "stage": stage}

    def _begin(self, name: str, at: float, parent: Span | None, names: Row) -> Span:
        from opentelemetry.trace import set_span_in_context

        context = set_span_in_context(parent) if parent is not None else None
        span = self._tracer.start_span(name, context=context, start_time=_ns(at))
        self._set(span, names)
        return span

    def _set(self, span: Span, names: Row) -> None:
        span.set_attributes({f"nic_etl.{name}": value for name, value in names.items() if value != ""})


def _events(path: Path) -> list[Event]:
    """Return the events of a run's last start: one that was resumed has several."""
    names = {"kind", "stage", "at"}
    events = [
        Event(line["kind"], line["stage"], {k: v for k, v in line.items() if k not in names}, line["at"])
        for line in read_events(path)
        if isinstance(line, dict) and names <= line.keys()
    ]
    starts = [place for place, event in enumerate(events) if event.kind == "run_started"]
    return events[starts[-1] :] if starts else []


def _end(span: Span, at: float, error: str = "") -> None:
    from opentelemetry.trace import StatusCode

    if error:
        span.set_status(StatusCode.ERROR, error)
    span.end(end_time=_ns(at))


def _ns(at: float) -> int:
    return round(at * 1e9)


def _exporter(state: PipelineState) -> SpanExporter:
    if os.environ.get("OTEL_TRACES_EXPORTER") == "console":
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter

        return ConsoleSpanExporter(out=sys.stderr)
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    # Whoever cancels waits for the end.
    return OTLPSpanExporter(timeout=2) if state.status is ExecutionStatus.CANCELLED else OTLPSpanExporter()
