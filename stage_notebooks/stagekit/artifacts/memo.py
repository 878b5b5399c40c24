"""What was already made from which content, so that nothing is made twice: the per-document memo."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from stagekit.artifacts.database_faults import disk_errors_named, is_damage, open_or_begin, set_aside
from stagekit.artifacts.sqlite_cache import batches, connect, prepare
from stagekit.base.plain_json import canonical_json, parse_json
from stagekit.sealing.cipher import Cipher, DamagedError
from stagekit.sealing.marker import folder_cipher

_SCHEMA = """
CREATE TABLE IF NOT EXISTS memo (
    key TEXT PRIMARY KEY, stage TEXT NOT NULL, value TEXT NOT NULL, checksum TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS last_good (
    stage TEXT NOT NULL, document_id TEXT NOT NULL, value TEXT NOT NULL, checksum TEXT NOT NULL,
    PRIMARY KEY (stage, document_id)
) WITHOUT ROWID;
"""
_LOOKS: Final = (
    "SELECT count(stage), count(document_id) FROM last_good",
    "SELECT key, stage, value, checksum FROM memo LIMIT 1",
)
_PAGE: Final = 500  # rows
MAP_KEY: Final = "map:"
"""How the keys begin under which a stage's last execution is remembered as a whole."""


def digest(*parts: Any) -> str:
    """Return the sha256 (hexadecimal) of JSON values, order and nesting included."""
    return hashlib.sha256(canonical_json(parts).encode()).hexdigest()


class Memo:
    """A SQLite file (WAL mode) of outcomes by key, shared by stages that run side by side.

    It is a cache: an unreadable file is set aside and a new one begun, an altered row counts as absent. In an
    encrypted folder values are sealed, each under its key; a cipher is given to read under a former one.

    Raises:
        EncryptionError: the folder is encrypted, and its key is not in the environment.
    """

    def __init__(self, path: Path, cipher: Cipher | None = None) -> None:
        self.path = path
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Before the file is looked at: it may not be for us.
        self.cipher = folder_cipher(path.parent) if cipher is None else cipher
        self._lock = threading.Lock()
        with disk_errors_named(path):
            self._connection = open_or_begin(path, self._open)

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
        found: dict[str, dict[str, Any]] = {}
        for batch, places in batches(keys):
            rows = self._execute(f"SELECT key, value, checksum FROM memo WHERE key IN ({places})", [batch])
            for key, *stored in rows:
                if (known := _known(self.cipher, _memo_name(key), *stored)) is not None:
                    found[key] = known
        return found

    def put(self, stage: str, key: str, value: dict[str, Any]) -> None:
        """Remember a value (plain JSON) under a key; it is on disk when this returns."""
        self.put_many([(stage, key, value)])

    def put_many(self, rows: Iterable[tuple[str, str, dict[str, Any]]]) -> None:
        """Remember values given as (stage, key, value), all of them or none."""
        values = [
            (key, stage, *_stored(self.cipher, _memo_name(key), canonical_json(value)))
            for stage, key, value in rows
        ]
        self._execute("INSERT OR REPLACE INTO memo VALUES (?, ?, ?, ?)", values)

    def forget(self, keys: Iterable[str]) -> int:
        """Forget the values of those keys and return how many there were.

        No stage takes over the outcomes of its last execution as a whole then.
        """
        self._execute("DELETE FROM memo WHERE key >= ? AND key < ?", [(MAP_KEY, MAP_KEY + "\U0010ffff")])
        return len(self._execute("DELETE FROM memo WHERE key = ? RETURNING key", [(key,) for key in keys]))

    def forget_good(self, documents: Iterable[tuple[str, str]]) -> int:
        """Forget the last good outcomes of documents, given as (stage, document_id)."""
        statement = "DELETE FROM last_good WHERE stage = ? AND document_id = ? RETURNING stage"
        return len(self._execute(statement, list(documents)))

    def values(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield every remembered value with its key; altered rows are left out."""
        for _, key, value in self.rows():
            yield key, value

    def rows(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Yield every remembered value as :meth:`put_many` takes it; altered rows are left out."""
        statement = "SELECT key, stage, value, checksum FROM memo WHERE key > ? ORDER BY key LIMIT ?"
        last = ""
        while rows := self._execute(statement, [(last, _PAGE)]):
            last = rows[-1][0]
            for key, stage, *stored in rows:
                if (value := _known(self.cipher, _memo_name(key), *stored)) is not None:
                    yield stage, key, value

    def keys_beginning(self, prefix: str) -> list[str]:
        """Return the keys that begin with a text."""
        found = self._execute(
            "SELECT key FROM memo WHERE key >= ? AND key < ?", [(prefix, prefix + "\U0010ffff")]
        )
        return [str(key) for (key,) in found]

    def forget_good_of(self, documents: Iterable[str]) -> int:
        """Forget the last good outcomes of documents in every stage, and return how many there were."""
        stages = [str(stage) for (stage,) in self._execute("SELECT DISTINCT stage FROM last_good", [()])]
        return self.forget_good((stage, document) for document in documents for stage in stages)

    def good_values(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Yield every last good outcome as (stage, document_id, row); altered rows are left out."""
        statement = (
            "SELECT stage, document_id, value, checksum FROM last_good WHERE (stage, document_id) > (?, ?) "
            f"ORDER BY stage, document_id LIMIT {_PAGE}"
        )
        last = ("", "")
        while rows := self._execute(statement, [last]):
            last = (rows[-1][0], rows[-1][1])
            for stage, document, *stored in rows:
                if (value := _known(self.cipher, _good_name(stage, document), *stored)) is not None:
                    yield stage, document, value

    def remember_good(self, stage: str, rows: Iterable[tuple[str, dict[str, Any]]]) -> None:
        """Remember the last good outcome of documents, given as (document_id, row)."""
        values = [
            (stage, document, *_stored(self.cipher, _good_name(stage, document), canonical_json(row)))
            for document, row in rows
        ]
        self._execute("INSERT OR REPLACE INTO last_good VALUES (?, ?, ?, ?)", values)

    def last_good(self, stage: str, document_id: str) -> dict[str, Any] | None:
        """Return the last good outcome of a document, if there is one."""
        found = self._execute(
            "SELECT value, checksum FROM last_good WHERE stage = ? AND document_id = ?",
            [(stage, document_id)],
        )
        name = _good_name(stage, document_id)
        return next((_known(self.cipher, name, *stored) for stored in found), None)

    def _open(self) -> sqlite3.Connection:
        connection = connect(self.path)
        try:
            prepare(connection, _SCHEMA, _LOOKS)
        except BaseException:
            connection.close()
            raise
        return connection

    def _execute(self, statement: str, rows: Sequence[Sequence[Any]]) -> list[Any]:
        # One connection for all threads of a stage. A page that turns out damaged empties the cache; any
        # other error (locked, disk full, closed: subclasses) has nothing to do with the file.
        with self._lock, disk_errors_named(self.path):
            try:
                return self._execute_once(statement, rows)
            except sqlite3.DatabaseError as error:
                if not is_damage(error):
                    raise
                self._connection.close()
                set_aside(self.path)
                self._connection = self._open()
                return self._execute_once(statement, rows)

    def _execute_once(self, statement: str, rows: Sequence[Sequence[Any]]) -> list[Any]:
        with self._connection as connection:
            return [found for row in rows for found in connection.execute(statement, row)]


def _memo_name(key: str) -> str:
    return f"memo/{key}"


def _good_name(stage: str, document_id: str) -> str:
    return f"last_good/{stage}/{document_id}"


def _stored(cipher: Cipher, name: str, text: str) -> tuple[str | bytes, str]:
    """Return the value and checksum that a row holds: text in a clear memo, sealed bytes in another."""
    stored = cipher.seal(name, text.encode()) if cipher.key_id else text
    return stored, _checksum(stored)


def _known(cipher: Cipher, name: str, stored: Any, checksum: Any) -> dict[str, Any] | None:
    """Return what a row remembers, or None where it was altered: then it is made again."""
    text = _text(cipher, name, stored, checksum)
    try:
        value = parse_json(text) if text is not None else None
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _text(cipher: Cipher, name: str, stored: Any, checksum: Any) -> str | None:
    if not isinstance(stored, str | bytes) or _checksum(stored) != checksum:
        return None
    if isinstance(stored, str):
        return None if cipher.key_id else stored
    try:
        return cipher.open(name, stored).decode()
    except (DamagedError, UnicodeDecodeError):
        return None


def _checksum(stored: str | bytes) -> str:
    data = stored.encode() if isinstance(stored, str) else stored
    return hashlib.sha256(data).hexdigest()[:16]
