"""Leaves what the last run came to where Prometheus finds it, as the text file of a node_exporter."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from runner.models import Checkpoint, ExecutionMode, PipelineState
from runner.record.freshness import freshness
from runner.record.hooks import EndedRun, Hook
from runner.record.state_manager import StateManager
from stagekit.base.files import atomic_write

METRICS_NAME = "metrics.prom"
Row = dict[str, Any]
Labels = Mapping[str, str]
_STATUSES = ("success", "partial", "failed", "cancelled")
# A trial writes another collection, and a rerun knows of its own stages only: either would tell Prometheus
# that documents have vanished.
_WHOLE = {ExecutionMode.FULL, ExecutionMode.INCREMENTAL}


def write_metrics(manager: StateManager, state: PipelineState, summary: Row) -> Path | None:
    """Write the metrics of a run, whole or not at all, and return the file's path.

    The file in the outputs folder is its owner's alone; one that the setting ``metrics_file`` names is there
    for another program and can be read by everybody. It holds figures and the names of collection and source.

    Args:
        manager: of the outputs folder.
        state: the run; trials and reruns of single stages leave the file as it is, and None is returned.
        summary: of the run, as :func:`runner.record.report_generator.summarize` returns it.

    Raises:
        OSError: if the file cannot be written.
    """
    if state.mode not in _WHOLE:
        return None
    setting = str(state.pipeline_config.get("metrics_file", ""))
    path = Path(setting) if setting else manager.outputs / METRICS_NAME
    last = freshness(manager, timedelta(0)).since
    data = metrics_text(state, summary, last).encode()
    atomic_write(path, data)
    if setting:
        path.chmod(0o644)
    return path


class Metrics(Hook):
    """Writes the metrics of a run that has ended."""

    def finish(self, ended: EndedRun) -> list[str]:
        """Write them."""
        try:
            write_metrics(ended.manager, ended.state, ended.summary)
        except Exception as error:  # metrics tell of the run, and must never be what fails it
            sentence = (
                f"The metrics of {ended.state.execution_id} could not be written ({error}); "
                "the run is not affected. See to the setting metrics_file."
            )
            return [sentence]
        return []


def points_counted(state: PipelineState) -> bool:
    """Tell whether a run came to the end of storage; before that nothing is known of the collection."""
    return "qdrant_storage" in state.completed_stages


def metrics_text(state: PipelineState, summary: Row, last_success: datetime | None) -> str:
    """Return the metrics of a run in Prometheus' text exposition format, version 0.0.4.

    ``last_success`` is when the run began that last brought the collection in step; None if none did.
    """
    text = _Exposition(_names(state))
    text.add("run_status", "1 for what the last run came to.", _one_of(str(state.status)))
    text.add("run_start_timestamp_seconds", "When the last run began.", _at(state.start_timestamp))
    text.add("run_end_timestamp_seconds", "When the last run ended.", _at(state.end_timestamp))
    text.add("run_duration_seconds", "How long it took.", [({}, summary.get("duration_seconds"))])
    said = "Beginning of the last run that brought the collection in step with its source."
    text.add("last_success_timestamp_seconds", said, _at(last_success))
    documents = _each("outcome", summary["documents"])
    text.add("documents", "Documents by what the last run found of them.", documents)
    points = dict(summary["points"]) if points_counted(state) else {}
    text.add("points", "Points of the collection after the last run.", [({}, points.pop("total", None))])
    text.add("points_changed", "Points that the last run dealt with.", _each("change", points))
    text.add("failed_stages", "Stages that did not end well.", [({}, len(state.failed_stages))])
    _add_stages(text, state.stages)
    return str(text)


def _add_stages(text: _Exposition, stages: Mapping[str, Checkpoint]) -> None:
    def add(name: str, said: str, values: Mapping[str, float]) -> None:
        text.add(f"stage_{name}", said, _each("stage", values))

    worked = {name: one for name, one in stages.items() if not one.carried_from}
    carried_over = {name: int(name not in worked) for name in stages}
    attempts = {name: one.attempts if name in worked else 0 for name, one in stages.items()}
    memory = {name: one.peak_memory_mb * 2**20 for name, one in worked.items() if one.peak_memory_mb}
    failed = {name: one.result.failure_count for name, one in worked.items() if one.result}
    seconds = {name: one.seconds for name, one in stages.items()}
    add("carried_over", "1 if nothing that concerns the stage had changed.", carried_over)
    add("duration_seconds", "How long the stage took; 0 if it was carried over.", seconds)
    add("attempts", "How often the stage was tried; 0 if it was carried over.", attempts)
    add("peak_memory_bytes", "Most memory of the stage's kernel and its processes.", memory)
    add("failed_documents", "Documents that failed in the stage.", failed)


class _Exposition:
    """The lines of one file; every sample carries the labels of the run."""

    def __init__(self, labels: Labels) -> None:
        self._labels = labels
        self._lines: list[str] = []

    def add(self, name: str, said: str, samples: list[tuple[Labels, float | None]]) -> None:
        """Add a gauge; samples without a value are left out."""
        lines = [
            f"nic_etl_{name}{{{_written({**self._labels, **labels})}}} {float(value)!r}"
            for labels, value in samples
            if value is not None
        ]
        if lines:
            self._lines += [f"# HELP nic_etl_{name} {said}", f"# TYPE nic_etl_{name} gauge", *lines]

    def __str__(self) -> str:
        return "\n".join(self._lines) + "\n"


def _written(labels: Labels) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())


def _escaped(value: str) -> str:
    text = value.encode(errors="replace").decode()
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _names(state: PipelineState) -> dict[str, str]:
    settings = state.pipeline_config
    source = settings.get("source_path") or "sample"
    if settings.get("source") == "gitlab":
        source = f"{str(settings['gitlab_url']).rstrip('/')}/{settings['gitlab_project']}"
    return {"collection": str(settings.get("collection_name", "")), "source": str(source)}


def _one_of(status: str) -> list[tuple[Labels, float | None]]:
    return [({"status": known}, int(known == status)) for known in _STATUSES]


def _each(label: str, values: Mapping[str, float]) -> list[tuple[Labels, float | None]]:
    return [({label: name}, value) for name, value in values.items()]


def _at(moment: datetime | None) -> list[tuple[Labels, float | None]]:
    return [({}, moment.timestamp() if moment else None)]
