"""Writes a SQLite file anew in place of the old one, so that no freed page keeps what was in it."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from stagekit.sealing.cipher import EncryptionError

__all__ = ["Fill", "rebuild"]

Fill = Callable[[sqlite3.Connection, sqlite3.Connection], int]
_FILES = ("", "-wal", "-shm", "-journal")


def rebuild(path: Path, fill: Fill) -> int:
    """Let a function copy a cache's database into an empty one, which then replaces it as a whole.

    A file that turns out to be damaged is deleted: what it remembered is made again.

    Returns:
        what the function returns, 0 for a damaged file.

    Raises:
        EncryptionError: another process has the database open, or the disk is full.
    """
    fresh = path.with_name(f".{path.name}.rekey")
    _delete(fresh)
    try:
        with contextlib.closing(_alone(path)) as old, contextlib.closing(_empty(fresh)) as new, new:
            count = fill(old, new)
        _sync(fresh)
        fresh.replace(path)  # nobody else has it open, and it has no journal: both were made sure of
        _sync(path.parent)
    except sqlite3.OperationalError as error:
        raise EncryptionError(
            f"{path} cannot be encrypted anew ({error}): close the notebooks that use it, see that the disk "
            "has room, and run `nic-etl state rekey` again."
        ) from None
    except sqlite3.DatabaseError:
        _delete(path)
        return 0
    finally:
        _delete(fresh)
    return count


def _alone(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=10)
    try:
        # Out of write-ahead mode: what is in the log is written back, and the log deleted.
        connection.execute("PRAGMA journal_mode = DELETE").fetchone()
        connection.execute("PRAGMA locking_mode = EXCLUSIVE").fetchone()
        connection.execute("BEGIN EXCLUSIVE")
    except BaseException:
        connection.close()
        raise
    return connection


def _empty(path: Path) -> sqlite3.Connection:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    return sqlite3.connect(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _delete(path: Path) -> None:
    for suffix in _FILES:
        path.with_name(path.name + suffix).unlink(missing_ok=True)
