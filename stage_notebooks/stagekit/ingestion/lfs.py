"""Recognises Git LFS pointers: small files that stand in a repository for content that lies elsewhere."""

from __future__ import annotations

import re
from dataclasses import dataclass

LARGEST_POINTER = 1024
# https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md: `version` comes first, further keys by name.
_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n"
    rb"(?:[a-z0-9.-]+ [^\n]*\n)*?oid sha256:(?P<oid>[0-9a-f]{64})\n"
    rb"(?:[a-z0-9.-]+ [^\n]*\n)*?size (?P<size>[0-9]{1,18})\n?(?:[a-z0-9.-]+ [^\n]*\n)*"
)


@dataclass(frozen=True)
class LfsPointer:
    """What a pointer promises: the sha256 of the content and its size in bytes."""

    oid: str
    size: int


def lfs_pointer(data: bytes) -> LfsPointer | None:
    """Return the pointer that a file's bytes are, None where they are ordinary content."""
    if len(data) >= LARGEST_POINTER:
        return None
    found = _POINTER.fullmatch(data)
    return LfsPointer(found["oid"].decode(), int(found["size"])) if found else None
