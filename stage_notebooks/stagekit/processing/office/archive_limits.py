"""Refuses Office packages that explode when they are unpacked, before any library unpacks them."""

from __future__ import annotations

import zipfile
from itertools import pairwise
from xml.parsers import expat

from stagekit.errors import DocumentRejected

MAX_UNPACKED_BYTES = 1 << 30
MAX_MEMBERS = 20_000
MAX_RATIO = 150  # text repeats itself at most so much; DEFLATE itself reaches 1,032
FREE_BYTES = 32 << 20  # what unpacks to less does no harm, however small it was
_LOCAL_HEADER = 30  # bytes before the name, APPNOTE.TXT 4.3.7
_XML = (".xml", ".rels")
_MAX_PROLOG = 1 << 16


def check_package(content: bytes, archive: zipfile.ZipFile) -> None:
    """Check a package by its directory and the beginnings of its XML parts.

    Raises:
        DocumentRejected: category `too_large` (it unpacks to more than 1 GiB, or to more than 150 times its
            size, or has more than 20,000 parts) or `corrupt` (two parts share a name or bytes, or one of them
            declares XML entities).
        zipfile.BadZipFile: a part cannot be read.
    """
    members = archive.infolist()
    unpacked = sum(member.file_size for member in members)
    if unpacked > MAX_UNPACKED_BYTES or len(members) > MAX_MEMBERS:
        raise _too_large("The document unpacks to more than 1 GiB or 20,000 parts.")
    if unpacked > max(FREE_BYTES, MAX_RATIO * len(content)):
        raise _too_large(f"The document unpacks to {unpacked / 2**20:,.0f} MiB, far more than documents do.")
    if len({member.filename for member in members}) < len(members):
        raise _corrupt("two of its parts have the same name")
    if _overlap(members):
        raise _corrupt("its parts share the same bytes")
    if any(_declares_entities(archive, member) for member in members if member.filename.endswith(_XML)):
        raise _corrupt("its XML declares entities, which no Office program writes")


def _overlap(members: list[zipfile.ZipInfo]) -> bool:
    """Tell whether two parts lie over each other, as in bombs that unpack the same bytes many times."""
    ordered = sorted(members, key=lambda member: member.header_offset)
    return any(
        before.header_offset + _LOCAL_HEADER + len(before.orig_filename) + before.compress_size
        > after.header_offset
        for before, after in pairwise(ordered)
    )


def _declares_entities(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bool:
    """Look into what stands before the root element: only there entities can be declared."""
    entities: list[str] = []
    elements: list[str] = []
    parser = expat.ParserCreate()
    parser.EntityDeclHandler = lambda name, *_: entities.append(name)
    parser.StartElementHandler = lambda name, _: elements.append(name)
    with archive.open(member) as part:
        prolog = part.read(_MAX_PROLOG)
    try:
        parser.Parse(prolog, False)
    except expat.ExpatError:  # broken XML: the backend says so
        return bool(entities) or b"<!ENTITY" in prolog
    # Without a root element in so much text, nobody knows what is still to be declared.
    return bool(entities) or (not elements and len(prolog) == _MAX_PROLOG)


def _too_large(message: str) -> DocumentRejected:
    return DocumentRejected("too_large", message, "Split the document, or reduce the pictures in it.")


def _corrupt(reason: str) -> DocumentRejected:
    return DocumentRejected(
        "corrupt",
        f"The document is no proper Office file: {reason}.",
        "Open it in the program that made it, and save or export it again.",
    )
