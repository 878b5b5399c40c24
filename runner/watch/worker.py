"""The process that executes the runs of a watch, and keeps kernels warm between them.

``python -m runner.watch.worker`` is started by :class:`runner.watch.runs.WatchRuns`. Its standard input
brings the configuration, then one line a run; its standard output tells what came of each, as JSON lines. It
ends, and its kernels with it, when its input ends. A run belongs to this process, so that `nic-etl cancel`
ends the run and not the watch.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any, TextIO

import psutil

from runner.config_manager import load_recorded
from runner.errors import PipelineOrchestrationError, StateManagementError
from runner.events import Event
from runner.kernels.kernel import StageKernel
from runner.kernels.pool import KernelPool
from runner.kernels.resource_manager import ResourceManager
from runner.models import PipelineStage
from runner.pipeline.decide import retry_reason
from runner.pipeline.orchestrator import PipelineOrchestrator
from runner.record.hooks import AFTER_A_RUN
from runner.record.state_manager import StateManager
from runner.results import PipelineResult
from runner.settings.pipeline_config import PipelineConfig
from runner.stages.chain import default_stages
from runner.terminal import json_line
from stagekit.base.disk_faults import disk_fault
from stagekit.base.machine import available_memory_mb
from stagekit.base.redaction import Redactor, secret_values
from stagekit.errors import StageError

Row = dict[str, Any]


class WatchWorker:
    """Executes runs one after the other.

    Args:
        config: of all of them.
        tell: is given what happens, as plain JSON.
        stages: the chain.
        warm: names of the stages whose kernels wait between runs.
    """

    def __init__(
        self,
        config: PipelineConfig,
        tell: Callable[[Row], None],
        stages: Iterable[PipelineStage],
        warm: Iterable[str],
    ) -> None:
        self._config = config
        self._tell = tell
        self._stages = list(stages)
        self._warm = set(warm)
        self._kernels = KernelPool(config.outputs, config)
        self._orchestrator: PipelineOrchestrator | None = None
        self._ending = False

    def stop(self) -> None:
        """Cancel the run that goes on; none begins afterwards."""
        self._ending = True
        if (running := self._orchestrator) is not None:
            running.stop.set()

    def run(self) -> None:
        """Execute the chain as ``nic-etl run`` does, and tell what came of it."""
        manager = StateManager(self._config.outputs)
        self._orchestrator = PipelineOrchestrator(
            config=self._config,
            listener=self._on_event,
            stages=self._stages,
            kernels=self._kernels,
            after=AFTER_A_RUN,
        )
        if self._ending:  # its input ended a moment ago
            return
        try:
            outcome = _told(self._orchestrator.execute_full_pipeline())
        except (PipelineOrchestrationError, StageError, OSError) as error:
            busy = isinstance(error, StateManagementError) and manager.lock_owner() is not None
            outcome = {"status": "busy" if busy else "failed", "error": disk_fault(error) or str(error)}
        except KeyboardInterrupt:  # before the first stage or after the last one
            outcome = {"status": "cancelled"}
        self._orchestrator = None
        self._tell({"kind": "ended", "warnings": [], **outcome})

    def warm(self) -> None:
        """Start the kernels that the next run will want, as far as they fit into the memory."""
        import runner.kernels.execution  # noqa: F401 - takes a second, which the next run need not wait

        kernels = []
        resources = ResourceManager(available_mb=available_memory_mb())
        chosen: list[PipelineStage] = []
        for stage in self._stages:
            if stage.name in self._warm and resources.fits(stage, chosen) and not self._ending:
                chosen.append(stage)
                kernels += self._kernels.warm([stage])
        names = [stage.name for stage in chosen]
        threading.Thread(target=self._announce, args=(names, kernels), daemon=True).start()

    def close(self) -> None:
        """End the kernels that wait."""
        self.stop()
        self._kernels.close()

    def _announce(self, names: list[str], kernels: list[StageKernel]) -> None:
        for kernel in kernels:
            kernel.wait_until_warm()
        if self._orchestrator is None and not self._ending:
            self._tell({"kind": "warm", "stages": names, "memory_mb": round(_family_memory_mb())})

    def _on_event(self, event: Event) -> None:
        if event.kind == "run_started":
            self._tell({"kind": "started", "run": event.data["execution_id"]})


def main() -> None:
    """Serve the process that started this one, until it closes our standard input."""
    signal.signal(signal.SIGTERM, _interrupt)
    os.umask(0o077)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # libraries that print must not spoil the answers
    order: Row = json.loads(sys.stdin.readline())
    config = load_recorded(order["config"]).config
    serve(WatchWorker(config, _teller(answers), default_stages(), order["warm"]), sys.stdin)


def serve(worker: WatchWorker, orders: TextIO) -> None:
    """Execute a run for each line, until there are no more; their end cancels the run that goes on."""
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(orders, lines, worker), daemon=True).start()
    try:
        while lines.get():
            worker.run()
            worker.warm()
    except KeyboardInterrupt:
        return
    finally:
        worker.close()


def _listen(orders: TextIO, lines: queue.SimpleQueue[str], worker: WatchWorker) -> None:
    for line in orders:
        lines.put(line)
    worker.stop()
    lines.put("")


def _teller(answers: TextIO) -> Callable[[Row], None]:
    redact = Redactor(secret_values())

    def tell(row: Row) -> None:
        with contextlib.suppress(OSError):  # nobody listens any more: our input ends, too
            answers.write(redact(json_line(row)) + "\n")
            answers.flush()

    return tell


def _told(result: PipelineResult) -> Row:
    summary = result.summary
    return {
        "run": result.execution_id,
        "status": str(result.overall_status),
        "exit_code": result.exit_code,
        "error": result.state.error,
        "seconds": round(result.total_duration, 3),
        "documents": summary["documents"],
        "points": summary["points"],
        "retry": any(retry_reason(checkpoint) for checkpoint in result.state.stages.values()),
        "warnings": summary.get("warnings", []),
    }


def _family_memory_mb() -> float:
    """Return the memory of this process and its kernels, shared pages counted once (PSS), in MB (2^20)."""
    own = psutil.Process()
    total = 0
    for process in [own, *own.children(recursive=True)]:
        with contextlib.suppress(psutil.Error):
            total += process.memory_full_info().pss if sys.platform == "linux" else process.memory_info().rss
    return total / 2**20


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
