"""Makes folders for Unix sockets, whose names a system cuts at some hundred bytes."""

from __future__ import annotations

import contextlib
import os
import tempfile

from stagekit.errors import StageError

LONGEST_SOCKET_NAME = 107
"""Bytes that an address may have: unix(7), `sun_path`."""


def socket_folder(prefix: str, longest: str) -> str:
    """Make a folder that only its owner may enter, with a path short enough for addresses in it.

    The folder for temporary files can be far longer on batch systems.

    Raises:
        StageError: if there is none with a name short enough.
    """
    usual = tempfile.gettempdir()
    for place in (usual, os.environ.get("XDG_RUNTIME_DIR") or usual, "/tmp", "/var/tmp", "/dev/shm"):
        with contextlib.suppress(OSError):
            folder = tempfile.mkdtemp(prefix=prefix, dir=place)
            if len(os.fsencode(folder + longest)) <= LONGEST_SOCKET_NAME:
                return folder
            os.rmdir(folder)  # noqa: PTH106
    raise StageError(
        f"Kernels and other processes of nic-etl speak through sockets, whose names may have "
        f"{LONGEST_SOCKET_NAME} bytes, and {usual} is too long for that: set TMPDIR to a folder with a short "
        "name that can be written to."
    )
