"""How much memory there is, and what may therefore run at the same time."""

from __future__ import annotations

from collections.abc import Iterable

from runner.models import PipelineStage
from stagekit.base.machine import available_memory_mb

_RESERVE_MB = 500  # left to the runner and the rest of the machine


class ResourceManager:
    """Decides by memory estimates; a container's limit counts as the machine's size."""

    def __init__(self, *, parallel: bool = True, available_mb: float | None = None) -> None:
        self._parallel = parallel
        self._available = available_mb

    def available_memory_mb(self) -> float:
        """Return how much memory new processes can take, in MB."""
        if self._available is not None:
            return self._available
        return available_memory_mb()

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
