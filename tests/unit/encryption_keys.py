"""Keys for the tests of encryption, and what a folder holds."""

from __future__ import annotations

import base64
import sqlite3
from contextlib import closing
from pathlib import Path

from stagekit.sealing.cipher import key_id_of, sealed_under

KEY = "kLbPz3nY5sT0QmVf1u7w8x2aHcRjE4dGiOo9yNqXtUs="
OTHER = "5YwzJ0rQn8mXe2vLh7uTbKc1fPd4sGa6iOjN3xRyEtA="
KEY_ID, OTHER_ID = (key_id_of(base64.b64decode(key)) for key in (KEY, OTHER))


def found_in(folder: Path, *texts: str) -> list[str]:
    """Return the files below a folder that hold one of the texts."""
    forms = [text.encode() for text in texts]
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return [str(path) for path in files if any(form in path.read_bytes() for form in forms)]


def values_of(database: Path) -> list[str | None]:
    """Return under which key each value of a cache is; None for a clear one."""
    with closing(sqlite3.connect(database)) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        column = {"memo": "value", "last_good": "value", "vectors": "vector"}
        rows = [
            row[0] for table in tables for row in connection.execute(f"SELECT {column[table]} FROM {table}")
        ]
    return [sealed_under(value) if isinstance(value, bytes) else None for value in rows]
