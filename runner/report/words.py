"""The sentences and figures of the report, as people write them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from runner.models import ExecutionMode
from runner.report.model import Changes, RunReport, StageReport

__all__ = ["change_words", "duration", "headline", "moment", "number", "stage_words", "value_text"]

_STORE = "qdrant_storage"
_BROKEN = {"failed", "cancelled", "interrupted"}
_LONGEST = 200


def headline(report: RunReport) -> str:
    """Say in a sentence or two what a run came to, and what that means for the collection."""
    if report.status in _BROKEN:
        return _broken(report)
    if report.status == "running":
        return "The run is still going on; this is what it has done so far."
    if report.mode == ExecutionMode.RERUN:
        names = ", ".join(stage.name for stage in report.stages if stage.executed)
        return f"{names} {'was' if ',' not in names else 'were'} executed anew."
    trial = "A trial in a collection of its own: " if report.mode == ExecutionMode.TEST else ""
    return f"{trial}{_held(report)}{_left_behind(report)}"


def _held(report: RunReport) -> str:
    stored = next((stage for stage in report.stages if stage.name == _STORE), None)
    documents = report.documents.get("ok", 0) + report.documents.get("stale", 0)
    if stored is None:
        return f"{_count(len(report.stages), 'stage')} came to an end."
    holds = f"{_count(documents, 'document')} as {_count(report.points.get('total', 0), 'point')}"
    if report.figures_of:
        return f"Nothing had changed: the collection still holds {holds}."
    return f"The collection is in step with the source: it holds {holds}."


def _left_behind(report: RunReport) -> str:
    counts = report.documents
    kinds = (
        (
            "failed",
            "could not be processed and will be tried again",
            "could not be processed and will be tried again",
        ),
        ("stale", "is served in an earlier version", "are served in an earlier version"),
        ("rejected", "cannot be used as it is", "cannot be used as they are"),
    )
    said = [
        f" {_count(counts[kind], 'document')} {one if counts[kind] == 1 else several}."
        for kind, one, several in kinds
        if counts.get(kind)
    ]
    return "".join(said)


def _broken(report: RunReport) -> str:
    stages = [stage for stage in report.stages if stage.status in {"failed", "cancelled", "running"}]
    verb = {"failed": "broke off", "cancelled": "was cancelled"}.get(report.status, "was interrupted")
    where = f" in {', '.join(stage.name for stage in stages)}" if stages else " before its first stage"
    if any(stage.name == _STORE for stage in stages):
        return f"The run {verb}{where}, the stage that writes the collection."
    if any(stage.name == _STORE for stage in report.stages):
        return f"The run {verb}{where}, after the collection had been written."
    return f"The run {verb}{where}: the collection is as it was before."


def change_words(changes: Changes) -> str:
    """Return how many documents differ, kind by kind."""
    kinds = ("added", "changed", "removed", "moved")
    counts = [(len(getattr(changes, kind)), kind) for kind in kinds]
    return ", ".join(f"{count} {kind}" for count, kind in counts if count) or "no document changed"


def stage_words(stage: StageReport) -> str:
    """Say in a word or two what a stage did."""
    return "carried over" if stage.carried_from else stage.status


def duration(seconds: float | None) -> str:
    """Return a duration in the two largest fitting units."""
    if seconds is None:
        return "—"
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def moment(value: datetime | None) -> str:
    """Return a moment to the minute, in UTC."""
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC") if value else "—"


def number(value: float | None, digits: int = 0) -> str:
    """Return a number with thousands separated by thin spaces, which is read alike in every language."""
    return "—" if value is None else f"{value:,.{digits}f}".replace(",", "\u202f")


def value_text(value: Any) -> str:
    """Return a setting's or metric's value as text of bounded length."""
    if value is None or value == "" or value == []:
        return "(empty)"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return number(value)
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, dict):
        value = ", ".join(f"{name} {value_text(item)}" for name, item in value.items())
    if isinstance(value, list):
        value = ", ".join(map(str, value))
    text = str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _count(number_of: int, noun: str) -> str:
    return f"{number(number_of)} {noun}{'' if number_of == 1 else 's'}"
