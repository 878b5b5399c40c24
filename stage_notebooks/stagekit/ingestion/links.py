"""Follows the symbolic links of a snapshot inside its own tree, never through the file system."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from stagekit.ingestion.source import FileKind, SourceFile

_MAX_LINKS = 40  # as Linux counts, path_resolution(7)
_MAX_TARGET = 4096


class LinkError(Exception):
    """Why a link leads to no file of the tree, as the second half of a sentence."""


def follow_link(
    link: SourceFile, tree: Mapping[str, SourceFile], read: Callable[[SourceFile], bytes]
) -> SourceFile:
    """Return the file that a symbolic link leads to, through other links and linked folders if need be.

    Raises:
        LinkError: if the target lies outside of the tree, is missing, is no file, or leads back to the link.
    """
    at, pending, followed = link.path.split("/")[:-1], [link.path.split("/")[-1]], 0
    while pending:
        part = pending.pop(0)
        if part == "..":
            if not at:
                raise LinkError("its target lies outside of the repository")
            at.pop()
            continue
        if part in ("", "."):
            continue
        entry = tree.get("/".join([*at, part]))
        if entry is None or entry.kind != FileKind.SYMLINK:
            at.append(part)
            continue
        followed += 1
        if followed > _MAX_LINKS:
            raise LinkError("it leads back to itself")
        pending = [*_target(entry, read), *pending]
    return _file_at("/".join(at), tree)


def _target(link: SourceFile, read: Callable[[SourceFile], bytes]) -> list[str]:
    target = os.fsdecode(read(link)[: _MAX_TARGET + 1])
    if target.startswith("/"):
        raise LinkError("its target is an absolute path")
    if not target or len(target) > _MAX_TARGET:
        raise LinkError("its target is not a path")
    return target.split("/")


def _file_at(path: str, tree: Mapping[str, SourceFile]) -> SourceFile:
    file = tree.get(path)
    if file is not None and file.kind == FileKind.FILE:
        return file
    if file is not None:
        raise LinkError("its target is not a regular file")
    if not path or any(name.startswith(f"{path}/") for name in tree):
        raise LinkError("its target is a folder")
    raise LinkError("its target does not exist")
