"""Says of an error that a disk takes nothing more, in one sentence: which disk, how full, and what to do.

Python names the file only where it could not be opened, engines and databases hand on words in place of the
number, and what is mapped into memory ends the process with a signal. So the disk is looked for in the places
that are written to.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path

_NUMBERS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)
_WORDS = {
    errno.ENOSPC: re.compile(r"No space left on device|database or disk is full|\b(?:os error|Errno) 28\b"),
    errno.EDQUOT: re.compile(r"Disk quota exceeded|\b(?:os error|Errno) 122\b"),
    errno.EROFS: re.compile(r"Read-only file system|\b(?:os error|Errno) 30\b"),
    errno.EFBIG: re.compile(r"File too large|\b(?:os error|Errno) 27\b"),
    errno.EIO: re.compile(r"disk I/O error"),  # as databases call it; a source's file may have faults, too
}
# What else a full or read-only disk makes programs say or do; it counts where there is such a disk only.
_VAGUE = re.compile(r"unable to open database file|readonly database|No usable temporary directory|SIGBUS")
_SAID = re.compile(r"(?:The disk|The quota on the disk) of .+; what was finished is kept\.")
_NAMED_PATH = re.compile(r"'(/[^'\n]+)'")
_MB = 2**20
_HARDLY_ANY = 2**16  # bytes, with which neither a database nor a notebook can do anything
_OURS = ("NIC_ETL_OUTPUTS_DIR", "NIC_ETL_ARTIFACTS_URL")
_CACHES = ("NIC_ETL_MODELS_DIR", "XDG_CACHE_HOME")


def disk_fault(error: BaseException | str, *places: Path) -> str:
    """Return a sentence if an error says that a disk takes nothing more; empty if it says anything else.

    Full disks, used up quotas, file systems that are read-only and limits on the size of files count. The
    sentence says what is left and what to do, but for the command that goes on.

    Args:
        error: with those that led to it; or the words of another process.
        places: folders that were written to, beside those that the environment names.
    """
    if said := _SAID.match(str(error)):
        return said[0]
    found = _kind(error)
    if found is None and not _VAGUE.search(str(error)):
        return ""
    known = [*dict.fromkeys(_folders(places))]
    if found is None or found[0] == errno.EIO:
        found = _odd_place([*known, *filter(None, found[1:])] if found else known) or found
    if found is None:
        return ""
    path = _shown(found[1] or _likely(found[0], known), _ours(places))
    what, remedy = _said(found[0], path)
    return f"{what}: {remedy}{_other_place(path)}; what was finished is kept."


@contextlib.contextmanager
def named_in_errors(path: Path) -> Iterator[None]:
    """Let an error that says nothing of a file name this one."""
    try:
        yield
    except OSError as error:
        if error.errno is not None and error.filename is None:
            error.filename = str(path)
        raise


def _kind(error: BaseException | str) -> tuple[int, Path | None] | None:
    """Return the number of the error that it is, and the folder that it names."""
    for one in _chain(error) if isinstance(error, BaseException) else (error,):
        if isinstance(one, OSError) and one.errno in _NUMBERS:
            return one.errno, _named(one.filename2 or one.filename)
        text = str(one)
        for number, words in _WORDS.items():
            if words.search(text):
                path = _NAMED_PATH.search(text)
                return number, _named(path[1] if path else None)
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or link.__context__


def _named(filename: object) -> Path | None:
    if not isinstance(filename, str | bytes | os.PathLike):
        return None
    path = Path(os.fsdecode(filename)).absolute()
    return path if path.is_dir() else path.parent


def _ours(places: tuple[Path, ...]) -> list[Path]:
    named = (os.environ.get(name, "") for name in _OURS)
    return [path.absolute() for path in (*places, *(Path(one) for one in named if one and "://" not in one))]


def _folders(places: tuple[Path, ...]) -> Iterator[Path]:
    """Yield the folders that there are of those that are written to, and the disks mounted within them."""
    ours = _ours(places)
    caches = [Path(os.environ[name]) for name in _CACHES if os.environ.get(name)]
    for place in (*ours, _temporary(), *caches):
        path = _existing(place)
        yield path
        with contextlib.suppress(OSError):
            within = [one for one in path.iterdir() if place in ours and one.is_dir()]
            yield from (one for one in within if one.stat().st_dev != path.stat().st_dev)


def _temporary() -> Path:
    # Not tempfile's: that looks for another folder where this one cannot be written to.
    return Path(os.environ.get("TMPDIR") or "/tmp")


def _existing(path: Path) -> Path:
    whole = path.absolute()
    return next((one for one in (whole, *whole.parents) if one.is_dir()), Path("/"))


def _free(path: Path) -> int:
    facts = os.statvfs(path)
    return 0 if facts.f_files and not facts.f_favail else facts.f_bavail * facts.f_frsize


def _read_only(path: Path) -> bool:
    return bool(os.statvfs(path).f_flag & os.ST_RDONLY)


def _likely(kind: int, known: list[Path]) -> Path:
    if kind == errno.ENOSPC:
        return min(known, key=_free)
    return next((path for path in known if _read_only(path)), known[0]) if kind == errno.EROFS else known[0]


def _odd_place(known: list[Path]) -> tuple[int, Path] | None:
    """Return a place that takes nothing more, and why."""
    for path in known:
        if _read_only(path):
            return errno.EROFS, path
        if _free(path) < _HARDLY_ANY:
            return errno.ENOSPC, path
    return None


def _shown(path: Path, ours: list[Path]) -> Path:
    """Return which folder to name: of those that people know, the one on this disk."""
    for place in ours:
        with contextlib.suppress(OSError):
            if path.is_relative_to(place) and place.stat().st_dev == path.stat().st_dev:
                return place
    return path


def _other_place(path: Path) -> str:
    """Return what chooses another place for what is not ours to keep."""
    for name, place in (*((name, os.environ.get(name)) for name in _CACHES), ("TMPDIR", _temporary())):
        if place and path == Path(place):
            return f", or set {name} to another folder"
    return ""


def _said(kind: int, path: Path) -> tuple[str, str]:
    if kind == errno.EDQUOT:
        return f"The quota on the disk of {path} is used up", "make room there, or have it raised"
    if kind == errno.EROFS:
        return f"The disk of {path} is read-only", "let it be written to (a disk with faults is often set so)"
    if kind == errno.EFBIG:
        return f"The disk of {path} takes no larger file", "raise the limit on the size of files (ulimit -f)"
    if kind == errno.EIO:
        return f"The disk of {path} has faults (input/output error)", "see to it, and to its quota"
    facts = os.statvfs(_existing(path))
    if facts.f_files and not facts.f_favail:
        return f"The disk of {path} is full (0 inodes free of {facts.f_files:,})", "remove files there"
    free, whole = (_megabytes(blocks * facts.f_frsize) for blocks in (facts.f_bavail, facts.f_blocks))
    # What was begun is removed again: a large file does not fit where there seems to be room.
    lacking = ", which was not enough" if facts.f_bavail * facts.f_frsize > _MB else ""
    return f"The disk of {path} is full ({free} MB free of {whole}{lacking})", "make room there"


def _megabytes(count: int) -> str:
    return f"{count / _MB:,.1f}" if count < 10 * _MB else f"{count / _MB:,.0f}"
