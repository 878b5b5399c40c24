"""``python -m tests.bench.specification``: the chain beside the targets that the specification gives.

No figure makes the command fail; each line says whether its target was met.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.bench.contestants import Result, Workplace, run_chain
from tests.bench.corpus import change_one, write_corpus
from tests.bench.report import Target

DOCUMENTS_PER_HOUR = {"small_batch": 100, "large_batch": 500, "incremental": 1000}
MAX_MEMORY_MB = 4096
MAX_CHECKPOINT_SHARE = 0.10


def measure_runs(base: Path, small: int, large: int) -> dict[str, Result]:
    """Run the chain on few and on many new documents, and once more after one of those has changed."""
    places = {}
    for name, count in (("small_batch", small), ("large_batch", large)):
        write_corpus(base / name / "corpus", count)
        places[name] = Workplace.make(base / name / "place", base / name / "corpus", {})
    runs = {name: run_chain(place) for name, place in places.items()}
    change_one(places["large_batch"].documents)
    return runs | {"incremental": run_chain(places["large_batch"], "incremental")}


def benchmark_pipeline_throughput(runs: Mapping[str, Result]) -> list[Target]:
    """Compare the documents an hour; an incremental run brings all documents up to date, and counts them."""
    found = {name: 3600 * run.counts["documents"] / run.wall_s for name, run in runs.items()}
    return [
        Target(f"documents an hour, {name}", f"≥ {limit:,}", round(found[name]), found[name] >= limit)
        for name, limit in DOCUMENTS_PER_HOUR.items()
    ]


def benchmark_memory_efficiency(runs: Mapping[str, Result]) -> list[Target]:
    """Compare the highest memory of all processes together, a page that several share counted once (MB)."""
    peak = max(run.peak_pss_mb or run.peak_rss_mb for run in runs.values())
    return [Target("peak memory, MB", f"≤ {MAX_MEMORY_MB:,}", peak, peak <= MAX_MEMORY_MB)]


def benchmark_checkpoint_overhead(runs: Mapping[str, Result]) -> list[Target]:
    """Compare the share of a run's wall clock that goes into what is saved only for another run."""
    large = runs["large_batch"]
    share = round(large.phases.get("checkpointing", 0.0) / large.wall_s, 4)
    name = "checkpointing / wall clock, large_batch"
    return [Target(name, f"≤ {MAX_CHECKPOINT_SHARE:g}", share, share <= MAX_CHECKPOINT_SHARE)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; return 0."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.specification", description=__doc__)
    parser.add_argument("--small", type=int, default=20, help="documents of the small batch (20)")
    parser.add_argument("--large", type=int, default=200, help="documents of the large batch (200)")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="bench-") as base:
        runs = measure_runs(Path(base), given.small, given.large)
    for benchmark in (
        benchmark_pipeline_throughput,
        benchmark_memory_efficiency,
        benchmark_checkpoint_overhead,
    ):
        for target in benchmark(runs):
            verdict = "met" if target.met else "missed"
            print(f"{target.name}: {target.value:,} ({target.limit}, {verdict})")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
