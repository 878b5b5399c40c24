"""Git's name for bytes, by which content is recognised, verified and never fetched twice."""

from __future__ import annotations

import codecs
import errno
import hashlib
import html
import io
import os
import re
import stat
import zipfile
from pathlib import Path
from typing import BinaryIO

from stagekit.base.front_matter import STATUSES, canonical_status, split_front_matter

__all__ = ["ContentError", "blob_id", "declared_status", "file_blob_id", "open_regular", "verified"]

_SHA256_DIGITS = 64
_CONTENT_STATUS = re.compile(
    rb"<(?:\w+:)?contentStatus[^>]*>([^<]{1,200})<"
)  # ECMA-376 part 2, core properties
_CORE = 64 * 1024
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


def declared_status(data: bytes, extension: str = "md") -> str | None:
    """Return the status that a document declares itself, in the words of the NIC schema.

    That of a Markdown file stands in its front matter, that of a Word document in its core properties
    (content status); other files declare none. What a Word document says counts only where it is one of
    the schema's words: templates write anything there.
    """
    if extension == "docx":
        status = canonical_status(_word_status(data))
        return status if status in STATUSES else None
    return _front_matter_status(data) if extension in ("md", "markdown") else None


def _front_matter_status(data: bytes) -> str | None:
    data = data[:_FRONT]
    utf16 = data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    # A status is plain ASCII in any encoding met in practice: other characters need not be right here.
    text = data.decode("utf-16" if utf16 else "utf-8-sig", errors="replace")
    values, _, _ = split_front_matter(text)
    by_name = {name.strip().casefold(): value for name, value in values.items()}
    if by_name.get("status") is not None:
        return canonical_status(by_name["status"])
    # These two words have other uses ("estado: SP"): they count where they hold a status of the schema.
    found = (canonical_status(by_name.get(name)) for name in ("situação", "situacao", "estado"))
    return next((status for status in found if status in STATUSES), None)


def _word_status(data: bytes) -> str | None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package, package.open("docProps/core.xml") as core:
            found = _CONTENT_STATUS.search(core.read(_CORE))
    except (KeyError, zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError, ValueError):
        return None  # without properties, or damaged: stage 02 says so
    return html.unescape(found[1].decode("utf-8", "replace")) if found else None
