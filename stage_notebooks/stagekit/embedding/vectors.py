"""Keeps vectors by the content they were made from, so that nothing is embedded twice."""

import contextlib
import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["VectorStore", "vector_key"]

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB, checksum BLOB) WITHOUT ROWID"
)
_QUERY_KEYS = 500  # below SQLite's oldest limit of 999 variables a statement


def vector_key(text: str, model_fingerprint: str, dtype: str) -> str:
    """Return the sha256 (hexadecimal) that a vector is stored under.

    Args:
        text: What the model gets, prompt included.
        model_fingerprint: `ModelFiles.fingerprint`.
        dtype: Number type and backend, as `computation` names them.
    """
    parts = (text, model_fingerprint, dtype)
    # Lengths in front keep ("ab", "c") and ("a", "bc") apart.
    packed = b"".join(len(data).to_bytes(8, "big") + data for data in (part.encode() for part in parts))
    return hashlib.sha256(packed).hexdigest()


class VectorStore:
    """A SQLite file of float32 vectors by `vector_key`; several processes may use it at once.

    It is a cache: a row whose checksum is wrong counts as missing, and a file that is no database is put
    aside as `<name>.damaged` and begun anew.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._prepare()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):  # locked, or no permission: not damage
                raise
            path.replace(path.with_name(path.name + ".damaged"))
            self._prepare()

    def get_many(self, keys: Iterable[str]) -> dict[str, NDArray[np.float32]]:
        """Return the whole vectors among `keys`; the missing and the damaged are left out."""
        wanted = [bytes.fromhex(key) for key in dict.fromkeys(keys)]
        found: dict[str, NDArray[np.float32]] = {}
        with self._connection() as connection:
            for start in range(0, len(wanted), _QUERY_KEYS):
                part = wanted[start : start + _QUERY_KEYS]
                marks = ",".join("?" * len(part))
                query = f"SELECT key, vector, checksum FROM vectors WHERE key IN ({marks})"
                with contextlib.suppress(sqlite3.DatabaseError):  # a damaged page: its rows are missing
                    for key, vector, checksum in connection.execute(query, part):
                        if _checksum(key, vector) == checksum:
                            found[key.hex()] = np.frombuffer(vector, dtype="<f4")
        return found

    def put_many(self, vectors: Mapping[str, NDArray[np.float32]]) -> None:
        """Store vectors in one transaction; a key that is there already gets the new vector."""
        rows = []
        for key, vector in vectors.items():
            raw_key, raw = bytes.fromhex(key), np.ascontiguousarray(vector, dtype="<f4").tobytes()
            rows.append((raw_key, raw, _checksum(raw_key, raw)))
        with self._connection() as connection, connection:
            connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", rows)

    def _prepare(self) -> None:
        with self._connection() as connection, connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(_SCHEMA)

    @contextlib.contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        # One connection a call: cheap, and safe in threads and forked workers alike.
        with contextlib.closing(sqlite3.connect(self.path, timeout=60)) as connection:
            yield connection


def _checksum(key: bytes, vector: object) -> bytes:
    # The key enters, so that a vector under another text's key is noticed as well.
    data = vector if isinstance(vector, bytes) else b""
    return hashlib.blake2b(key + data, digest_size=8).digest()
