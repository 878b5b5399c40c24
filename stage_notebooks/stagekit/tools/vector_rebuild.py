"""Puts the vectors that stage 04 stored back into ``vectors.sqlite``: what was lost is not embedded again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stagekit.artifacts.store import artifacts_url, open_store
from stagekit.errors import ArtifactError

_KEY_LENGTH = 64  # hexadecimal digits of a sha256


def rebuild_vectors(outputs: str, parts: Sequence[dict[str, Any]]) -> int:
    """Keep the vectors of documents that are not kept yet, and return how many those are.

    Args:
        outputs: the outputs folder.
        parts: references to tables of :func:`stagekit.embedding.tables.embeddings_table`; one that is
            missing or damaged is left out.
    """
    from stagekit.embedding.vectors import VectorStore

    folder = Path(outputs)
    store, kept = open_store(artifacts_url(folder)), VectorStore(folder / "vectors.sqlite")
    count = 0
    for part in parts:
        try:
            table = store.read_table(part)
            vectors = _vectors(table.select(["vector_key", "vector"]))
        except (ArtifactError, KeyError, ValueError):
            continue
        known = kept.get_many(vectors)
        kept.put_many({key: vector for key, vector in vectors.items() if key not in known})
        count += len(vectors.keys() - known.keys())
    return count


def _vectors(table: Any) -> dict[str, Any]:
    """Return the vectors of a table by their keys.

    Raises:
        ValueError: if a key is none, or the vectors are not finite float32 of one length.
    """
    import numpy as np

    keys = table["vector_key"].to_pylist()
    matrix = np.array(table["vector"].to_pylist(), dtype=np.float32)
    digits = set("0123456789abcdef")
    if not all(isinstance(key, str) and len(key) == _KEY_LENGTH and set(key) <= digits for key in keys):
        raise ValueError("keys that are no sha256")
    if keys and (matrix.ndim != 2 or not np.isfinite(matrix).all()):
        raise ValueError("vectors that are none")
    return dict(zip(keys, matrix, strict=True))


tool = rebuild_vectors
