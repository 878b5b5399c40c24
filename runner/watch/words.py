"""What a watch prints: one line an event, in words or as JSON, each with its time."""

from __future__ import annotations

import sys
import threading
from typing import Any

from rich.console import Console

from runner.models import now
from runner.terminal import json_line
from stagekit.base.redaction import Redactor, secret_values

__all__ = ["WatchLog", "sentence"]

Row = dict[str, Any]
_REASONS = {
    "start": "the watch has begun",
    "change": "the source changed",
    "retry": "the time to try again has come",
    "interval": "the longest interval without a run is over",
    "waited": "the other run has ended",
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
                self._console.print(text, markup=False, highlight=False, soft_wrap=True)


def sentence(kind: str, details: Row) -> str:
    """Return an event in words."""
    if kind == "run_ended":
        return _run_ended(details)
    plain = {
        "watching": "watching {outputs}: a look every {every}",
        "run_begins": "run: {why}",
        "started": "run {run} goes on",
        "warm": "{count} kernels are warm ({memory_mb} MB in all)",
        "released": "the warm kernels were ended; the next run starts them again",
        "other_run": "run {run} was not ours; what it did is looked at with the next one",
        "waiting": "another run holds the outputs folder ({run}, process {pid}): waiting for its end",
        "source_unreachable": "{error} Looking again in {retry_s} s.",
        "source_reachable": "the source is reached again",
        "configuration_invalid": "the configuration cannot be read, the one from before stays: {error}",
        "restart": "{why}: starting anew",
        "ended": "the watch has ended",
    }
    extra = {"why": _REASONS.get(details.get("reason", ""), details.get("reason", ""))}
    return plain[kind].format(**details | extra, count=len(details.get("stages", [])))


def _run_ended(details: Row) -> str:
    name = f"run {details['run']}" if details.get("run") else "the run"
    words = f"{name}: {details['status']}"
    if details.get("seconds") is not None:
        words += f" in {details['seconds']:.1f} s"
    counts = details.get("documents", {})
    told = [f"{counts[key]} {key}" for key in ("ok", "rejected", "failed", "stale") if counts.get(key)]
    points = details.get("points", {})
    told += [f"{points[key]} points {key}" for key in ("upserted", "deleted") if points.get(key)]
    words += f" ({', '.join(told)})" if told else ""
    if details.get("error"):
        words += f". {details['error']}"
    if details.get("retry_s") is not None:
        words += f" Trying again in {details['retry_s']} s, or when something changes."
    return " ".join([words, *details.get("warnings", [])])
