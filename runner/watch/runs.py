"""The watch's side of the process that executes its runs: started when there is work, released when idle."""

from __future__ import annotations

import contextlib
import queue
import signal
import subprocess
import threading
from collections.abc import Callable, Iterable
from typing import IO, Any

from runner.settings.pipeline_config import PipelineConfig
from runner.tools import start_child
from stagekit.base.plain_json import parse_json

Row = dict[str, Any]
_END_S = 4.5  # a run that is cancelled ends within them; then it is ended


class WatchRuns:
    """Executes runs in a process of its own.

    Args:
        config: of the runs.
        warm: names of the stages whose kernels wait between runs.
        tell: is told what happens besides (``started``, ``warm``), in another thread.
    """

    def __init__(self, config: PipelineConfig, warm: Iterable[str], tell: Callable[..., None]) -> None:
        self._config = config
        self._warm = list(warm)
        self._tell = tell
        self._process: subprocess.Popen[str] | None = None
        self._ended: queue.SimpleQueue[Row] = queue.SimpleQueue()

    @property
    def alive(self) -> bool:
        """Whether there is such a process, with its kernels."""
        return self._process is not None and self._process.poll() is None

    def run(self) -> Row:
        """Execute the chain and return what came of it: ``status``, and what else is known."""
        if not self.alive:
            self._start()
        assert self._process is not None
        assert self._process.stdin is not None
        try:
            self._process.stdin.write("run\n")
            self._process.stdin.flush()
        except OSError:
            return self._lost()
        while True:
            try:
                return self._ended.get(timeout=0.5)  # short waits: a blocked thread would not see Ctrl-C
            except queue.Empty:
                if not self.alive and self._ended.empty():
                    return self._lost()

    def close(self) -> None:
        """End the process, the run that goes on in it, and its kernels."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        with contextlib.suppress(OSError):
            assert process.stdin is not None
            process.stdin.close()
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()  # its kernels see that it is gone, and end
            process.wait()

    def _start(self) -> None:
        self.close()
        self._ended = queue.SimpleQueue()
        order = {"config": self._config.model_dump(mode="json"), "warm": self._warm}
        # Ctrl-C is for the watch.
        self._process = start_child("runner.watch.worker", order, start_new_session=True)
        assert self._process.stdout is not None
        threading.Thread(target=self._listen, args=(self._process.stdout, self._ended), daemon=True).start()

    def _listen(self, answers: IO[str], ended: queue.SimpleQueue[Row]) -> None:
        with answers:
            for line in answers:
                with contextlib.suppress(ValueError):  # torn by a kill
                    row = parse_json(line)
                    kind = row.pop("kind")
                    if kind == "ended":
                        ended.put(row)
                    else:
                        self._tell(kind, **row)

    def _lost(self) -> Row:
        code = self._process.wait() if self._process else None
        self.close()
        return {"status": "failed", "error": f"The process that executes the runs has ended (code {code})."}
