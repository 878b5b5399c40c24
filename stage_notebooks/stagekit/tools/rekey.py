"""Copies what an outputs folder keeps sealed into a fresh one under another key, for ``nic-etl state rekey``.

What it copies is read through the stores' own methods, and read back from the copy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from pathlib import Path
from typing import TypeVar

from stagekit.artifacts.memo import Memo
from stagekit.artifacts.store import artifacts_url, half_written, open_store
from stagekit.base.files import atomic_write
from stagekit.errors import StageError
from stagekit.sealing.change import former_cipher, new_cipher
from stagekit.sealing.cipher import Cipher, EncryptionError
from stagekit.sealing.marker import MARKER_FILE, Marker, read_marker

_BATCH = 500  # rows of a cache in memory at once

T = TypeVar("T")


def copy_stores(*, outputs_dir: str, copy_dir: str, artifacts: str, to_clear: bool) -> dict[str, int]:
    """Copy artifacts, memo, vectors and embedded collections; the caller holds the lock of the runs.

    Args:
        outputs_dir: the folder that they are in.
        copy_dir: an empty one.
        artifacts: folder or URL of the new artifact store; empty where artifacts stay where they are.
        to_clear: the copy is not encrypted.

    Returns:
        how many ``artifacts``, ``outcomes``, ``vectors`` and ``points`` were copied, and how many artifacts
        were ``damaged``, which are left out.

    Raises:
        StageError: a key is missing, a store cannot be read or written, or something did not arrive whole.
    """
    outputs, copy = Path(outputs_dir), Path(copy_dir)
    sealing = new_cipher(to_clear=to_clear)
    opening = former_cipher(outputs_dir, read_marker(outputs))
    if sealing.key_id:
        atomic_write(copy / MARKER_FILE, Marker(sealing.key_id).text())
    counts = {"outcomes": 0, "vectors": 0, "points": 0, "artifacts": 0, "damaged": 0}
    # Artifacts last: they are stored before anything refers to them.
    if (outputs / "memo.sqlite").exists():
        counts["outcomes"] = _copy_memo(outputs / "memo.sqlite", opening, copy / "memo.sqlite")
    if (outputs / "vectors.sqlite").exists():
        counts["vectors"] = _copy_vectors(outputs / "vectors.sqlite", opening, copy / "vectors.sqlite")
    if (outputs / "qdrant").is_dir():
        from stagekit.storage.embedded.copying import copy_embedded

        counts["points"] = copy_embedded(outputs / "qdrant", opening, copy / "qdrant")
    return counts | (_copy_artifacts(artifacts_url(outputs), artifacts, sealing) if artifacts else {})


def _copy_artifacts(source: str, target: str, sealing: Cipher) -> dict[str, int]:
    old, new = open_store(source), open_store(target)
    old.cipher = former_cipher(source, old.marker())
    if sealing.key_id:
        new.encrypt(sealing)
    if new.cipher.key_id != sealing.key_id:
        raise EncryptionError(f"{target} holds artifacts under another key: give an empty place.")
    copied = [old.copy(uri, new) for uri, _, _ in old.entries() if not half_written(uri)]
    return {"artifacts": sum(copied), "damaged": len(copied) - sum(copied)}


def _copy_memo(source: Path, opening: Cipher, target: Path) -> int:
    count = 0
    with Memo(source, opening) as old, Memo(target) as new:
        for rows in _batches(old.rows()):
            new.put_many(rows)
            count += len(rows)
        for stage, good in groupby(old.good_values(), key=lambda row: row[0]):
            for documents in _batches((document, row) for _, document, row in good):
                new.remember_good(stage, documents)
                count += len(documents)
        arrived = sum(1 for _ in new.rows()) + sum(1 for _ in new.good_values())
    _require_all("outcomes", count, arrived)
    return count


def _copy_vectors(source: Path, opening: Cipher, target: Path) -> int:
    from stagekit.embedding.vectors import VectorStore  # NumPy, only where it is needed

    new, count = VectorStore(target), 0
    for vectors in _batches(VectorStore(source, opening).items()):
        new.put_many(dict(vectors))
        count += len(vectors)
    _require_all("vectors", count, sum(1 for _ in new.items()))
    return count


def _require_all(what: str, copied: int, arrived: int) -> None:
    if copied != arrived:
        raise StageError(f"Of {copied:,} {what} only {arrived:,} could be read back from the copy.")


def _batches(rows: Iterable[T]) -> Iterator[list[T]]:
    iterator = iter(rows)
    while batch := list(islice(iterator, _BATCH)):
        yield batch


tool = copy_stores
