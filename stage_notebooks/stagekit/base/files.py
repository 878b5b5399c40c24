"""Files as they have to be written and named: whole or not at all, and by their sha256."""

from __future__ import annotations

import hashlib
import os
import shutil
import uuid
from pathlib import Path
from typing import Any

from stagekit.base.disk_faults import named_in_errors

READ_ONLY = 0o400
"""The mode of executed notebooks: editors open them to be read; only the next execution replaces them."""


def atomic_write(path: Path, data: bytes, *, sync: bool = True, mode: int = 0o600) -> None:
    """Write a file whole or not at all (temporary name, fsync, rename), readable by its owner only.

    Without ``sync`` it survives the end of the process, and a loss of power only some seconds later.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    try:
        descriptor = os.open(temporary, flags, mode)
    except FileNotFoundError:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(temporary, flags, mode)
    try:
        with named_in_errors(path):
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                if sync:
                    file.flush()
                    os.fsync(file.fileno())
            temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def sha256_file(path: Path) -> str:
    """Return the hexadecimal sha256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def move_file(fs: Any, source: str, target: str) -> None:
    """Move a file of an fsspec file system, by its exact path.

    What fsspec calls ``mv`` and ``rm`` takes ``* ? [ ]`` for patterns, and then moves nothing or others.
    """
    if is_local(fs):
        Path(source).replace(target)
        return
    from fsspec import AbstractFileSystem

    if type(fs).mv is not AbstractFileSystem.mv:  # a move of its own, by the path that is given
        fs.mv(source, target)
    else:
        fs.cp_file(source, target)
        fs.rm_file(source)


def remove_file(fs: Any, path: str) -> None:
    """Remove a file of an fsspec file system, by its exact path; a folder in its place with all it holds."""
    if is_local(fs) and Path(path).is_dir():
        shutil.rmtree(path)
    else:
        fs.rm_file(path)


def is_local(fs: Any) -> bool:
    """Tell whether a file system of fsspec is that of this machine."""
    return "file" in (fs.protocol if isinstance(fs.protocol, tuple) else (fs.protocol,))
