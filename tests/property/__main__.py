"""Tries sequence after sequence for as long as there is time: ``make property``.

    python -m tests.property [--minutes 30] [--seed N]

A sequence that fails is shortened and printed with its number: ``--seed N --minutes 0`` tries that one alone.
"""

from __future__ import annotations

import argparse
import sys
import time

from tests.property.machine import Workshop, check_sequences

_STEPS = 40


def main() -> int:
    """Return 0 if the collection was always what the source said; an error tells when it was not."""
    options = argparse.ArgumentParser(prog="python -m tests.property", description=__doc__.split("\n")[0])
    options.add_argument("--minutes", type=float, default=30, help="how long (default: 30)")
    options.add_argument("--seed", type=int, default=1, help="number of the first sequence (default: 1)")
    chosen = options.parse_args()
    end, number = time.monotonic() + chosen.minutes * 60, chosen.seed
    while True:
        try:
            with Workshop() as workshop:
                check_sequences(workshop, number, sequences=2, steps=_STEPS, shrink=True)
        except Exception:  # its traceback ends with the steps
            sys.stderr.write(f"Seed {number}:\n")
            raise
        if time.monotonic() > end:
            sys.stdout.write(f"Seeds {chosen.seed} to {number}: the collection was what the source said.\n")
            return 0
        number += 1


if __name__ == "__main__":
    sys.exit(main())
