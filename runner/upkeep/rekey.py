"""Changes the key of an outputs folder: copies it under the new one, and lets the copy take its place."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from runner.errors import StateManagementError
from runner.record.audit import AuditLog
from runner.record.state_manager import StateManager
from runner.tools import run_tool
from runner.upkeep.records_copy import copy_records
from stagekit.artifacts.store import artifacts_url, open_store
from stagekit.base.folder_swap import new_copy, remove_leftovers, swap
from stagekit.errors import StageError
from stagekit.sealing.change import former_cipher, new_cipher
from stagekit.sealing.marker import read_marker

_NOTHING_CHANGED = "nothing was changed"


@dataclass(frozen=True)
class RekeyReport:
    """What a change of the key came to.

    Attributes:
        key_id_before: of the former key, empty if the folder was clear.
        key_id: of the new one, empty if it is clear now.
        artifacts: how many were copied.
        damaged: artifacts that were left out; their stages make them again.
        outcomes: of the memo, as artifacts.
        vectors: as artifacts.
        points: of the embedded collections, as artifacts.
        notebooks: executed ones whose previews of documents were taken out.
    """

    key_id_before: str
    key_id: str
    artifacts: int = 0
    damaged: int = 0
    outcomes: int = 0
    vectors: int = 0
    points: int = 0
    notebooks: int = 0


def change_key(outputs: Path, *, to_clear: bool = False, second_artifacts: str = "") -> RekeyReport:
    """Put an outputs folder under the key of the environment, or back to clear.

    The folder stays as it is until a whole copy under the new key lies beside it and takes its place. A
    change that is broken off has changed nothing; the next one removes what it left.

    Args:
        outputs: the folder.
        to_clear: take the encryption away.
        second_artifacts: an empty folder or URL for the copy of an artifact store that lies elsewhere.

    Raises:
        StateManagementError: a run goes on, a key is missing or wrong, a store cannot be read, or there is no
            room for the copy; nothing was changed.
    """
    outputs = outputs.resolve()  # a link stays, and what it leads to is replaced
    try:
        store = open_store(artifacts_url(outputs))
        manager = StateManager(outputs, store)
        with manager.lock():
            return _change(manager, to_clear, second_artifacts)
    except StageError as error:
        raise StateManagementError(str(error), exit_code=2) from None
    except OSError as error:
        raise StateManagementError(
            f"The copy of {outputs} beside it cannot be made, or not take its place ({error}): "
            f"see to the rights and the room there; {_NOTHING_CHANGED}."
        ) from None


def _change(manager: StateManager, to_clear: bool, second: str) -> RekeyReport:
    outputs, store, inside = manager.outputs, manager.store, _inside(manager)
    key_id = new_cipher(to_clear=to_clear).key_id
    before = former_cipher(str(outputs), read_marker(outputs)).key_id
    artifacts_before = former_cipher(store.url, store.marker()).key_id
    remove_leftovers(outputs)
    if before == artifacts_before == key_id:
        return RekeyReport(before, key_id)
    _require_movable(outputs)
    _require_unused(outputs)
    copy = new_copy(outputs)
    try:
        # A store elsewhere may be under the new key already: other folders may share it.
        target = "" if artifacts_before == key_id and not inside else _artifacts_target(manager, copy, second)
        places = {"outputs_dir": str(outputs), "copy_dir": str(copy), "artifacts": target}
        done = run_tool("stagekit.tools.rekey", places | {"to_clear": to_clear})
        hidden = copy_records(manager, copy, inside, hide=bool(key_id and not before))
        report = RekeyReport(before, key_id, notebooks=hidden, **done)
        AuditLog(copy).append("rekeyed", vars(report))
        _require_unused(outputs)
        swap(outputs, copy)
    finally:
        shutil.rmtree(copy, ignore_errors=True)  # the copy, or what it has replaced
    if copy.exists():
        raise StateManagementError(
            f"The key of {outputs} is changed, and the former folder {copy} cannot be removed: remove it."
        )
    return report


def _artifacts_target(manager: StateManager, copy: Path, second: str) -> str:
    """Return where the artifacts are copied to.

    Raises:
        StateManagementError: they lie elsewhere, and no second place is given; or one is, without need.
    """
    inside = _inside(manager)
    if inside and not second:
        return str(copy / inside)
    if second and not inside:
        return second
    if inside:
        reason = f"The artifacts lie in {manager.outputs}, and are copied with it: leave --artifacts-url out"
    else:
        # Two places cannot change their names in one step, and other folders may share this one.
        reason = (
            f"The artifacts lie in {manager.store.url}, and are copied to a second place: name an empty one "
            "with --artifacts-url, and set NIC_ETL_ARTIFACTS_URL to it when the key is changed"
        )
    raise StateManagementError(f"{reason}; {_NOTHING_CHANGED}.", exit_code=2)


def _inside(manager: StateManager) -> Path | None:
    """Return the path of the artifact store in the outputs folder, None where it lies elsewhere."""
    folder = manager.store.folder.resolve() if manager.store.folder else None
    return folder.relative_to(manager.outputs) if folder and folder.is_relative_to(manager.outputs) else None


def _require_movable(outputs: Path) -> None:
    if os.path.ismount(outputs):
        raise StateManagementError(
            f"{outputs} is a mount point, whose name cannot be given to a copy: move what is in it to a "
            f"folder below it, and name that as outputs_dir; {_NOTHING_CHANGED}.",
            exit_code=2,
        )
    facts = [path.lstat() for path in outputs.rglob("*")]
    needed = sum({one.st_ino: one.st_size for one in facts}.values())  # runs share notebooks by hard links
    free = shutil.disk_usage(outputs.parent).free
    if free < needed:
        raise StateManagementError(
            f"The copy of {outputs} needs {needed / 2**20:,.0f} MiB beside it, and {free / 2**20:,.0f} MiB "
            f"are free: make room; {_NOTHING_CHANGED}."
        )


def _require_unused(outputs: Path) -> None:
    """Refuse while a notebook that was opened by hand would go on writing into the former folder."""
    for path in outputs.glob("*.sqlite"):
        with contextlib.closing(sqlite3.connect(path, timeout=10)) as connection:
            try:
                connection.execute("PRAGMA journal_mode = DELETE").fetchone()  # not while others have it open
            except sqlite3.OperationalError as error:
                raise StateManagementError(
                    f"{path} is in use ({error}): close the notebooks that use it; {_NOTHING_CHANGED}."
                ) from None
            except sqlite3.DatabaseError:
                continue  # damaged: nobody can use it
