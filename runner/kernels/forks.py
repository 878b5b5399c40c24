"""The runner's side of the fork server: kernels that start with their libraries loaded."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import asdict
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from runner.kernels.preparation import NOTHING, ForkPreparation
from runner.kernels.seams.jupyter import use_process
from stagekit.base.redaction import SECRET_VARIABLES

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
                [
                    sys.executable,
                    "-m",
                    "runner.kernels.fork_server",
                    str(theirs.fileno()),
                    *plots * ["plots"],
                ],
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
        self._heard = threading.Condition()
        self._codes: dict[int, int] = {}
        self._answer: int | None = None
        self._closed = False
        threading.Thread(target=self._listen, daemon=True).start()

    def fork(
        self,
        argv: list[str],
        *,
        env: Mapping[str, str],
        cwd: str,
        log: str,
        preparation: ForkPreparation = NOTHING,
    ) -> ForkedKernel:
        """Fork a kernel.

        Args:
            argv: arguments of the kernel application.
            env: its whole environment.
            cwd: its working folder.
            log: path of the file that takes its stdout and stderr.
            preparation: what is loaded for it.

        Raises:
            RuntimeError: if the server has ended.
        """
        order = {"argv": argv, "env": dict(env), "cwd": cwd, "log": log, **asdict(preparation)}
        with self._asking, self._heard:
            self._answer = None
            with contextlib.suppress(OSError):
                self._connection.send_bytes(json.dumps(order).encode())
                self._heard.wait_for(lambda: self._answer is not None or self._closed, _ANSWER_S)
            if self._answer is None:
                raise RuntimeError("The process that starts the stages' kernels has ended.")
            return ForkedKernel(self._answer, self)

    def alive(self) -> bool:
        """Tell whether the server runs."""
        return self._process.poll() is None

    def code(self, pid: int) -> int | None:
        """Return the exit code of a kernel, negative for a signal; None while it runs."""
        with self._heard:
            if pid not in self._codes and self._closed:
                return -signal.SIGKILL
            return self._codes.get(pid)

    def wait(self, pid: int, timeout: float | None = None) -> int:
        """Wait until a kernel has ended, and return its exit code.

        Raises:
            subprocess.TimeoutExpired: if it still runs after ``timeout`` seconds.
        """
        with self._heard:
            self._heard.wait_for(lambda: pid in self._codes or self._closed, timeout)
        code = self.code(pid)
        if code is None:
            raise subprocess.TimeoutExpired("kernel", timeout or 0.0)
        return code

    def close(self) -> None:
        """End the server; kernels that still run end by themselves."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()

    def _listen(self) -> None:
        with contextlib.suppress(EOFError, OSError):
            while True:
                message: dict[str, Any] = json.loads(self._connection.recv_bytes())
                with self._heard:
                    if "pid" in message:
                        self._answer = message["pid"]
                    else:
                        self._codes[message["ended"]] = message["code"]
                    self._heard.notify_all()
        with self._heard:
            self._closed = True
            self._heard.notify_all()
        self._connection.close()


class ForkedKernel:
    """A forked kernel process, with the methods of ``subprocess.Popen`` that Jupyter's provisioner calls."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int, forks: KernelForks) -> None:
        self.pid = pid
        self._forks = forks

    def poll(self) -> int | None:
        """Return the exit code, None while the process runs."""
        return self._forks.code(self.pid)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end of the process and return its exit code."""
        return self._forks.wait(self.pid, timeout)

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
        forks: the fork server.
        log_file: takes what the kernel writes to its stdout and stderr.
        preparation: what is loaded for the kernel.
    """

    forks: KernelForks
    log_file: Path
    preparation = NOTHING

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Fork a kernel with the arguments of the command ``python -m ipykernel_launcher …``."""
        arguments = cmd[cmd.index("-f") :]
        folder = str(kwargs["cwd"])
        kernel = self.forks.fork(
            arguments,
            env=kwargs["env"],
            cwd=folder,
            log=str(self.log_file),
            preparation=self.preparation,
        )
        use_process(self, kernel, folder)
        return self.connection_info


def _environment(folder: Path) -> dict[str, str]:
    # The kernels get their own environment; the server needs no secret.
    hidden = {name for secret in SECRET_VARIABLES for name in (secret, f"{secret}_FILE")}
    package = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH"), package]))
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    # A kernel sets this before Matplotlib is imported; here that comes first.
    return kept | {"PYTHONPATH": path, "MPLBACKEND": "module://matplotlib_inline.backend_inline"}
