"""``python -m tests.bench.known_corpus``: what a run costs in which nothing or one document of many changed.

The first run is the real chain with its real notebooks, store, memo and collection; but of each stage only a
few documents are processed, and the others are copies of them with names and numbers of their own (see
``known_hooks/sitecustomize.py``). The runs that are measured are ordinary ones.

``--without`` measures what each way of noticing that nothing changed saves, by taking it away: the table in
``docs/architecture.md``.

``--first`` measures first runs instead, in which every document is processed: how memory grows with them.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.crash.chain import Workplace
from tests.crash.corpus import FOLDER, document
from tests.crash.tiny_model import write_tiny_model

HOOKS = Path(__file__).parent / "known_hooks"
TEMPLATES = 20
WITHOUT = {
    "outside": "nothing",
    "stages": "nothing",
    "report": "nothing",
    "documents": "one",
    "points": "one",
    "memo": "one",
    "vectors": "one",
}
"""Ways of noticing that nothing changed, and after which change each saves the most.

Without the memo the outcomes of documents are not known either, and without the vectors neither are both: the
memo saves what a run without it takes more than one without documents, the vectors what one without them
takes more than one without the memo.
"""
_TICK_S = 0.05


@dataclass
class Measured:
    """One run.

    Attributes:
        what: changed before it.
        documents: of the corpus.
        seconds: of the whole command.
        cpu_s: processor seconds of the command and all its kernels, which other work on the machine changes
            less than the seconds.
        runner_mb: peak memory of the runner.
        stages: seconds of each stage that was executed.
        cells: seconds of the notebook cells that took longest, by stage and id.
        kernel_mb: peak memory of each kernel.
    """

    documents: int
    what: str
    seconds: float
    cpu_s: float
    runner_mb: float
    stages: dict[str, float] = field(default_factory=dict)
    cells: dict[str, float] = field(default_factory=dict)
    kernel_mb: dict[str, float] = field(default_factory=dict)


def write_known_corpus(root: Path, count: int) -> None:
    """Write small Markdown documents, a hundred in a folder; each has its number in its name and text."""
    for number in range(count):
        path = root / FOLDER / f"pasta-{number // 100:04}" / f"documento-n{number:06}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = document(number).replace(f"normativo {number:04}", f"normativo n{number:06}")
        path.write_text(text, encoding="utf-8")


def lay_out(base: Path, count: int, named: str = "") -> Workplace:
    """Return a place with so many documents and a model; one in which a run was is left as it is.

    Args:
        base: where it lies.
        count: of the documents.
        named: the model; by default a tiny one, whose vectors cost nothing.
    """
    corpus, model = base / "corpus", base / "model"
    settings: dict[str, Any] = {"source_path": corpus, "stage_timeout_s": 7200}
    settings |= (
        {"embedding_model": named} if named else {"embedding_model": model, "embedding_dtype": "float32"}
    )
    place = Workplace(base / "outputs", settings)
    if not place.outputs.exists():
        write_known_corpus(corpus, count)
        write_tiny_model(model)
    return place


def prepare(base: Path, count: int, named: str = "") -> Workplace:
    """Return the outputs of a first run over so many documents; what is there already is kept."""
    place = lay_out(base, count, named)
    if place.outputs.exists():
        return place
    path = os.pathsep.join([str(HOOKS), *filter(None, [os.environ.get("PYTHONPATH")])])
    env = place.environment() | {"PYTHONPATH": path, "NICBENCH_TEMPLATES": str(TEMPLATES)}
    subprocess.run(place.arguments("run", "--json"), env=env, cwd=base, check=True, stdout=subprocess.DEVNULL)
    return place


def run_once(place: Workplace, documents: int, what: str, without: str = "") -> Measured:
    """Run the chain once and return what it took.

    Args:
        place: the outputs and their settings.
        documents: of the corpus.
        what: changed before.
        without: a way of noticing that nothing changed which is taken away, of ``WITHOUT``.

    Raises:
        AssertionError: if the run failed.
    """
    begin, before = time.monotonic(), _cpu_seconds()
    settings = {"skip_existing": "false"} if without == "stages" else {}
    hooked = {"PYTHONPATH": str(HOOKS), "NICBENCH_WITHOUT": without} if without else {}
    process = subprocess.Popen(
        place.arguments("run", "--json", **settings),
        env=place.environment() | hooked,
        cwd=place.outputs.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    peaks = [0.0]
    watch = threading.Thread(target=_watch, args=(process, peaks))
    watch.start()
    _, said = process.communicate()
    watch.join()
    seconds, cpu = time.monotonic() - begin, _cpu_seconds() - before
    told = f"{what}, without {without}" if without else what
    measured = Measured(documents, told, round(seconds, 2), round(cpu, 2), round(peaks[0], 1))
    assert process.returncode == 0, said
    _add_stages(measured, place)
    return measured


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _watch(process: subprocess.Popen[str], peaks: list[float]) -> None:
    while process.poll() is None:
        try:
            lines = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8").splitlines()
        except OSError:
            return
        for line in lines:
            if line.startswith("VmHWM:"):
                peaks[0] = max(peaks[0], int(line.split()[1]) / 1024)
        time.sleep(_TICK_S)


def _add_stages(measured: Measured, place: Workplace) -> None:
    for name, stage in place.record()["stages"].items():
        if stage["status"] == "skipped":
            continue
        measured.stages[name] = stage["seconds"]
        measured.kernel_mb[name] = stage["peak_memory_mb"]
        notebook = json.loads((place.outputs / stage["notebook"]).read_text(encoding="utf-8"))
        for cell in notebook["cells"]:
            seconds = cell["metadata"].get("papermill", {}).get("duration") or 0.0
            if seconds >= 0.1:
                measured.cells[f"{name}/{cell['id']}"] = round(seconds, 2)


def _change_one(place: Workplace, documents: int, number: int) -> None:
    path = place.outputs.parent / "corpus" / FOLDER
    chosen = sorted(path.rglob("*.md"))[documents // 2]
    with chosen.open("a", encoding="utf-8") as file:
        file.write(f"\n## 9 Contato\n\nO ramal é {number}.\n")


def main() -> int:
    """Measure each size, smallest first; a line a run, and JSON if asked."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.known_corpus", description=__doc__)
    parser.add_argument("--documents", default="100,1000,10000", help="sizes, separated by commas")
    parser.add_argument("--first", action="store_true", help="measure first runs, of which nothing is copied")
    parser.add_argument("--without", action="store_true", help="take away one way of noticing after another")
    parser.add_argument("--model", default="", help="the embedding model; by default a tiny one")
    parser.add_argument("--repeat", type=int, default=2, help="runs of each kind")
    parser.add_argument("--folder", type=Path, help="keeps corpora and outputs here, and uses those found")
    parser.add_argument("--json", type=Path, dest="target", help="file for the figures")
    arguments = parser.parse_args()
    results = []
    with tempfile.TemporaryDirectory(prefix="nicknown-") as temporary:
        for size in sorted(int(part) for part in arguments.documents.split(",")):
            kept = None if arguments.first else arguments.folder  # a first run is one in an empty folder
            base = (kept or Path(temporary)) / str(size)
            base.mkdir(parents=True, exist_ok=True)
            if arguments.first:
                results.append(_told(run_once(lay_out(base, size, arguments.model), size, "everything")))
                continue
            begin = time.monotonic()
            place = prepare(base, size, arguments.model)
            print(f"{size} documents prepared in {time.monotonic() - begin:.0f} s", flush=True)
            for number in range(arguments.repeat):
                results.append(_told(run_once(place, size, "nothing")))
                _change_one(place, size, time.time_ns() % 1_000_000 + number)
                results.append(_told(run_once(place, size, "one")))
                for way, what in WITHOUT.items() if arguments.without else ():
                    if what == "one":
                        _change_one(place, size, time.time_ns() % 1_000_000 + number)
                    if way == "memo" and not number:  # copies become documents that were really made
                        run_once(place, size, what, way)
                        _change_one(place, size, time.time_ns() % 1_000_000 + number + 1)
                    results.append(_told(run_once(place, size, what, way)))
    if arguments.target:
        arguments.target.write_text(json.dumps([asdict(one) for one in results], indent=1), encoding="utf-8")
    return 0


def _told(one: Measured) -> Measured:
    kernels = max(one.kernel_mb.values(), default=0)
    print(
        f"{one.documents:>7} documents, {one.what} changed: {one.seconds:6.1f} s ({one.cpu_s:.1f} s of CPU), "
        f"runner {one.runner_mb:.0f} MB, largest kernel {kernels:.0f} MB, "
        f"stages {sum(one.stages.values()):.1f} s",
        flush=True,
    )
    if one.kernel_mb:
        each = ", ".join(f"{name} {mb:.0f}" for name, mb in one.kernel_mb.items())
        print(f"          kernels, MB: {each}", flush=True)
    for name, seconds in sorted(one.cells.items(), key=lambda item: -item[1])[:12]:
        print(f"          {seconds:6.2f} s  {name}", flush=True)
    return one


if __name__ == "__main__":
    sys.exit(main())
