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


def made_in_a_process(model: Path, outputs: Path, seed: int, chunk_size: int = 60) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.unit.stage_notebooks", model, outputs, str(seed), str(chunk_size)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": str(seed)},
    )
    assert done.returncode == 0, done.stderr
    made: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return made


def test_the_order_of_documents_and_the_process_change_neither_chunks_nor_payloads(tmp_path: Path) -> None:
    model = write_tiny_model(tmp_path / "model")
    first, second = (made_in_a_process(model, tmp_path / f"run-{seed}", seed) for seed in (1, 2))
    assert len(first["chunks"]) == 8
    assert all(len(payloads) > 2 for payloads in first["payloads"].values())
    assert first == second


def test_a_chunk_size_of_400_instead_of_500_cuts_every_document_anew(tmp_path: Path) -> None:
    model = write_tiny_model(tmp_path / "model")
    before, after, again = (
        made_in_a_process(model, tmp_path / "run", seed=1, chunk_size=size) for size in (500, 400, 400)
    )

    def sizes(made: dict[str, Any]) -> list[int]:
        return [payload["chunk_token_count"] for rows in made["payloads"].values() for payload in rows]

    assert 416 < max(sizes(before)) <= 520
    assert 384 <= max(sizes(after)) <= 416
    assert len(sizes(after)) > len(sizes(before))
    assert after["anew"][0] == before["anew"][0] == len(after["chunks"]) == 8
    assert again == after | {"anew": [0, 0]}
