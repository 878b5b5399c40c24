"""Copies what an outputs folder holds beside its stores: runs, audit log, logs and links, for a new key."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from runner.record.state_manager import StateManager
from runner.report.notebook_page import notebook_page, page_of
from stagekit.artifacts.store import open_store
from stagekit.base.files import READ_ONLY, atomic_write, sha256_file
from stagekit.contract import SCRAP_MIME
from stagekit.sealing.marker import MARKER_FILE

# Sealed stores, which are copied otherwise, downloads, and what damage and earlier versions left.
_NOT_COPIED = (MARKER_FILE, "*.sqlite*", "qdrant", "qdrant.*", "gitlab_downloads", ".restore-*", "rekey.lock")
_HALF_WRITTEN = ".*.tmp"


def copy_records(manager: StateManager, copy: Path, artifacts: Path | None, *, hide: bool) -> int:
    """Copy records, notebooks and whatever else lies there; the caller holds the lock.

    Args:
        manager: of the folder.
        copy: the folder to copy to.
        artifacts: path of the artifact store in the folder, which is left out.
        hide: executed notebooks lose the previews of documents that they show.

    Returns:
        how many notebooks were changed.
    """
    outputs = manager.outputs

    def left_out(folder: str, names: list[str]) -> list[str]:
        patterns = (_HALF_WRITTEN, *(_NOT_COPIED if Path(folder) == outputs else ()))
        stores = {outputs / artifacts} if artifacts else set()
        return [
            name
            for name in names
            if Path(folder, name) in stores or any(fnmatch(name, pattern) for pattern in patterns)
        ]

    copier = _Copier(outputs, hide)
    shutil.copytree(outputs, copy, symlinks=True, ignore=left_out, copy_function=copier, dirs_exist_ok=True)
    if hide:
        _vouch(manager, StateManager(copy, open_store(copy / "artifacts")))
    return copier.hidden


class _Copier:
    """Copies files; hard links stay such, and whoever holds a lock of the folder holds that of the copy."""

    def __init__(self, outputs: Path, hide: bool) -> None:
        self._outputs = outputs
        self._hide = hide
        self._copies: dict[int, str] = {}
        self.hidden = 0

    def __call__(self, source: str, target: str) -> None:
        inode = os.stat(source).st_ino  # noqa: PTH116 - copytree speaks in strings
        place = Path(source).relative_to(self._outputs)
        if source.endswith(".lock"):
            os.link(source, target)
        elif inode in self._copies:
            os.link(self._copies[inode], target)
        elif self._hide and (place.match("runs/*/*.ipynb") or place.match("latest/*.ipynb")):
            self._copy_hidden(Path(source), Path(target))  # in `latest` a file stands where links fail
        elif self._hide and place.match("runs/*/*.html") and Path(source).with_suffix(".ipynb").is_file():
            return  # the notebook's page, which is made of what the notebook still shows
        else:
            shutil.copy2(source, target)
        self._copies.setdefault(inode, target)

    def _copy_hidden(self, source: Path, target: Path) -> None:
        data = source.read_bytes()
        try:
            hidden = without_previews(data)
        except ValueError:
            hidden = b""  # half written: nothing can be read from it but text
        atomic_write(target, hidden, sync=False, mode=READ_ONLY)
        if page_of(source).is_file():
            with contextlib.suppress(ValueError):  # no page of what is no notebook
                atomic_write(page_of(target), notebook_page(hidden, source.stem).encode(), sync=False)
        self.hidden += hidden != data


def without_previews(notebook: bytes) -> bytes:
    """Return an executed notebook without what its cells show; what its stage glued stays.

    Raises:
        ValueError: if it is no notebook.
    """
    content = json.loads(notebook)
    if not isinstance(content, dict) or not isinstance(content.get("cells"), list):
        raise ValueError("it has no cells")
    for cell in content["cells"]:
        if "outputs" in cell:
            cell["outputs"] = [kept for output in cell["outputs"] if (kept := _scrap_only(output))]
    return (json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


def _scrap_only(output: dict[str, Any]) -> dict[str, Any] | None:
    data = output.get("data") or {}
    return output | {"data": {SCRAP_MIME: data[SCRAP_MIME]}} if SCRAP_MIME in data else None


def _vouch(before: StateManager, after: StateManager) -> None:
    """Let the checkpoints of the copy name the sha256 that their notebooks have without previews."""
    for state in after.newest_states():
        for checkpoint in state.stages.values():
            former, path = before.absolute(checkpoint.notebook), after.absolute(checkpoint.notebook)
            if path.is_file() and sha256_file(former) == checkpoint.notebook_sha256:
                checkpoint.notebook_sha256 = sha256_file(path)
        after.save_checkpoint(state)
