"""Kernels that the runner owns: private sockets, their own environment, known to be dead when they are."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import queue
import shutil
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
from jupyter_client.manager import KernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from jupyter_core.utils import ensure_event_loop

from runner.errors import PipelineOrchestrationError
from runner.kernels.forks import ForkedKernel, ForkProvisioner, environment_without_secrets
from runner.kernels.seams.jupyter import start_through
from runner.record.kernels import note_kernel
from stagekit.base.processes.liveness import is_alive
from stagekit.base.processes.process_memory import family_resident_mb
from stagekit.base.sockets.folder import socket_folder
from stagekit.errors import StageError
from stagekit.sealing.cipher import KEY_VARIABLE

_KERNEL_OPTIONS = [
    # IPython would keep the injected parameters in the user's history file.
    "--HistoryManager.hist_file=:memory:",
    # Cutting a figure to what is drawn means drawing it twice; ours have a layout that fits.
    "--InlineBackend.print_figure_kwargs={'bbox_inches': None}",
]
_WARM_TIMEOUT = 180.0
_WARM_END = 5.0
_CALL = """
def _warm_up():
    import inspect, json, pkgutil
    function = pkgutil.resolve_name("{0}")
    settings = json.loads({1})
    function(**{{name: settings[name] for name in inspect.signature(function).parameters}})
try:
    _warm_up()
except Exception:
    pass  # its notebook meets the same fault, and says so
del _warm_up
"""


def kernel_environment(secrets: Iterable[str], extra: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a stage's kernel: of the secrets, only those that the stage needs.

    The key of an encrypted outputs folder is needed by each: products and memo lie there.
    """
    return environment_without_secrets((*secrets, KEY_VARIABLE)) | dict(extra)


@contextlib.contextmanager
def thread_event_loop() -> Iterator[None]:
    """Close the event loop that Jupyter's clients leave in the thread which uses them."""
    try:
        yield
    finally:
        loop = ensure_event_loop()
        if not loop.is_running():  # inside a notebook the loop is the kernel's own
            loop.close()
            asyncio.set_event_loop(None)


class _IpcKernelManager(KernelManager):
    """A kernel manager whose channels are Unix sockets in a folder that only the owner may enter.

    Sockets need no port, so kernels that start together cannot take each other's; nobody else on the
    machine can connect.
    """

    def __init__(self, **kwargs: Any) -> None:
        try:
            self.socket_dir = socket_folder("nk-", longest="/k-00000")
        except StageError as error:
            raise PipelineOrchestrationError(str(error)) from None
        super().__init__(
            transport="ipc",
            ip=f"{self.socket_dir}/k",  # absolute: the kernel's working folder is not ours
            client_class="runner.kernels.client.PromptKernelClient",
            **kwargs,
        )

    def fork_from(self, fork: Callable[..., ForkedKernel]) -> None:
        """Take the kernel process from a fork server."""
        kernel_id = str(uuid.uuid4())
        provisioner = ForkProvisioner(kernel_id=kernel_id, kernel_spec=self.kernel_spec, parent=self)
        provisioner.fork = fork
        start_through(self, kernel_id, provisioner)


class StageKernel:
    """One kernel process, from its start to the end of its process group.

    Args:
        environment: of the kernel process.
        folder: working folder of the kernel.
        log: file that takes what the process writes to its own stderr.
        registry: folder in which running kernels are noted, for :func:`runner.record.kernels.reap_orphans`.
        memory_limit_mb: memory of the process and its children at which it is ended; 0 for no limit.
        fork: :meth:`runner.kernels.forks.KernelForks.fork` of the server that it comes from, with what that
            has to load for it; None: it is started as a program of its own.
    """

    def __init__(
        self,
        environment: dict[str, str],
        folder: Path,
        log: Path,
        registry: Path,
        memory_limit_mb: float = 0.0,
        fork: Callable[..., ForkedKernel] | None = None,
    ) -> None:
        self.manager = _IpcKernelManager(kernel_name="python3")
        if fork is not None:
            self.manager.fork_from(fork)
        self.log = log
        self._ended = threading.Event()
        self._warmed = threading.Event()
        self._warming: threading.Thread | None = None
        self.peak_memory_mb = 0.0
        self.memory_limit_mb = memory_limit_mb
        try:
            with log.open("ab") as stderr, thread_event_loop():
                self.manager.start_kernel(
                    cwd=str(folder),
                    env=environment,
                    stderr=stderr,
                    extra_arguments=_KERNEL_OPTIONS,
                )
        except BaseException:
            self.manager.cleanup_resources()
            shutil.rmtree(self.manager.socket_dir, ignore_errors=True)
            raise
        provisioner = self.manager.provisioner
        if not isinstance(provisioner, LocalProvisioner) or provisioner.pid is None:
            raise RuntimeError("The python3 kernel of this environment is not a local process.")
        self._provisioner = provisioner
        self.pid = int(provisioner.pid)
        self._note = registry / f"{self.pid}.json"
        try:
            note_kernel(self._note, self.pid)
        except OSError:
            self.end()
            raise
        threading.Thread(target=self._watch_memory, daemon=True).start()

    def warm(
        self, modules: Iterable[str], function: str = "", settings: Mapping[str, Any] | None = None
    ) -> None:
        """Import modules in the background, and call a function, while the stage before still runs.

        Args:
            modules: names of modules; one that cannot be imported is left to the notebook.
            function: ``module:function``; whatever it raises is left to the notebook, too.
            settings: those of its arguments are given to it.
        """
        code = "\n".join(f"try:\n import {name}\nexcept ImportError:\n pass" for name in modules)
        if function:
            code += _CALL.format(function, json.dumps(json.dumps(dict(settings or {}))))
        self._warming = threading.Thread(target=self._execute_quietly, args=(code,), daemon=True)
        self._warming.start()

    def wait_until_warm(self, timeout: float = _WARM_TIMEOUT) -> None:
        """Wait for the warm-up, so that its time is not blamed on the notebook's first cell."""
        end = time.monotonic() + timeout
        # A kernel that is killed meanwhile never answers.
        while not self._warmed.wait(0.2) and self.alive() and time.monotonic() < end:
            pass

    def interrupt(self) -> None:
        """Raise KeyboardInterrupt in the cell that is being executed."""
        with contextlib.suppress(Exception), thread_event_loop():
            self.manager.interrupt_kernel()

    def alive(self) -> bool:
        """Tell whether the kernel process runs."""
        return is_alive(self.pid)

    def over_limit(self) -> bool:
        """Tell whether the kernel took more memory than it may."""
        return 0 < self.memory_limit_mb < self.peak_memory_mb

    def exit_code(self) -> int | None:
        """Return the exit code of the kernel process: negative for a signal, None while it runs."""
        process = self._provisioner.process
        return process.poll() if process else None

    def end(self) -> None:
        """End the kernel and every process that it started; may be called twice."""
        if self._ended.is_set():
            return
        self._ended.set()
        self._note_memory()  # a stage can be over before the watch has looked once
        self._kill()
        if self._warming is not None:
            # A thread that is in ZeroMQ when Python ends takes the whole process down with it.
            self._warming.join(timeout=_WARM_END)
        process = self._provisioner.process
        with contextlib.suppress(Exception), thread_event_loop():
            if process is not None:
                process.wait(timeout=_WARM_END)  # Jupyter looks for its end ten times a second only
            self.manager.shutdown_kernel(now=True)
            self.manager.cleanup_resources()
        shutil.rmtree(self.manager.socket_dir, ignore_errors=True)
        self._note.unlink(missing_ok=True)

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)  # the kernel leads its own group

    def _execute_quietly(self, code: str) -> None:
        # A kernel that cannot be warmed is judged when its notebook runs.
        with contextlib.suppress(Exception), thread_event_loop():
            client = self.manager.blocking_client()
            client.start_channels(iopub=False, stdin=False, hb=False, control=False)
            try:
                client.execute(code, silent=True, store_history=False)
                end = time.monotonic() + _WARM_TIMEOUT
                while not self._ended.is_set() and self.alive() and time.monotonic() < end:
                    with contextlib.suppress(queue.Empty):
                        client.get_shell_msg(timeout=0.5)
                        break
            finally:
                client.stop_channels()
        self._warmed.set()

    def _watch_memory(self) -> None:
        while not self._ended.wait(0.5) and psutil.pid_exists(self.pid):
            self._note_memory()
            if self.over_limit():
                self._kill()

    def _note_memory(self) -> None:
        self.peak_memory_mb = max(self.peak_memory_mb, family_resident_mb(self.pid))
