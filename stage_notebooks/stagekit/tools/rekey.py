"""Puts all that lies below ``outputs/`` under another key; ``nic-etl state rekey`` starts it as a process.

``python -m stagekit.tools.rekey`` reads a request as JSON from standard input (the arguments of
:func:`rekey`) and writes what it did as JSON. Each file is replaced as a whole, so that it is readable
under the old key or the new one whenever the process is killed; ``encryption.json`` says that the change
goes on until it is complete, and every other command refuses meanwhile.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from stagekit.artifacts.memo import reseal_memo
from stagekit.artifacts.store import ArtifactStore, artifacts_url, open_store
from stagekit.base.files import atomic_write
from stagekit.base.paths import outputs_path
from stagekit.sealing.change import KeyChange, planned_change
from stagekit.sealing.cipher import Cipher, EncryptionError, Keyring
from stagekit.sealing.marker import MARKER_FILE, Marker
from stagekit.tools.tool import answer

__all__ = ["main", "rekey"]

_LOCK = "rekey.lock"


def rekey(*, outputs_dir: str, to_clear: bool = False) -> dict[str, Any]:
    """Put artifacts, memo, vectors and embedded collections under the key of the environment, or in clear.

    The caller sees to executed notebooks, and holds the lock of the runs.

    Returns:
        ``key_id_before`` and ``key_id`` (empty: clear), and how many ``artifacts``, ``outcomes``, ``vectors``
        and ``points`` were written anew.

    Raises:
        EncryptionError: keys are missing or wrong, another process changes the key, or a file is under
            neither key; nothing was changed, or what was is readable under the new key.
        StageError: a store cannot be read or written.
    """
    outputs = outputs_path(outputs_dir)
    with _alone(outputs):
        store = open_store(artifacts_url(outputs))
        change = planned_change(outputs, store, to_clear=to_clear)
        _mark(outputs, store, Marker(change.from_id, change.sealing.key_id))
        counts = _reseal(outputs, store, change)
        final = Marker(change.sealing.key_id) if change.sealing.key_id else None
        _mark(outputs, store, final)
    return {"key_id_before": change.from_id, "key_id": change.sealing.key_id} | counts


def _reseal(outputs: Path, store: ArtifactStore, change: KeyChange) -> dict[str, int]:
    store.cipher = change.keyring
    counts = {"artifacts": sum([store.reseal(uri) for uri, _, _ in list(store.entries())])}
    counts["outcomes"] = _database(outputs / "memo.sqlite", reseal_memo, change.keyring)
    counts["vectors"] = 0
    if (outputs / "vectors.sqlite").exists():
        from stagekit.embedding.vectors import reseal_vectors  # NumPy, only where it is needed

        counts["vectors"] = _database(outputs / "vectors.sqlite", reseal_vectors, change.keyring)
    counts["points"] = _collections(outputs / "qdrant", change)
    _remove_leftovers(outputs)
    return counts


def _database(path: Path, reseal: Callable[[Path, Cipher], int], keyring: Keyring) -> int:
    return reseal(path, keyring) if path.exists() else 0


def _collections(folder: Path, change: KeyChange) -> int:
    if not folder.is_dir() and not folder.with_name(f"{folder.name}.old").is_dir():
        return 0
    from stagekit.storage.embedded.rekey import rekey_embedded

    return rekey_embedded(folder, change.sealing, change.known)


def _remove_leftovers(outputs: Path) -> None:
    """Delete what damage and broken-off restorations left: nobody reads it, and it is under the old key."""
    for path in outputs.glob("*.sqlite*.damaged*"):
        path.unlink()
    for path in outputs.glob(".restore-*"):
        shutil.rmtree(path)


def _mark(outputs: Path, store: ArtifactStore, marker: Marker | None) -> None:
    # The folder's own marker is the first to say that a change goes on, and the last to say that it is over.
    steps: list[Callable[[], None]] = [lambda: _mark_folder(outputs, marker), lambda: store.mark(marker)]
    for step in steps if marker and marker.changing_to is not None else reversed(steps):
        step()


def _mark_folder(outputs: Path, marker: Marker | None) -> None:
    if marker is None:
        (outputs / MARKER_FILE).unlink(missing_ok=True)
    else:
        atomic_write(outputs / MARKER_FILE, marker.text())


@contextlib.contextmanager
def _alone(outputs: Path) -> Iterator[None]:
    descriptor = os.open(outputs / _LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise EncryptionError(
                f"Another process is changing the key of {outputs}: wait until it has ended."
            ) from None
        yield
    finally:
        os.close(descriptor)


def main() -> int:
    """Answer the request on standard input and return the exit code."""
    return answer(rekey, "stagekit.tools.rekey")


if __name__ == "__main__":
    sys.exit(main())
