"""Tells a damaged SQLite file, which is set aside, from one that cannot be used just now."""

from __future__ import annotations

import contextlib
import errno
import sqlite3
from collections.abc import Iterator
from pathlib import Path

__all__ = ["disk_errors_named", "is_damage"]

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
