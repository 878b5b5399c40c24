"""Kills its own process at a named moment, once: the crash tests put this folder first on PYTHONPATH.

``NICTEST_KILL_AT`` is ``role/point@text#n``: at the n-th time that a process of that role (``runner``,
``worker``, ``kernel``, or a stage's name for its kernel) reaches the point with the text in what it is about.
``NICTEST_KILL_MARK`` is the file that is written before the kill; while it exists, nobody is killed.

``NICTEST_CRASH_ON`` is a text: a document worker crashes on each document with it in its path, every time.

Points are named ``before_…`` and ``after_…``: rename (os.replace; text: target), memo (a document's outcome;
text: stage), checkpoint (the record; text: ``stage=status`` of each stage), upsert and delete (the
embedded store), commit (SQLite; text: file), open (for writing; text: file). ``in_commit`` dies while SQLite
writes, and leaves a torn write-ahead log, or a torn database beside its journal.
"""

from __future__ import annotations

import builtins
import importlib.abc
import os
import resource
import signal
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

_ROLE, _, _REST = os.environ.get("NICTEST_KILL_AT", "").partition("/")
_PLACE, _, _NUMBER = _REST.rpartition("#")
_POINT, _, _TEXT = _PLACE.partition("@")
_MARK = os.environ.get("NICTEST_KILL_MARK", "")
_CRASH_ON = os.environ.get("NICTEST_CRASH_ON", "")
_seen = 0
_in_worker = "stagekit.workers.main" in sys.orig_argv


def _concerned() -> bool:
    words = sys.orig_argv
    if "runner.kernels.fork_server" in words:
        return _ROLE != "runner"
    return {"runner": "runner" in words, "worker": "stagekit.workers.main" in words}.get(_ROLE, False)


def _is_role() -> bool:
    if "runner.kernels.fork_server" not in sys.orig_argv:
        return True
    if _in_worker:
        return _ROLE == "worker"
    # A kernel is forked from the server, and has its stage's environment only since then.
    stage = os.path.basename(os.environ.get("NIC_ETL_NOTEBOOK", ""))[3:-6]  # noqa: PTH119
    return bool(stage) and _ROLE in {"kernel", stage}


def _due(point: str, text: object) -> bool:
    global _seen  # noqa: PLW0603
    if point != _POINT or _TEXT not in str(text) or not _is_role() or os.path.exists(_MARK):  # noqa: PTH110
        return False
    _seen += 1
    if _seen != int(_NUMBER):
        return False
    descriptor = os.open(_MARK, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    os.write(descriptor, f"{os.getpid()} {text}".encode())
    os.close(descriptor)
    return True


def _reach(point: str, text: object) -> None:
    if _due(point, text):
        os.kill(os.getpid(), signal.SIGKILL)


def _around(owner: Any, name: str, point: str, describe: Callable[..., object]) -> None:
    inner = getattr(owner, name)

    def wrapped(*arguments: Any, **named: Any) -> Any:
        text = describe(*arguments, **named)
        _reach(f"before_{point}", text)
        result = inner(*arguments, **named)
        _reach(f"after_{point}", text)
        return result

    setattr(owner, name, wrapped)


def _patch_memo(module: ModuleType) -> None:
    inner = module.Memo.put_many

    def put_many(self: Any, rows: Any) -> None:
        entries = list(rows)
        stages = " ".join(entry[0] for entry in entries)
        _reach("before_memo", stages)
        inner(self, entries)
        _reach("after_memo", stages)

    module.Memo.put_many = put_many


def _patch_keeping(module: ModuleType) -> None:
    module._SOON_S = -1.0  # each document is a transaction of its own, so that they can be counted


def _patch_state(module: ModuleType) -> None:
    def describe(_self: Any, state: Any) -> str:
        return " ".join(f"{name}={checkpoint.status}" for name, checkpoint in state.stages.items())

    _around(module.StateManager, "save_checkpoint", "checkpoint", describe)


def _patch_store(module: ModuleType) -> None:
    for name in ("upsert", "delete"):
        _around(module.EmbeddedQdrant, name, name, lambda *_, **__: "")


def _patch_worker(module: ModuleType) -> None:
    inner = module.run

    def run(*descriptors: int) -> None:
        global _in_worker  # noqa: PLW0603 - forked from a process that is none
        _in_worker = True
        inner(*descriptors)

    module.run = run


def _patch_execution(module: ModuleType) -> None:
    inner = module.document_value

    def document_value(row: Any, *arguments: Any) -> Any:
        if _in_worker and _CRASH_ON in row["path"]:
            os.kill(os.getpid(), signal.SIGSEGV)
        return inner(row, *arguments)

    module.document_value = document_value


def _patch_sqlite(module: Any) -> None:
    connect = module.connect

    class Connection(module.Connection):  # type: ignore[misc]
        nictest_path = ""

        def commit(self) -> None:
            _tear(self.nictest_path)
            super().commit()
            _after(self.nictest_path)

        def __exit__(self, *error: Any) -> Any:
            if error[0] is None:
                _tear(self.nictest_path)
            result = super().__exit__(*error)
            _after(self.nictest_path)
            return result

    def connect_watched(database: Any, *arguments: Any, **named: Any) -> Any:
        made = connect(database, *arguments, **({"factory": Connection} | named))
        made.nictest_path = str(database)
        return made

    module.connect = connect_watched


def _tear(path: str) -> None:
    _reach("before_commit", path)
    if _due("in_commit", path):
        # The file that the commit appends to may grow by less than a page: the kernel ends the process there.
        log = f"{path}-wal"
        grown = os.path.getsize(log) if os.path.exists(log) else 0  # noqa: PTH110, PTH202
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (grown + 3000, hard))


def _after(path: str) -> None:
    if resource.getrlimit(resource.RLIMIT_FSIZE)[0] != resource.RLIM_INFINITY:
        os.kill(os.getpid(), signal.SIGKILL)  # the commit needed no more room than it was given
    _reach("after_commit", path)


def _watch_open() -> None:
    inner = builtins.open

    def open_watched(file: Any, mode: str = "r", *arguments: Any, **named: Any) -> Any:
        opened = inner(file, mode, *arguments, **named)
        if "w" in mode or "x" in mode:
            _reach("after_open", file)
        return opened

    builtins.open = open_watched


class _Finder(importlib.abc.MetaPathFinder):
    """Lets a module load as ever, and wraps what is watched in it."""

    def __init__(self, patches: dict[str, Callable[[Any], None]]) -> None:
        self.patches = patches

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        patch = self.patches.get(name)
        if patch is None:
            return None
        specs = (other.find_spec(name, path, target) for other in sys.meta_path if other is not self)
        spec: Any = next(found for found in specs if found is not None)
        execute = spec.loader.exec_module

        def execute_and_patch(module: ModuleType) -> None:
            execute(module)
            patch(module)

        spec.loader.exec_module = execute_and_patch
        return spec


if _POINT and _concerned():
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # Python ignores it; in_commit needs it to kill
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    _around(os, "replace", "rename", lambda _source, target, **_: os.fspath(target))
    _watch_open()
    patches = {
        "stagekit.artifacts.memo": _patch_memo,
        "runner.record.state_manager": _patch_state,
        "stagekit.storage.embedded.store": _patch_store,
        "sqlite3": _patch_sqlite,
        "stagekit.workers.main": _patch_worker,
    }
    if _POINT.endswith("_memo"):
        patches["stagekit.stage.keeping"] = _patch_keeping
    sys.meta_path.insert(0, _Finder(patches))
if _CRASH_ON and (_in_worker or "runner.kernels.fork_server" in sys.orig_argv):
    crashing = {"stagekit.stage.execution": _patch_execution, "stagekit.workers.main": _patch_worker}
    sys.meta_path.insert(0, _Finder(crashing))
