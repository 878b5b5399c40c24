"""Notices that the code on disk is no longer the one that a long-lived process has loaded."""

from __future__ import annotations

import hashlib
import sysconfig
import time
from pathlib import Path

from stagekit.base.paths import notebooks_dir, package_dir

_SETTLED_S = 2.0
_LONGEST_S = 120.0


def code_state() -> str:
    """Return a digest of names, sizes and times of notebooks, stagekit and runner, and of what is installed.

    No file is read: it takes a few milliseconds.
    """
    state = hashlib.sha256()
    runner = Path(__file__).parents[1]
    kinds = ((notebooks_dir(), "*.ipynb"), (package_dir(), "**/*.py"), (runner, "**/*.py"))
    for path in (found for folder, kind in kinds for found in sorted(folder.glob(kind))):
        try:
            entry = path.stat()
        except OSError:  # removed while we look: the next look differs
            continue
        state.update(f"{path}\0{entry.st_size}\0{entry.st_mtime_ns}\n".encode(errors="surrogateescape"))
    # A package that is upgraded gets another folder of metadata, with its version in the name.
    for folder in sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}):
        installed = sorted(path.name for path in Path(folder).glob("*.dist-info"))
        state.update("\n".join(installed).encode(errors="surrogateescape"))
    return state.hexdigest()


def settled_code_state(pause: float = _SETTLED_S, longest: float = _LONGEST_S) -> str:
    """Return the digest once it stays as it is: an upgrade writes its files one after the other.

    Args:
        pause: seconds without a change.
        longest: seconds after which it is returned all the same.
    """
    end = time.monotonic() + longest
    known = code_state()
    while time.monotonic() < end:
        time.sleep(pause)
        before, known = known, code_state()
        if known == before:
            break
    return known
