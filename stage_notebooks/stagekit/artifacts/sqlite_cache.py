"""How the caches in SQLite files are opened and asked: for their owner only, by several processes at once."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, TypeVar

K = TypeVar("K")
_AT_ONCE: Final = 500  # keys in one statement: old builds of SQLite take 999 variables
_BUSY_S: Final = 60.0  # that another process may take for what it writes


def connect(path: Path) -> sqlite3.Connection:
    """Open the file of a cache, or make it; what a loss of power takes is made again.

    Raises:
        sqlite3.DatabaseError: see :mod:`stagekit.artifacts.database_faults`.
    """
    new = not path.exists()
    connection = sqlite3.connect(path, timeout=_BUSY_S, check_same_thread=False)
    try:
        if new:
            os.chmod(path, 0o600)  # noqa: PTH101 - before the first row is written
        connection.execute("PRAGMA synchronous = NORMAL")
    except BaseException:
        connection.close()
        raise
    return connection


def prepare(connection: sqlite3.Connection, schema: str, looks: Sequence[str]) -> None:
    """Make the tables that are not there, and look at each, so that damage shows when a cache is opened.

    Args:
        connection: to the file; readers and a writer work side by side from now on (WAL).
        schema: statements that make the tables.
        looks: a query of each.
    """
    connection.execute("PRAGMA journal_mode = WAL")
    connection.executescript(schema)
    for look in looks:
        connection.execute(look).fetchone()


def batches(keys: Iterable[K]) -> Iterator[tuple[list[K], str]]:
    """Yield distinct keys, as many as one statement takes, with their places in it (``?,?,?``)."""
    wanted = list(dict.fromkeys(keys))
    for begin in range(0, len(wanted), _AT_ONCE):
        some = wanted[begin : begin + _AT_ONCE]
        yield some, ",".join("?" * len(some))
