"""How much memory there is, and what may therefore run at the same time."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import psutil

from runner.models import PipelineStage

__all__ = ["ResourceManager"]

_RESERVE_MB = 500  # left to the runner and the rest of the machine
_CGROUP = Path("/sys/fs/cgroup")


class ResourceManager:
    """Decides by memory estimates; a container's limit counts as the machine's size."""

    def __init__(self, *, parallel: bool = True, available_mb: float | None = None) -> None:
        self._parallel = parallel
        self._available = available_mb

    def available_memory_mb(self) -> float:
        """Return how much memory new processes can take, in MB."""
        if self._available is not None:
            return self._available
        free = psutil.virtual_memory().available / 2**20
        limit, used = _cgroup_bytes("memory.max"), _cgroup_bytes("memory.current")
        return min(free, (limit - used) / 2**20) if limit and used is not None else free

    def cores(self) -> int:
        """Return how many cores this process may use."""
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

    def fits(self, new: PipelineStage, running: Iterable[PipelineStage]) -> bool:
        """Tell whether a stage may start beside those that run; a stage alone may always start."""
        stages = list(running)
        if not stages:
            return True
        if not self._parallel:
            return False
        # What the running stages will still take is not gone from the free memory yet.
        needed = sum(stage.resource_requirements.memory_mb for stage in [new, *stages])
        return needed + _RESERVE_MB <= self.available_memory_mb()


def _cgroup_bytes(name: str) -> int | None:
    try:
        text = (_CGROUP / name).read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None
