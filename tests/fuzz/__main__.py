"""Fuzz for as long as one wants: ``python -m tests.fuzz --seconds 600``; what fails is kept for a replay."""

from __future__ import annotations

import argparse
import logging
import random
import sys
import time
import warnings
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.fuzz.cases import keep, kept, make, tried
from tests.fuzz.corpus import Corpus, run_sample
from tests.fuzz.recipes import RECIPES


def main() -> int:
    """Run the command line and return its exit code: 0 if nothing was found, 1 otherwise."""
    options = _options()
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)  # libraries log what they refuse
    with TemporaryDirectory(prefix="nic-etl-fuzz-corpus-") as folder:
        if not options.outputs:
            print(
                "Executing the chain on the sample for its notebooks; --outputs FOLDER takes those of a run."
            )
        corpus = Corpus.of(options.outputs or run_sample(Path(folder)))
    if wrong := tried(corpus, {}):
        print("The readers fail with the unchanged run already:", *wrong, sep="\n")
        return 1
    if options.replay:
        wrong = tried(corpus, kept(options.replay))
        print(*(wrong or ["No reader did anything wrong."]), sep="\n")
        return bool(wrong)
    return _fuzz(corpus, options)


def _fuzz(corpus: Corpus, options: argparse.Namespace) -> int:
    first = options.seed if options.seed is not None else random.SystemRandom().randrange(2**32)
    print(f"Seed {first}; to repeat: python -m tests.fuzz --seed {first} --count N")
    end = time.monotonic() + options.seconds
    counts: Counter[str] = Counter()
    known: Counter[str] = Counter()
    seed = first
    while time.monotonic() < end and (not options.count or seed - first < options.count):
        recipe, changes = make(corpus, seed, options.recipe)
        counts[recipe] += 1
        wrong = tried(corpus, changes, recipe)
        # One file for each kind of fault: its reader, and the line in which the error was raised.
        kinds = [kind for kind in map(_kind, wrong) if not known[kind]]
        known.update(map(_kind, wrong))
        if kinds:
            path = keep(options.keep / f"{recipe}-{seed}.json", changes)
            print(
                f"\nseed {seed}, {recipe}; python -m tests.fuzz --replay {path}", *wrong, sep="\n", flush=True
            )
        seed += 1
    print(f"{counts.total()} inputs:", ", ".join(f"{name} {count}" for name, count in sorted(counts.items())))
    print(f"{len(known)} kinds of fault" if known else "No reader did anything wrong.")
    return bool(known)


def _kind(fault: str) -> str:
    lines = fault.splitlines()
    places = [
        line.strip() for line in lines if line.strip().startswith("File ") and "site-packages" not in line
    ]
    return f"{lines[0][:120]} {places[-1] if places else ''}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long (default 60)")
    parser.add_argument("--seed", type=int, help="of the first input; each next one is one more")
    parser.add_argument("--count", type=int, default=0, help="end after so many inputs")
    parser.add_argument("--recipe", choices=sorted(RECIPES), default="", help="change only this kind of file")
    parser.add_argument("--outputs", type=Path, help="a finished run in place of one on the sample")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="try an input that was kept")
    parser.add_argument("--keep", type=Path, default=Path("outputs/fuzz"), help="folder for inputs that fail")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
