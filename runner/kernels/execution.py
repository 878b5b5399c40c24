"""Executes one notebook through papermill, in a kernel that can be ended from outside."""

from __future__ import annotations

import signal
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.errors import StageCancelledError, StageExecutionError, StageMemoryError
from runner.events import Event, Listener
from runner.kernels.kernel import StageKernel, thread_event_loop
from runner.kernels.libraries import (
    CellTimeoutError,
    DeadKernelError,
    PapermillExecutionError,
    papermill,
)
from runner.kernels.notebook_io import safe_path
from stagekit.base.disk_faults import disk_fault
from stagekit.base.redaction import Redactor, secret_values

ENGINE = "nic-etl"  # the entry point of runner.kernels.engine
_GRACE = 3.0  # seconds between the interruption of a cell and the end of its kernel
_TRANSIENT = {
    "ConnectionError", "ConnectionResetError", "ConnectionRefusedError", "ConnectTimeout", "ReadTimeout",
    "TimeoutError", "Timeout", "ChunkedEncodingError", "ResponseHandlingException", "ServiceUnavailable",
    "GitLabFails", "QdrantFails",
}  # fmt: skip
_SAID_PLAINLY = {"StageError", "ArtifactError", "GitLabUnavailable", "GitLabFails", "QdrantFails"}


@dataclass
class NotebookJob:
    """One execution of a stage notebook.

    ``stop`` is set from outside to cancel it; ``timeout`` is in seconds, 0 for none.
    """

    stage: str
    source: Path
    target: Path
    parameters: dict[str, Any]
    kernel: StageKernel
    emit: Listener
    stop: threading.Event
    timeout: float = 0.0


def execute_notebook(job: NotebookJob) -> None:
    """Execute a stage notebook to its end; the executed notebook stands at ``job.target`` in any case.

    Raises:
        StageCancelledError: if ``job.stop`` was set meanwhile.
        StageExecutionError: if a cell failed, the kernel died, or the time limit passed.
    """
    watcher = _Watcher(job)
    watcher.start()
    with thread_event_loop():
        try:
            job.kernel.wait_until_warm()
            papermill.execute_notebook(
                str(job.source),
                safe_path(job.target),
                parameters=job.parameters,
                engine_name=ENGINE,
                km=job.kernel.manager,
                emit=lambda kind, data: job.emit(Event(kind, job.stage, data)),
                progress_bar=False,
                autosave_cell_every=5,
            )
        except BaseException as error:
            raise _explain(error, job, watcher) from None
        finally:
            watcher.done.set()
            job.kernel.end()


class _Watcher(threading.Thread):
    """Ends the kernel when the run is cancelled or the time limit of the whole notebook passes."""

    def __init__(self, job: NotebookJob) -> None:
        super().__init__(daemon=True)
        self._job = job
        self.done = threading.Event()
        self.reason = ""

    def run(self) -> None:
        waited = 0.0
        while not self.done.wait(0.1):
            waited += 0.1
            if self._job.stop.is_set():
                self.reason = "cancelled"
            elif self._job.timeout and waited > self._job.timeout:
                self.reason = "timeout"
            else:
                continue
            self._job.kernel.interrupt()
            if not self.done.wait(_GRACE):
                self._job.kernel.end()
            return


def _explain(error: BaseException, job: NotebookJob, watcher: _Watcher) -> StageExecutionError:
    if watcher.reason == "cancelled" or (isinstance(error, KeyboardInterrupt) and job.stop.is_set()):
        return StageCancelledError(job.stage, f"{job.stage} was cancelled.", notebook=job.target)
    redact = Redactor(secret_values())
    cell: int | None = None
    transient = False
    if watcher.reason == "timeout":
        message = (
            f"{job.stage} took longer than stage_timeout_s ({job.timeout:g} s) allows; "
            "raise the limit, or see in the executed notebook which cell took the time."
        )
    elif isinstance(error, PapermillExecutionError):
        cell = error.cell_index + 1
        transient = error.ename in _TRANSIENT
        message = f"{error.ename}: {error.evalue}"
        message = error.evalue if error.ename in _SAID_PLAINLY else _disk_fault(message, job) or message
    elif job.kernel.over_limit():
        return StageMemoryError(job.stage, _too_much_memory(job.kernel), notebook=job.target)
    elif isinstance(error, DeadKernelError):
        message = _kernel_death(job)
    elif isinstance(error, CellTimeoutError):
        message = f"A cell of {job.stage} ran into its time limit."
    elif not job.kernel.alive():  # before its first cell
        message = _kernel_death(job)
    else:
        message = _disk_fault(error, job) or f"{type(error).__name__}: {error}"
    return StageExecutionError(
        job.stage, redact(message), notebook=job.target, cell=cell, transient=transient
    )


def _too_much_memory(kernel: StageKernel) -> str:
    return (
        f"The stage took {kernel.peak_memory_mb:,.0f} MB of memory, more than memory_limit_mb "
        f"({kernel.memory_limit_mb:,.0f}) allows, and was ended: raise the limit, or lower batch_size."
    )


def _disk_fault(error: BaseException | str, job: NotebookJob) -> str:
    return disk_fault(error, Path(str(job.parameters.get("outputs_dir") or job.target.parent)))


def _kernel_death(job: NotebookJob) -> str:
    kernel = job.kernel
    code = kernel.exit_code()
    # Databases and vectors are mapped into memory: writing there to a full disk ends a process.
    if code == -signal.SIGBUS and (fault := _disk_fault("SIGBUS", job)):
        return fault
    last = kernel.log.read_text(errors="replace").strip().splitlines()[-3:] if kernel.log.exists() else []
    said = f" Its last words: {' / '.join(last)}" if last else ""
    peak = f"its memory had reached {kernel.peak_memory_mb:,.0f} MB"
    if code is not None and code == -signal.SIGKILL:
        return f"The kernel was killed, most likely because the machine ran out of memory ({peak}).{said}"
    return f"The kernel died unexpectedly ({peak}).{said}"
