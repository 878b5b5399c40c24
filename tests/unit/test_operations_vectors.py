"""Promises about lost vectors: what stage 04 stored is put back, and nothing is embedded again."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from runner.models import ExecutionMode
from runner.record.state_manager import StateManager
from runner.upkeep.rebuild import rebuild_vectors
from stagekit.artifacts.manifest import manifest_metadata
from stagekit.artifacts.store import ArtifactStore
from stagekit.artifacts.tables import encode_rows
from stagekit.embedding import EmbeddedTexts, VectorStore, embed_with_reuse, embeddings_table, vector_key
from tests.unit.core_notebooks import record_stage

TEXTS = ["férias", "diárias", "senhas"]
MODEL, DTYPE = "a-model", "float32 torch"
VECTORS = np.eye(3, 4, dtype=np.float32)


def never(texts: list[str]) -> tuple[np.ndarray, str]:
    raise AssertionError(f"embedded again: {texts}")


@pytest.fixture
def manager(outputs: Path, monkeypatch: pytest.MonkeyPatch) -> StateManager:
    """An outputs folder with a run that embedded three texts of one document."""
    manager = StateManager(outputs)
    keys = [vector_key(text, MODEL, DTYPE) for text in TEXTS]
    part = embeddings_table([0, 1, 2], EmbeddedTexts(VECTORS, keys, [DTYPE] * 3, 0))
    store = ArtifactStore(outputs / "artifacts")
    row = {
        "document_id": "d1", "path": "a.md", "status": "ok", "memo_key": "k", "seconds": 1.0,
        "category": None, "message": None, "remedy": None, "produced_at": "2026-03-01T12:00:00+00:00",
        "embeddings": store.put_table("embeddings", part).model_dump(mode="json"),
    }  # fmt: skip

    def encoded(rows: list[dict[str, object]]) -> object:
        return encode_rows(rows, manifest_metadata("embedding_generation", []))

    monkeypatch.setattr("tests.unit.core_notebooks.encode_rows", encoded)
    state = manager.new_run(ExecutionMode.FULL, {}, "")
    record_stage(manager, state, "embedding_generation", products={"embeddings": [row]})
    return manager


def embedded_again(outputs: Path, *, prompt: str = "") -> EmbeddedTexts:
    store = VectorStore(outputs / "vectors.sqlite")
    return embed_with_reuse(TEXTS, never, store, prompt=prompt, model_fingerprint=MODEL, accepted=[DTYPE])


def test_lost_vectors_are_put_back_and_no_text_is_embedded_again(manager: StateManager) -> None:
    assert rebuild_vectors(manager) == 3

    again = embedded_again(manager.outputs)
    assert again.reused == 3
    assert np.array_equal(again.vectors, VECTORS)
    assert rebuild_vectors(manager) == 0  # what is there stays as it is


def test_a_part_that_is_altered_is_left_out(manager: StateManager) -> None:
    for path in (manager.outputs / "artifacts").rglob("*.parquet"):
        content = path.read_bytes()
        path.write_bytes(content[:50] + bytes([content[50] ^ 1]) + content[51:])

    assert rebuild_vectors(manager) == 0


@pytest.mark.parametrize(
    ("keys", "vectors"),
    [(["no key"] * 3, VECTORS), ([vector_key(text, MODEL, DTYPE) for text in TEXTS], VECTORS * np.nan)],
)
def test_what_is_no_vector_is_never_kept(outputs: Path, keys: list[str], vectors: np.ndarray) -> None:
    from stagekit.tools.vector_rebuild import rebuild_vectors as kept

    part = embeddings_table([0, 1, 2], EmbeddedTexts(vectors, keys, [DTYPE] * 3, 0))
    ref = ArtifactStore(outputs / "artifacts").put_table("embeddings", part)

    assert kept(str(outputs), [ref.model_dump(mode="json"), {"name": "no reference"}]) == 0


def test_the_command_says_how_many_vectors_were_put_back(manager: StateManager) -> None:
    command = [sys.executable, "-m", "runner", "state", "rebuild", "--json"]
    command += ["-p", f"outputs_dir={manager.outputs}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert json.loads(done.stdout)["vectors"] == 3
