"""What a run depends on, part by part: its folder, disk and memory, and that what is recorded is whole."""

from __future__ import annotations

import shutil
from pathlib import Path

from runner.errors import StateManagementError
from runner.record.damage import altered_notebooks
from runner.record.state_manager import StateManager
from stagekit.base.machine import available_memory_mb

_WANTED_GB = 1.0

Check = tuple[str, bool, str]  # component, whether it is well, what was found


def record_checks(outputs: Path, memory_mb: float) -> list[Check]:
    """Look at an outputs folder and its machine; where it cannot be used there is nothing else to look at.

    Args:
        outputs: the folder.
        memory_mb: what the largest stage needs.
    """
    try:
        manager = StateManager(outputs)
    except StateManagementError as error:
        return [("outputs", False, str(error))]
    free_gb = shutil.disk_usage(manager.outputs).free / 2**30
    records = manager.get_execution_history()
    damaged = [record.execution_id for record in records if record.status == "damaged"]
    whole = (record.execution_id for record in records if record.status != "damaged")
    altered = altered_notebooks(manager, map(manager.load_checkpoint, whole))
    free_mb = available_memory_mb()
    return [
        _folder(manager),
        ("disk", free_gb > _WANTED_GB, f"{free_gb:,.1f} GB free, {_WANTED_GB:.0f} GB wanted"),
        ("memory", free_mb > memory_mb, f"{free_mb:,.0f} MB free, {memory_mb:,.0f} MB wanted"),
        ("records", not damaged, ", ".join(damaged) or "every run's record is readable"),
        ("checkpoints", not altered, "; ".join(altered) or "no executed notebook was altered"),
    ]


def _folder(manager: StateManager) -> Check:
    try:
        manager.require_free()
    except StateManagementError as error:
        # A run at work passes by itself: whoever watches with doctor need not be called.
        return "outputs", manager.lock_owner() is not None, str(error)
    return "outputs", True, f"{manager.outputs} is writable, and no run is at work"
