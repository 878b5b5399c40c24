"""Tells one outputs folder from another, so that a collection can say which one wrote to it last."""

from __future__ import annotations

import contextlib
import uuid
from pathlib import Path

from stagekit.base.files import atomic_write

OUTPUTS_ID_FILE = "outputs.id"


def outputs_id(outputs: Path) -> str:
    """Return the random id of an outputs folder, which is made when it is first asked for.

    A copy of the folder has the same id; a backup leaves it out, for what is restored is another folder.
    """
    path = outputs / OUTPUTS_ID_FILE
    with contextlib.suppress(FileNotFoundError):
        if known := path.read_text(encoding="ascii", errors="replace").strip():
            return known
    made = uuid.uuid4().hex
    atomic_write(path, f"{made}\n".encode())
    return made
