"""What the report says of stages: counts, time, memory, why they were executed, and where they broke off."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.models import ExecutionMode
from runner.report.model import FailedCell, StageReport
from runner.report.notebook_page import page_of
from runner.wording import stored
from stagekit.base.plain_json import parse_json

if TYPE_CHECKING:
    from runner.models import Checkpoint, PipelineState
    from runner.record.state_manager import StateManager

Row = dict[str, Any]
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_FAILING = re.compile(r"^-+> *\d+ (.*)$", re.MULTILINE)
_SOURCE_LINES, _ERROR_LINES = 12, 6


def stage_reports(manager: StateManager, state: PipelineState, events: list[Row]) -> list[StageReport]:
    """Return one report a stage, in the order of the chain, by the run's record and its events."""
    told: dict[str, _Told] = defaultdict(_Told)
    for event in events:
        stage, moment = str(event.get("stage", "")), event.get("at")
        if event.get("kind") == "stage_started":
            told[stage] = _Told([str(reason) for reason in event.get("reasons") or []], begin=moment)
        elif event.get("kind") == "stage_retried":
            told[stage].retries.append(str(event.get("error", "")))
        elif event.get("kind") == "stage_finished":
            told[stage].end = moment
    return [
        _stage_report(manager, state, checkpoint, told[name]) for name, checkpoint in state.stages.items()
    ]


@dataclass
class _Told:
    """What the events tell of a stage's last start; moments are in seconds since 1970."""

    reasons: list[str] = field(default_factory=list)
    retries: list[str] = field(default_factory=list)
    begin: float | None = None
    end: float | None = None

    @property
    def seconds(self) -> float:
        return round(self.end - self.begin, 3) if self.begin and self.end else 0.0


def _stage_report(
    manager: StateManager, state: PipelineState, checkpoint: Checkpoint, told: _Told
) -> StageReport:
    notebook = manager.absolute(checkpoint.notebook) if checkpoint.notebook else None
    broke_off = checkpoint.status in {"failed", "cancelled"}
    result = checkpoint.result
    counts = result.counts if result else {}
    made = counts.get("read", 0) - counts.get("unchanged", 0)
    # Only a stage that came to its end has its time in the record.
    seconds = 0.0 if checkpoint.carried_from else checkpoint.seconds or told.seconds
    return StageReport(
        name=checkpoint.stage,
        status=str(checkpoint.status),
        carried_from=checkpoint.carried_from,
        reasons=[] if checkpoint.carried_from else _reasons(state, told),
        seconds=seconds,
        peak_memory_mb=0.0 if checkpoint.carried_from else checkpoint.peak_memory_mb,
        attempts=checkpoint.attempts,
        retries=told.retries,
        counts=counts,
        documents_per_second=round(made / seconds, 3) if seconds and made > 0 else None,
        metrics=result.metrics if result else {},
        warnings=list(result.warnings) if result else [],
        error=checkpoint.error,
        notebook=_from_report(manager, state, notebook),
        page=_from_report(manager, state, page_of(notebook) if notebook else None),
        failed_cell=failed_cell(notebook) if notebook is not None and broke_off else None,
    )


def _from_report(manager: StateManager, state: PipelineState, file: Path | None) -> str:
    """Return the way from a run's report to a file, in this run's folder or another's; "" if it is gone."""
    if file is None or not file.is_file():
        return ""
    return Path(os.path.relpath(file, manager.run_dir(state.execution_id))).as_posix()


def _reasons(state: PipelineState, told: _Told) -> list[str]:
    if told.reasons or told.begin is None:
        return told.reasons
    # Nothing in its fingerprint differed: it was told to, or something outside of outputs/ did.
    if state.mode is ExecutionMode.RERUN:
        return [stored("it was asked for")]
    if state.pipeline_config.get("force_refresh"):
        return [stored("force_refresh is set")]
    return [stored("the source or the collection changed, or had to be asked")]


def _text(lines: list[str]) -> str:
    # Half a surrogate pair, as in names that are not UTF-8, cannot be written.
    return "\n".join(lines).encode(errors="replace").decode()


def failed_cell(notebook: Path) -> FailedCell | None:
    """Return the cell in which an executed notebook broke off; None if there is none to be found."""
    try:
        cells = parse_json(notebook.read_text(encoding="utf-8"))["cells"]
        for number, cell in enumerate(cells, 1):
            errors = [out for out in cell.get("outputs", []) if out.get("output_type") == "error"]
            if errors or cell.get("metadata", {}).get("papermill", {}).get("exception"):
                trace = "\n".join(errors[-1].get("traceback") or []) if errors else ""
                trace = _ANSI.sub("", trace).strip()
                failing = _FAILING.search(trace)  # the first arrow of a traceback stands in the cell itself
                lines = trace.splitlines()[-_ERROR_LINES:]
                source = "".join(cell.get("source", "")).splitlines()[:_SOURCE_LINES]
                return FailedCell(
                    number=number,
                    execution_count=cell.get("execution_count"),
                    source=_text(source),
                    line=_text([failing[1].strip()]) if failing else "",
                    error=_text(lines),
                )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return None
