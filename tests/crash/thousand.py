"""``python -m tests.crash.thousand``: what little changes cost on 1,000 documents, with figures and checks.

One line a step: seconds of the whole command and of the run in it, and what was wrong; then exit code 1.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.crash.chain import Workplace, executed
from tests.crash.corpus import FOLDER, document, document_name, write_corpus
from tests.crash.tiny_model import write_tiny_model

FROM_BYTES = ("gitlab_ingestion", "document_processing", "text_chunking", "embedding_generation")
Step = tuple[str, float, float, list[str]]


def steps(place: Workplace, corpus: Path, count: int) -> Iterator[Step]:
    """Yield each step after the first run: name, seconds of the command, seconds of the run, faults."""
    root = corpus / FOLDER
    for _ in range(3):
        yield _timed("nothing changed", place, {}, points=(0, 0))
    changed = root / document_name(7)
    text = changed.read_text(encoding="utf-8")
    changed.write_text(f"{text}\n## 9 Contato\n\nO ramal é 9999.\n", encoding="utf-8")
    yield _timed("one changed", place, dict.fromkeys((*FROM_BYTES, "metadata_enrichment"), 1))
    (root / document_name(5)).rename(root / "renomeado.md")
    (root / document_name(9)).unlink()
    (root / "novo.md").write_text(document(count), encoding="utf-8")
    # A new name brings new words for the search by words; the vectors are those that were there.
    wanted = dict.fromkeys(FROM_BYTES, 1) | {"embedding_generation": 2, "metadata_enrichment": 2}
    yield _timed("one renamed, one deleted, one added", place, wanted)


def _timed(
    name: str, place: Workplace, wanted: dict[str, int], points: tuple[int, int] | None = None
) -> Step:
    begin = time.monotonic()
    code, summary, record = place.run()
    seconds = time.monotonic() - begin
    done = executed(record)
    done.pop("qdrant_storage", None)
    faults = [] if code == 0 else [f"exit code {code}: {record['error']}"]
    if done != wanted:
        faults.append(f"processed {done} instead of {wanted}")
    if points is not None and (summary["points"]["upserted"], summary["points"]["deleted"]) != points:
        faults.append(f"wrote points: {summary['points']}")
    return name, seconds, float(summary["duration_seconds"]), faults


def main() -> int:
    """Make the documents, run, change, run."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash.thousand", description=__doc__)
    parser.add_argument("--documents", type=int, default=1000)
    count: int = parser.parse_args().documents
    base = Path(tempfile.mkdtemp(prefix="nictest-"))
    try:
        corpus = base / "corpus"
        write_corpus(corpus, count)
        settings: dict[str, Any] = {
            "source_path": corpus,
            "embedding_model": write_tiny_model(base / "model"),
        }
        place = Workplace(base / "outputs", settings)
        first = dict.fromkeys((*FROM_BYTES, "metadata_enrichment"), count)
        results = [_told(_timed("first run", place, first))]
        results += [_told(step) for step in steps(place, corpus, count)]
    finally:
        shutil.rmtree(base)
    print(f"{results.count(True)} passed, {results.count(False)} failed ({count} documents)")
    return 0 if all(results) else 1


def _told(step: Step) -> bool:
    name, seconds, inside, faults = step
    print(f"{'FAILED' if faults else 'passed'} {seconds:7.1f} s ({inside:.2f} s the run)  {name}", flush=True)
    for fault in faults:
        print(f"        {fault}", flush=True)
    return not faults


if __name__ == "__main__":
    sys.exit(main())
