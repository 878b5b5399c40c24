"""How many cores and how much memory there are; a container's limits count as the machine's size."""

from __future__ import annotations

import os
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")


def cores() -> int:
    """Return how many cores this process may keep busy, at least 1.

    The container's quota is read from ``cpu.max`` (cgroup v2: microseconds of CPU in a period).
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = [int(part) for part in _cgroup("cpu.max").split() if part.isdigit()]
    if len(quota) == 2 and quota[1]:
        allowed = min(allowed, -(-quota[0] // quota[1]))
    return max(1, allowed)


def available_memory_mb() -> float:
    """Return how much memory new processes can take, in MB (2^20 bytes)."""
    import psutil

    free = psutil.virtual_memory().available / 2**20
    limit, used = _cgroup("memory.max"), _cgroup("memory.current")
    if limit.isdigit() and used.isdigit():
        return min(free, (int(limit) - int(used)) / 2**20)
    return free


def _cgroup(name: str) -> str:
    try:
        return (_CGROUP / name).read_text().strip()
    except OSError:
        return ""
