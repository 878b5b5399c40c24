"""One watch for each outputs folder, and what it tells other processes about itself."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from runner.errors import StateManagementError
from runner.record.lock import LockNote, lock_holder, open_lock, read_note
from stagekit.base.disk_faults import disk_fault
from stagekit.base.locks import try_lock

Row = dict[str, Any]
_TRIES = 10


class WatchNote(LockNote):
    """What the lock file of a watch says; other processes read it while the watch holds it."""

    def update(self, **values: Any) -> None:
        """Say more, or something else; what a full disk does not take is said the next time."""
        try:
            super().update(**values)
        except OSError as error:
            if not disk_fault(error):
                raise


@contextlib.contextmanager
def hold_watch(outputs: Path) -> Iterator[WatchNote]:
    """Be the only watch of an outputs folder; runs are not locked out.

    Raises:
        StateManagementError: exit code 2, naming the other one.
    """
    path = _path(outputs)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open_lock(path) as file:
        if not _locked(file):
            raise StateManagementError(_who_watches(read_note(file), outputs), exit_code=2)
        note = WatchNote(file, path)
        try:
            note.update(state="starting")
            yield note
        finally:
            note.clear()


def active_watch(outputs: Path) -> Row | None:
    """Return what the watch of an outputs folder says of itself; None if there is none."""
    return lock_holder(_path(outputs))


def _path(outputs: Path) -> Path:
    # In a folder that a restored backup leaves alone, as it is about living processes.
    return outputs / "kernels" / "watch.lock"


def _locked(file: TextIO) -> bool:
    for _ in range(_TRIES):
        if try_lock(file):
            return True
        time.sleep(0.05)  # whoever asks whether there is a watch holds it for a moment
    return False


def _who_watches(note: Row, outputs: Path) -> str:
    who = f" (process {note['pid']} of {note['user']}, since {note['since']})" if "since" in note else ""
    return (
        f"{outputs} is watched already{who}: end that `nic-etl watch` first, or give this one its own "
        "outputs_dir."
    )
