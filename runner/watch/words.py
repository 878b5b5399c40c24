"""What a watch prints: one line an event, in words or as JSON, each with its time."""

from __future__ import annotations

import sys
import threading
from typing import Any

from rich.console import Console

from runner.models import now
from runner.terminal import json_line, say
from runner.wording import N_, _, counted, number, term, worded
from stagekit.base.redaction import Redactor, secret_values

Row = dict[str, Any]
_REASONS = {
    "start": N_("the watch has begun"),
    "change": N_("the source changed"),
    "retry": N_("the time to try again has come"),
    "interval": N_("the longest interval without a run is over"),
    "waited": N_("the other run has ended"),
}


class WatchLog:
    """Prints events; may be called from several threads.

    Args:
        console: for people.
        as_json: print JSON lines to standard output instead.
    """

    def __init__(self, console: Console, *, as_json: bool = False) -> None:
        self._console = console
        self._as_json = as_json
        self._redact = Redactor(secret_values())
        self._guard = threading.Lock()

    def __call__(self, kind: str, **details: Any) -> None:
        """Print one event."""
        with self._guard:
            if self._as_json:
                row = {"at": now().isoformat(timespec="milliseconds"), "event": kind, **details}
                sys.stdout.write(self._redact(json_line(row)) + "\n")
                sys.stdout.flush()
            else:
                text = f"{now():%Y-%m-%d %H:%M:%S}Z {sentence(kind, details)}"
                say(self._console, text)


def sentence(kind: str, details: Row) -> str:
    """Return an event in words."""
    if kind == "run_ended":
        return _run_ended(details)
    plain = {
        "watching": N_("watching {outputs}: a look every {every}"),
        "run_begins": N_("run: {why}"),
        "started": N_("run {run} goes on"),
        "warm": N_("{count} kernels are warm ({memory_mb} MB in all)"),
        "released": N_("the warm kernels were ended; the next run starts them again"),
        "other_run": N_("run {run} was not ours; what it did is looked at with the next one"),
        "waiting": N_("another run holds the outputs folder ({run}, process {pid}): waiting for its end"),
        "source_unreachable": N_("{error} Looking again in {retry_s} s."),
        "source_reachable": N_("the source is reached again"),
        "configuration_invalid": N_("the configuration cannot be read, the one from before stays: {error}"),
        "restart": N_("{why}: starting anew"),
        "ended": N_("the watch has ended"),
    }
    why = str(details.get("reason", ""))
    extra = {"why": _(_REASONS[why]) if why in _REASONS else why, "count": len(details.get("stages", []))}
    if "error" in details:
        extra["error"] = worded(details["error"])
    return _(plain[kind], **details | extra)


def _run_ended(details: Row) -> str:
    name = _("run {run}", run=details["run"]) if details.get("run") else _("the run")
    words = f"{name}: {term(details['status'])}"
    if details.get("seconds") is not None:
        words += " " + _("in {duration}", duration=f"{number(details['seconds'], 1)} s")
    counts, points = details.get("documents", {}), details.get("points", {})
    parts = [counted(key, counts[key]) for key in ("ok", "rejected", "failed", "stale") if counts.get(key)]
    parts += [counted(f"points {key}", points[key]) for key in ("upserted", "deleted") if points.get(key)]
    words += f" ({', '.join(parts)})" if parts else ""
    if details.get("error"):
        words += f". {worded(details['error'])}"
    if details.get("retry_s") is not None:
        retry = _("Trying again in {seconds} s, or when something changes.", seconds=details["retry_s"])
        words += f" {retry}"
    return " ".join([words, *map(worded, details.get("warnings", []))])
