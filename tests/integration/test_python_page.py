"""The page on Python is true: the program that it shows runs, and does what it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.conftest import SampleRun

PAGE = Path(__file__).parents[2] / "docs" / "python.md"


def program() -> str:
    [source] = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    return str(source)


@pytest.mark.slow
def test_the_program_of_the_page_runs_follows_reruns_reads_and_searches(sample_copy: SampleRun) -> None:
    env = os.environ | {"NIC_ETL_OUTPUTS_DIR": str(sample_copy.outputs)}
    done = subprocess.run(
        [sys.executable, "-c", program()],
        capture_output=True,
        text=True,
        env=env,
        cwd=sample_copy.outputs.parent,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    said = done.stdout
    assert re.search(r"^plan: \[\('gitlab_ingestion', 'carry over'\)", said, re.M)
    assert re.search(r"^Run \S+: success in", said, re.M)
    assert re.search(r"^stages: .*'qdrant_storage': 'skipped'", said, re.M)
    assert re.search(r"^events: \['run_started', .*'run_finished'\]", said, re.M)
    assert re.search(r"^text_chunking success [\d.]+ s$", said, re.M)  # told by the listener
    assert re.search(r"^chunks: .*out of date: \['embedding_generation', 'metadata_enrichment'", said, re.M)
    assert re.search(r"^read: \['.*\.\w+'", said, re.M)
    assert re.search(r"^found: \[\('.*\.\w+', ", said, re.M)


def test_the_program_is_read_at_a_glance() -> None:
    lines = [line for line in program().splitlines() if line and not line.startswith("#")]
    assert len(lines) <= 30
