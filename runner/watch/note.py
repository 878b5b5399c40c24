"""One watch for each outputs folder, and what it tells other processes about itself."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from runner.errors import StateManagementError
from runner.record.lock import HeldFile, holder
from stagekit.base.disk_faults import disk_fault
from stagekit.base.locks import is_locked, try_lock
from stagekit.base.plain_json import parse_json

Row = dict[str, Any]
_NAME = "watch.lock"
_TRIES = 10


class WatchNote(HeldFile):
    """What the lock file of a watch says; other processes read it while the watch holds it."""

    def __init__(self, file: TextIO, path: Path) -> None:
        super().__init__(file, path)
        self._values: Row = holder()

    def update(self, **values: Any) -> None:
        """Say more, or something else; what a full disk does not take is said the next time."""
        self._values |= values
        try:
            self.say(self._values)
        except OSError as error:
            if not disk_fault(error):
                raise


@contextlib.contextmanager
def hold_watch(outputs: Path) -> Iterator[WatchNote]:
    """Be the only watch of an outputs folder; runs are not locked out.

    Raises:
        StateManagementError: exit code 2, naming the other one.
    """
    folder = outputs / "kernels"  # what a restored backup leaves alone, as it is about living processes
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(folder / _NAME, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "r+", encoding="utf-8") as file:
        if not _locked(file):
            raise StateManagementError(_who_watches(_read(file), outputs), exit_code=2)
        note = WatchNote(file, folder / _NAME)
        try:
            note.update(state="starting")
            yield note
        finally:
            note.clear()


def active_watch(outputs: Path) -> Row | None:
    """Return what the watch of an outputs folder says of itself; None if there is none."""
    try:
        with (outputs / "kernels" / _NAME).open(encoding="utf-8") as file:
            return _read(file) if is_locked(file) else None
    except OSError:
        return None


def _locked(file: TextIO) -> bool:
    for _ in range(_TRIES):
        if try_lock(file):
            return True
        time.sleep(0.05)  # whoever asks whether there is a watch holds it for a moment
    return False


def _read(file: TextIO) -> Row:
    try:
        found = parse_json(file.read())
    except (OSError, ValueError):  # it is being written at this moment
        return {}
    return found if isinstance(found, dict) else {}


def _who_watches(note: Row, outputs: Path) -> str:
    who = f" (process {note['pid']} of {note['user']}, since {note['since']})" if "since" in note else ""
    return (
        f"{outputs} is watched already{who}: end that `nic-etl watch` first, or give this one its own "
        "outputs_dir."
    )
