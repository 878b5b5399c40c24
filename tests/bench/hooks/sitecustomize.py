"""Notes what a run spends on being resumable: the benchmark puts this folder first on PYTHONPATH.

``BENCH_TIMES`` is a folder; each process appends lines of its own there: begin, end (seconds since 1970),
seconds of processor time, stage, role, group, function. Of calls inside one another only the outermost is
noted. Kernels are killed when they are done, so each line is written at once.

Groups: ``handing over`` stores what the next stage reads (artifacts), ``checkpointing`` saves what only
another run goes on from (memo, vectors, executed notebooks, records), ``reading back`` fetches and checks
such things, ``exchange`` turns documents into JSON. ``start-up`` takes the end of a stage's kernel, too.
"""

from __future__ import annotations

import functools
import importlib.abc
import os
import sys
import threading
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

_FOLDER = os.environ.get("BENCH_TIMES", "")
_inside = threading.local()


def _note(begin: float, worked: float, group: str, name: str) -> None:
    stage = os.path.basename(os.environ.get("NIC_ETL_NOTEBOOK", ""))[:2]  # noqa: PTH119
    role = "worker" if _is_worker() else stage or "runner"
    line = f"{begin:.6f}\t{time.time():.6f}\t{worked:.6f}\t{stage}\t{role}\t{group}\t{name}\n"
    where = os.path.join(_FOLDER, f"{os.getpid()}.tsv")  # noqa: PTH118 - pathlib may not be loaded yet
    descriptor = os.open(where, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(descriptor, line.encode())
    os.close(descriptor)


def _is_worker() -> bool:
    if "stagekit.workers.main" in sys.orig_argv:
        return True
    try:
        with open("/proc/self/comm") as name:  # noqa: PTH123 - a forked one has its server's arguments
            return name.read().startswith("worker")
    except OSError:
        return False


def _timed(inner: Callable[..., Any], group: str, name: str) -> Callable[..., Any]:
    @functools.wraps(inner)
    def wrapped(*arguments: Any, **named: Any) -> Any:
        if getattr(_inside, "call", False):
            return inner(*arguments, **named)
        _inside.call = True
        begin, worked = time.time(), time.thread_time()
        try:
            return inner(*arguments, **named)
        finally:
            _inside.call = False
            _note(begin, time.thread_time() - worked, group, name)

    return wrapped


# By module: owner in it (empty for the module itself), then functions by group.
_WATCHED: dict[str, list[tuple[str, str, tuple[str, ...]]]] = {
    "stagekit.artifacts.store": [
        ("ArtifactStore", "handing over", ("put", "put_table")),
        ("ArtifactStore", "reading back", ("read", "read_table", "open_table", "present")),
    ],
    "stagekit.artifacts.memo": [
        ("Memo", "checkpointing", ("put", "put_many", "remember_good")),
        ("Memo", "reading back", ("get_many", "last_good")),
    ],
    "stagekit.embedding.vectors": [
        ("VectorStore", "checkpointing", ("put_many",)),
        ("VectorStore", "reading back", ("get_many",)),
    ],
    "stagekit.processing.worker": [("", "exchange", ("document_json",))],
    "stagekit.stage.stage": [("Stage", "handing over", ("glue_documents", "glue_table", "glue_json"))],
    "runner.record.state_manager": [
        ("StateManager", "checkpointing", ("save_checkpoint", "set_latest", "audit")),
        ("StateManager", "reading back", ("faults", "find_checkpoint", "last_checkpoint", "last_attempt")),
    ],
    "runner.pipeline.stage_manager": [
        ("StageManager", "checkpointing", ("_checkpoint",)),
        ("StageManager", "reading back", ("current", "fingerprint")),
    ],
    "runner.kernels.kernel": [("StageKernel", "start-up", ("end",))],
    "papermill.engines": [("NotebookExecutionManager", "checkpointing", ("save",))],
    "runner.pipeline.ending": [("", "reporting", ("summarize",))],
    "runner.record.hooks": [("Hooks", "reporting", ("finish",))],
}


class _Finder(importlib.abc.MetaPathFinder):
    """Lets a module load as ever, and wraps what is watched in it."""

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        if name not in _WATCHED:
            return None
        specs = (other.find_spec(name, path, target) for other in sys.meta_path if other is not self)
        spec: Any = next(found for found in specs if found is not None)
        execute = spec.loader.exec_module

        def execute_and_wrap(module: ModuleType) -> None:
            execute(module)
            _wrap(module)

        spec.loader.exec_module = execute_and_wrap
        return spec


def _wrap(module: ModuleType) -> None:
    for owner, group, functions in _WATCHED[module.__name__]:
        holder = getattr(module, owner) if owner else module
        for name in functions:
            if hasattr(holder, name):  # another version may have it elsewhere: it counts as work then
                label = f"{owner}.{name}" if owner else name
                setattr(holder, name, _timed(getattr(holder, name), group, label))


if _FOLDER:
    sys.meta_path.insert(0, _Finder())
