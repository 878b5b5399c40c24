"""Locks of the operating system on files, which end with their process, however that ends; whose they are."""

from __future__ import annotations

import fcntl
import getpass
import os
from pathlib import Path
from typing import IO

File = IO[str] | IO[bytes] | int


def try_lock(file: File) -> bool:
    """Lock a file for this process alone until it is closed; False if another holds it, or a share of it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def lock(file: File) -> None:
    """Lock a file for this process alone until it is closed, after whoever holds it."""
    fcntl.flock(file, fcntl.LOCK_EX)


def share(file: File) -> None:
    """Lock a file beside others that share it until it is closed, after whoever holds it alone."""
    fcntl.flock(file, fcntl.LOCK_SH)


def is_locked(file: File) -> bool:
    """Tell whether another process holds a file alone; if not, this one shares it until it is closed."""
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    return False


def still_named(file: IO[str] | IO[bytes] | int, path: Path) -> bool:
    """Tell whether an open file is the one of a path: its name may have gone to another meanwhile."""
    try:
        return os.path.samestat(os.fstat(file if isinstance(file, int) else file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def user_name() -> str:
    """Return the operating system's name of the user, or its number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
