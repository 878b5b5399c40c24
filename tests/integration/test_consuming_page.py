"""The page on reading the collection is true: its programs find the same, each with its own client."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.conftest import NicEtl, SampleRun
from tests.servers.qdrant_server import QdrantServer

pytestmark = pytest.mark.slow
PAGE = Path(__file__).parents[2] / "docs" / "consuming.md"
KEY = "a-key-of-a-reader"
ANSWER = "30-Aprovados/politicas/seguranca/politica-de-seguranca-da-informacao.md"


def test_each_program_of_the_page_finds_the_passage_and_its_link(
    sample_copy: SampleRun, nic_etl: NicEtl
) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    assert len(blocks) == 4
    with QdrantServer(api_key=KEY) as server:
        environment = {"NIC_ETL_QDRANT_URL": server.url, "QDRANT_API_KEY": KEY}
        filled = nic_etl(sample_copy.outputs, "run", "--json", **environment)
        assert filled.returncode == 0, filled.stderr
        begin = (
            f"QDRANT_URL, QDRANT_API_KEY, OUTPUTS = {server.url!r}, {KEY!r}, {str(sample_copy.outputs)!r}\n"
        )
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", begin + "\n".join(blocks)],
            capture_output=True, text=True, env={**os.environ, **environment}, check=False, timeout=600,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for client in ("search", "qdrant-client", "langchain", "llama-index"):
        lines = [line for line in done.stdout.splitlines() if line.startswith(f"{client}: ")]
        assert len(lines) == 3, done.stdout
        assert any(f"{ANSWER} " in line and f"{ANSWER}@" in line for line in lines), lines
    lengths = [
        int(line.split()[-1]) for line in done.stdout.splitlines() if line.startswith(("lang", "llama"))
    ]
    assert min(lengths) > 0  # texts arrived


def test_whoever_looks_into_the_embedded_store_is_told_what_it_is(sample_run: SampleRun) -> None:
    said = (sample_run.outputs / "qdrant" / "README.txt").read_text()
    assert "QdrantClient(path=...) has another form" in said
    assert "nic-etl run -p qdrant_url=URL" in said
