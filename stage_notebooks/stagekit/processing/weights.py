"""Weights that lie in an installed package, and are the published ones."""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

__all__ = ["verified_weights"]


def verified_weights(package: str, name: str, sha256: str) -> bytes:
    """Return a file of a package's folder `models` after comparing its SHA-256 with the known one.

    Args:
        package: as it is imported; its distribution has the same name.
        name: of the file.
        sha256: of the published file, in hexadecimal digits.

    Raises:
        RuntimeError: The installed file is not the published one.
    """
    path = Path(str(files(package) / "models" / name))
    weights = path.read_bytes()
    found = hashlib.sha256(weights).hexdigest()
    if found != sha256:
        said = f"{path} has SHA-256 {found} instead of {sha256}"
        raise RuntimeError(f"{said}: reinstall {package.replace('_', '-')}=={version(package)}.")
    return weights
