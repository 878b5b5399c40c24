"""The lock of an outputs folder, and what its file says about its holder, for other processes to read."""

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


class LockNote(HeldFile):
    """What the lock file says about its holder."""

    def __init__(self, file: TextIO, path: Path, execution_id: str) -> None:
        super().__init__(file, path)
        self.write(execution_id)

    def write(self, execution_id: str) -> None:
        """Say who holds the lock and for which run."""
        self.say(holder() | {"execution_id": execution_id})


def lock_path(outputs: Path) -> Path:
    """Return the file of an outputs folder's lock."""
    return outputs / "run.lock"


@contextlib.contextmanager
def locked(outputs: Path) -> Iterator[TextIO]:
    """Hold an outputs folder, and yield the file with the holder's note.

    Raises:
        StateManagementError: exit code 2, if it cannot be written to, or another run holds it.
    """
    try:
        descriptor = os.open(lock_path(outputs), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        if fault := disk_fault(error):
            raise StateManagementError(fault) from None
        raise StateManagementError(
            f"outputs_dir: the folder {outputs} cannot be written to (run.lock: "
            f"{error.strerror}): give it to the user who runs nic-etl, or choose another.",
            exit_code=2,
        ) from None
    with os.fdopen(descriptor, "r+", encoding="utf-8") as file:
        if not try_lock(file):
            raise StateManagementError(_who_holds(file.read()), exit_code=2)
        yield file


def lock_owner(outputs: Path) -> dict[str, Any] | None:
    """Return who holds an outputs folder (pid, user, host, since, execution_id), or None."""
    try:
        with lock_path(outputs).open("r", encoding="utf-8") as file:
            if not is_locked(file):
                return None
            owner = parse_json(file.read() or "{}")
            return owner if isinstance(owner, dict) else {}
    except (OSError, ValueError):
        return None


def _who_holds(note: str) -> str:
    try:
        owner = parse_json(note)
        return (
            f"Another run holds {owner['execution_id'] or 'the outputs folder'} since {owner['since']} "
            f"(process {owner['pid']} of {owner['user']} on {owner['host']}): wait for it, follow it with "
            "`nic-etl status`, or end it with `nic-etl cancel`."
        )
    except (ValueError, KeyError, TypeError):
        return "Another run holds the outputs folder: wait for it, or give this one its own outputs_dir."
