"""Weights that lie in an installed package, and are the published ones."""

from __future__ import annotations

from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from stagekit.base.files import sha256_file

__all__ = ["verified_weights"]


def verified_weights(package: str, name: str, sha256: str) -> Path:
    """Return the path of a file in a package's folder `models`, after comparing its SHA-256.

    Args:
        package: as it is imported; its distribution has the same name.
        name: of the file.
        sha256: the known one, of the published file, in hexadecimal digits.

    Raises:
        RuntimeError: The installed file is not the published one.
    """
    path = Path(str(files(package) / "models" / name))
    if (found := sha256_file(path)) != sha256:
        said = f"{path} has SHA-256 {found} instead of {sha256}"
        raise RuntimeError(f"{said}: reinstall {package.replace('_', '-')}=={version(package)}.")
    return path
