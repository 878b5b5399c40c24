"""Fetching a model: what the machine has is said to be there, what the hub does not give is explained."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path


def fetch(name: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "stagekit.tools", "stagekit.tools.fetch"],
        input=json.dumps({"name": name}),
        capture_output=True,
        text=True,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
        check=False,
    )


def test_a_packaged_model_is_there_already() -> None:
    done = fetch("packaged/all-MiniLM-L6-v2")
    assert done.returncode == 0
    assert (Path(json.loads(done.stdout)["directory"]) / "modules.json").is_file()


def test_a_model_that_the_hub_does_not_give_is_told_in_one_sentence() -> None:
    done = fetch("BAAI/bge-m3")
    assert done.returncode == 1
    assert done.stdout == ""
    said = done.stderr.strip().splitlines()[-1]
    assert said.startswith("The embedding model BAAI/bge-m3 could not be fetched")
    assert "HF_HUB_OFFLINE" in said
