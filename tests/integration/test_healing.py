"""One flipped bit costs a run at most: what it hit is made again, without a step by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runner.record.state_manager import StateManager
from stagekit.artifacts.references import made_references
from stagekit.artifacts.table_files import PARQUET
from stagekit.base.paths import latest_notebooks
from stagekit.contract import artifact_refs, read_scraps
from tests.crash.fixtures import first
from tests.crash.shared import Made, copied

__all__ = ["first"]

pytestmark = pytest.mark.slow

CHANGED = {"chunk_size": 48, "chunk_overlap": 8}
MANIFESTS = {
    "gitlab_ingestion": "documents",
    "document_processing": "processed",
    "text_chunking": "chunks",
    "embedding_generation": "embeddings",
    "metadata_enrichment": "payloads",
}


def flip(made: Made, uri: str) -> str:
    path = made.place.outputs / "artifacts" / uri
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    return uri


def damage(made: Made, stage: str, *, manifest: bool = False) -> str:
    """Flip a bit in a stage's manifest, or in the artifacts of its first document; return the address."""
    notebook = latest_notebooks(made.place.outputs)[stage]
    [ref, *_] = artifact_refs(read_scraps(notebook)[MANIFESTS[stage]])
    assert ref.media_type == PARQUET
    if manifest:
        return flip(made, ref.uri)
    table = StateManager(made.place.outputs).store.open_table(ref)
    return flip(made, next(iter(made_references(table)))[2][0])


@pytest.fixture
def made(first: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Made:
    monkeypatch.setenv("COLUMNS", "500")
    return copied(first, tmp_path)


def test_whatever_is_damaged_is_named_by_a_rerun_and_by_verify_and_made_again_by_the_next_run(
    made: Made,
) -> None:
    uri = damage(made, "document_processing")
    failed = made.place.call("rerun", "text_chunking", **CHANGED)
    assert failed.returncode == 1
    assert uri in failed.stdout
    assert "was altered since it was stored; the next `nic-etl run` makes it again" in failed.stdout

    hit = {damage(made, stage) for stage in MANIFESTS if stage != "document_processing"}
    hit.add(damage(made, "text_chunking", manifest=True))

    found = made.place.call("verify", "--all", "--json")
    assert found.returncode == 1, found.stderr
    said = json.loads(found.stdout)["artifacts"]["damaged"]
    assert all(any(uri in line for line in said) for uri in hit)
    assert all("the next `nic-etl run` makes it again" in line for line in said), said

    assert made.place.call("run").returncode == 0
    healed = made.place.call("verify", "--all", "--json")
    assert healed.returncode == 0, healed.stdout
    assert json.loads(healed.stdout)["artifacts"]["damaged"] == []


def test_a_run_that_meets_damage_has_it_made_again_and_goes_on(made: Made) -> None:
    hit = [damage(made, stage) for stage in ("document_processing", "metadata_enrichment")]

    done = made.place.call("run", **CHANGED)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{hit[0]} was damaged or lost: the stage that made it is executed again" in done.stdout

    healed = made.place.call("verify", "--all", **CHANGED)
    assert healed.returncode == 0, healed.stdout + healed.stderr
