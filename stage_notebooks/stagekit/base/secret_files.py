"""Reads a secret from the file that an environment variable names."""

from __future__ import annotations

from pathlib import Path

from stagekit.errors import StageError


def secret_from_file(variable: str, name: str, what: str) -> str:
    """Return the secret (what: "token" for example) in the file that a variable names, stripped.

    Raises:
        StageError: if the file cannot be read or is empty.
    """
    path = Path(name).expanduser()
    try:
        value = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise StageError(f"{variable} names {path}, which cannot be read ({reason}).") from None
    if not value:
        raise StageError(f"{variable} names {path}, which is empty; write the {what} into it.")
    return value
