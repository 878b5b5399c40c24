"""Lets a stage make most documents from a few that it really processed, to fill a known corpus fast.

``NICBENCH_TEMPLATES`` is how many documents of a stage are processed; the others are copies of their outcomes
with names and numbers of their own, through the real store and the real memo. Nothing is synced to disk.

``NICBENCH_WITHOUT`` takes away one way of noticing that nothing changed, see ``WITHOUT`` of
``tests.bench.known_corpus``: what it costs then is what that way saves.
"""

from __future__ import annotations

import json
import os
import re
import sys
import uuid
from typing import Any

_TOGETHER = 1000
_NUMBER = re.compile(r"n\d{6}")
_CHUNK_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


def _copied(store: Any, row: dict[str, Any], origin: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    """Return the outcome of a document as a copy of another one's."""
    names = {origin["document_id"]: row["document_id"], _number(origin["path"]): _number(row["path"])}
    made = {}
    for name, one in value.items():
        if isinstance(one, dict) and "uri" in one:
            made[name] = _artifact(store, name, one, names)
        else:
            made[name] = _replaced(one, names)
    return made


def _artifact(store: Any, name: str, ref: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    import numpy as np
    import pyarrow as pa

    if ref["media_type"] != "application/vnd.apache.parquet":
        data = _text(store.read(ref).decode(), names).encode()
        return dict(store.put(name, data, ref["media_type"]).model_dump())
    table = store.read_table(ref)
    seed = int(next(reversed(names.values()))[1:])
    for at, field in enumerate(table.schema):
        values = table[field.name].to_pylist()
        if field.name == "vector":
            chance = np.random.default_rng(seed)
            vectors = chance.standard_normal((len(values), len(values[0]))).astype(np.float32)
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            column = pa.FixedSizeListArray.from_arrays(vectors.ravel(), vectors.shape[1])
        elif field.name == "vector_key":
            column = pa.array([uuid.uuid5(uuid.NAMESPACE_OID, f"{one}{seed}").hex for one in values])
        elif field.type == pa.string():
            column = pa.array([_text(one, names) for one in values], pa.string())
        else:
            continue
        table = table.set_column(at, field, column.cast(field.type))
    return dict(store.put_table(name, table).model_dump())


def _text(text: str | None, names: dict[str, str]) -> str | None:
    if text is None:
        return None
    for old, new in names.items():
        text = text.replace(old, new)
    return _CHUNK_ID.sub(lambda found: _moved(found[0], names), text)


def _moved(identity: str, names: dict[str, str]) -> str:
    document = next(iter(names.values()))
    return identity if identity == document else str(uuid.uuid5(uuid.NAMESPACE_OID, identity + document))


def _replaced(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, str):
        for old, new in names.items():
            value = value.replace(old, new)
    return value


def _number(path: str) -> str:
    found = _NUMBER.search(path)
    assert found, path
    return found[0]


def _patch(module: Any) -> None:
    inner = module.DocumentMap._make

    def make(self: Any, rows: Any, keys: list[str], known: Any, memory: Any, carried: int) -> Any:
        count = int(os.environ["NICBENCH_TEMPLATES"])
        if memory.stage == "gitlab_ingestion":
            return inner(self, rows, keys, known, memory, carried)
        made = inner(self, rows[:count], keys[:count], known, memory, carried)
        origins = list(rows[:count])
        values = [json.loads(made[key].text) for key in keys[:count]]
        remembered = []
        for at in range(count, len(rows)):
            origin, key = at % count, keys[at]
            value = _copied(memory.place.store, rows[at], origins[origin], values[origin])
            made[key] = type(made[keys[0]])(key, json.dumps(value, ensure_ascii=False))
            remembered.append((memory.stage, key, value))
            if len(remembered) == _TOGETHER or at == len(rows) - 1:
                memory.memo.put_many(remembered)
                remembered = []
        return made

    module.DocumentMap._make = make


if os.environ.get("NICBENCH_TEMPLATES") and "runner.kernels.fork_server" in sys.orig_argv:
    os.fsync = lambda _descriptor: None
    import stagekit.stage.document_map

    _patch(stagekit.stage.document_map)


def _forget(module: Any, forgotten: Any) -> None:
    """Let the memo know nothing of some keys."""
    inner = module.Memo.get_many

    def get_many(self: Any, keys: Any) -> Any:
        return inner(self, [key for key in keys if not forgotten(key)])

    module.Memo.get_many = get_many


_without = os.environ.get("NICBENCH_WITHOUT", "")
if _without in {"documents", "points", "memo", "vectors"} and "runner.kernels.fork_server" in sys.orig_argv:
    import stagekit.artifacts.memo

    _points = f"{stagekit.artifacts.memo.MAP_KEY}qdrant_storage/"
    if _without == "points":
        _forget(stagekit.artifacts.memo, lambda key: key.startswith(_points))
    elif _without in {"memo", "vectors"}:
        _forget(stagekit.artifacts.memo, lambda key: not key.startswith(_points))
    else:
        _map = stagekit.artifacts.memo.MAP_KEY
        _forget(stagekit.artifacts.memo, lambda key: key.startswith(_map) and not key.startswith(_points))
if _without == "vectors" and "runner.kernels.fork_server" in sys.orig_argv:
    import stagekit.embedding.vectors

    stagekit.embedding.vectors.VectorStore.get_many = lambda *_: {}
if _without in {"outside", "report"} and "runner" in sys.orig_argv:
    import runner.record.report_generator
    import stagekit.checks.outside

    if _without == "outside":
        stagekit.checks.outside.outside_state = lambda *_: None
    else:
        runner.record.report_generator.run_before = lambda *_: None
