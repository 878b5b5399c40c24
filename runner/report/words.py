"""The sentences and figures of the report, as people write them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.models import ExecutionMode
from runner.wording import _, decimal, ngettext, number, stored, term

if TYPE_CHECKING:
    from runner.report.model import Changes, RunReport, StageReport

_STORE = "qdrant_storage"
_BROKEN = {"failed", "cancelled", "interrupted"}
_LONGEST = 200


def headline(report: RunReport) -> str:
    """Say in a sentence or two what a run came to, and what that means for the collection."""
    if report.status in _BROKEN:
        return _broken(report)
    if report.status == "running":
        return stored("The run is still going on; this is what it has done so far.")
    if report.mode == ExecutionMode.RERUN:
        names = ", ".join(stage.name for stage in report.stages if stage.executed)
        several = "," in names
        return stored(f"{names} were executed anew.") if several else stored(f"{names} was executed anew.")
    trial = f"{stored('A trial in a collection of its own:')} " if report.mode == ExecutionMode.TEST else ""
    return f"{trial}{_held(report)}{_left_behind(report)}"


def _held(report: RunReport) -> str:
    storage = next((stage for stage in report.stages if stage.name == _STORE), None)
    documents = report.documents.get("ok", 0) + report.documents.get("stale", 0)
    if storage is None:
        count = number(len(report.stages))
        ended = stored(f"{count} stages came to an end."), stored(f"{count} stage came to an end.")
        return ended[len(report.stages) == 1]
    points = report.points.get("total", 0)
    held, as_points = _documents(documents), _points(points)
    if report.figures_of:
        return stored(f"Nothing had changed: the collection still holds {held} as {as_points}.")
    return stored(f"The collection is in step with the source: it holds {held} as {as_points}.")


def _left_behind(report: RunReport) -> str:
    said = []
    for kind in ("failed", "stale", "rejected"):
        known = report.documents.get(kind, 0)
        count = number(known)
        sentences = {
            "failed": (
                stored(f"{count} document could not be processed and will be tried again."),
                stored(f"{count} documents could not be processed and will be tried again."),
            ),
            "stale": (
                stored(f"{count} document is served in an earlier version."),
                stored(f"{count} documents are served in an earlier version."),
            ),
            "rejected": (
                stored(f"{count} document cannot be used as it is."),
                stored(f"{count} documents cannot be used as they are."),
            ),
        }
        said += [f" {sentences[kind][known != 1]}"] if known else []
    return "".join(said)


def _broken(report: RunReport) -> str:
    stages = [stage for stage in report.stages if stage.status in {"failed", "cancelled", "running"}]
    names = ", ".join(stage.name for stage in stages)
    where = {
        "failed": stored(f"The run broke off in {names}"),
        "cancelled": stored(f"The run was cancelled in {names}"),
    }.get(report.status, stored(f"The run was interrupted in {names}"))
    if not stages:
        where = {
            "failed": stored("The run broke off before its first stage"),
            "cancelled": stored("The run was cancelled before its first stage"),
        }.get(report.status, stored("The run was interrupted before its first stage"))
    if any(stage.name == _STORE for stage in stages):
        return stored(f"{where}, the stage that writes the collection.")
    if any(stage.name == _STORE for stage in report.stages):
        return stored(f"{where}, after the collection had been written.")
    return stored(f"{where}: the collection is as it was before.")


def change_words(changes: Changes) -> str:
    """Return how many documents differ, kind by kind."""
    counts = {kind: len(getattr(changes, kind)) for kind in ("added", "changed", "removed", "moved")}
    said = {
        "added": ngettext("{count} added", "{count} added", counts["added"], count=counts["added"]),
        "changed": ngettext("{count} changed", "{count} changed", counts["changed"], count=counts["changed"]),
        "removed": ngettext("{count} removed", "{count} removed", counts["removed"], count=counts["removed"]),
        "moved": ngettext("{count} moved", "{count} moved", counts["moved"], count=counts["moved"]),
    }
    return ", ".join(said[kind] for kind, count in counts.items() if count) or _("no document changed")


def stage_words(stage: StageReport) -> str:
    """Say in a word or two what a stage did."""
    return term("carried over" if stage.carried_from else stage.status)


def duration(seconds: float | None) -> str:
    """Return a duration in the two largest fitting units."""
    if seconds is None:
        return "—"
    if seconds < 60:
        return f"{number(seconds, 1)} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def value_text(value: Any) -> str:
    """Return a setting's or metric's value as text of bounded length."""
    if value is None or value == "" or value == []:
        return _("(empty)")
    if isinstance(value, bool):
        return _("true") if value else _("false")
    if isinstance(value, int):
        return number(value)
    if isinstance(value, float):
        return decimal(f"{value:.4g}")
    if isinstance(value, dict):
        value = ", ".join(f"{term(name)} {value_text(item)}" for name, item in value.items())
    if isinstance(value, list):
        value = ", ".join(map(str, value))
    text = str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _documents(known: int) -> str:
    count = number(known)
    return stored(f"{count} document") if known == 1 else stored(f"{count} documents")


def _points(known: int) -> str:
    count = number(known)
    return stored(f"{count} point") if known == 1 else stored(f"{count} points")
