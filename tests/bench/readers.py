"""Measures the processor time of reading documents beside kreuzberg, a reader written in Rust.

    python -m tests.bench.readers [--documents 40 | --folder PATH] [--json]

kreuzberg is installed with `uv` beside the other peers (`docs/benchmarks.md`), and reads scans only where
`TESSDATA_PREFIX` names Tesseract's data. What it makes of a page has less structure: no headings of a PDF
without bookmarks, no stamps, no second reader.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.corpus import write_corpus
from tests.bench.peer_runs import install_reader


def main(arguments: list[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--documents", type=int, default=40, help="how many are generated (40)")
    parser.add_argument("--folder", type=Path, help="a folder of documents in place of generated ones")
    parser.add_argument("--json", action="store_true", help="print JSON in place of a table")
    options = parser.parse_args(arguments)
    python = install_reader()
    with tempfile.TemporaryDirectory(prefix="readers-") as base:
        folder = options.folder or Path(base)
        if not options.folder:
            write_corpus(folder, options.documents)
        script = Path(__file__).parent / "peers" / "kreuzberg_reader.py"
        found = {
            "nic-etl": _seconds(
                [sys.executable, "-m", "tests.bench.converting", "--json", "--folder", str(folder)]
            ),
            "kreuzberg": _seconds([str(python), str(script), str(folder)]),
        }
    if options.json:
        print(json.dumps(found))
        return
    print(f"{'format':8}" + "".join(f"{name:>14}{'s each':>10}" for name in found))
    for suffix in sorted(name for name in found["nic-etl"] if name != "all"):
        cells = [found[name].get(suffix) for name in found]
        print(f"{suffix:8}" + "".join(_cell(cell) for cell in cells))


def _seconds(command: list[str]) -> dict[str, dict[str, float]]:
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=dict(os.environ))
    found: dict[str, dict[str, float]] = json.loads(done.stdout.splitlines()[-1])
    return found


def _cell(cell: dict[str, float] | None) -> str:
    if not cell or not cell["documents"]:
        return f"{'not read':>14}{'':>10}"
    return f"{int(cell['documents']):>14}{cell['cpu_s'] / cell['documents']:>10.3f}"


if __name__ == "__main__":
    main()
