"""Git's name for bytes, by which content is recognised, verified and never fetched twice."""

from __future__ import annotations

import codecs
import hashlib
import os
from pathlib import Path

from stagekit.front_matter import canonical_status, split_front_matter

__all__ = ["ContentError", "blob_id", "declared_status", "file_blob_id", "verified"]

_SHA256_DIGITS = 64
_FRONT = 1024 * 1024  # of a large file, no more is decoded to look for its front matter


class ContentError(Exception):
    """A file's bytes are missing, or not those that its blob id promises."""


def blob_id(data: bytes, algorithm: str = "sha1") -> str:
    """Return the id that git gives to a file's content.

    Args:
        data: the content.
        algorithm: ``sha1``, or ``sha256`` in repositories of that object format.
    """
    # git-hash-object(1): the hash of "blob <length>\0" and the content.
    state = hashlib.new(algorithm, b"blob %d\0" % len(data), usedforsecurity=False)
    state.update(data)
    return state.hexdigest()


def file_blob_id(path: Path) -> str:
    """Return git's id (sha1) of a file's content without holding it in memory.

    Raises:
        OSError: if it cannot be read.
    """
    with path.open("rb") as file:
        state = hashlib.sha1(b"blob %d\0" % os.fstat(file.fileno()).st_size, usedforsecurity=False)
        while block := file.read(1 << 20):
            state.update(block)
    return state.hexdigest()


def verified(data: bytes, expected: str, path: str) -> bytes:
    """Return the bytes if they are those of the blob id ``expected``.

    Raises:
        ContentError: if they are not.
    """
    found = blob_id(data, "sha256" if len(expected) == _SHA256_DIGITS else "sha1")
    if found != expected:
        raise ContentError(
            f"{path!r} was read with other content ({found[:12]}) than listed ({expected[:12]}): it changed "
            "or was cut off while the stage ran; run the stage again."
        )
    return data


def declared_status(data: bytes) -> str | None:
    """Return the status that a Markdown file's front matter declares, in the words of the NIC schema."""
    data = data[:_FRONT]
    utf16 = data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    # A status is plain ASCII in any encoding met in practice: other characters need not be right here.
    text = data.decode("utf-16" if utf16 else "utf-8-sig", errors="replace")
    values, _, _ = split_front_matter(text)
    by_name = {name.strip().casefold(): value for name, value in values.items()}
    return canonical_status(by_name.get("status"))
