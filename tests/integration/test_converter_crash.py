"""A document that crashes the converter's process costs itself and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.crash.chain import HOOKS, Workplace, left_processes, read_points
from tests.crash.corpus import FOLDER, document_name, write_corpus
from tests.crash.tiny_model import write_tiny_model


@pytest.mark.slow
def test_the_others_complete_and_the_exit_code_is_3(tmp_path: Path) -> None:
    write_corpus(tmp_path / "corpus", 4)
    model = write_tiny_model(tmp_path / "model")
    place = Workplace(tmp_path / "outputs", {"source_path": tmp_path / "corpus", "embedding_model": model})
    path = os.pathsep.join([str(HOOKS), *filter(None, [os.environ.get("PYTHONPATH")])])
    crash = {"NICTEST_CRASH_ON": document_name(2), "PYTHONPATH": path}

    done = subprocess.run(
        place.arguments("run", "--json"),
        env=place.environment() | crash,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )

    assert done.returncode == 3, done.stderr
    summary = json.loads(done.stdout)
    assert summary["status"] == "partial"
    assert (summary["documents"]["ok"], summary["documents"]["failed"]) == (3, 1)
    stored = {payload["file_path"] for _, payload in read_points(place.outputs).values()}
    assert stored == {f"{FOLDER}/{document_name(number)}" for number in (0, 1, 3)}
    assert left_processes(place.outputs) == []

    # The fault is on our side: the next run tries again, and nothing else is processed anew.
    code, summary, record = place.run()
    assert (code, summary["documents"]["ok"]) == (0, 4)
    assert record["stages"]["document_processing"]["result"]["unchanged_count"] == 3
