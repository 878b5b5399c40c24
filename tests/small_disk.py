"""A disk of a given size that is really full, read-only or wide again: a file system in memory."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


class SmallDisk:
    """A mounted file system.

    Attributes:
        path: where it is mounted.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        _call("mount", "-t", "tmpfs", "-o", "size=64m,mode=700", "tmpfs", str(path))

    def fill(self) -> None:
        """Leave no room at all."""
        with (self.path / "filling").open("ab", buffering=0) as file:
            try:
                while file.write(b"x" * 4096):
                    pass
            except OSError:
                return

    def resize(self, kilobytes: int) -> None:
        """Give it another size; what is there stays."""
        self.set(f"size={kilobytes}k")

    def widen(self) -> None:
        """Make room again."""
        (self.path / "filling").unlink(missing_ok=True)
        self.resize(64 << 10)

    def set(self, option: str) -> None:
        """Mount it anew with an option, ``ro`` for example."""
        _call("mount", "-o", f"remount,{option}", str(self.path))

    def unmount(self) -> None:
        """Take it away, whoever still has files open there."""
        _call("umount", "-l", str(self.path))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A disk; without the right to mount one the test is skipped."""
    try:
        disk = SmallDisk(tmp_path / "disk")
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no file system can be mounted here")
    yield disk
    disk.unmount()


def _call(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)
