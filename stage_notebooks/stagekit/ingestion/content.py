"""Git's name for bytes, by which content is recognised, verified and never fetched twice."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from pathlib import Path
from typing import BinaryIO

_SHA256_DIGITS = 64


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
    with open_regular(path) as file:
        state = hashlib.sha1(b"blob %d\0" % os.fstat(file.fileno()).st_size, usedforsecurity=False)
        while block := file.read(1 << 20):
            state.update(block)
    return state.hexdigest()


def open_regular(path: Path) -> BinaryIO:
    """Open a file for reading, unless it has become a link or a pipe since it was listed.

    Raises:
        OSError: if it is no regular file, or cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is not a regular file", str(path))
    return os.fdopen(descriptor, "rb")


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
