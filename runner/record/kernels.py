"""What kernels leave: notes, by which one whose runner was killed can be told and ended, and logs."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from stagekit.base.disk_faults import named_in_errors
from stagekit.base.plain_json import parse_json


def note_kernel(note: Path, pid: int) -> None:
    """Write that a kernel runs and belongs to this process: a file ``.json`` in the folder of all of them."""
    note.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with named_in_errors(note):
        note.write_text(json.dumps(_identity(pid) | {"owner": _identity(os.getpid())}))


def reap_orphans(registry: Path) -> list[int]:
    """End kernels whose runner is gone, and return their process ids."""
    reaped = []
    for note in sorted(registry.glob("*.json")):
        try:
            kernel = parse_json(note.read_text(encoding="utf-8"))
            owner_lives, kernel_lives = _lives(kernel["owner"]), _lives(kernel)
        except (ValueError, KeyError, TypeError, OverflowError):
            note.unlink(missing_ok=True)
            continue
        if owner_lives:
            continue
        if kernel_lives:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(int(kernel["pid"]), signal.SIGKILL)
            reaped.append(int(kernel["pid"]))
        note.unlink(missing_ok=True)
    return reaped


def remove_dead_logs(logs: Path, stage: str) -> list[Path]:
    """Remove the logs of a stage's kernels and workers whose process has ended, and return their paths."""
    removed = []
    for log in sorted([*logs.glob(f"{stage}-[0-9]*.log"), *logs.glob(f"{stage}-workers-[0-9]*.log")]):
        owner = log.stem.rpartition("-")[2]
        if owner.isdecimal() and not psutil.pid_exists(int(owner)):
            log.unlink(missing_ok=True)
            removed.append(log)
    return removed


def _identity(pid: int) -> dict[str, Any]:
    # A process id is used again after its process ended; the start time tells the two apart.
    return {"pid": pid, "started": psutil.Process(pid).create_time()}


def _lives(identity: Mapping[str, Any]) -> bool:
    try:
        process = psutil.Process(int(identity["pid"]))
        return bool(abs(process.create_time() - float(identity["started"])) < 0.1)
    except psutil.Error:
        return False
