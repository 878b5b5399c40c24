"""Keeps vectors by the content they were made from, so that nothing is embedded twice."""

import contextlib
import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stagekit.artifacts.database_faults import disk_errors_named, is_damage, open_or_begin
from stagekit.artifacts.sqlite_cache import batches, connect, prepare
from stagekit.sealing.cipher import Cipher, DamagedError
from stagekit.sealing.marker import folder_cipher

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB, checksum BLOB) WITHOUT ROWID"
)


def vector_key(text: str, model_fingerprint: str, dtype: str) -> str:
    """Return the sha256 (hexadecimal) of what makes a vector: text with prompt, model, numbers, backend."""
    parts = (text, model_fingerprint, dtype)
    # Lengths in front keep ("ab", "c") and ("a", "bc") apart.
    packed = b"".join(len(data).to_bytes(8, "big") + data for data in (part.encode() for part in parts))
    return hashlib.sha256(packed).hexdigest()


class VectorStore:
    """A SQLite file of float32 vectors by `vector_key`; several processes may use it at once.

    It is a cache: a row whose checksum is wrong counts as missing, and a file that is no database is put
    aside and begun anew. In an encrypted folder vectors are sealed, as texts can be guessed from them; a
    cipher is given to read under a former key.

    Raises:
        EncryptionError: the folder is encrypted, and its key is not in the environment.
    """

    def __init__(self, path: Path, cipher: Cipher | None = None) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        # Before the file is looked at: it may not be for us.
        self._cipher = folder_cipher(path.parent) if cipher is None else cipher
        open_or_begin(path, self._prepare)

    def get_many(self, keys: Iterable[str]) -> dict[str, NDArray[np.float32]]:
        """Return the whole vectors among `keys`; the missing and the damaged are left out."""
        found: dict[str, NDArray[np.float32]] = {}
        with self._connection() as connection:
            for part, places in batches(bytes.fromhex(key) for key in keys):
                query = f"SELECT key, vector, checksum FROM vectors WHERE key IN ({places})"
                with contextlib.suppress(sqlite3.DatabaseError):  # a damaged page: its rows are missing
                    found |= self._whole(connection.execute(query, part))
        return found

    def items(self) -> Iterator[tuple[str, NDArray[np.float32]]]:
        """Yield every whole vector with its key; the damaged are left out."""
        with self._connection() as connection:
            try:
                yield from self._whole(connection.execute("SELECT key, vector, checksum FROM vectors"))
            except sqlite3.DatabaseError as error:
                if not is_damage(error):
                    raise

    def put_many(self, vectors: Mapping[str, NDArray[np.float32]]) -> None:
        """Store vectors in one transaction; a key that is there already gets the new vector."""
        rows = []
        for key, vector in vectors.items():
            raw_key, raw = bytes.fromhex(key), np.ascontiguousarray(vector, dtype="<f4").tobytes()
            rows.append(_row(self._cipher, raw_key, raw))
        with self._connection() as connection, connection:
            connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", rows)

    def _whole(self, rows: Iterable[tuple[bytes, Any, Any]]) -> Iterator[tuple[str, NDArray[np.float32]]]:
        for key, *stored in rows:
            vector = _opened(self._cipher, key, *stored)
            if vector and len(vector) % 4 == 0:
                yield key.hex(), np.frombuffer(vector, dtype="<f4")

    def _prepare(self) -> None:
        with self._connection() as connection:
            prepare(connection, _SCHEMA, ["SELECT key, vector, checksum FROM vectors LIMIT 1"])

    @contextlib.contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        # One connection a call: cheap, and safe in threads and forked workers alike.
        with disk_errors_named(self.path), contextlib.closing(connect(self.path)) as connection:
            yield connection


def _row(cipher: Cipher, key: bytes, vector: bytes) -> tuple[bytes, bytes, bytes]:
    stored = cipher.seal(_name(key), vector)
    return key, stored, _checksum(key, stored)


def _opened(cipher: Cipher, key: bytes, stored: object, checksum: object) -> bytes | None:
    if not isinstance(stored, bytes) or _checksum(key, stored) != checksum:
        return None
    try:
        return cipher.open(_name(key), stored)
    except DamagedError:
        return None


def _name(key: bytes) -> str:
    return f"vectors/{key.hex()}"


def _checksum(key: bytes, vector: object) -> bytes:
    # The key enters, so that a vector under another text's key is noticed as well.
    data = vector if isinstance(vector, bytes) else b""
    return hashlib.blake2b(key + data, digest_size=8).digest()
