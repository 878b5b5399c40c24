"""What the caches in SQLite files share: a damaged file is set aside, one that is busy or full is not."""

from __future__ import annotations

import contextlib
import errno
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
_OF_THE_DISK = {sqlite3.SQLITE_FULL: errno.ENOSPC, sqlite3.SQLITE_IOERR: errno.EIO}
_PRIMARY = 0xFF  # of an extended result code


def is_damage(error: sqlite3.DatabaseError) -> bool:
    """Tell whether an error lies in the file (a damaged page, other tables) and not around it.

    Locked files, full disks and missing rights are OperationalErrors too, with other codes
    (https://sqlite.org/rescode.html). Text that is no UTF-8 has none: Python raises that itself.
    """
    if isinstance(error, sqlite3.OperationalError):
        return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) == sqlite3.SQLITE_ERROR
    return type(error) is sqlite3.DatabaseError


def open_or_begin(path: Path, open_file: Callable[[], T]) -> T:
    """Open a cache, or make it where there is none; a damaged one is set aside for a new one."""
    try:
        return open_file()
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        set_aside(path)
        return open_file()


def set_aside(path: Path) -> None:
    """Rename a file and what SQLite keeps beside it to ``….damaged-<time>``; `nic-etl prune` deletes them."""
    stamp = time.strftime("%Y%m%dT%H%M%S")
    for suffix in ("", "-wal", "-shm"):
        damaged = path.with_name(path.name + suffix)
        if damaged.exists():
            damaged.rename(damaged.with_name(f"{damaged.name}.damaged-{stamp}"))


@contextlib.contextmanager
def disk_errors_named(path: Path) -> Iterator[None]:
    """Let what SQLite says of the disk be what Python says of it, with the name of the file.

    Raises:
        OSError: the disk is full, or does not take what is written.
    """
    try:
        yield
    except sqlite3.OperationalError as error:
        code = _OF_THE_DISK.get(getattr(error, "sqlite_errorcode", 0) & _PRIMARY)
        if code is None:
            raise
        raise OSError(code, str(error), str(path)) from error
