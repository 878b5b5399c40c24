"""A pytest that collects once and forks itself for each run: imports take longer than the tests."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import resource
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any


class Run:
    """A plugin of pytest that writes down of each test: has it failed, its processor seconds, its lines."""

    def __init__(self, path: Path, folders: Iterable[Path] = ()) -> None:
        self._path = path
        self._said: dict[str, dict[str, Any]] = {}
        self._coverage: Any = None
        if patterns := [f"{folder}/*" for folder in folders]:
            coverage = import_module("coverage").Coverage(data_file=None, include=patterns, config_file=False)
            coverage.set_option("run:disable_warnings", ["already-imported", "no-data-collected"])
            coverage.start()
            self._coverage = coverage

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._said[nodeid] = {"seconds": -sum(os.times()[:4]), "failed": False, "lines": {}}
        if self._coverage:
            self._coverage.switch_context(nodeid)

    def pytest_runtest_logreport(self, report: Any) -> None:
        self._said[report.nodeid]["failed"] |= report.failed

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self._said[nodeid]["seconds"] += sum(os.times()[:4])

    def pytest_sessionfinish(self) -> None:
        if self._coverage:
            self._coverage.stop()
            data = self._coverage.get_data()
            for path in data.measured_files():
                for line, tests in data.contexts_by_lineno(path).items():
                    for test in tests:
                        if test:
                            self._said[test]["lines"].setdefault(path, []).append(line)
        self._path.write_text(json.dumps(self._said))


def become_pytest(tree: Path, output: Path, words: list[str], plugins: list[Any]) -> None:
    """Run pytest on a copy of the project; the process is good for nothing else afterwards."""
    os.chdir(tree)
    with output.open("w") as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
    own = [str(tree), str(tree / "stage_notebooks")]
    sys.path[:0] = own
    os.environ["PYTHONPATH"] = os.pathsep.join(own)
    for name in [name for name in sys.modules if name.partition(".")[0] == "tests"]:
        del sys.modules[name]  # the copy has its own
    assert not {"runner", "stagekit"} & set(sys.modules)
    options = ["-q", "-p", "no:randomly", "-p", "no:cacheprovider", f"--basetemp={output.parent / 'tmp'}"]
    import_module("pytest").main([*options, *words], plugins=plugins)


def keep_no_bytecode() -> None:
    """Let this process and its children write no bytecode: it is known by second and size."""
    sys.dont_write_bytecode = True
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"


def forked(work: Callable[[], object]) -> int:
    """Do something in a process of its own, in a group of its own, and return its id."""
    if not (child := os.fork()):
        try:
            os.setsid()
            work()
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)
    return child


def ended(child: int, wall_s: float) -> None:
    """Wait for the end of a process, and kill what is left of its group."""
    end, status = time.monotonic() + wall_s, 0
    while time.monotonic() < end and not status:
        status = os.waitpid(child, os.WNOHANG)[0]
        time.sleep(0.01)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    if not status:
        os.waitpid(child, 0)


def limited(cpu_s: float) -> None:
    """Have this process killed after so much processor time: a loop without end, and no busy machine."""
    resource.setrlimit(resource.RLIMIT_CPU, (int(cpu_s) + 1, int(cpu_s) + 1))


class Collected:
    """Tests that are collected in a process of their own, which forks another one for each run of some."""

    def __init__(self, tree: Path, output: Path, words: list[str]) -> None:
        self._output = output
        ours, theirs = socket.socketpair()

        def work() -> None:
            ours.close()  # it ends when this process is gone
            become_pytest(tree, output, words, [_Forking(theirs)])

        self._child = forked(work)
        theirs.close()
        self._said = ours.makefile("rw")

    def __enter__(self) -> Collected:
        if not (said := self._said.readline()):
            raise SystemExit(f"The tests cannot be collected: {self._output.read_text()[-2000:]}")
        self.tests: list[str] = json.loads(said)
        return self

    def __exit__(self, *_: object) -> None:
        self._said.close()
        ended(self._child, 5)

    def run(self, tests: list[str], verdicts: Path, *, cpu_s: float, **how: Any) -> bool:
        """Run tests; ``module``: with its text on the disk, ``folders``: write down the lines of these.

        False if the module is imported already, and its change cannot be put into its functions.
        """
        asked = {"tests": tests, "verdicts": str(verdicts), "cpu_s": cpu_s, **how}
        self._said.write(json.dumps(asked) + "\n")
        self._said.flush()
        return bool(json.loads(self._said.readline()))


class _Forking:
    """The plugin that answers in place of pytest's loop over all tests."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel.makefile("rw")
        self._functions: dict[str, list[FunctionType]] = {}

    def pytest_runtestloop(self, session: Any) -> bool | None:
        """Fork for each request: in the child pytest goes on, with the tests that were asked for."""
        items = {item.nodeid: item for item in session.items}
        for one in gc.get_objects():
            if type(one) is FunctionType:  # isinstance asks proxies, which warn
                self._functions.setdefault(one.__code__.co_filename, []).append(one)
        keep_no_bytecode()
        gc.collect()
        gc.freeze()
        self._answer(list(items))
        for line in self._channel:
            asked = json.loads(line)
            changes = self._changes(asked)
            if changes is None:
                self._answer(False)
                continue
            if not (child := os.fork()):
                os.setsid()
                limited(asked["cpu_s"])
                for function, code in changes:
                    function.__code__ = code
                session.items[:] = [items[test] for test in asked["tests"] if test in items]
                session.config.option.maxfail = 0 if "folders" in asked else 1
                folders = [Path(one) for one in asked.get("folders", [])]
                session.config.pluginmanager.register(Run(Path(asked["verdicts"]), folders))
                return None
            ended(child, 120 + 20 * asked["cpu_s"])
            self._answer(True)
        return True

    def _answer(self, said: object) -> None:
        self._channel.write(json.dumps(said) + "\n")
        self._channel.flush()

    def _changes(self, asked: dict[str, Any]) -> list[tuple[FunctionType, CodeType]] | None:
        """Return the functions of this process with their new code; None if that is not enough."""
        path = asked.get("module")
        if not path or not any(getattr(one, "__file__", None) == path for one in [*sys.modules.values()]):
            return []
        if not asked["inside"]:
            return None
        code = compile(Path(path).read_text("utf-8"), path, "exec")
        new = _by_place(code)
        first, found = asked["first"], []
        for function in self._functions.get(path, []):
            old = function.__code__
            lines = [line for _, _, line in old.co_lines() if line]
            lines += [line for inner in _within(old) for _, _, line in inner.co_lines() if line]
            if not min(lines) <= first <= max(lines):
                continue
            same = new.get((old.co_qualname, old.co_firstlineno), [])
            if len(same) != 1 or same[0].co_freevars != old.co_freevars:
                return None
            found.append((function, same[0]))
        return found or None


def _within(code: CodeType) -> list[CodeType]:
    inner = [one for one in code.co_consts if isinstance(one, CodeType)]
    return inner + [one for each in inner for one in _within(each)]


def _by_place(code: CodeType) -> dict[tuple[str, int], list[CodeType]]:
    found: dict[tuple[str, int], list[CodeType]] = {}
    for one in _within(code):
        found.setdefault((one.co_qualname, one.co_firstlineno), []).append(one)
    return found
