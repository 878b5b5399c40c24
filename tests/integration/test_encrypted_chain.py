"""The promise of encryption at rest, on the real chain: without the key not a sentence can be read."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stagekit.artifacts.store import ArtifactStore, open_store
from stagekit.artifacts.tables import decode_rows
from stagekit.base.paths import latest_notebooks
from stagekit.contract import artifact_refs, read_scraps
from stagekit.sealing.cipher import sealed_under
from tests.crash.tiny_model import write_tiny_model
from tests.integration.clear_text import files_with, sentences_of
from tests.integration.conftest import SampleRun, nic_etl_command
from tests.unit.command_line import Command
from tests.unit.command_line import nic_etl as in_process
from tests.unit.encryption_keys import KEY, KEY_ID, OTHER, OTHER_ID, values_of

__all__ = ["in_process"]

# The types that convert in seconds; PDFs and scans pass through the same stores and cells.
_SMALL = ("-p", "include_extensions=md,txt,docx")
_BY_WORDS = ("search", "prazo para comunicar um incidente", "--mode", "sparse", "--json")


def nic_etl(outputs: Path, *arguments: str, **environment: str) -> str:
    """Run a command that is to succeed, and return what it prints."""
    done = nic_etl_command(outputs, *arguments, **environment)
    assert done.returncode == 0, done.stderr
    assert KEY not in done.stdout + done.stderr
    return done.stdout


def kill_rekey(outputs: Path, **environment: str) -> None:
    """Begin to change the key, and kill the command when a part of the copy is there."""
    environment = {**os.environ, "NIC_ETL_OUTPUTS_DIR": str(outputs), **environment}
    command = subprocess.Popen([sys.executable, "-m", "runner", "state", "rekey"], env=environment)
    while not list(outputs.parent.glob(f".{outputs.name}.copy-*/*/sha256/*/*")):
        assert command.poll() is None
        time.sleep(0.02)
    command.send_signal(signal.SIGKILL)
    command.wait()


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An outputs folder of the sample that was encrypted from its first byte; a tiny model lies beside it."""
    folder = tmp_path_factory.mktemp("encrypted")
    environment = {
        "NIC_ETL_ENCRYPTION_KEY": KEY,
        "NIC_ETL_EMBEDDING_MODEL": write_tiny_model(folder / "model"),
    }
    told = nic_etl(folder / "outputs", "run", "--json", *_SMALL, "-p", "encrypt_outputs=true", **environment)
    assert json.loads(told)["status"] == "success"
    return folder / "outputs"


def sample_sentences(outputs: Path, store: ArtifactStore) -> list[str]:
    """Return sentences of every document that a run has cut into chunks."""
    notebook = latest_notebooks(outputs)["text_chunking"]
    rows = decode_rows(store.read_table(artifact_refs(read_scraps(notebook)["chunks"])[0]))
    texts = ["\n".join(store.read_table(row["chunks"])["text"].to_pylist()) for row in rows if row["chunks"]]
    found = [sentences_of(text) for text in texts]
    assert all(len(one) >= 3 for one in found if one)
    return [sentence for one in found for sentence in one]


def test_no_sentence_of_the_documents_lies_in_clear_slow(
    encrypted: Path, sample_run: SampleRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    clear = open_store(sample_run.outputs / "artifacts")
    everywhere = files_with(sample_run.outputs, sample_sentences(sample_run.outputs, clear))
    places = {name.split("/")[0] for name in everywhere}
    assert {"artifacts", "qdrant", "runs"} <= places  # the search finds what is there

    monkeypatch.setenv("NIC_ETL_ENCRYPTION_KEY", KEY)
    sentences = sample_sentences(encrypted, open_store(encrypted / "artifacts"))
    assert len(sentences) > 40
    assert files_with(encrypted, sentences) == {}
    # What compression would hide from the search is known by its header.
    artifacts = [path for path in (encrypted / "artifacts" / "sha256").rglob("*") if path.is_file()]
    assert {sealed_under(path.read_bytes()) for path in artifacts} == {KEY_ID}
    assert set(values_of(encrypted / "memo.sqlite")) == {KEY_ID}
    assert set(values_of(encrypted / "vectors.sqlite")) == {KEY_ID}


def test_everything_works_as_in_clear_with_the_key_and_nothing_without_slow(
    encrypted: Path, outputs: Path, tmp_path: Path, in_process: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(encrypted, outputs, symlinks=True)
    monkeypatch.setenv("NIC_ETL_EMBEDDING_MODEL", str(encrypted.parent / "model"))
    key = {"NIC_ETL_ENCRYPTION_KEY": KEY}
    again = json.loads(nic_etl(outputs, "run", "--json", *_SMALL, **key))
    assert {stage["status"] for stage in again["stages"]} == {"skipped"}
    assert nic_etl(outputs, "verify", **key).endswith("0 missing, 0 altered, 0 superfluous.\n")
    hits = json.loads(nic_etl(outputs, *_BY_WORDS, **key))
    assert "incidente" in hits[0]["text"]
    assert json.loads(nic_etl(outputs, "show", "--json", **key))["documents"]["ok"] == 13

    before = {path: path.read_bytes() for path in outputs.rglob("*") if path.is_file()}
    for wrong, said in (("", KEY_ID), (OTHER, OTHER_ID)):
        monkeypatch.setenv("NIC_ETL_ENCRYPTION_KEY", wrong)
        for command in (("run", *_SMALL), ("search", "x"), ("prune", "--keep", "1"), ("state", "rebuild")):
            done = in_process(*command)
            assert done.code in {1, 2}, command
            assert said in done.err, command
            assert len(done.err.strip().splitlines()) <= 2, command
    monkeypatch.delenv("NIC_ETL_ENCRYPTION_KEY")
    assert {path: path.read_bytes() for path in outputs.rglob("*") if path.is_file()} == before

    (tmp_path / "new.key").write_text(OTHER)
    new = {"NIC_ETL_ENCRYPTION_KEY_FILE": str(tmp_path / "new.key")}
    kill_rekey(outputs, NIC_ETL_ENCRYPTION_OLD_KEY=KEY, **new)
    kept = {path: path.read_bytes() for path in (outputs / "artifacts").rglob("*") if path.is_file()}
    assert kept.items() <= before.items()
    assert nic_etl(outputs, "verify", **key).endswith("0 missing, 0 altered, 0 superfluous.\n")

    told = json.loads(nic_etl(outputs, "state", "rekey", "--json", NIC_ETL_ENCRYPTION_OLD_KEY=KEY, **new))
    assert (told["key_id_before"], told["key_id"]) == (KEY_ID, OTHER_ID)
    assert nic_etl(outputs, "verify", **new).endswith("0 missing, 0 altered, 0 superfluous.\n")
    assert json.loads(nic_etl(outputs, *_BY_WORDS, **new)) == hits
    nic_etl(outputs, "audit", "verify", **new)
    rerun = json.loads(nic_etl(outputs, "run", "--json", *_SMALL, **new))
    assert [one["status"] for one in rerun["stages"]][:-1] == ["skipped"] * 5
    assert rerun["points"]["upserted"] == 0
    assert rerun["points"]["total"] == again["points"]["total"]


def test_a_clear_folder_is_encrypted_to_the_last_sentence_slow(sample_copy: SampleRun) -> None:
    outputs = sample_copy.outputs
    sentences = sample_sentences(outputs, open_store(outputs / "artifacts"))
    assert files_with(outputs, sentences)
    nic_etl(outputs, "state", "rekey", NIC_ETL_ENCRYPTION_KEY=KEY)
    assert files_with(outputs, sentences) == {}
    assert "0 altered" in nic_etl(outputs, "verify", NIC_ETL_ENCRYPTION_KEY=KEY)
    told = json.loads(nic_etl(outputs, "plan", "--json", NIC_ETL_ENCRYPTION_KEY=KEY))
    assert {stage["action"] for stage in told if stage["stage"] != "qdrant_storage"} == {"carry over"}
