"""Reads some files of a plain folder again that look as they did: contents can change under every stamp.

Sizes, times and inodes tell nearly all (:mod:`stagekit.ingestion.folder_state`). File systems without inodes
and change times (FAT, some network shares) cannot tell a file that was replaced under its old size and time.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PARTS = 20  # of which one is read at a time


def changed_contents(settings: dict[str, Any], known: Mapping[str, str], part: int) -> list[str]:
    """Return the documents of one part whose contents are not those that were read, in order.

    Nothing is said of repositories, whose contents have their names, nor of files that cannot be read.

    Args:
        settings: every setting of the pipeline by name.
        known: git blob id by path of the documents that were read.
        part: number of the part, from 0 to :data:`PARTS` - 1; which one a file belongs to, its path says.
    """
    from stagekit.ingestion.content import file_blob_id
    from stagekit.ingestion.git_source import is_git_repository
    from stagekit.ingestion.opening import sample_repository

    root = Path(settings["source_path"]) if settings["source_path"] else sample_repository()
    if settings["source"] != "git" or is_git_repository(root):
        return []
    changed = []
    for path in sorted(path for path in known if _part_of(path) == part):
        with contextlib.suppress(OSError):
            file = (root / path).resolve()  # of a link what it leads to
            if file.is_relative_to(root.resolve()) and file_blob_id(file) != known[path]:
                changed.append(path)
    return changed


def _part_of(path: str) -> int:
    return int.from_bytes(hashlib.sha256(path.encode(errors="surrogateescape")).digest()[:4], "big") % PARTS
