"""How a run's files are changed: each recipe hits one kind of file where its readers look."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from stagekit.artifacts.tables import decode_rows, encode_rows, table_metadata
from stagekit.contract import SCRAP_MIME
from tests.fuzz.corpus import Changes, Corpus
from tests.fuzz.mutations import HOSTILE, change_bytes, change_json, change_lines, change_value, json_bytes

__all__ = ["RECIPES", "Recipe"]

Recipe = Callable[[Random, Corpus], Changes]


def notebook(chance: Random, corpus: Corpus) -> Changes:
    """Change an executed notebook: its scraps, anything in it, or its bytes."""
    name = chance.choice(corpus.notebooks)
    content = json.loads(corpus.files[name])
    kind = chance.randrange(10)
    if kind < 6:
        for scrap in _scraps(content):
            if chance.random() < 0.5:
                scrap["data"] = change_value(chance, scrap["data"], chance.randint(1, 3))
        data = json_bytes(content)
    elif kind < 8:
        data = change_json(chance, content, chance.randint(1, 5))
    else:
        data = change_bytes(chance, corpus.files[name])
    return corpus.sealed(name, data) if chance.random() < 0.8 else {name: data}


def record(chance: Random, corpus: Corpus) -> Changes:
    """Change the record of the run."""
    return {f"runs/{corpus.run}/run.json": change_json(chance, corpus.record, chance.randint(1, 3))}


def manifest(chance: Random, corpus: Corpus) -> Changes:
    """Change the rows of a product, what stands beside them, or its bytes; all references stay right."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    name = chance.choice(corpus.notebooks)
    refs = [scrap["data"] for scrap in _scraps(json.loads(corpus.files[name]))]
    refs = [ref for ref in refs if isinstance(ref, dict) and f"artifacts/{ref.get('uri')}" in corpus.files]
    if not refs:
        return notebook(chance, corpus)
    ref = chance.choice(refs)
    data = corpus.files[f"artifacts/{ref['uri']}"]
    if chance.random() < 0.2 or not data.startswith(b"PAR1"):
        return corpus.with_product(name, ref["name"], change_bytes(chance, data))
    table = pq.read_table(io.BytesIO(data))
    rows, beside = decode_rows(table), table_metadata(table)
    rows = change_value(chance, rows, chance.randint(1, 4))
    if chance.random() < 0.3:
        beside = change_value(chance, [beside])[:1]
        beside = beside[0] if beside else None
    made = pa.BufferOutputStream()
    try:
        pq.write_table(encode_rows(rows if isinstance(rows, list) else [], beside), made, compression="zstd")
    except (pa.ArrowException, AttributeError, TypeError, ValueError, OverflowError):
        return manifest(chance, corpus)  # no table holds such rows
    return corpus.with_product(name, ref["name"], made.getvalue().to_pybytes())


def huge_table(chance: Random, corpus: Corpus) -> Changes:
    """Put a small file in place of a product that unfolds to a great many rows, or to very long ones."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    name = chance.choice(corpus.notebooks[1:5])
    ref = next(
        scrap["data"] for scrap in _scraps(json.loads(corpus.files[name])) if "uri" in (scrap["data"] or {})
    )
    if chance.random() < 0.5:
        table = pa.table({"path": pa.nulls(60_000_000)})
    else:
        table = pa.table(
            {"path": pa.DictionaryArray.from_arrays(pa.array([0] * 30_000, pa.int32()), ["x" * 200_000])}
        )
    made = pa.BufferOutputStream()
    pq.write_table(table, made, compression="zstd", store_schema=False)
    return corpus.with_product(name, ref["name"], made.getvalue().to_pybytes())


def audit(chance: Random, corpus: Corpus) -> Changes:
    """Change lines of the audit log, now and then with an end that fits."""
    data = change_lines(chance, corpus.files["audit.jsonl"])
    if chance.random() < 0.3:
        data = _chained(data)
    last = data.rstrip(b"\n").rpartition(b"\n")[2]
    head = chance.choice(
        (hashlib.sha256(last).hexdigest().encode(), change_bytes(chance, corpus.files["audit.head"]))
    )
    aside = (
        {f"audit-{chance.choice((1, 2, '٣', '1e3', '9' * 200))}.jsonl": data} if chance.random() < 0.2 else {}
    )
    return {"audit.jsonl": data, "audit.head": head, **aside}


def beside(chance: Random, corpus: Corpus) -> Changes:
    """Change the files beside the record: events, environment, the lock's note, a kernel's note."""
    folder = f"runs/{corpus.run}"
    owner = {"pid": 2**22 + 1, "started": 1.5}
    note = owner | {"owner": owner}
    lock = {"pid": 1, "user": "x", "host": "y", "since": "2026-03-01T12:00:00", "execution_id": corpus.run}
    environment = json.loads(corpus.files[f"{folder}/environment.json"])
    return {
        f"{folder}/events.jsonl": change_lines(chance, corpus.files[f"{folder}/events.jsonl"]),
        f"{folder}/environment.json": change_json(chance, environment, chance.randint(1, 4)),
        "run.lock": change_json(chance, lock),
        "kernels/1.json": change_json(chance, note),
    }


def memo(chance: Random, corpus: Corpus) -> Changes:
    """Change rows of the memo; most keep a checksum that fits, so that only their content is wrong."""

    def change(connection: sqlite3.Connection) -> None:
        for table in ("memo", "last_good"):
            rows = connection.execute(f"SELECT rowid_key, value FROM ({_keyed(table)}) ORDER BY 1").fetchall()
            for key, value in chance.sample(rows, min(len(rows), 4)):
                text = _stored(chance, value)
                checksum = (
                    _memo_checksum(text) if chance.random() < 0.8 else chance.choice((None, b"x", 3, "x"))
                )
                connection.execute(
                    f"UPDATE OR IGNORE {table} SET value = ?, checksum = ? WHERE {_KEYS[table]} = ?",
                    (text, checksum, key),
                )

    return {"memo.sqlite": _altered(chance, corpus.files["memo.sqlite"], change, ("memo", "last_good"))}


def index(chance: Random, corpus: Corpus) -> Changes:
    """Change rows and tables of the index of runs."""

    def change(connection: sqlite3.Connection) -> None:
        for table, column in (("runs", "execution_id"), ("runs", "mode"), ("checkpoints", "execution_id"),
                              ("checkpoints", "status"), ("checkpoints", "stage")):  # fmt: skip
            if chance.random() < 0.5:
                value = chance.choice(
                    (b"\xff", None, 3, 1.5, "..", f"../{corpus.run}", "../../..", "/etc", "x\0y")
                )
                connection.execute(f"UPDATE OR REPLACE {table} SET {column} = ?", (value,))

    return {"state.sqlite": _altered(chance, corpus.files["state.sqlite"], change, ("runs", "checkpoints"))}


def vectors(chance: Random, corpus: Corpus) -> Changes:
    """Change rows of the kept vectors; most keep a checksum that fits."""

    def change(connection: sqlite3.Connection) -> None:
        rows = connection.execute("SELECT key FROM vectors ORDER BY key").fetchall()
        for (key,) in chance.sample(rows, min(len(rows), 8)):
            vector = chance.choice((b"", b"abc", b"\xff" * 40, b"\0" * 4 * 384, "text", None, 3, 1.5))
            data = vector if isinstance(vector, bytes) else b""
            checksum = hashlib.blake2b(key + data, digest_size=8).digest()
            connection.execute(
                "UPDATE vectors SET vector = ?, checksum = ? WHERE key = ?", (vector, checksum, key)
            )

    return {"vectors.sqlite": _altered(chance, corpus.files["vectors.sqlite"], change, ("vectors",))}


def backup(chance: Random, corpus: Corpus) -> Changes:
    """Add a backup with a changed manifest."""
    content = corpus.files["audit.jsonl"]
    digest = hashlib.sha256(content).hexdigest()
    entry = {"path": "audit.jsonl", "sha256": digest, "bytes": len(content), "link": ""}
    link = {"path": "latest/01.ipynb", "sha256": "", "bytes": 0, "link": "../audit.jsonl"}
    listing = {"format": 1, "created": "2026-03-01T12:00:00Z", "files": [entry, link]}
    return {
        "backup/manifest.json": change_json(chance, listing, chance.randint(1, 3)),
        f"backup/blobs/{digest[:2]}/{digest}": content,
    }


RECIPES: dict[str, Recipe] = {
    recipe.__name__: recipe
    for recipe in (notebook, record, manifest, huge_table, audit, beside, memo, index, vectors, backup)
}
_KEYS = {"memo": "key", "last_good": "document_id"}


def _scraps(content: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        output["data"][SCRAP_MIME]
        for cell in content["cells"]
        for output in cell.get("outputs", [])
        if SCRAP_MIME in output.get("data", {})
    ]


def _chained(data: bytes) -> bytes:
    """Chain the lines anew, as somebody would who knows how."""
    previous, lines = "0" * 64, []
    for line in data.splitlines():
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            entry = None
        chained = json.dumps(entry | {"previous": previous}).encode() if isinstance(entry, dict) else line
        lines.append(chained)
        previous = hashlib.sha256(chained).hexdigest()
    return b"\n".join(lines) + b"\n"


def _keyed(table: str) -> str:
    return f"SELECT {_KEYS[table]} AS rowid_key, value FROM {table}"


def _stored(chance: Random, value: str) -> Any:
    kind = chance.randrange(8)
    if kind == 0:
        return chance.choice((None, b"\xff\xfe", 3, 1.5, "", "[" * 100_000))
    data = json_bytes(chance.choice(HOSTILE)) if kind == 1 else change_json(chance, json.loads(value))
    return data.decode(errors="replace").replace("\0", "")


def _memo_checksum(text: Any) -> str:
    return hashlib.sha256(str(text).encode(errors="replace")).hexdigest()[:16]


def _altered(
    chance: Random, data: bytes, change: Callable[[sqlite3.Connection], None], tables: tuple[str, ...]
) -> bytes:
    """Return a SQLite file with changed rows, another layout, or changed bytes."""
    kind = chance.randrange(8)
    if kind == 0:
        return change_bytes(chance, data)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "changed.sqlite"
        path.write_bytes(data)
        with contextlib.closing(sqlite3.connect(path)) as connection, connection:
            if kind == 1:
                table = chance.choice(tables)
                connection.execute(f"ALTER TABLE {table} RENAME TO other")
                statements = ("", f"CREATE VIEW {table} AS SELECT 1 AS x", f"CREATE TABLE {table} (x)")
                connection.execute(chance.choice(statements) or "SELECT 1")
            else:
                change(connection)
        return path.read_bytes()
