"""The files of the embedded store: how they are replaced, and what damage means."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stagekit.errors import StageError


def of_the_engine(error: BaseException) -> bool:
    """Tell whether the engine raised it: Exception itself, or a BaseException where it panics."""
    return type(error) is Exception or type(error).__name__ == "PanicException"


@contextlib.contextmanager
def readable(path: Path) -> Iterator[None]:
    """Say of a store that cannot be read what to do about it."""
    try:
        yield
    except BaseException as error:
        if not of_the_engine(error) and not isinstance(error, ValueError | KeyError | TypeError | OSError):
            raise
        raise StageError(
            f"The embedded store {path} cannot be read ({error}): move the folder away and run `nic-etl run` "
            "again; it is filled from the artifacts."
        ) from None


def read_json(path: Path) -> Any:
    """Return a file's content, None if there is no file."""
    if not path.exists():
        return None
    with readable(path.parent):
        return json.loads(path.read_text(encoding="utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Replace a file in one step, on disk before it is named."""
    temporary = path.with_name(f".{path.name}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=False, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)  # noqa: PTH105 (crash tests watch this call)


def make_private(folder: Path) -> None:
    """Close everything below a folder to other users."""
    # The folder above is closed to others already; the engine's files follow the process's umask.
    for parent, folders, files in os.walk(folder):
        for name in folders:
            os.chmod(os.path.join(parent, name), 0o700)  # noqa: PTH101, PTH118
        for name in files:
            os.chmod(os.path.join(parent, name), 0o600)  # noqa: PTH101, PTH118
