"""Stages 03 and 05 make the same chunks and payloads of the same documents, in whatever order they come."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.crash.tiny_model import write_tiny_model

ROOT = Path(__file__).parents[2]


def made_in_a_process(folder: Path, seed: int, *chunk_sizes: int) -> list[dict[str, Any]]:
    """Return what was made with each of the sizes, one after the other on the same outputs."""
    command = [sys.executable, "-m", "tests.unit.stage_notebooks", folder / "model", folder / f"run-{seed}"]
    done = subprocess.run(
        [*command, str(seed), *map(str, chunk_sizes)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": str(seed)},
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"chunks"')]


def test_neither_the_order_of_documents_nor_the_process_but_the_chunk_size_changes_chunks_and_payloads(
    tmp_path: Path,
) -> None:
    write_tiny_model(tmp_path / "model")
    first, before, after, again = made_in_a_process(tmp_path, 1, 60, 500, 400, 400)
    [second] = made_in_a_process(tmp_path, 2, 60)
    assert len(first["chunks"]) == 8
    assert all(len(payloads) > 2 for payloads in first["payloads"].values())
    assert first == second

    def sizes(made: dict[str, Any]) -> list[int]:
        return [payload["chunk_token_count"] for rows in made["payloads"].values() for payload in rows]

    assert 416 < max(sizes(before)) <= 520
    assert 384 <= max(sizes(after)) <= 416
    assert len(sizes(after)) > len(sizes(before))
    assert after["anew"][0] == before["anew"][0] == len(after["chunks"]) == 8
    assert again == after | {"anew": [0, 0]}
