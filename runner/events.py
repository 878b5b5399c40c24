"""What happens in a run, as values: the one stream that terminal, log file and dashboard are drawn from."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runner.terminal import json_line
from stagekit.base.disk_faults import disk_fault
from stagekit.base.plain_json import parse_json
from stagekit.base.redaction import Redactor, secret_values


@dataclass(frozen=True)
class Event:
    """One thing that happened.

    ``kind`` is one of: run_started, stage_started, stage_carried_over, stage_retried, cell, documents,
    output, stage_finished, run_finished. ``data`` is plain JSON.
    """

    kind: str
    stage: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    at: float = field(default_factory=time.time)


Listener = Callable[[Event], None]


def tell_nobody(_: Event) -> None:
    """Listen where only the result of a run is asked for."""


def fan_out(*listeners: Listener) -> Listener:
    """Return a listener that hands each event to all of the given ones, one event at a time."""
    lock = threading.Lock()

    def hand_on(event: Event) -> None:
        with lock:
            for listener in listeners:
                listener(event)

    return hand_on


class EventLog:
    """Writes events as JSON lines, so that another process can follow the run.

    Events that a full disk does not take are left out: what is told of the work must not be what ends it.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)  # nothing waits in a buffer for a disk that is full
        path.chmod(0o600)
        self._redact = Redactor(secret_values(pdf_passwords=False))
        self._torn = False

    def __call__(self, event: Event) -> None:
        """Append one event."""
        line = {"at": round(event.at, 3), "kind": event.kind, "stage": event.stage, **event.data}
        data = b"\n" * self._torn + self._redact(json_line(line)).encode() + b"\n"
        try:
            self._torn = self._file.write(data) < len(data)
        except OSError as error:
            if not disk_fault(error):
                raise

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read_events(path: Path) -> list[dict[str, Any]]:
    """Return the events of a log as plain JSON, without lines that were torn or are being written."""
    return rows_after(path, 0)[0]


def rows_after(path: Path, place: int) -> tuple[list[dict[str, Any]], int]:
    """Return what stands after a place of a log, in bytes, as plain JSON, and the place behind it."""
    rows: list[dict[str, Any]] = []
    with contextlib.suppress(FileNotFoundError), path.open("rb") as file:  # the run has only just begun
        file.seek(place)
        for line in file:
            if not line.endswith(b"\n"):
                break
            place += len(line)
            with contextlib.suppress(ValueError):
                row = parse_json(line)
                rows += [row] if isinstance(row, dict) else []
    return rows, place
