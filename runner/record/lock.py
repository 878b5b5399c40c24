"""The lock of an outputs folder, and what the file of a lock says about its holder, for others to read."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from runner.errors import StateManagementError
from runner.models import now
from stagekit.base.disk_faults import disk_fault, named_in_errors
from stagekit.base.locks import is_locked, try_lock, user_name
from stagekit.base.plain_json import parse_json


class LockNote:
    """What the file of a lock says while this process holds it; it is replaced as a whole."""

    def __init__(self, file: TextIO, path: Path) -> None:
        self._file = file
        self._path = path
        self._values: dict[str, Any] = {
            "pid": os.getpid(),
            "user": user_name(),
            "host": socket.gethostname(),
            "since": now().isoformat(timespec="seconds"),
        }

    def update(self, **values: Any) -> None:
        """Say more than who holds it and since when, or something else."""
        self._values |= values
        self._replace(json.dumps(self._values))

    def clear(self) -> None:
        """Say that nobody holds the lock."""
        self._replace("")

    def _replace(self, text: str) -> None:
        with named_in_errors(self._path):
            # Past the buffers: what a full disk does not take would wait there for the end of the lock.
            os.ftruncate(self._file.fileno(), 0)
            os.pwrite(self._file.fileno(), text.encode(), 0)


def lock_path(outputs: Path) -> Path:
    """Return the file of an outputs folder's lock."""
    return outputs / "run.lock"


def open_lock(path: Path) -> TextIO:
    """Open the file of a lock, which is made if it is not there."""
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600), "r+", encoding="utf-8")


@contextlib.contextmanager
def locked(outputs: Path) -> Iterator[TextIO]:
    """Hold an outputs folder, and yield the file with the holder's note.

    Raises:
        StateManagementError: exit code 2, if it cannot be written to, or another run holds it.
    """
    try:
        file = open_lock(lock_path(outputs))
    except OSError as error:
        if fault := disk_fault(error):
            raise StateManagementError(fault) from None
        raise StateManagementError(
            f"outputs_dir: the folder {outputs} cannot be written to (run.lock: "
            f"{error.strerror}): give it to the user who runs nic-etl, or choose another.",
            exit_code=2,
        ) from None
    with file:
        if not try_lock(file):
            raise StateManagementError(_who_holds(read_note(file)), exit_code=2)
        yield file


def lock_holder(path: Path) -> dict[str, Any] | None:
    """Return what the holder of a lock says of itself, or None: pid, user, host, since, and what else."""
    try:
        with path.open(encoding="utf-8") as file:
            return read_note(file) if is_locked(file) else None
    except OSError:
        return None


def read_note(file: TextIO) -> dict[str, Any]:
    """Return what the file of a lock says; nothing while it is being written, or if it was altered."""
    try:
        note = parse_json(file.read())
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}


def _who_holds(owner: dict[str, Any]) -> str:
    try:
        return (
            f"Another run holds {owner['execution_id'] or 'the outputs folder'} since {owner['since']} "
            f"(process {owner['pid']} of {owner['user']} on {owner['host']}): wait for it, follow it with "
            "`nic-etl status`, or end it with `nic-etl cancel`."
        )
    except KeyError:
        return "Another run holds the outputs folder: wait for it, or give this one its own outputs_dir."
