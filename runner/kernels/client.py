"""A kernel client that begins as soon as the kernel has answered."""

from __future__ import annotations

import time
from queue import Empty
from typing import Any

from jupyter_client.asynchronous.client import AsyncKernelClient

from runner.kernels.seams.jupyter import note_kernel_info

_SILENCE_S = 0.2  # after which an answer on iopub is given up, as Jupyter's own client does


class PromptKernelClient(AsyncKernelClient):
    """Jupyter's asynchronous client without its last wait.

    Jupyter's takes a kernel for ready when nothing has come on iopub for 0.2 s, of each notebook. Here it is
    ready when it says to be idle again after the request, which is the last that comes of it.
    """

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Wait until the kernel answers, and what it publishes arrives.

        Raises:
            RuntimeError: if it has died, or does not answer within ``timeout`` seconds.
        """
        end = time.monotonic() + (timeout if timeout is not None else float("inf"))
        while not await self._answers(self.kernel_info()):
            if not await self.is_alive():
                raise RuntimeError("Kernel died before replying to kernel_info")
            if time.monotonic() > end:
                raise RuntimeError(f"Kernel didn't respond in {timeout:g} seconds")

    async def _answers(self, request: str) -> bool:
        try:
            reply = await self.get_shell_msg(timeout=1)
            # The first request may have been published before this client was subscribed: then once more.
            while not _is_idle(await self.get_iopub_msg(timeout=_SILENCE_S), request):
                pass
        except Empty:
            return False
        note_kernel_info(self, reply)
        return True


def _is_idle(message: dict[str, Any], request: str) -> bool:
    about: str = message["parent_header"].get("msg_id", "")
    state: str = message["content"].get("execution_state", "")
    return (about, state) == (request, "idle")
