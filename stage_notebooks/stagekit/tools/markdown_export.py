"""Writes each document's canonical Markdown as a file; ``nic-etl export`` starts it as a process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stagekit.base.files import atomic_write
from stagekit.errors import StageError
from stagekit.stage.stage import open_stage

_LONGEST_NAME = 255  # bytes, on nearly every disk


def export_markdown(*, folder: str, outputs_dir: str = "") -> dict[str, Any]:
    """Write ``folder/<path>.md`` for each document that the newest run of stage 03 has.

    A file is replaced; one that an earlier export wrote and whose document is gone stays.

    Returns:
        ``written`` (files), ``folder``, and ``left_out``: paths whose name the disk does not take.

    Raises:
        StageError: if there is no run yet, a file cannot be written, or a path leads out of the folder.
        ArtifactError: if a text is missing from the store, or altered.
    """
    stage = open_stage("export", outputs_dir=outputs_dir)
    target = Path(folder).expanduser().absolute()
    written, left_out = 0, []
    for row in stage.read("text_chunking", "chunks"):
        path = target / f"{row['path']}.md"
        if ".." in path.parts:
            raise StageError(f"The path {row['path']} leads out of {target}: rename the document.")
        if len(path.name.encode()) > _LONGEST_NAME:
            left_out.append(row["path"])
            continue
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            atomic_write(path, stage.read_bytes(row["markdown"]))
        except OSError as error:
            raise StageError(
                f"{path} cannot be written ({error.strerror or error}): choose another folder."
            ) from None
        written += 1
    return {"written": written, "folder": str(target), "left_out": left_out}


tool = export_markdown
