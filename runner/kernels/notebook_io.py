"""The one door through which executed notebooks reach the disk: redacted, whole, readable by their owner."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from runner.kernels.libraries import papermill_io
from stagekit.base.files import atomic_write
from stagekit.base.redaction import Redactor, secret_values

__all__ = ["SCHEME", "SafeHandler", "safe_path"]

SCHEME = "safe://"


class SafeHandler:
    """A papermill I/O handler for ``safe://<absolute path>``."""

    @classmethod
    def read(cls, path: str) -> str:
        """Return the text of a notebook."""
        return _plain(path).read_text(encoding="utf-8")

    @classmethod
    def write(cls, buf: str, path: str) -> None:
        """Write a notebook: secrets removed first, then all of it or nothing."""
        text = Redactor(secret_values())(buf).replace(SCHEME, "")
        atomic_write(_plain(path), text.encode())

    @classmethod
    def listdir(cls, path: str) -> list[str]:
        """List a folder (papermill's handler interface)."""
        return sorted(str(item) for item in _plain(path).iterdir())

    @classmethod
    def pretty_path(cls, path: Any) -> str:
        """Return the path as papermill's messages show it."""
        return str(path).removeprefix(SCHEME)


def safe_path(path: Path) -> str:
    """Return the address of a notebook for papermill; it formats braces in paths, so they are doubled."""
    return SCHEME + str(path.absolute()).replace("{", "{{").replace("}", "}}")


def _plain(path: str) -> Path:
    return Path(path.removeprefix(SCHEME))


papermill_io.register(SCHEME, SafeHandler)
