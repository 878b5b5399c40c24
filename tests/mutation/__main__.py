"""``python -m tests.mutation``: how many small faults in the code the tests notice, room by room.

A fault is put into a copy of the project, and the tests that execute its line are run until one fails. No
library is used: the known ones change words meant for people too, and wrap functions, while a stage is known
by the source of its functions.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterable
from importlib import import_module
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any

from tests.mutation.mutations import Mutation, sampled

ROOT = Path(__file__).parents[2]
_KIT = "stage_notebooks/stagekit"
_RUN = "decide dependencies errors executor pipeline_run planner resources scheduler stages warming"
_RECORD = "runner_audit runner_pipeline_run runner_state runner_status operations_damage operations_state"
# The folder of a room, and the tests that answer for it; those marked slow are left out, and what tests start
# as programs is not seen.
ROOMS = {
    "pipeline": ("runner/pipeline", [f"unit/test_runner_{name}.py" for name in _RUN.split()]),
    "record": ("runner/record", [f"unit/test_{name}.py" for name in _RECORD.split()]),
    "artifacts": (f"{_KIT}/artifacts", ["unit/test_core_*", "unit/test_encryption_*"]),
    "stage": (f"{_KIT}/stage", ["unit/test_core_*"]),
    "chunking": (f"{_KIT}/chunking", ["unit/test_chunking_*"]),
    "storage": (f"{_KIT}/storage", ["unit/test_storage_*", "integration/test_qdrant_faults.py"]),
}
# Imported once, before a process is forked for each mutation; none brings modules of this project.
_WARM = (
    "coverage", "docling_core.types.doc", "numpy", "psutil", "pyarrow.parquet", "pydantic",
    "pytest", "qdrant_client", "tokenizers", "typer",
)  # fmt: skip


class Verdicts:
    """A plugin of pytest that writes down what became of each test, and how long it took."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seconds: dict[str, float] = {}
        self._failed: set[str] = set()

    def pytest_runtest_logreport(self, report: Any) -> None:
        self._seconds[report.nodeid] = self._seconds.get(report.nodeid, 0.0) + report.duration
        if report.failed:
            self._failed.add(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        self._path.write_text(json.dumps({"seconds": self._seconds, "failed": sorted(self._failed)}))


class Bench:
    """A copy of the project, in which tests are run in processes that have the libraries already."""

    def __init__(self, folder: Path) -> None:
        self.tree = folder / "tree"
        kept = shutil.ignore_patterns(".git", ".venv", ".*_cache", "outputs", "__pycache__", ".bench")
        shutil.copytree(ROOT, self.tree, ignore=kept, symlinks=True)
        self._said = folder / "verdicts.json"
        self._output = folder / "output.txt"
        self._data = folder / "coverage"

    def run(self, words: Iterable[str], limit_s: float, *, mutated: bool = True) -> dict[str, Any] | None:
        """Run tests in a process of their own: their verdicts, or None if they did not come to an end."""
        self._said.unlink(missing_ok=True)
        if not (child := os.fork()):
            try:
                self._become_pytest(list(words), mutated)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(1)
        end, status = time.monotonic() + limit_s, 0
        while time.monotonic() < end and not status:
            status = os.waitpid(child, os.WNOHANG)[0]
            time.sleep(0.02)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)  # and what the tests have left
        if not status:
            os.waitpid(child, 0)
        return json.loads(self._said.read_text()) if self._said.exists() else None

    def _become_pytest(self, words: list[str], mutated: bool) -> None:
        os.setsid()
        os.chdir(self.tree)
        with self._output.open("w") as output:
            os.dup2(output.fileno(), 1)
            os.dup2(output.fileno(), 2)
        own = [str(self.tree), str(self.tree / "stage_notebooks")]
        sys.path[:0] = own
        os.environ |= {"PYTHONPATH": os.pathsep.join(own), "COVERAGE_FILE": str(self._data)}
        if mutated:  # bytecode is known by size and second, and a mutation may have both of the module
            sys.dont_write_bytecode = True
            os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
        for name in [name for name in sys.modules if name.partition(".")[0] == "tests"]:
            del sys.modules[name]  # the copy has its own
        assert not {"runner", "stagekit"} & set(sys.modules)
        options = ["-q", "-p", "no:randomly", "-p", "no:cacheprovider"]
        import_module("pytest").main([*options, *words], plugins=[Verdicts(self._said)])

    def tests_of_lines(self, folders: list[str], tests: list[str]) -> tuple[dict[str, Any], Any]:
        """Run the tests of rooms, and return their verdicts and which of them executes which line."""
        for path in self.tree.parent.glob("coverage*"):
            path.unlink()
        cover = ["-m", "not slow", "--cov-context=test", "--cov-report="]
        cover += [f"--cov={self.tree / folder}" for folder in folders]
        verdicts = self.run([*cover, *tests], 3600, mutated=False)
        if verdicts is None or not verdicts["seconds"]:
            raise SystemExit(f"The tests did not come to an end: {self._output.read_text()[-2000:]}")
        data = import_module("coverage").CoverageData(str(self._data))
        data.read()
        return verdicts, data

    def notices(self, mutation: Mutation, verdicts: dict[str, Any], data: Any) -> str:
        """Return which test notices a mutation; empty if none does, ``-`` if none executes its lines."""
        path = self.tree / mutation.module
        by_line = data.contexts_by_lineno(str(path))
        lines = [by_line.get(line, []) for line in range(mutation.first, mutation.last + 1)]
        if not any(context for contexts in lines for context in contexts):
            lines = list(by_line.values())  # it is executed when the module is imported
        seconds, failed = verdicts["seconds"], set(verdicts["failed"])
        tests = {context.partition("|")[0] for contexts in lines for context in contexts if context} - failed
        tests &= seconds.keys()
        if not tests:
            return "-"
        named = self.tree.parent / "tests.txt"
        named.write_text("\n".join(sorted(tests, key=lambda test: (seconds[test], test))))
        original = path.read_bytes()
        Path(cache_from_source(str(path))).unlink(missing_ok=True)
        path.write_text(mutation.text, "utf-8")
        said = self.run(["-x", f"@{named}"], 60 + 5 * sum(seconds[test] for test in tests))
        path.write_bytes(original)
        if said is None:
            return "(no end)"
        return next(iter(said["failed"]), "") if said["seconds"] else "(no start)"


def main() -> int:
    """Try the mutations of the chosen rooms, and print what was noticed."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("rooms", nargs="*", help="some of the rooms; default: all")
    parser.add_argument("--seed", type=int, default=1, help="of the choice")
    parser.add_argument("--per-module", type=int, default=10, help="mutations of each module")
    parser.add_argument("--sample", type=int, default=0, help="of those of a room so many; 0: all")
    options = parser.parse_args()
    if unknown := set(options.rooms) - ROOMS.keys():
        parser.error(f"no room {' '.join(sorted(unknown))}: give some of {', '.join(ROOMS)}")
    rooms = options.rooms or list(ROOMS)
    for name in _WARM:
        import_module(name)
    table = []
    with tempfile.TemporaryDirectory(prefix="nic-etl-mutation-") as folder:
        bench = Bench(Path(folder))
        patterns = dict.fromkeys(one for room in rooms for one in ROOMS[room][1])
        tests = [
            str(path.relative_to(ROOT)) for one in patterns for path in sorted(ROOT.glob(f"tests/{one}"))
        ]
        verdicts, data = bench.tests_of_lines([ROOMS[room][0] for room in rooms], tests)
        for test in verdicts["failed"]:
            print(f"{test} fails without a mutation and is left out", flush=True)
        for room in rooms:
            chosen = sampled(bench.tree, ROOMS[room][0], options.seed, options.per_module, options.sample)
            survivors = 0
            for mutation in chosen:
                noticed = bench.notices(mutation, verdicts, data)
                survivors += noticed in {"", "-"}
                word = {"": "SURVIVED", "-": "NOT REACHED"}.get(noticed, "noticed")
                place = f"{mutation.module}:{mutation.first}"
                print(f"{word:<11} {place}  {mutation.told}  {noticed}", flush=True)
            table.append((room, len(chosen) - survivors, len(chosen)))
    print(f"\n{'room':<12}{'noticed':>8}{'tried':>7}")
    for room, noticed, tried in table:
        print(f"{room:<12}{noticed:>8}{tried:>7}{100 * noticed / max(tried, 1):>6.0f} %")
    return 0


if __name__ == "__main__":
    sys.exit(main())
