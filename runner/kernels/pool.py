"""Kernels that are started ahead and wait for their stage: during a run, and between the runs of a watch."""

from __future__ import annotations

import os
import sys
import threading
from collections import defaultdict
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from runner.models import PipelineStage
from runner.settings.pipeline_config import PipelineConfig

if TYPE_CHECKING:
    from runner.kernels.forks import KernelForks
    from runner.kernels.kernel import StageKernel


class KernelPool:
    """Forks kernels, lets them import what their stages need, and hands each out once.

    A waiting kernel has opened nothing: no lock, no database, no collection.

    Args:
        outputs: the outputs folder, for logs and for the notes that tell whose a kernel is.
        config: its settings are for the stages' ``warm_up``, and it limits their memory; None: neither.
        plots: most stages will draw, as they do where all documents are new.
    """

    def __init__(self, outputs: Path, config: PipelineConfig | None = None, *, plots: bool = False) -> None:
        self._plots = plots
        self._outputs = outputs
        self._settings = config.stage_settings() if config else {}
        self._memory_limit_mb = config.memory_limit_mb if config else 0.0
        self._kernels: dict[str, StageKernel] = {}
        self._forks: dict[Path, KernelForks] = {}
        self._guard = threading.Lock()
        # A fork server that is loading answers late: only the stage that asked waits for it.
        self._starting: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._closed = False

    def warm(self, stages: Iterable[PipelineStage]) -> list[StageKernel]:
        """Start the kernels that are missing, and return those of the stages; none once it is closed."""
        found = (self._ready(stage) for stage in stages)
        return [kernel for kernel in found if kernel is not None]

    def take(self, stage: PipelineStage) -> StageKernel | None:
        """Hand out the kernel of a stage, to be ended by whoever takes it; None once the pool is closed."""
        if self._ready(stage) is None:
            return None
        with self._guard:
            return self._kernels.pop(stage.name, None)

    def discard(self, stage_name: str) -> None:
        """End a kernel that waits for a stage."""
        with self._guard:
            kernel = self._kernels.pop(stage_name, None)
        if kernel is not None:
            kernel.end()

    def close(self) -> None:
        """End every kernel that waits; none can be started afterwards."""
        with self._guard:
            self._closed = True
            starting = list(self._starting.values())
        for lock in starting:
            with lock:  # what is being started is there afterwards
                pass
        for name in list(self._kernels):
            self.discard(name)
        with self._guard:
            while self._forks:
                self._forks.popitem()[1].close()

    def _ready(self, stage: PipelineStage) -> StageKernel | None:
        with self._guard:
            starting = self._starting[stage.name]
        with starting:
            with self._guard:
                if self._closed:
                    return None
                waiting = self._kernels.get(stage.name)
                if waiting is not None and waiting.alive():
                    return waiting
            if waiting is not None:  # killed while it waited
                self.discard(stage.name)
            kernel = self._start(stage)
            kernel.warm(stage.warm_imports, stage.warm_up, self._settings)
            with self._guard:
                self._kernels[stage.name] = kernel
            return kernel

    def _start(self, stage: PipelineStage) -> StageKernel:
        # Jupyter's client, which a run with nothing to do need not import. This module before the other one:
        # papermill is imported in a thread meanwhile, and the other way round it may find half of
        # `jupyter_client.manager`.
        from runner.kernels.kernel import StageKernel, kernel_environment

        logs = self._outputs / "logs"
        logs.mkdir(mode=0o700, exist_ok=True)
        extra = {
            "NIC_ETL_OUTPUTS_DIR": str(self._outputs),
            "NIC_ETL_NOTEBOOK": str(stage.notebook),
            "TOKENIZERS_PARALLELISM": "false",
        }
        folder, fork = stage.notebook.parent, None
        if sys.platform == "linux":
            fork = partial(
                self._fork_server(folder, logs).fork,
                worker_imports=stage.worker_imports,
                common=stage.common_warm_up,
                settings=self._settings,
            )
        return StageKernel(
            kernel_environment(stage.secrets, extra),
            folder=folder,
            log=logs / f"{stage.name}-{os.getpid()}.log",
            registry=self._outputs / "kernels",
            memory_limit_mb=self._memory_limit_mb,
            fork=fork,
        )

    def _fork_server(self, folder: Path, logs: Path) -> KernelForks:
        from runner.kernels.forks import KernelForks

        # One for each folder of notebooks: modules beside a notebook belong to it alone.
        with self._guard:
            known = self._forks.get(folder)
            if known is not None and not known.alive():
                self._forks.pop(folder).close()
            if folder not in self._forks:
                log = logs / f"kernels-{os.getpid()}.log"
                self._forks[folder] = KernelForks(folder, log, plots=self._plots)
            return self._forks[folder]
