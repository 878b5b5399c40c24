"""Whether the approved folders of a plain folder are as they were, without reading any file."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from stagekit.ingestion.patterns import is_within


def folder_state(root: Path, folders: Sequence[str], outputs: Path) -> str:
    """Return a digest of the names, sizes, times and inodes of the files in the approved folders.

    What a tool puts in a file's place under its old size and modification time (``rsync -t``, an unpacked
    archive, a restored backup) has another inode, and what it writes into the file another change time
    (inode(7)), which nobody can set. An empty folder or ``.`` is the whole; the outputs never count.

    Raises:
        OSError: if a folder cannot be read.
    """
    wanted = ["" if folder.strip("/") in ("", ".") else folder.strip("/") for folder in folders]
    state = hashlib.sha256()
    for path, facts in sorted(_walk(root, "", wanted, outputs)):
        state.update(f"{path}\0{facts}\n".encode(errors="surrogateescape"))
    return state.hexdigest()


def _walk(folder: Path, prefix: str, wanted: Sequence[str], outputs: Path) -> Iterator[tuple[str, str]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            name = f"{prefix}{entry.name}"
            inside = any(is_within(name, one) for one in wanted)
            if entry.is_dir(follow_symlinks=False):
                on_the_way = inside or any(is_within(f"{one}/x", name) for one in wanted)
                if on_the_way and not same_folder(Path(entry.path), outputs):
                    yield from _walk(Path(entry.path), f"{name}/", wanted, outputs)
            elif inside:
                facts = entry.stat(follow_symlinks=False)
                # As text: whole, the facts of 100,000 files would take 70 MB.
                yield name, f"{facts.st_size} {facts.st_mtime_ns} {facts.st_ctime_ns} {facts.st_ino}"


def same_folder(path: Path, folder: Path) -> bool:
    """Tell whether a path is that folder, whatever the names and links through which that one is reached."""
    try:
        return os.path.samestat(path.lstat(), folder.stat())
    except OSError:
        return False
