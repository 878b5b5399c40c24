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
    """Return the id that git gives to a file's content; `sha256` in repositories of that object format."""
    return object_id(b"blob", data, algorithm)


def object_id(kind: bytes, data: bytes, algorithm: str) -> str:
    """Return the id that git gives to a `blob` or `tree`."""
    # git-hash-object(1): the hash of "blob <length>\0" and the content.
    state = hashlib.new(algorithm, b"%b %d\0" % (kind, len(data)), usedforsecurity=False)
    state.update(data)
    return state.hexdigest()


def file_blob_id(path: Path, algorithm: str = "sha1") -> str:
    """Return git's id of a file's content without holding it in memory, see :func:`blob_id`.

    Raises:
        OSError: if it cannot be read.
    """
    with open_regular(path) as file:
        begin = b"blob %d\0" % os.fstat(file.fileno()).st_size
        state = hashlib.new(algorithm, begin, usedforsecurity=False)
        while block := file.read(1 << 20):
            state.update(block)
    return state.hexdigest()


def algorithm_of(identity: str) -> str:
    """Return the hash function of an id that git gave."""
    return "sha256" if len(identity) == _SHA256_DIGITS else "sha1"


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
    """Return the bytes if they are those of the blob id ``expected``; raise ContentError if they are not."""
    found = blob_id(data, algorithm_of(expected))
    if found != expected:
        raise ContentError(
            f"{path!r} was read with other content ({found[:12]}) than listed ({expected[:12]}): it changed "
            "or was cut off while the stage ran; run the stage again."
        )
    return data
