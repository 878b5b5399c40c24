"""``python -m tests.crash``: the whole crash matrix, one line a kill, exit code 1 if one was not survived."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.crash.harness import chance_kills, strike
from tests.crash.matrix import BEGINS, NAMED, prepare


def main() -> int:
    """Prepare, kill, report."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--chance", type=int, default=30, help="kills at pseudo-random moments")
    parser.add_argument("--seed", type=int, default=1, help="of the pseudo-random moments")
    parser.add_argument("--only", default="", help="only the kills with this text in their line")
    parser.add_argument("--keep", action="store_true", help="keep the outputs of failures")
    options = parser.parse_args()
    base = Path(tempfile.mkdtemp(prefix="nictest-"))
    print(f"preparing in {base}", flush=True)
    prepared = prepare(base / "prepared", lambda line: print(f"  {line}", flush=True))
    kills = [*NAMED, *chance_kills(options.seed, options.chance, prepared.durations, BEGINS)]
    kills = [kill for kill in kills if options.only in str(kill)]
    passed = missed = 0
    failed = [f"preparing: {fault}" for fault in prepared.faults]
    begin = time.monotonic()
    for number, kill in enumerate(kills, 1):
        folder = base / f"kill-{number:03}"
        verdict = strike(kill, prepared.states[kill.begin], folder, prepared.wanted)
        word = "FAILED" if verdict.faults else "passed" if verdict.struck else "ended before the kill"
        print(f"{number:3}/{len(kills)} {word:<7} {verdict.seconds:5.1f} s  {kill}", flush=True)
        for fault in verdict.faults:
            print(f"        {fault}", flush=True)
        failed += [str(kill)] if verdict.faults else []
        passed += verdict.struck and not verdict.faults
        missed += not verdict.struck and not verdict.faults
        if not (options.keep and verdict.faults):
            shutil.rmtree(folder)
    if not (options.keep and failed):
        shutil.rmtree(base)
    if missed:
        print(f"{missed} runs ended before their kill: they count as neither.")
    print(f"{passed} passed, {len(failed)} failed in {time.monotonic() - begin:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
