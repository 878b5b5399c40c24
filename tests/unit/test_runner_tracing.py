"""Promises of the traces: a collector sees run, stages and documents, and a missing one costs a warning."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("opentelemetry.sdk", reason="the extra `otel` is not installed")

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from runner.after.hooks import follow_up

from runner.after.tracing import send_trace, trace_run, tracing_wanted
from runner.events import Event, EventLog
from runner.models import ExecutionStatus, PipelineState
from runner.record.state_manager import StateManager
from tests.servers.http_receiver import HttpReceiver
from tests.unit.core_notebooks import record_run, record_stage

VARIABLES = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_TRACES_EXPORTER")


@pytest.fixture(autouse=True)
def no_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*VARIABLES, "OTEL_SDK_DISABLED", "OTEL_SERVICE_NAME", "OTEL_TRACES_SAMPLER"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def manager(outputs: Path) -> StateManager:
    return StateManager(outputs)


def document(name: str, status: str, produced: str, **more: Any) -> dict[str, Any]:
    why = {"category": "encrypted", "message": "It has a password."} if status != "ok" else {}
    row = {"path": name, "status": status, "category": None, "message": None, "seconds": 1.5}
    return row | why | {"produced_at": produced, "unchanged": False} | more


def recorded(manager: StateManager, status: ExecutionStatus = ExecutionStatus.PARTIAL) -> PipelineState:
    """A run of ten seconds: one stage carried over, one that worked on two documents, one that failed."""
    state = record_run(manager, status, pipeline_config={"collection_name": "nic"})
    begin = state.start_timestamp.timestamp()
    made = (state.start_timestamp + timedelta(seconds=4)).strftime("%Y-%m-%dT%H:%M:%SZ")
    rows = [
        document("a.md", "ok", made),
        document("b.pdf", "rejected", "2020-01-01T00:00:00Z"),  # a clock that was set meanwhile
        document("c.md", "ok", made, unchanged=True),
    ]
    record_stage(manager, state, "document_processing", products={"processed": rows})
    log = EventLog(manager.run_dir(state.execution_id) / "events.jsonl")
    started = {"execution_id": state.execution_id, "mode": "full", "stages": []}
    worked = {"status": "partial", "seconds": 5.0, "ok": 1, "rejected": 1, "failed": 0, "unchanged": 1}
    for second, kind, stage, data in (
        (0, "run_started", "", started),  # an earlier start, which was interrupted
        (1, "run_started", "", started),
        (1, "stage_carried_over", "gitlab_ingestion", {"from": "r0"}),
        (2, "stage_started", "document_processing", {"reasons": []}),
        (3, "stage_retried", "document_processing", {"attempt": 1, "wait": 1, "error": "Away."}),
        (4, "documents", "document_processing", {"done": 1, "total": 2, "current": "a.md"}),
        (7, "stage_finished", "document_processing", worked),
        (7, "stage_started", "text_chunking", {"reasons": []}),
        (8, "stage_finished", "text_chunking", {"status": "failed", "error": "It broke."}),
        (8, "stage_started", "embedding_generation", {"reasons": []}),  # never ended
        (10, "run_finished", "", {"status": str(status), "error": ""}),
    ):
        log(Event(kind, stage, data, begin + second))
    log.close()
    return state


def spans(manager: StateManager, state: PipelineState) -> dict[str, ReadableSpan]:
    """The finished spans by name, and by document for those."""
    exporter = InMemorySpanExporter()
    assert trace_run(manager, state, exporter)
    return {
        str((span.attributes or {}).get("nic_etl.document", span.name)): span
        for span in exporter.get_finished_spans()
    }


def attribute(span: ReadableSpan, name: str) -> Any:
    return (span.attributes or {})[f"nic_etl.{name}"]


def seconds(span: ReadableSpan, state: PipelineState) -> tuple[float, float]:
    assert span.start_time is not None
    assert span.end_time is not None
    begin = state.start_timestamp.timestamp()
    return (round(span.start_time / 1e9 - begin, 1), round(span.end_time / 1e9 - begin, 1))


def parent(span: ReadableSpan) -> int | None:
    return span.parent.span_id if span.parent else None


def test_run_stages_and_documents_are_spans_with_the_times_of_the_events(manager: StateManager) -> None:
    state = recorded(manager)
    found = spans(manager, state)
    assert set(found) == {
        "nic-etl run", "gitlab_ingestion", "document_processing", "text_chunking", "embedding_generation",
        "a.md", "b.pdf",
    }  # fmt: skip
    run, stage = found["nic-etl run"], found["document_processing"]
    assert run.context
    assert stage.context
    assert parent(run) is None
    assert parent(stage) == run.context.span_id
    assert parent(found["a.md"]) == stage.context.span_id
    assert len({span.context.trace_id for span in found.values() if span.context}) == 1
    assert seconds(run, state) == (1.0, 10.0)
    assert seconds(stage, state) == (2.0, 7.0)
    for name in ("a.md", "b.pdf"):
        begin, end = seconds(found[name], state)
        assert end - begin == pytest.approx(1.5, abs=0.11)
        assert begin >= 2.0
        assert end <= 7.0


def test_a_span_tells_what_came_of_it(manager: StateManager) -> None:
    state = recorded(manager)
    found = spans(manager, state)
    assert attribute(found["nic-etl run"], "outcome") == "partial"
    assert attribute(found["nic-etl run"], "execution_id") == state.execution_id
    assert attribute(found["nic-etl run"], "collection") == "nic"
    assert attribute(found["gitlab_ingestion"], "outcome") == "carried over"
    assert attribute(found["document_processing"], "ok") == 1
    assert [event.name for event in found["document_processing"].events] == ["retried"]
    assert attribute(found["a.md"], "outcome") == "ok"
    assert found["a.md"].status.is_ok or found["a.md"].status.is_unset
    assert attribute(found["b.pdf"], "outcome") == "rejected"
    assert attribute(found["b.pdf"], "category") == "encrypted"
    assert found["b.pdf"].status.description == "It has a password."
    assert found["text_chunking"].status.description == "It broke."
    assert attribute(found["embedding_generation"], "outcome") == "interrupted"


def test_secrets_stay_out_of_the_spans(manager: StateManager, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QDRANT_API_KEY", "password.")
    assert spans(manager, recorded(manager))["b.pdf"].status.description == "It has a [redacted]"


def test_a_run_without_events_has_no_spans(manager: StateManager) -> None:
    assert spans(manager, record_run(manager)) == {}


def test_a_collector_gets_the_trace_over_http(manager: StateManager, monkeypatch: pytest.MonkeyPatch) -> None:
    state = recorded(manager)
    with HttpReceiver() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://{collector.address}")
        assert tracing_wanted()
        assert follow_up(manager, state) == []
    [request] = collector.requests
    assert request.path == "/v1/traces"
    [told] = ExportTraceServiceRequest.FromString(request.body).resource_spans
    names = {item.key: item.value.string_value for item in told.resource.attributes}
    assert names["service.name"] == "nic-etl"
    assert len(told.scope_spans[0].spans) == 7


@pytest.mark.parametrize("status", [ExecutionStatus.PARTIAL, ExecutionStatus.CANCELLED])
def test_a_collector_that_refuses_costs_one_try_and_a_warning(
    manager: StateManager,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    status: ExecutionStatus,
) -> None:
    state = recorded(manager, status)
    with HttpReceiver(status=400) as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://{collector.address}")
        [warning] = follow_up(manager, state)
    assert len(collector.requests) == 1
    assert f"could not be sent to http://{collector.address} (" in warning
    assert "the run is not affected" in warning
    assert capsys.readouterr().err == ""


def test_whatever_an_exporter_throws_is_a_warning(
    manager: StateManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runner.after.tracing._exporter", lambda _: 1 / 0)
    assert "ZeroDivisionError" in send_trace(manager, recorded(manager))


def test_spans_can_be_looked_at_on_the_terminal(
    manager: StateManager, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "console")
    assert follow_up(manager, recorded(manager)) == []
    printed = capsys.readouterr()
    assert '"name": "nic-etl run"' in printed.err
    assert printed.out == ""


@pytest.mark.parametrize(
    ("variables", "wanted"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://x/v1/traces"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, False),
        ({"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, False),
    ],
)
def test_the_standard_variables_decide(variables: dict[str, str], wanted: bool) -> None:
    assert tracing_wanted(variables) is wanted


class Counting(SpanExporter):
    """Takes batches until it has had enough."""

    def __init__(self, most: int) -> None:
        self.batches: list[int] = []
        self._most = most

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.batches.append(len(spans))
        return SpanExportResult.SUCCESS if len(self.batches) <= self._most else SpanExportResult.FAILURE


def large(manager: StateManager, documents: int) -> PipelineState:
    """A run of a second a document."""
    state = record_run(manager)
    begin = state.start_timestamp.timestamp()
    rows = [document(f"{number}.md", "ok", "2026-01-01T00:00:00Z") for number in range(documents)]
    record_stage(manager, state, "document_processing", products={"processed": rows})
    log = EventLog(manager.run_dir(state.execution_id) / "events.jsonl")
    log(Event("run_started", "", {"execution_id": state.execution_id}, begin))
    log(Event("stage_started", "document_processing", {}, begin))
    for number in range(documents):
        data = {"done": number, "total": documents, "unit": "document", "current": f"{number}.md"}
        log(Event("documents", "document_processing", data, begin + number))
    log(Event("stage_finished", "document_processing", {"status": "success"}, begin + documents))
    log(Event("run_finished", "", {"status": "success"}, begin + documents))
    log.close()
    return state


def test_no_span_of_a_large_run_is_dropped_and_a_refusal_ends_the_sending(manager: StateManager) -> None:
    state = large(manager, 1500)
    patient, impatient = Counting(99), Counting(1)
    assert trace_run(manager, state, patient)
    assert sum(patient.batches) == 1502
    assert not trace_run(manager, state, impatient)
    assert len(impatient.batches) == 2


def test_a_trace_costs_less_than_a_twentieth_of_the_run(manager: StateManager) -> None:
    state = large(manager, 1000)
    begin = time.process_time()
    trace_run(manager, state, InMemorySpanExporter())
    assert time.process_time() - begin < 0.05 * 1000  # a second a document, which is a fast one
