"""Changes the key of an outputs folder: encrypts a clear one, rotates the key, or goes back to clear."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.errors import StateManagementError
from runner.models import Checkpoint
from runner.record.state_manager import StateManager
from runner.tools import run_tool
from stagekit.artifacts.store import artifacts_url, open_store
from stagekit.base.files import atomic_write
from stagekit.contract import SCRAP_MIME
from stagekit.sealing.change import planned_change
from stagekit.sealing.cipher import EncryptionError

__all__ = ["RekeyReport", "change_key", "without_previews"]


@dataclass(frozen=True)
class RekeyReport:
    """What a change of the key came to.

    Attributes:
        key_id_before: of the former key, empty if the folder was clear.
        key_id: of the new one, empty if it is clear now.
        artifacts: how many were written anew.
        outcomes: of the memo, as artifacts.
        vectors: as artifacts.
        points: of the embedded collections, as artifacts.
        notebooks: executed ones whose previews of documents were taken out.
    """

    key_id_before: str
    key_id: str
    artifacts: int
    outcomes: int
    vectors: int
    points: int
    notebooks: int


def change_key(outputs: Path, *, to_clear: bool = False) -> RekeyReport:
    """Put an outputs folder under the key of the environment, or back to clear.

    When a change is broken off, every file is readable under the old key or the new one; the same call
    completes it, and every other command refuses until then.

    Raises:
        StateManagementError: a run goes on, a key is missing or wrong, or a store cannot be read.
    """
    try:
        store = open_store(artifacts_url(outputs))
        manager = StateManager(outputs, store)
        with manager.lock():
            change = planned_change(outputs, store, to_clear=to_clear)
            hidden = 0 if to_clear or change.from_id else _hide_previews(manager)
            done = run_tool("stagekit.tools.rekey", {"outputs_dir": str(outputs), "to_clear": to_clear})
            report = RekeyReport(notebooks=hidden, **done)
            manager.audit("rekeyed", vars(report))
    except EncryptionError as error:
        raise StateManagementError(str(error), exit_code=2) from None
    return report


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


def _hide_previews(manager: StateManager) -> int:
    """Take the previews out of every executed notebook, with its checkpoint still vouching for it."""
    count = 0
    for execution_id in manager.execution_ids():
        try:
            state = manager.load_checkpoint(execution_id)
        except StateManagementError:
            continue  # its notebooks are seen to below
        for checkpoint in state.stages.values():
            path = manager.absolute(checkpoint.notebook)
            if checkpoint.notebook and path.is_file() and _vouch(checkpoint, path):
                manager.save_checkpoint(state)  # before the notebook: a kill in between is mended by the next
    for path in manager.runs.glob("*/*.ipynb"):
        count += _hide(path)
    return count


def _vouch(checkpoint: Checkpoint, notebook: Path) -> bool:
    """Let a checkpoint name the sha256 that its notebook is going to have; False if nothing changes."""
    data = notebook.read_bytes()
    if hashlib.sha256(data).hexdigest() != checkpoint.notebook_sha256:
        return False
    try:
        hidden = without_previews(data)
    except ValueError:
        return False
    checkpoint.notebook_sha256 = hashlib.sha256(hidden).hexdigest()
    return hidden != data


def _hide(notebook: Path) -> bool:
    data = notebook.read_bytes()
    try:
        hidden = without_previews(data)
    except ValueError:
        notebook.unlink()  # half written: nothing can be read from it but text
        return True
    if hidden != data:
        atomic_write(notebook, hidden)
    return hidden != data
