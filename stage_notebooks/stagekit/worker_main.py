"""A document worker: a process that opens a stage's function once and applies it to one document at a time.

:mod:`stagekit.worker_process` starts it as ``python -m stagekit.worker_main DESCRIPTOR``. It leads a session
of its own, so that it can be killed together with whatever it started. Both sides talk in JSON.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import importlib
import json
import os
import resource
import select
import signal
import sys
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from stagekit.artifacts import ArtifactStore
from stagekit.errors import StageError
from stagekit.execution import DocumentOutput, document_value
from stagekit.memo import canonical_json

__all__ = ["main", "serve"]

Row = dict[str, Any]
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_OOM_SCORE = 500  # of 1000: if memory runs out, a worker is the process that can be replaced


def main() -> None:
    """Serve the connection whose descriptor is the first argument."""
    descriptor = int(sys.argv[1])
    os.set_inheritable(descriptor, False)  # a program started for a document must not keep it open
    _end_with_parent(descriptor)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started us is interrupted, and ends us
    faulthandler.enable()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a crash must not write documents to the disk
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(str(_OOM_SCORE))
    serve(Connection(descriptor))


def serve(connection: Connection) -> None:
    """Answer orders until the connection is closed.

    The first message names the store, the factory (``module:function``) and its settings; it is answered by
    ``{"ready": true}``. Every other one is a document's row, answered by ``{"value": outcome}``. To either
    ``{"error": class, "message": text}`` may be the answer, which stops the stage.
    """
    function: Callable[[Row], DocumentOutput] | None = None
    while True:
        try:
            message: Row = json.loads(connection.recv_bytes())
        except EOFError:
            return
        try:
            if function is None:
                store = ArtifactStore(message["store"])
                function = _open(message, store)
                answer: Row = {"ready": True}
            else:
                answer = {"value": document_value(message, function, store)}
        except StageError as error:
            answer = {"error": type(error).__name__, "message": str(error)}
        with contextlib.suppress(BrokenPipeError):
            connection.send_bytes(canonical_json(answer).encode(errors="replace"))


def _open(order: Row, store: ArtifactStore) -> Callable[[Row], DocumentOutput]:
    module, _, name = order["factory"].partition(":")
    factory = getattr(importlib.import_module(module), name)
    function: Callable[[Row], DocumentOutput] = factory(
        order["settings"], read=store.read, threads=order["threads"]
    )
    return function


def _end_with_parent(descriptor: int) -> None:
    """Let this process, and what it started, end when the other side of the connection is gone."""
    if sys.platform == "linux":  # the kernel does it even while a library holds the interpreter
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    hung_up = select.poll()
    hung_up.register(descriptor, 0)  # no event but the hang-up, which cannot be masked

    def watch() -> None:
        hung_up.poll()
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    main()
