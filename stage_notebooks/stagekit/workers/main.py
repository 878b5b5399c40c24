"""A document worker: a process that opens a stage's function once and applies it to one document at a time.

:mod:`stagekit.workers.worker_process` starts it as ``python -m stagekit.workers.main``. It leads a session
of its own, so that it can be killed together with whatever it started. Both sides talk in JSON.
"""

from __future__ import annotations

import contextlib
import faulthandler
import importlib
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from stagekit.artifacts.store import ArtifactStore, open_store
from stagekit.base.plain_json import canonical_json
from stagekit.base.processes.process_memory import share_one_heap
from stagekit.base.redaction import RedactedStream
from stagekit.errors import StageError
from stagekit.sealing.cipher import KEY_VARIABLE
from stagekit.stage.execution import DocumentOutput, document_value

Row = dict[str, Any]
_OOM_SCORE = 500  # of 1000: if memory runs out, a worker is the process that can be replaced


def main() -> None:
    """Run with the descriptors that the arguments name."""
    run(*map(int, sys.argv[1:]))


def run(descriptor: int, lifeline: int) -> None:
    """Serve the connection with that descriptor, until it or the lifeline, a pipe, is closed."""
    os.set_inheritable(descriptor, False)  # a program started for a document must not keep it open
    _end_with_stage(lifeline)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started us is interrupted, and ends us
    faulthandler.enable()
    share_one_heap()
    sys.stderr = RedactedStream(sys.stderr)
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
                store = _open_store(message["store"])
                function = _open(message, store)
                answer: Row = {"ready": True}
            else:
                answer = {"value": document_value(message, function, store)}
        except StageError as error:
            answer = {"error": type(error).__name__, "message": str(error)}
        with contextlib.suppress(BrokenPipeError):
            connection.send_bytes(canonical_json(answer).encode(errors="replace"))


def _open_store(url: str) -> ArtifactStore:
    store = open_store(url)
    if store.cipher.key_id:  # from here on neither a document's code nor what it starts finds the key by name
        for name in (KEY_VARIABLE, f"{KEY_VARIABLE}_FILE"):
            os.environ.pop(name, None)
    return store


def _open(order: Row, store: ArtifactStore) -> Callable[[Row], DocumentOutput]:
    module, _, name = order["factory"].partition(":")
    factory = getattr(importlib.import_module(module), name)
    function: Callable[[Row], DocumentOutput] = factory(
        order["settings"], read=store.read, threads=order["threads"]
    )
    return function


def _end_with_stage(lifeline: int) -> None:
    """Let this process, and what it started, end when the other end of the pipe is closed.

    A process of its own watches: a thread does not run while a library holds the interpreter, and the signal
    that Linux can send to the child of a dead process (PR_SET_PDEATHSIG) does not reach what that started.
    """
    subprocess.Popen(["/bin/sh", "-c", "read _; kill -KILL 0"], stdin=lifeline)
    os.close(lifeline)


if __name__ == "__main__":
    main()
