"""Lets a copy of the outputs folder take its place by renames, so that a kill leaves the one or the other.

The copy lies beside the folder and shares the file of its lock: whoever holds the one holds the other.
"""

from __future__ import annotations

import glob
import os
import shutil
import tempfile
from pathlib import Path

from stagekit.base.locks import try_lock
from stagekit.errors import StageError

LOCK_FILE = "run.lock"


def new_copy(folder: Path) -> Path:
    """Make an empty private folder beside another one, for a copy of it."""
    return Path(tempfile.mkdtemp(prefix=f".{folder.name}.copy-", dir=folder.parent))


def swap(folder: Path, copy: Path) -> None:
    """Let a copy and the folder that it was made of change their names; the caller holds the lock.

    Raises:
        OSError: if that cannot be; nothing has changed then.
    """
    os.sync()  # the whole copy is to survive a loss of power before anything depends on it
    aside = _aside(folder)
    folder.rename(aside)
    try:
        copy.rename(folder)
    except OSError:
        if folder.exists():  # a process that came between the two has begun an empty one
            folder.rename(new_copy(folder))
        aside.rename(folder)
        raise
    aside.rename(copy)
    os.sync()


def put_back(folder: Path) -> None:
    """Give a folder its name back that a swap which was killed has left under another one.

    Raises:
        StageError: the swap goes on.
    """
    if folder.exists():
        return
    aside = _aside(folder.resolve())
    try:
        with (aside / LOCK_FILE).open("rb") as lock:
            if not try_lock(lock):
                raise StageError(
                    f"{folder} is being replaced by its copy under another key: try again in a moment."
                )
            if not folder.exists():
                aside.rename(folder.resolve())
    except FileNotFoundError:
        return  # a new folder, or a swap that has just been completed


def remove_leftovers(folder: Path) -> None:
    """Delete what killed processes left of copies, and of what those replaced; the caller holds the lock."""
    aside = _aside(folder)
    if aside.is_dir() and (aside / LOCK_FILE).samefile(folder / LOCK_FILE):  # else it is no swap's
        aside.rename(new_copy(folder))
    for path in folder.parent.glob(f".{glob.escape(folder.name)}.copy-*"):
        shutil.rmtree(path)


def _aside(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.before")
