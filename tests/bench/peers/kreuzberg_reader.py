"""Reads a folder with kreuzberg, as its documentation does, and prints processor seconds by format."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import kreuzberg


def main() -> None:
    """Read all files once to warm up the library, then once for the figures."""
    files = sorted(path for path in Path(sys.argv[1]).rglob("*") if path.is_file())
    # Its cache answers a second reading of the same bytes.
    config = kreuzberg.ExtractionConfig(output_format="markdown", use_cache=False)
    found: dict[str, dict[str, float]] = {}
    for kept in (False, True):
        for path in files:
            begin = time.process_time()
            try:
                kreuzberg.extract_file_sync(path, config=config)
            except kreuzberg.KreuzbergError as error:
                if kept:
                    print(f"{path.name}: {error}", file=sys.stderr)
                continue
            if kept:
                row = found.setdefault(path.suffix.lstrip(".").lower(), {"documents": 0, "cpu_s": 0.0})
                row["documents"] += 1
                row["cpu_s"] += time.process_time() - begin
    print(json.dumps(found))


if __name__ == "__main__":
    main()
