"""Remembers the hashes of large files, so that weights of gigabytes are read once and not at every start."""

import contextlib
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from stagekit.base.files import sha256_file

_LARGE = 2**20  # bytes; below, hashing takes less than looking up
_SETTLED_NS = 2 * 10**9  # a file younger than the coarsest clock of a file system may change unnoticed


def models_dir() -> Path:
    """Return `$NIC_ETL_MODELS_DIR`, or `nic-etl/models` below the user's cache directory."""
    if configured := os.environ.get("NIC_ETL_MODELS_DIR"):
        return Path(configured).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(cache).expanduser() / "nic-etl" / "models"


def known_sha256(path: Path) -> str:
    """Return `sha256_file`, from a record below `models_dir()` while the file is unchanged."""
    return remembered_sha256(path, models_dir() / ".hashes", sha256_file)


def remembered_sha256(path: Path, store: Path, sha256: Callable[[Path], str]) -> str:
    """Return the hash of a file, computed again only after the file has changed in any way.

    Whether it has is told as git does it: by inode, size, time of modification, and time of the last change
    of the inode, which no program can set. `nic-etl doctor` reads packaged models anew all the same.

    Args:
        path: The file.
        store: Folder that keeps a small file for each large one; where it cannot be written, nothing is kept.
        sha256: Computes the hexadecimal hash of a file's bytes.
    """
    before = _signature(path)
    if before[1] < _LARGE:
        return sha256(path)
    record = store / hashlib.sha256(os.fsencode(path.resolve())).hexdigest()
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        known = json.loads(record.read_text(encoding="utf-8"))
        if known["file"] == before:
            return str(known["sha256"])
    found = sha256(path)
    settled = time.time_ns() - max(before[2:]) > _SETTLED_NS
    if settled and _signature(path) == before:
        with contextlib.suppress(OSError):
            _write(record, {"file": before, "sha256": found})
    return found


def _signature(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]


def _write(record: Path, content: object) -> None:
    """Replace the record as a whole: two processes may write it at once."""
    record.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=record.parent, delete=False, encoding="utf-8") as stream:
        json.dump(content, stream)
    Path(stream.name).replace(record)
