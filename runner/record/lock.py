"""What the file of a held lock says about its holder, for other processes to read."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any, TextIO

from runner.models import now
from runner.record.audit import user_name
from stagekit.base.disk_faults import named_in_errors

__all__ = ["HeldFile", "holder"]


def holder() -> dict[str, Any]:
    """Return who this process is: ``pid``, ``user``, ``host``, and ``since`` when, which is now."""
    return {
        "pid": os.getpid(),
        "user": user_name(),
        "host": socket.gethostname(),
        "since": now().isoformat(timespec="seconds"),
    }


class HeldFile:
    """The file of a lock that this process holds; its note is replaced as a whole."""

    def __init__(self, file: TextIO, path: Path) -> None:
        self._file = file
        self._path = path

    def say(self, note: dict[str, Any]) -> None:
        """Write a note as JSON."""
        self._replace(json.dumps(note))

    def clear(self) -> None:
        """Say that nobody holds the lock."""
        self._replace("")

    def _replace(self, text: str) -> None:
        with named_in_errors(self._path):
            # Past the buffers: what a full disk does not take would wait there for the end of the lock.
            os.ftruncate(self._file.fileno(), 0)
            os.pwrite(self._file.fileno(), text.encode(), 0)
