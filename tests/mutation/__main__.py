"""``python -m tests.mutation``: how many small faults in the code the tests notice, room by room.

A fault is put into a copy of the project, and the tests that execute its line are run until one fails. No
library is used: the known ones change words meant for people too, and wrap functions, while a stage is known
by the source of its functions.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
import tempfile
from importlib import import_module
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any

from tests.mutation.collected import Collected, Run, become_pytest, ended, forked, keep_no_bytecode, limited
from tests.mutation.mutations import Mutation, sampled

ROOT = Path(__file__).parents[2]
_KIT = "stage_notebooks/stagekit"
_RUN = "decide dependencies ending errors executor pipeline_run planner resources scheduler stage* warming"
_RECORD = (
    "audit decide events health hooks kernels manifests notebook_progress pipeline_run progress report "
    "reprocess reread state state_hostile status terminal"
)
# The folder of a room, and the tests that answer for it; those marked slow are left out, and what tests start
# as programs is not seen.
ROOMS = {
    "pipeline": (
        "runner/pipeline",
        ["unit/test_plan_and_run.py", *(f"unit/test_runner_{name}.py" for name in _RUN.split())],
    ),
    "record": (
        "runner/record",
        [
            "unit/test_plan_and_run.py",
            "unit/test_dashboard_progress.py",
            "unit/test_operations_[drs]*",
            "unit/test_watch_loop.py",
            *(f"unit/test_runner_{name}.py" for name in _RECORD.split()),
        ],
    ),
    "artifacts": (
        f"{_KIT}/artifacts",
        ["unit/test_core_*", "unit/test_encryption_[!r]*", "unit/test_storage_source_marks.py"],
    ),
    "stage": (f"{_KIT}/stage", ["unit/test_core_*"]),
    "chunking": (f"{_KIT}/chunking", ["unit/test_chunking_*"]),
    "storage": (
        f"{_KIT}/storage",
        [
            "unit/test_storage_*",
            "unit/test_operations_[cs]*",
            "unit/test_encryption_stores.py",
            "unit/test_core_sources.py",
            "unit/test_search_languages.py",
            "integration/test_qdrant_faults.py",
        ],
    ),
}
# Imported once, before a process is forked for each mutation; none brings modules of this project.
_WARM = (
    "coverage", "docling_core.types.doc", "numpy", "psutil", "pyarrow.parquet", "pydantic",
    "pytest", "qdrant_client", "tokenizers", "typer",
)  # fmt: skip
_LONGEST_S = 3.0  # of processor time: a test that takes longer is not run for a mutation
_ALL_S = 30.0  # nor are more than take so long together: the shortest first


def _files_of(room: str, tree: Path) -> list[str]:
    """Return the files of tests that answer for a room, from the folder of the project."""
    found = {path for one in ROOMS[room][1] for path in tree.glob(f"tests/{one}")}
    return sorted(str(path.relative_to(tree)) for path in found)


class Bench:
    """A copy of the project, and what its tests did without a mutation."""

    def __init__(self, folder: Path, rooms: list[str]) -> None:
        self.tree = folder / "tree"
        kept = shutil.ignore_patterns(".git", ".venv", ".*_cache", "outputs", "__pycache__", ".bench")
        shutil.copytree(ROOT, self.tree, ignore=kept, symlinks=True)
        self._verdicts = folder / "verdicts.json"
        self._output = folder / "output.txt"
        files = dict.fromkeys(one for room in rooms for one in _files_of(room, self.tree))
        self._collected = Collected(self.tree, self._output, ["-m", "not slow", *files])
        self.sound: dict[str, Any] = {}

    def __enter__(self) -> Bench:
        self._collected.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._collected.__exit__()

    def learn(self, room: str, kept: Path) -> list[str]:
        """Run the tests of a room without a mutation, and return which of them fail.

        Args:
            room: its name.
            kept: JSON file with what is known of files of tests that were run with the same code before.
        """
        self.sound = {}
        code = hashlib.sha256()
        for path in sorted(self.tree.rglob("*.py")):
            if not path.name.startswith("test_") and "mutation" not in path.parts:
                code.update(path.read_bytes())
        known = json.loads(kept.read_text()) if kept.exists() else {}
        files = _files_of(room, self.tree)
        digests = {
            one: hashlib.sha256(code.digest() + (self.tree / one).read_bytes()).hexdigest() for one in files
        }
        for one in files:
            if digests[one] not in known:
                folders = [str(self.tree / folder) for folder, _ in ROOMS.values()]
                tests = [test for test in self._collected.tests if test.partition("::")[0] == one]
                said = self._run(tests, 600, folders=folders)
                if said is None:
                    raise SystemExit(f"{one} did not come to an end: {self._output.read_text()[-2000:]}")
                for verdict in said.values():
                    lines = verdict["lines"].items()
                    verdict["lines"] = {
                        str(Path(path).relative_to(self.tree)): sorted(at) for path, at in lines
                    }
                known = json.loads(kept.read_text()) if kept.exists() else {}
                known[digests[one]] = said
                kept.parent.mkdir(exist_ok=True)
                kept.write_text(json.dumps(known))
            self.sound |= known[digests[one]]
        return [test for test, one in self.sound.items() if one["failed"]]

    def notices(self, mutation: Mutation) -> str:
        """Return which test notices a mutation; empty if none does, ``-`` if none executes its lines."""
        here = {test: set(one["lines"].get(mutation.module, ())) for test, one in self.sound.items()}
        lines = set(range(mutation.first, mutation.last + 1))
        tests = [test for test, at in here.items() if at & lines] if mutation.inside else []
        tests = tests or [test for test, at in here.items() if at and not mutation.inside]
        chosen: list[str] = []
        left = _ALL_S
        for test in sorted(tests, key=lambda test: (self.sound[test]["seconds"], test)):
            left -= self.sound[test]["seconds"]
            if left > 0 and self.sound[test]["seconds"] < _LONGEST_S and not self.sound[test]["failed"]:
                chosen.append(test)
        if not chosen:
            return "-"
        path = self.tree / mutation.module
        original = path.read_bytes()
        while chosen:
            _replace(path, mutation.text.encode())
            said = self._run(chosen, 20 + 3 * _ALL_S, mutation)
            _replace(path, original)
            if said is None:
                return "(no end)"
            failed = [test for test, one in said.items() if one["failed"]]
            if not failed:
                return "" if said else "(no start)"
            alone = self._run(failed, 60)
            if alone and not any(one["failed"] for one in alone.values()):
                return failed[0]
            chosen = [test for test in chosen if test not in failed]  # it fails without the mutation as well
        return ""

    def _run(
        self, tests: list[str], cpu_s: float, mutation: Mutation | None = None, **how: Any
    ) -> dict[str, Any] | None:
        """Run tests: their verdicts, or None if they did not come to an end."""
        self._verdicts.unlink(missing_ok=True)
        if mutation:
            how |= {
                "module": str(self.tree / mutation.module),
                "first": mutation.first,
                "inside": mutation.inside,
            }
        if not self._collected.run(tests, self._verdicts, cpu_s=cpu_s, **how):
            named = self._verdicts.with_name("tests.txt")
            named.write_text("\n".join(tests))

            def work() -> None:
                limited(cpu_s)
                keep_no_bytecode()
                become_pytest(self.tree, self._output, ["-x", f"@{named}"], [Run(self._verdicts)])

            ended(forked(work), 120 + 20 * cpu_s)
        return json.loads(self._verdicts.read_text()) if self._verdicts.exists() else None


def _replace(path: Path, content: bytes) -> None:
    """Write a module, and leave no bytecode of what it was."""
    path.write_bytes(content)
    Path(cache_from_source(str(path))).unlink(missing_ok=True)


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
    with (
        tempfile.TemporaryDirectory(prefix="nic-etl-mutation-") as folder,
        Bench(Path(folder), rooms) as bench,
    ):
        for room in rooms:
            for test in bench.learn(room, ROOT / ".bench" / "mutation.json"):
                print(f"{test} fails without a mutation and is left out", flush=True)
            chosen = sampled(bench.tree, ROOMS[room][0], options.seed, options.per_module, options.sample)
            survivors = 0
            for mutation in chosen:
                noticed = bench.notices(mutation)
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
