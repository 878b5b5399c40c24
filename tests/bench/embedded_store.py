"""Measures what can be the embedded store: qdrant-client's local mode against the engine in this process.

    python -m tests.bench.embedded_store --points 10000 --dimensions 384 1024

Each measurement runs in a process of its own; the peak memory holds the engine and one batch of points, not
the test data. Stores:

* ``local``: qdrant-client's local mode,
* ``bare``: stagekit.storage.EmbeddedQdrant without payload indexes,
* ``embedded``: the same with those of EMBEDDED_INDEXES, as nic-etl uses it,
* ``all``: with an index for every field of PAYLOAD_INDEXES, as a server gets them,
* ``graph``: ``embedded`` with the HNSW graph, which nic-etl builds from 50,000 points on.
"""

from __future__ import annotations

import argparse
import json
import resource
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from qdrant_client import QdrantClient, models

from stagekit.storage.collection import EMBEDDED_INDEXES, PAYLOAD_INDEXES
from stagekit.storage.embedded.store import EmbeddedQdrant

BATCH = 256
NAME = "c"
INDEXES = {"embedded": EMBEDDED_INDEXES, "graph": EMBEDDED_INDEXES, "all": tuple(PAYLOAD_INDEXES)}
TEXT = "O prazo para interpor recurso é de dez dias, contados da ciência da decisão. " * 10
COLUMNS = (
    "store",
    "points",
    "dim",
    "upsert/s",
    "flush s",
    "query ms",
    "filtered ms",
    "open s",
    "MB",
    "RSS MB",
)


def main() -> None:
    """Print one row a store and size, then whether a killed writer lost anything."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--points", type=int, nargs="+", default=[10_000])
    parser.add_argument("--dimensions", type=int, nargs="+", default=[384, 1024])
    parser.add_argument("--stores", nargs="+", default=["local", "bare", "embedded", "all"])
    parser.add_argument("--child", nargs=5, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        _child(*arguments.child)
        return
    print(" | ".join(COLUMNS), flush=True)
    for points in arguments.points:
        for dimension in arguments.dimensions:
            for store in arguments.stores:
                print(" | ".join(_measure(store, points, dimension)), flush=True)
    for store in arguments.stores:
        print(f"killed while writing, {store}: {_killed(store)}", flush=True)


def _measure(store: str, points: int, dimension: int) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        written = _run("write", store, folder, points, dimension)
        read = _run("read", store, folder, points, dimension)
        blocks = sum(file.stat().st_blocks * 512 for file in Path(folder).rglob("*") if file.is_file())
    figures = [written["rate"], written["flush"], read["query"], read["filtered"], read["open"], blocks / 1e6]
    return [store, str(points), str(dimension), *(f"{one:.4g}" for one in figures), f"{written['rss']:.0f}"]


def _run(*words: Any) -> dict[str, float]:
    done = subprocess.run(_command(*words), capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def _killed(store: str) -> str:
    """Kill a writer in the middle and compare what it had acknowledged with what is there."""
    with tempfile.TemporaryDirectory() as folder:
        writer = subprocess.Popen(
            _command("acknowledge", store, folder, 4000, 384), stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        lines = iter(writer.stdout.readline, "")
        acknowledged = next(int(line) for line in lines if int(line) >= 1500)
        writer.send_signal(signal.SIGKILL)
        acknowledged = max([acknowledged, *(int(line) for line in lines)])
        writer.stdout.close()
        writer.wait()
        found = _run("count", store, folder, 0, 384)["count"]
    return f"{acknowledged} points acknowledged, {found:.0f} found"


def _command(*words: Any) -> list[str]:
    return [sys.executable, "-m", "tests.bench.embedded_store", "--child", *map(str, words)]


def _child(task: str, store: str, folder: str, points: str, dimension: str) -> None:
    count, size = int(points), int(dimension)
    begun = time.perf_counter()
    client = _open(store, Path(folder))
    if task == "write":
        answer = _write(client, store, count, size)
    elif task == "read":
        client.count(NAME)
        answer = {"open": time.perf_counter() - begun} | _read(client, size)
    elif task == "acknowledge":
        _create(client, store, size)
        for number, batch in enumerate(_batches(count, size), start=1):
            client.upsert(NAME, points=batch, wait=True)
            print(number * BATCH, flush=True)
        return
    else:
        answer = {"count": client.count(NAME, exact=True).count}
    client.close()
    print(json.dumps(answer))


def _open(store: str, folder: Path) -> Any:
    return QdrantClient(path=str(folder)) if store == "local" else EmbeddedQdrant(folder)


def _create(client: Any, store: str, dimension: int) -> None:
    params = models.VectorParams(size=dimension, distance=models.Distance.COSINE)
    client.create_collection(NAME, vectors_config={"dense": params})
    for field in INDEXES.get(store, ()):
        client.create_payload_index(NAME, field_name=field, field_schema=PAYLOAD_INDEXES[field])


def _write(client: Any, store: str, points: int, dimension: int) -> dict[str, float]:
    _create(client, store, dimension)
    busy = 0.0
    for batch in _batches(points, dimension):
        begun = time.perf_counter()
        client.upsert(NAME, points=batch, wait=True)
        busy += time.perf_counter() - begun
    begun = time.perf_counter()
    if store == "graph":  # from 50,000 points on
        client.update_collection(NAME, optimizers_config=models.OptimizersConfigDiff(indexing_threshold=1))
    client.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"rate": points / busy, "flush": time.perf_counter() - begun, "rss": peak}


def _read(client: Any, dimension: int) -> dict[str, float]:
    draw = np.random.default_rng(1)
    questions = draw.normal(size=(30, dimension)).tolist()
    condition = models.FieldCondition(key="language", match=models.MatchValue(value="es"))
    wanted = models.Filter(must=[condition])
    return {
        "query": _median(client, questions, None),
        "filtered": _median(client, questions, wanted),
    }


def _median(client: Any, questions: list[list[float]], wanted: models.Filter | None) -> float:
    taken = []
    for question in questions:
        begun = time.perf_counter()
        client.query_points(NAME, query=question, using="dense", query_filter=wanted, limit=20)
        taken.append(1000 * (time.perf_counter() - begun))
    return float(np.median(taken))


def _batches(points: int, dimension: int) -> Iterator[list[models.PointStruct]]:
    draw = np.random.default_rng(0)
    for start in range(0, points, BATCH):
        vectors = draw.normal(size=(min(BATCH, points - start), dimension)).astype(np.float32)
        yield [
            models.PointStruct(
                id=str(uuid.UUID(int=draw.integers(2**62).item())),
                vector={"dense": vector.tolist()},
                payload=_payload(start + place),
            )
            for place, vector in enumerate(vectors)
        ]


def _payload(number: int) -> dict[str, Any]:
    keywords = {field: f"{field} {number % 50}" for field in PAYLOAD_INDEXES}
    times = dict.fromkeys(("created", "modified", "effective_date"), "2024-03-01T10:00:00Z")
    return (
        keywords
        | times
        | {
            "language": "es" if number % 10 == 0 else "pt-BR",
            "document_id": str(uuid.UUID(int=number // 20)),
            "chunk_index": number % 20,
            "page_number": number % 7,
            "is_latest": True,
            "ocr_applied": False,
            "expiration_date": None,
            "chunk_content": TEXT,
        }
    )


if __name__ == "__main__":
    main()
