"""One flipped bit costs a run at most: what it hit is made again, without a step by hand."""

from __future__ import annotations

import json

from runner.record.state_manager import StateManager
from stagekit.artifacts.references import made_references
from stagekit.artifacts.store import PARQUET
from stagekit.base.paths import latest_notebooks
from stagekit.contract import artifact_refs, read_scraps
from tests.integration.conftest import NicEtl, SampleRun

MANIFESTS = {
    "gitlab_ingestion": "documents",
    "document_processing": "processed",
    "text_chunking": "chunks",
    "embedding_generation": "embeddings",
    "metadata_enrichment": "payloads",
}


def flip(run: SampleRun, uri: str) -> str:
    path = run.outputs / "artifacts" / uri
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    return uri


def damage(run: SampleRun, stage: str, *, manifest: bool = False) -> str:
    """Flip a bit in a stage's manifest, or in the artifacts of its first document; return the address."""
    notebook = latest_notebooks(run.outputs)[stage]
    [ref, *_] = artifact_refs(read_scraps(notebook)[MANIFESTS[stage]])
    assert ref.media_type == PARQUET
    if manifest:
        return flip(run, ref.uri)
    table = StateManager(run.outputs).store.open_table(ref)
    return flip(run, next(iter(made_references(table)))[2][0])


def test_whatever_is_damaged_is_named_by_verify_all_and_made_again_by_the_next_run(
    sample_copy: SampleRun, nic_etl: NicEtl
) -> None:
    hit = {damage(sample_copy, stage) for stage in MANIFESTS}
    hit.add(damage(sample_copy, "text_chunking", manifest=True))

    found = nic_etl(sample_copy.outputs, "verify", "--all", "--json")
    assert found.returncode == 1, found.stderr
    said = "\n".join(json.loads(found.stdout)["artifacts"]["damaged"])
    assert all(uri in said for uri in hit)
    assert said.count("the next `nic-etl run` makes it again") == len(hit)

    assert nic_etl(sample_copy.outputs, "run").returncode == 0
    healed = nic_etl(sample_copy.outputs, "verify", "--all", "--json")
    assert healed.returncode == 0, healed.stdout
    assert json.loads(healed.stdout)["artifacts"]["damaged"] == []


def test_a_run_that_meets_damage_has_it_made_again_and_goes_on(
    sample_copy: SampleRun, nic_etl: NicEtl
) -> None:
    hit = [damage(sample_copy, stage) for stage in ("document_processing", "metadata_enrichment")]
    changed = ("-p", "chunk_size=300", "-p", "chunk_overlap=30")

    done = nic_etl(sample_copy.outputs, "run", *changed, COLUMNS="500")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{hit[0]} was damaged or lost: the stage that made it is executed again" in done.stdout

    healed = nic_etl(sample_copy.outputs, "verify", "--all", *changed)
    assert healed.returncode == 0, healed.stdout + healed.stderr


def test_a_rerun_of_one_stage_that_meets_damage_says_so_and_a_run_heals_it(
    sample_copy: SampleRun, nic_etl: NicEtl
) -> None:
    uri = damage(sample_copy, "document_processing")
    changed = ("-p", "chunk_size=300", "-p", "chunk_overlap=30")
    failed = nic_etl(sample_copy.outputs, "rerun", "text_chunking", *changed, COLUMNS="500")
    assert failed.returncode == 1
    assert uri in failed.stdout
    assert "was altered since it was stored; the next `nic-etl run` makes it again" in failed.stdout
    assert nic_etl(sample_copy.outputs, "run").returncode == 0
    assert nic_etl(sample_copy.outputs, "verify", "--all").returncode == 0
