"""How fast points go into a Qdrant server over loopback, and how fast a search comes back.

``python -m tests.bench.qdrant_throughput [POINTS] [DIMENSIONS] [URL]``: a first load through stage 06's own
reconciliation, a second pass that must write nothing, searches with and without a filter. Without a URL the
test server is used, in a process of its own; the key of a real one is read from ``$QDRANT_API_KEY``. The
collection ``throughput`` is made anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from qdrant_client import QdrantClient
from qdrant_client.models import FieldCondition, Filter, MatchValue

from stagekit.storage import (
    DENSE,
    CollectionIdentity,
    DesiredDocument,
    DesiredPoint,
    PointWriter,
    apply_change,
    connect,
    create_collection,
    plan_changes,
    stored_points,
)

_COLLECTION = "throughput"
_SOURCE = "bench"
_CHUNKS = 20  # of a document
_TEXT = "Os servidores em estágio probatório têm direito às férias após doze meses de exercício. " * 9


def main(points: int, dimension: int, url: str) -> None:
    """Print one line for each measurement."""
    with _server(url) as address, contextlib.closing(connect(address, Path())) as client:
        client.delete_collection(_COLLECTION)
        create_collection(client, _COLLECTION, CollectionIdentity("bench@1", dimension))
        vectors = np.random.default_rng(1).normal(size=(points, dimension)).astype(np.float32)
        documents = [
            _document(number, vectors[number * _CHUNKS : (number + 1) * _CHUNKS])
            for number in range(points // _CHUNKS)
        ]
        for label in ("first load", "unchanged"):
            _reconcile(client, address, documents, label)
        for language in ("", "pt-BR"):
            _search(client, vectors, language)


@contextlib.contextmanager
def _server(url: str) -> Iterator[str]:
    if url:
        yield url
        return
    command = [sys.executable, "-m", "tests.servers.qdrant_server"]
    # One thread: the halves of a small product wait for each other where the cores are busy.
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.kill()


def _document(number: int, vectors: Any) -> DesiredDocument:
    path = f"30-Aprovados/{number % 17}/d{number}.md"

    def load() -> Iterator[DesiredPoint]:
        for index, vector in enumerate(vectors):
            payload = {
                "source_id": _SOURCE,
                "status": "approved",
                "document_id": path,
                "file_path": path,
                "chunk_index": index,
                "language": ("pt-BR", "en", "es")[number % 3],
                "text": _TEXT,
                "point_fingerprint": hashlib.sha256(vector.tobytes()).hexdigest(),
            }
            yield DesiredPoint(
                str(uuid.uuid5(uuid.NAMESPACE_URL, f"{path}#{index}")), vector.tolist(), payload
            )

    return DesiredDocument(path, path, {p.id: p.payload["point_fingerprint"] for p in load()}, load)


def _reconcile(client: QdrantClient, address: str, documents: list[DesiredDocument], label: str) -> None:
    begin, work = time.monotonic(), time.process_time()
    plan = plan_changes(documents, stored_points(client, _COLLECTION, _SOURCE))
    with PointWriter(client, _COLLECTION, address, statuses={"approved"}) as writer:
        for change in plan.changes:
            apply_change(change, upsert=writer.upsert, delete=writer.delete)
    seconds, work = time.monotonic() - begin, time.process_time() - work
    rate = f", {60 * writer.written / seconds:,.0f} vectors/min" if writer.written else ""
    print(
        f"{label}: {writer.written} written, {writer.deleted} deleted in {seconds:.1f} s "
        f"({work:.1f} s of this process){rate}",
        flush=True,
    )


def _search(client: QdrantClient, vectors: Any, language: str) -> None:
    wanted = (
        Filter(must=[FieldCondition(key="language", match=MatchValue(value=language))]) if language else None
    )
    times = []
    for vector in vectors[:51]:
        begin = time.monotonic()
        client.query_points(_COLLECTION, query=vector.tolist(), using=DENSE, limit=10, query_filter=wanted)
        times.append(1000 * (time.monotonic() - begin))
    times = sorted(times[1:])  # the first one warms the server up
    label = f"search, language = {language}" if language else "search"
    print(f"{label}: median {statistics.median(times):.0f} ms, 95 % within {times[47]:.0f} ms", flush=True)


if __name__ == "__main__":
    count, size, place = [*sys.argv[1:], *("10000", "1024", "")[len(sys.argv) - 1 :]]
    main(int(count), int(size), place)
