"""Promises of a change of the key: complete or to be completed, and readable at every moment in between."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from qdrant_client import models
from typer.testing import CliRunner

from runner.cli.app import app
from runner.errors import StateManagementError
from runner.pipeline.orchestrator import PipelineOrchestrator
from runner.record.state_manager import StateManager, file_sha256
from runner.upkeep.backup import create_backup, restore_backup
from runner.upkeep.rekey import change_key, without_previews
from stagekit.artifacts.memo import Memo
from stagekit.artifacts.store import open_store
from stagekit.contract import SCRAP_MIME
from stagekit.embedding.vectors import VectorStore, vector_key
from stagekit.sealing.cipher import (
    CLEAR,
    KEY_VARIABLE,
    OLD_KEY_VARIABLE,
    EncryptionError,
    key_from_environment,
    sealed_under,
)
from stagekit.sealing.marker import MARKER_FILE, Marker, read_marker
from stagekit.stage.display import hide_documents
from stagekit.storage import open_embedded
from stagekit.storage.embedded.rekey import rekey_embedded
from stagekit.tools.rekey import rekey
from tests.unit.encryption_keys import KEY, KEY_ID, OTHER, OTHER_ID, found_in, values_of
from tests.unit.operations_runs import Shouting

TEXT = "the secret ingredient is cardamom and nothing else"
TEXTS = {"a.md": TEXT, "b.pdf": "locked one", "c.md": "more of it"}
VECTOR = np.array([0.25, 0.5, 1.0], np.float32)

Keys = Callable[[str, str], None]


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> Iterator[Keys]:
    def give(new: str = "", old: str = "") -> None:
        monkeypatch.setenv(KEY_VARIABLE, new)
        monkeypatch.setenv(OLD_KEY_VARIABLE, old)

    give()
    yield give
    hide_documents(CLEAR)


@pytest.fixture(autouse=True)
def quick(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Change keys in this process; the tests of the command line start one, as users do."""
    if "commands" not in request.node.name:
        monkeypatch.setattr("runner.upkeep.rekey.run_tool", lambda _, wanted: rekey(**wanted))


@pytest.fixture
def shouting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: Keys) -> Shouting:
    """A clear folder with something of everything in it."""
    made = Shouting(tmp_path, monkeypatch.setenv)
    state = made.run(TEXTS)
    state.stages["shout"].fingerprint = {}  # the toy stage's holds its texts; that of a real one holds hashes
    made.manager.save_checkpoint(state)
    outputs = made.manager.outputs
    VectorStore(outputs / "vectors.sqlite").put_many({vector_key(TEXT, "m", "d"): VECTOR})
    with closing(open_embedded(outputs / "qdrant")) as store:
        dense = models.VectorParams(size=3, distance=models.Distance.COSINE)
        sparse = {"sparse": models.SparseVectorParams(modifier=models.Modifier.IDF)}
        store.create_collection(
            "c", {"dense": dense}, sparse, metadata={"made": "here"}, on_disk_payload=True
        )
        store.create_payload_index("c", "status", models.PayloadSchemaType.KEYWORD)
        words = models.SparseVector(indices=[3], values=[1.5])
        vectors = {"dense": VECTOR.tolist(), "sparse": words}
        payload = {"status": "approved", "chunk_content": TEXT}
        store.upsert("c", [models.PointStruct(id=1, vector=vectors, payload=payload)])
        alias = models.CreateAlias(alias_name="served", collection_name="c")
        store.update_collection_aliases([models.CreateAliasOperation(create_alias=alias)])
    return made


def preview(notebook: Path) -> None:
    """Let an executed notebook show a text, as those of a clear folder do."""
    content = json.loads(notebook.read_text())
    shown = {"output_type": "display_data", "data": {"text/plain": TEXT}, "metadata": {}}
    next(cell for cell in content["cells"] if "outputs" in cell)["outputs"].append(shown)
    notebook.write_text(json.dumps(content))


def under(outputs: Path) -> set[str | None]:
    """Return the keys that everything is under."""
    files = [path for path in (outputs / "artifacts" / "sha256").rglob("*") if path.is_file()]
    found = {sealed_under(path.read_bytes()) for path in files}
    found |= {*values_of(outputs / "memo.sqlite"), *values_of(outputs / "vectors.sqlite")}
    entries = [json.loads(path.read_text()) for path in outputs.glob("qdrant/collections/*/collection.json")]
    return found | {entry.get("key_id") for entry in entries}


def require_whole(shouting: Shouting) -> None:
    """Everything is there and as it was: nothing is worked at again."""
    outputs = shouting.manager.outputs
    manager = shouting.manager = StateManager(outputs)
    state = manager.load_checkpoint()
    assert manager.faults(state.stages["shout"]) == []
    found = VectorStore(outputs / "vectors.sqlite").get_many([vector_key(TEXT, "m", "d")])
    assert [vector.tolist() for vector in found.values()] == [VECTOR.tolist()]
    with closing(open_embedded(outputs / "qdrant")) as store:
        [point] = store.retrieve("served", [1], with_vectors=True)
        assert point.payload == {"status": "approved", "chunk_content": TEXT}
        assert isinstance(point.vector, dict)
        assert point.vector["dense"] == pytest.approx((VECTOR / np.linalg.norm(VECTOR)).tolist(), abs=1e-6)
        assert point.vector["sparse"] == models.SparseVector(indices=[3], values=[1.5])
        info = store.get_collection("c")
        assert info.payload_schema.keys() == {"status"}
        assert info.config.metadata == {"made": "here"}
    shouting.worked.clear()
    before = shouting.manifest(state)
    assert shouting.manifest(shouting.run(TEXTS)) == before
    assert shouting.worked == []


def test_a_clear_folder_is_encrypted_and_nothing_is_left_in_clear(shouting: Shouting, keys: Keys) -> None:
    outputs = shouting.manager.outputs
    state = shouting.manager.load_checkpoint()
    notebook = shouting.manager.absolute(state.stages["shout"].notebook)
    preview(notebook)
    state.stages["shout"].notebook_sha256 = file_sha256(notebook)
    shouting.manager.save_checkpoint(state)
    (outputs / "memo.sqlite.damaged-20260101").write_text(TEXT)
    (outputs / ".restore-1").mkdir()
    (outputs / ".restore-1" / "x").write_text(TEXT)
    half = outputs / "artifacts" / "sha256" / "aa" / ".x.tmp"
    half.parent.mkdir(exist_ok=True)
    half.write_text(TEXT)
    (notebook.parent / "03_killed.ipynb").write_text(f'{{"cells": "{TEXT}')
    assert under(outputs) == {None}

    keys(KEY)
    report = change_key(outputs)
    assert (report.key_id_before, report.key_id) == ("", KEY_ID)
    assert (report.notebooks, report.vectors, report.points) == (2, 1, 1)
    assert report.artifacts > 3
    assert report.outcomes == len(TEXTS) + 2  # and two last good ones
    assert found_in(outputs, TEXT, TEXT.upper(), "cardamom") == []
    assert under(outputs) == {KEY_ID}
    assert read_marker(outputs) == Marker(KEY_ID)
    assert not list(outputs.glob("qdrant.*"))
    assert '"what": "rekeyed"' in (outputs / "audit.jsonl").read_text()
    require_whole(shouting)


def test_the_key_is_rotated_and_taken_away_again(shouting: Shouting, keys: Keys) -> None:
    outputs = shouting.manager.outputs
    keys(KEY)
    change_key(outputs)
    keys(OTHER, KEY)
    report = change_key(outputs)
    assert (report.key_id_before, report.key_id) == (KEY_ID, OTHER_ID)
    assert under(outputs) == {OTHER_ID}
    require_whole(shouting)
    again = change_key(outputs)  # there is nothing to do, and the old key is not needed any more
    assert (again.artifacts, again.points, again.key_id_before) == (0, 0, OTHER_ID)
    assert change_key(outputs, to_clear=True).key_id == ""
    assert under(outputs) == {None}
    assert not (outputs / MARKER_FILE).exists()
    assert not (outputs / "artifacts" / MARKER_FILE).exists()
    keys()
    require_whole(shouting)


@pytest.mark.parametrize(
    ("new", "old", "said"),
    [
        ("", "", "There is no key to encrypt with"),
        (OTHER, "", f"under the key {KEY_ID}, and the keys given are: {OTHER_ID}. Give the former"),
        (OTHER, OTHER, "nothing was changed"),
        ("c2hvcnQ=", KEY, "holds 5 bytes"),
    ],
)
def test_without_the_right_keys_nothing_is_changed(
    shouting: Shouting, keys: Keys, new: str, old: str, said: str
) -> None:
    outputs = shouting.manager.outputs
    keys(KEY)
    change_key(outputs)
    keys(new, old)
    with pytest.raises(StateManagementError, match=said) as refusal:
        change_key(outputs)
    assert refusal.value.exit_code == 2
    assert under(outputs) == {KEY_ID}
    assert read_marker(outputs) == Marker(KEY_ID)
    keys(KEY)
    require_whole(shouting)


_SLOW = """
import os, sys, time
from stagekit.artifacts.store import ArtifactStore
inner, done = ArtifactStore.reseal, []
def reseal(self, uri):
    found = inner(self, uri)
    done.append(uri)
    if len(done) == 3:
        open(os.environ["REKEY_MARK"], "w").close()
        time.sleep(60)
    return found
ArtifactStore.reseal = reseal
from stagekit.tools.rekey import rekey
rekey(outputs_dir=sys.argv[1])
"""


@pytest.mark.parametrize("before", ["", KEY])
def test_a_change_that_is_killed_is_completed_by_the_same_command(
    shouting: Shouting, keys: Keys, tmp_path: Path, before: str
) -> None:
    outputs, mark = shouting.manager.outputs, tmp_path / "mark"
    if before:
        keys(before)
        change_key(outputs)
    keys(OTHER, before)
    process = subprocess.Popen(
        [sys.executable, "-c", _SLOW, str(outputs)], env={**os.environ, "REKEY_MARK": str(mark)}
    )
    while not mark.exists():
        assert process.poll() is None
        time.sleep(0.02)
    with pytest.raises(StateManagementError, match="Another process is changing the key"):
        change_key(outputs)
    process.send_signal(signal.SIGKILL)
    process.wait()

    assert len(under(outputs)) == 2  # a part is under the new key, the rest as it was
    for new in (OTHER, before):
        keys(new)
        with pytest.raises(StateManagementError, match=r"run `nic-etl state rekey` again with the same keys"):
            StateManager(outputs)
    keys(KEY if not before else "kLbPz3nY5sT0QmVf1u7w8x2aHcRjE4dGiOo9yNqXtUt=", before)
    with pytest.raises(StateManagementError, match=r"was broken off: complete that one first"):
        change_key(outputs)
    keys(OTHER, before)
    assert change_key(outputs).key_id == OTHER_ID
    assert under(outputs) == {OTHER_ID}
    keys(OTHER)
    require_whole(shouting)


def test_a_notebook_is_vouched_for_whenever_the_change_is_killed(
    shouting: Shouting, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager = shouting.manager
    state = manager.load_checkpoint()
    notebook = manager.absolute(state.stages["shout"].notebook)
    preview(notebook)
    state.stages["shout"].notebook_sha256 = file_sha256(notebook)
    manager.save_checkpoint(state)
    keys(KEY)

    def killed(*_: object) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("runner.upkeep.rekey._hide", killed)
        with pytest.raises(KeyboardInterrupt):
            change_key(manager.outputs)
    assert TEXT in notebook.read_text()
    change_key(manager.outputs)
    assert TEXT not in notebook.read_text()
    again = StateManager(manager.outputs)
    assert again.faults(again.load_checkpoint().stages["shout"]) == []


def test_what_a_stage_glued_stays_when_previews_go() -> None:
    scrap = {
        "data": {SCRAP_MIME: {"name": "x", "data": 1}, "text/plain": TEXT},
        "output_type": "display_data",
    }
    cells = [{"cell_type": "code", "outputs": [scrap, {"text": TEXT}]}, {"cell_type": "markdown"}]
    hidden = without_previews(json.dumps({"cells": cells}).encode())
    assert TEXT.encode() not in hidden
    assert json.loads(hidden)["cells"][0]["outputs"] == [
        scrap | {"data": {SCRAP_MIME: {"name": "x", "data": 1}}}
    ]
    assert without_previews(hidden) == hidden
    with pytest.raises(ValueError, match="no cells"):
        without_previews(b"[]")


def test_a_cache_that_another_process_uses_is_not_replaced_under_it(shouting: Shouting, keys: Keys) -> None:
    outputs = shouting.manager.outputs
    keys(KEY)
    with (
        closing(sqlite3.connect(outputs / "memo.sqlite", timeout=0)) as other,
        pytest.MonkeyPatch.context() as patch,
    ):
        other.execute("BEGIN IMMEDIATE")
        connect = sqlite3.connect
        patch.setattr("sqlite3.connect", lambda path, **_: connect(path, timeout=0))
        with pytest.raises(
            EncryptionError, match=r"memo.sqlite cannot be encrypted anew .*: close the notebooks"
        ):
            rekey(outputs_dir=str(outputs))
    change_key(outputs)
    require_whole(shouting)


def test_a_damaged_cache_goes_and_is_made_again(shouting: Shouting, keys: Keys) -> None:
    outputs = shouting.manager.outputs
    for path in outputs.glob("memo.sqlite-*"):
        path.unlink()
    (outputs / "memo.sqlite").write_bytes(b"SQLite format 3\0" + TEXT.encode() * 400)
    keys(KEY)
    assert change_key(outputs).outcomes == 0
    assert found_in(outputs, TEXT) == []
    shouting.manager = StateManager(outputs)
    shouting.run(TEXTS)
    with Memo(outputs / "memo.sqlite") as memo:
        assert len(list(memo.values())) == len(TEXTS)


@pytest.mark.parametrize("renamed", [1, 2])
def test_the_collections_survive_a_kill_between_the_two_renames(
    shouting: Shouting, keys: Keys, renamed: int
) -> None:
    outputs = shouting.manager.outputs
    folder = outputs / "qdrant"
    keys(KEY)
    if renamed == 2:
        shutil.copytree(folder, outputs / "qdrant.old")
    else:
        folder.rename(outputs / "qdrant.old")
        (outputs / "qdrant.new").mkdir()
    assert change_key(outputs).points == 1
    assert not list(outputs.glob("qdrant.*"))
    require_whole(shouting)


def test_collections_under_a_third_key_are_named(shouting: Shouting, keys: Keys) -> None:
    keys(KEY)
    change_key(shouting.manager.outputs)
    with pytest.raises(EncryptionError, match=f"under other keys .{KEY_ID}.: move the folder away"):
        rekey_embedded(shouting.manager.outputs / "qdrant", CLEAR, [CLEAR])


def test_a_run_that_goes_on_keeps_its_key(shouting: Shouting, keys: Keys) -> None:
    keys(KEY)
    store = open_store(shouting.manager.outputs / "artifacts")
    with (
        StateManager(shouting.manager.outputs, store).lock("a run"),
        pytest.raises(StateManagementError, match="Another run holds a run"),
    ):
        change_key(shouting.manager.outputs)
    assert under(shouting.manager.outputs) == {None}


# The command line


def test_the_commands_make_a_key_and_encrypt_with_it(
    shouting: Shouting, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIC_ETL_OUTPUTS_DIR", str(shouting.manager.outputs))
    command = CliRunner()
    made = command.invoke(app, ["state", "new-key"])
    assert key_from_environment(environment={KEY_VARIABLE: made.stdout}) is not None
    keys(KEY)
    shown = command.invoke(app, ["state", "rekey"])
    assert shown.exit_code == 0, shown.output
    assert f"was clear and is {KEY_ID} now" in shown.stdout.replace("\n", " ")
    told = json.loads(command.invoke(app, ["state", "rekey", "--to-clear", "--json"]).stdout)
    assert (told["key_id_before"], told["key_id"]) == (KEY_ID, "")
    assert KEY not in made.output + shown.output


def test_a_run_that_is_to_be_encrypted_does_not_begin_without_a_key(tmp_path: Path, keys: Keys) -> None:
    from runner.config_manager import load_config

    wanted = {"encrypt_outputs": "true", "outputs_dir": str(tmp_path / "outputs")}
    orchestrator = PipelineOrchestrator(config=load_config("local", wanted).config)
    problems = orchestrator.validate_pipeline_config().problems
    assert [line for line in problems if "encrypt_outputs is true, and there is no key" in line]
    keys("c2hvcnQ=")
    assert [line for line in orchestrator.validate_pipeline_config().problems if "holds 5 bytes" in line]
    keys(KEY)
    assert not [line for line in orchestrator.validate_pipeline_config().problems if "key" in line]


# Backups


def test_a_backup_is_encrypted_and_continues_under_the_same_key_only(
    shouting: Shouting, keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs, target = shouting.manager.outputs, str(tmp_path / "backup")
    keys(KEY)
    change_key(outputs)
    create_backup(StateManager(outputs), target)
    assert create_backup(StateManager(outputs), target).damaged == []
    assert found_in(tmp_path / "backup", TEXT, TEXT.upper()) == []

    keys(OTHER)
    with pytest.raises(StateManagementError, match=f"is encrypted under the key {KEY_ID}: give it"):
        restore_backup(StateManager(tmp_path / "new"), target)
    keys()
    with pytest.raises(StateManagementError, match=f"is encrypted under the key {KEY_ID}: give it"):
        restore_backup(StateManager(tmp_path / "clear"), target)
    keys(KEY)
    restored = StateManager(tmp_path / "new")
    restore_backup(restored, target)
    assert restored.faults(StateManager(tmp_path / "new").load_checkpoint().stages["shout"]) == []
    monkeypatch.setenv("NIC_ETL_ARTIFACTS_URL", str(tmp_path / "store"))
    monkeypatch.setattr("stagekit.artifacts.store.ArtifactStore.local", property(lambda _: False))
    elsewhere = StateManager(tmp_path / "third")
    restore_backup(elsewhere, target)
    assert elsewhere.faults(elsewhere.load_checkpoint().stages["shout"]) == []
    assert {sealed_under(path.read_bytes()) for path in (tmp_path / "store" / "sha256").rglob("*/*")} == {
        KEY_ID
    }


def test_a_clear_backup_does_not_become_a_clear_folder_beside_a_key(
    shouting: Shouting, keys: Keys, tmp_path: Path
) -> None:
    create_backup(shouting.manager, str(tmp_path / "backup"))
    keys(KEY)
    with pytest.raises(
        StateManagementError, match="is not encrypted, and .* is set: restore it without the key"
    ):
        restore_backup(StateManager(tmp_path / "new"), str(tmp_path / "backup"))
