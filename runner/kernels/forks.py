"""The runner's side of the fork server: kernels that start with their libraries loaded."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from runner.kernels.seams.jupyter import use_process
from stagekit.base.redaction import SECRET_VARIABLES

_SERVER = "runner.kernels.fork_server"
_ANSWER_S = 120.0


class KernelForks:
    """A fork server (:mod:`runner.kernels.fork_server`) and the kernels that it has forked.

    Args:
        folder: of the notebooks; modules beside them are found first, as in a kernel.
        log: file that takes what the server writes to its stderr.
        plots: load Matplotlib as well.
    """

    def __init__(self, folder: Path, log: Path, *, plots: bool = False) -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs, log.open("ab") as stderr:
            self._process = subprocess.Popen(
                [sys.executable, "-m", _SERVER, str(theirs.fileno()), *plots * ["plots"]],
                stdin=subprocess.DEVNULL,
                stdout=stderr,
                stderr=stderr,
                cwd=folder,
                env=_environment(folder),
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
            self._connection = Connection(ours.detach())
        self._asking = threading.Lock()
        self._answers: queue.SimpleQueue[ForkedKernel | None] = queue.SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()

    def fork(
        self,
        argv: list[str],
        *,
        env: Mapping[str, str],
        cwd: str,
        log: str,
        worker_imports: Sequence[str] = (),
        common: str = "",
        settings: Mapping[str, Any] | None = None,
    ) -> ForkedKernel:
        """Fork a kernel.

        Args:
            argv: arguments of the kernel application.
            env: its whole environment.
            cwd: its working folder.
            log: path of the file that takes its stdout and stderr.
            worker_imports: what its document workers import, see :func:`stagekit.workers.forks.prepare`.
            common: ``module:function`` that the server itself calls before the fork, so that this kernel and
                all later ones have what it has loaded, in the same memory; it must start no thread.
            settings: those of the function's arguments are given to it.

        Raises:
            RuntimeError: if the server has ended.
        """
        order = {
            "argv": argv, "env": dict(env), "cwd": cwd, "log": log,
            "worker_imports": list(worker_imports), "common": common, "settings": dict(settings or {}),
        }  # fmt: skip
        kernel = None
        with self._asking, contextlib.suppress(OSError, queue.Empty):
            while not self._answers.empty():
                self._answers.get()  # it came too late
            self._connection.send_bytes(json.dumps(order).encode())
            kernel = self._answers.get(timeout=_ANSWER_S)
        if kernel is None:
            raise RuntimeError("The process that starts the stages' kernels has ended.")
        return kernel

    def alive(self) -> bool:
        """Tell whether the server runs."""
        return self._process.poll() is None

    def close(self) -> None:
        """End the server; kernels that still run end by themselves."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()

    def _listen(self) -> None:
        kernels: dict[int, ForkedKernel] = {}
        with contextlib.suppress(EOFError, OSError):
            while True:
                message: dict[str, Any] = json.loads(self._connection.recv_bytes())
                if "pid" in message:
                    kernel = kernels[message["pid"]] = ForkedKernel(message["pid"])
                    self._answers.put(kernel)
                else:
                    kernels.pop(message["ended"]).has_ended(message["code"])
        for kernel in kernels.values():  # they end with the server
            kernel.has_ended(-signal.SIGKILL)
        self._answers.put(None)
        self._connection.close()


class ForkedKernel:
    """A forked kernel process, with the methods of ``subprocess.Popen`` that Jupyter's provisioner calls."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._code: int | None = None
        self._ended = threading.Event()

    def has_ended(self, code: int) -> None:
        """Take note of the exit code, negative for a signal."""
        self._code = code
        self._ended.set()

    def poll(self) -> int | None:
        """Return the exit code, None while the process runs."""
        return self._code

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end of the process and return its exit code.

        Raises:
            subprocess.TimeoutExpired: if it still runs after ``timeout`` seconds.
        """
        self._ended.wait(timeout)
        if self._code is None:
            raise subprocess.TimeoutExpired("kernel", timeout or 0.0)
        return self._code

    def send_signal(self, number: int) -> None:
        """Send a signal to the process."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask the process to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the process."""
        self.send_signal(signal.SIGKILL)


class ForkProvisioner(LocalProvisioner):
    """Gives Jupyter's kernel manager a process that is forked and not started anew.

    Attributes:
        fork: :meth:`KernelForks.fork`, with what it is to load for the kernel.
    """

    fork: Callable[..., ForkedKernel]

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Fork a kernel with the arguments of the command ``python -m ipykernel_launcher …``."""
        folder, log = str(kwargs["cwd"]), str(kwargs["stderr"].name)
        kernel = self.fork(cmd[cmd.index("-f") :], env=kwargs["env"], cwd=folder, log=log)
        use_process(self, kernel, folder)
        return self.connection_info


def environment_without_secrets(but: Collection[str] = ()) -> dict[str, str]:
    """Return the environment of this process without any secret but these."""
    others = [secret for secret in SECRET_VARIABLES if secret not in but]
    hidden = {name for secret in others for name in (secret, f"{secret}_FILE")}
    return {name: value for name, value in os.environ.items() if name not in hidden}


def _environment(folder: Path) -> dict[str, str]:
    package = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH"), package]))
    # A kernel sets the last before Matplotlib is imported; here that comes first.
    own = {"PYTHONPATH": path, "MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    return environment_without_secrets() | own
