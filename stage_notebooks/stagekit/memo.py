"""What was already made from which content, so that nothing is made twice: the per-document memo."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

__all__ = ["Memo", "canonical_json", "digest"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS memo (
    key TEXT PRIMARY KEY, stage TEXT NOT NULL, value TEXT NOT NULL, checksum TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS last_good (
    stage TEXT NOT NULL, document_id TEXT NOT NULL, value TEXT NOT NULL, checksum TEXT NOT NULL,
    PRIMARY KEY (stage, document_id)
) WITHOUT ROWID;
"""
_BATCH = 500  # SQLite accepts 999 variables in a statement on old builds


def canonical_json(value: Any) -> str:
    """Return the one JSON text of a value: sorted keys, no spaces, UTF-8 characters kept."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def digest(*parts: Any) -> str:
    """Return the sha256 (hexadecimal) of JSON values, order and nesting included."""
    return hashlib.sha256(canonical_json(parts).encode()).hexdigest()


class Memo:
    """A SQLite file (WAL mode) of outcomes by key, shared by stages that run side by side.

    It is a cache: an unreadable file is set aside and a new one begun, an altered row counts as absent.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = threading.Lock()
        try:
            self._connection = self._open()
        except sqlite3.OperationalError:
            raise  # locked or disk full: nothing is wrong with the file
        except sqlite3.DatabaseError:
            self._set_aside()
            self._connection = self._open()

    def __enter__(self) -> Memo:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; a closed memo cannot be used again."""
        self._connection.close()

    def get_many(self, keys: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Return the remembered values of those keys that are known."""
        wanted = list(dict.fromkeys(keys))
        found: dict[str, dict[str, Any]] = {}
        for start in range(0, len(wanted), _BATCH):
            batch = wanted[start : start + _BATCH]
            marks = ",".join("?" * len(batch))
            rows = self._execute(f"SELECT key, value, checksum FROM memo WHERE key IN ({marks})", [batch])
            for key, value, checksum in rows:
                if _checksum(value) == checksum:
                    found[key] = json.loads(value)
        return found

    def put(self, stage: str, key: str, value: dict[str, Any]) -> None:
        """Remember a value (plain JSON) under a key; it is on disk when this returns."""
        self.put_many([(stage, key, value)])

    def put_many(self, rows: Iterable[tuple[str, str, dict[str, Any]]]) -> None:
        """Remember values given as (stage, key, value), all of them or none."""
        texts = [(key, stage, canonical_json(value)) for stage, key, value in rows]
        values = [(key, stage, text, _checksum(text)) for key, stage, text in texts]
        self._execute("INSERT OR REPLACE INTO memo VALUES (?, ?, ?, ?)", values)

    def forget(self, keys: Iterable[str]) -> int:
        """Forget the values of those keys and return how many there were."""
        return len(self._execute("DELETE FROM memo WHERE key = ? RETURNING key", [(key,) for key in keys]))

    def forget_good(self, documents: Iterable[tuple[str, str]]) -> int:
        """Forget the last good outcomes of documents, given as (stage, document_id)."""
        statement = "DELETE FROM last_good WHERE stage = ? AND document_id = ? RETURNING stage"
        return len(self._execute(statement, list(documents)))

    def values(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield every remembered value with its key; altered rows are left out."""
        statement = f"SELECT key, value, checksum FROM memo WHERE key > ? ORDER BY key LIMIT {_BATCH}"
        last = ""
        while rows := self._execute(statement, [(last,)]):
            last = rows[-1][0]
            for key, text, checksum in rows:
                if _checksum(text) == checksum:
                    yield key, json.loads(text)

    def good_values(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Yield every last good outcome as (stage, document_id, row); altered rows are left out."""
        statement = (
            "SELECT stage, document_id, value, checksum FROM last_good WHERE (stage, document_id) > (?, ?) "
            f"ORDER BY stage, document_id LIMIT {_BATCH}"
        )
        last = ("", "")
        while rows := self._execute(statement, [last]):
            last = (rows[-1][0], rows[-1][1])
            for stage, document, text, checksum in rows:
                if _checksum(text) == checksum:
                    yield stage, document, json.loads(text)

    def remember_good(self, stage: str, rows: Iterable[tuple[str, dict[str, Any]]]) -> None:
        """Remember the last good outcome of documents, given as (document_id, row)."""
        values = [(stage, document, text, _checksum(text)) for document, text in _texts(rows)]
        self._execute("INSERT OR REPLACE INTO last_good VALUES (?, ?, ?, ?)", values)

    def last_good(self, stage: str, document_id: str) -> dict[str, Any] | None:
        """Return the last good outcome of a document, if there is one."""
        found = self._execute(
            "SELECT value, checksum FROM last_good WHERE stage = ? AND document_id = ?",
            [(stage, document_id)],
        )
        return next((json.loads(text) for text, checksum in found if _checksum(text) == checksum), None)

    def _open(self) -> sqlite3.Connection:
        new = not self.path.exists()
        connection = sqlite3.connect(self.path, timeout=60, check_same_thread=False)
        try:
            if new:
                os.chmod(self.path, 0o600)  # noqa: PTH101 - before the first row is written
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.executescript(_SCHEMA)
            connection.execute("SELECT count(*) FROM last_good").fetchone()
        except BaseException:
            connection.close()
            raise
        return connection

    def _set_aside(self) -> None:
        stamp = time.strftime("%Y%m%dT%H%M%S")
        for suffix in ("", "-wal", "-shm"):
            damaged = self.path.with_name(self.path.name + suffix)
            if damaged.exists():
                damaged.rename(damaged.with_name(f"{damaged.name}.damaged-{stamp}"))

    def _execute(self, statement: str, rows: Sequence[Sequence[str]]) -> list[Any]:
        # One connection for all threads of a stage. A page that turns out damaged empties the cache; any
        # other error (locked, disk full, closed: subclasses) has nothing to do with the file.
        with self._lock:
            try:
                return self._execute_once(statement, rows)
            except sqlite3.DatabaseError as error:
                if type(error) is not sqlite3.DatabaseError:
                    raise
                self._connection.close()
                self._set_aside()
                self._connection = self._open()
                return self._execute_once(statement, rows)

    def _execute_once(self, statement: str, rows: Sequence[Sequence[str]]) -> list[Any]:
        with self._connection as connection:
            return [found for row in rows for found in connection.execute(statement, row)]


def _texts(rows: Iterable[tuple[str, dict[str, Any]]]) -> Iterator[tuple[str, str]]:
    for document, row in rows:
        yield document, canonical_json(row)


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
