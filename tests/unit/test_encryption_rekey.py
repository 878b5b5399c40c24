"""Promises of a change of the key: complete, or nothing has changed, whenever it ends and however."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import uuid
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
from runner.record.run_lookup import digest_of
from runner.record.state_manager import StateManager
from runner.report.notebook_page import notebook_page
from runner.upkeep.backup import create_backup, restore_backup
from runner.upkeep.records_copy import without_previews
from runner.upkeep.rekey import change_key
from stagekit.artifacts.memo import Memo
from stagekit.artifacts.store import open_store
from stagekit.base.files import sha256_file
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
from stagekit.storage.embedded.copying import copy_embedded
from stagekit.tools.rekey import copy_stores
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
    """Copy in this process; the tests of the command line start one, as users do."""
    if "commands" not in request.node.name:
        monkeypatch.setattr("runner.upkeep.rekey.run_tool", lambda _, wanted: copy_stores(**wanted))


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


def under_artifacts(outputs: Path) -> set[str | None]:
    """Return the keys that artifacts are under."""
    files = [path for path in (outputs / "artifacts" / "sha256").rglob("*") if path.is_file()]
    return {sealed_under(path.read_bytes()) for path in files}


def under(outputs: Path) -> set[str | None]:
    """Return the keys that everything is under."""
    found = under_artifacts(outputs) | {
        *values_of(outputs / "memo.sqlite"),
        *values_of(outputs / "vectors.sqlite"),
    }
    entries = [json.loads(path.read_text()) for path in outputs.glob("qdrant/collections/*/collection.json")]
    return found | {entry.get("key_id") for entry in entries}


def beside(outputs: Path) -> list[str]:
    """Return what else a change of the key has left in the folder above."""
    return [path.name for path in outputs.parent.iterdir() if path.name.startswith(f".{outputs.name}.")]


def contents(folder: Path) -> dict[Path, bytes]:
    """Return what every file that tells of documents or runs holds."""
    files = [path for path in folder.rglob("*") if path.is_file() and ".sqlite" not in path.name]
    return {path: path.read_bytes() for path in files if path.name not in {".lock", "run.lock"}}


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
    state.stages["shout"].notebook_sha256 = sha256_file(notebook)
    shouting.manager.save_checkpoint(state)
    (outputs / "memo.sqlite.damaged-20260101").write_text(TEXT)
    (outputs / ".restore-1").mkdir()
    (outputs / ".restore-1" / "x").write_text(TEXT)
    (outputs / "gitlab_downloads").mkdir()
    (outputs / "gitlab_downloads" / "c0ffee").write_text(TEXT)
    half = outputs / "artifacts" / "sha256" / "aa" / ".x.tmp"
    half.parent.mkdir(exist_ok=True)
    half.write_text(TEXT)
    (notebook.parent / "03_killed.ipynb").write_text(f'{{"cells": "{TEXT}')
    page = notebook.with_suffix(".html")
    page.write_text(notebook_page(notebook.read_bytes(), notebook.stem))
    assert TEXT in page.read_text()
    assert under(outputs) == {None}

    keys(KEY)
    report = change_key(outputs)
    assert (report.key_id_before, report.key_id) == ("", KEY_ID)
    assert (report.notebooks, report.vectors, report.points, report.damaged) == (2, 1, 1, 0)
    assert report.artifacts > 3
    assert report.outcomes == len(TEXTS) + 2  # and two last good ones
    assert found_in(outputs, TEXT, TEXT.upper(), "cardamom") == []
    assert page.is_file()
    assert under(outputs) == {KEY_ID}
    assert read_marker(outputs) == Marker(KEY_ID)
    assert beside(outputs) == []
    assert '"what": "rekeyed"' in (outputs / "audit.jsonl").read_text()
    assert shouting.manager.audit_log.verify().fault == ""
    require_whole(shouting)


def test_where_links_fail_the_newest_notebooks_are_copied_too(shouting: Shouting, keys: Keys) -> None:
    outputs = shouting.manager.outputs
    [link] = (outputs / "latest").glob("*_shout.ipynb")
    notebook = link.resolve()
    link.unlink()
    link.write_bytes(notebook.read_bytes())

    keys(KEY)
    change_key(outputs)
    [copied] = (outputs / "latest").glob("*_shout.ipynb")
    assert copied.read_bytes() == notebook.read_bytes()
    assert found_in(outputs, TEXT) == []


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


# Killed


_KILLED = """
import os, signal, sys
from pathlib import Path
import runner.upkeep.records_copy
import runner.upkeep.rekey
from stagekit.artifacts.store import ArtifactStore
from stagekit.tools.rekey import copy_stores

point, left = sys.argv[2], int(sys.argv[3])

def watched(inner):
    def call(*arguments, **named):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return inner(*arguments, **named)
    return call

def stop_at(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

runner.upkeep.rekey.run_tool = lambda _, wanted: copy_stores(**wanted)
if point == "artifact":
    ArtifactStore.copy = watched(ArtifactStore.copy)
elif point == "record":
    copier = runner.upkeep.records_copy._Copier
    copier.__call__ = watched(copier.__call__)
elif point == "removal":
    runner.upkeep.rekey.shutil.rmtree = stop_at
else:
    swap = runner.upkeep.rekey.swap
    def counted(*arguments):
        Path.rename = watched(Path.rename)
        swap(*arguments)
    runner.upkeep.rekey.swap = counted
runner.upkeep.rekey.change_key(Path(sys.argv[1]))
"""
_DONE = [("rename", 2), ("removal", 0)]  # from the second rename on the new key is in force


@pytest.mark.parametrize(
    ("before", "point", "calls"),
    [
        ("", "artifact", 3),
        (KEY, "artifact", 0),
        (KEY, "record", 2),
        (KEY, "rename", 0),
        ("", "rename", 1),
        *((KEY, *done) for done in _DONE),
    ],
)
def test_a_change_that_is_killed_leaves_the_one_folder_or_the_other_whole(
    shouting: Shouting, keys: Keys, before: str, point: str, calls: int
) -> None:
    outputs = shouting.manager.outputs
    if before:
        keys(before)
        change_key(outputs)
    keys(OTHER, before)
    killed = subprocess.run(
        [sys.executable, "-c", _KILLED, str(outputs), point, str(calls)], check=False, timeout=120
    )
    assert killed.returncode == -signal.SIGKILL
    assert beside(outputs)

    done = (point, calls) in _DONE
    keys(before if done else OTHER)
    with pytest.raises(StateManagementError, match="is encrypted under the key|is not encrypted"):
        StateManager(outputs)
    keys(OTHER if done else before)
    StateManager(outputs)  # puts the folder back that had no name
    assert under(outputs) == {OTHER_ID if done else KEY_ID if before else None}

    keys(OTHER, before)
    report = change_key(outputs)
    assert (report.key_id_before, report.key_id) == (
        OTHER_ID if done else KEY_ID if before else "",
        OTHER_ID,
    )
    assert under(outputs) == {OTHER_ID}
    assert beside(outputs) == []
    keys(OTHER)
    require_whole(shouting)


def test_while_the_folder_has_no_name_nobody_begins_another(shouting: Shouting) -> None:
    outputs = shouting.manager.outputs
    aside = outputs.with_name(f".{outputs.name}.before")
    with shouting.manager.lock("a change"):
        outputs.rename(aside)
        with pytest.raises(StateManagementError, match="is being replaced by its copy under another key"):
            StateManager(outputs)
        assert not outputs.exists()
    StateManager(outputs)
    assert not aside.exists()
    require_whole(shouting)


def test_a_folder_that_was_begun_between_the_renames_gives_way(
    shouting: Shouting, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs = shouting.manager.outputs
    rename = Path.rename

    def begun(path: Path, target: Path) -> Path:
        moved = rename(path, target)
        if path == outputs and target.name.endswith(".before"):
            (outputs / "runs").mkdir(parents=True)
        return moved

    keys(KEY)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", begun)
        with pytest.raises(StateManagementError, match=r"not take its place .*nothing was changed"):
            change_key(outputs)
    keys()
    require_whole(shouting)
    keys(KEY)
    change_key(outputs)
    assert beside(outputs) == []
    require_whole(shouting)


def test_a_change_that_an_earlier_version_has_begun_in_place_is_told_what_to_do(
    shouting: Shouting, keys: Keys
) -> None:
    outputs = shouting.manager.outputs
    half = {"version": 1, "algorithm": "AES-256-GCM", "key_id": "", "changing_to": KEY_ID}
    (outputs / MARKER_FILE).write_text(json.dumps(half))
    keys(KEY)
    before = contents(outputs)
    for command in (StateManager, change_key):
        with pytest.raises(
            StateManagementError, match="complete it with that version .* or restore a backup"
        ) as told:
            command(outputs)
        assert "\n" not in str(told.value)
    assert contents(outputs) == before


# What the copy looks like


def test_links_modes_and_what_else_lies_there_are_as_before(shouting: Shouting, keys: Keys) -> None:
    manager = shouting.manager
    outputs = manager.outputs
    first = manager.load_checkpoint()
    notebook = manager.absolute(first.stages["shout"].notebook)
    preview(notebook)
    first.stages["shout"].notebook_sha256 = sha256_file(notebook)
    manager.save_checkpoint(first)
    second = shouting.run(TEXTS)
    carried = manager.absolute(second.stages["shout"].notebook)
    carried.unlink()
    os.link(notebook, carried)  # as a run does that carries a notebook over
    second.stages["shout"].notebook_sha256 = sha256_file(carried)
    manager.save_checkpoint(second)
    (outputs / "own notes").mkdir()
    (outputs / "own notes" / "a.txt").write_text("mine")
    link = next((outputs / "latest").iterdir()).readlink()

    keys(KEY)
    with manager.lock("before"):
        pass
    assert change_key(outputs).notebooks == 1  # one file, in two runs
    assert notebook.samefile(carried)
    assert notebook.stat().st_nlink == 2
    assert TEXT not in notebook.read_text()
    [latest] = (outputs / "latest").iterdir()
    assert latest.readlink() == link
    assert latest.resolve() == carried
    assert (outputs / "own notes" / "a.txt").read_text() == "mine"
    assert {path.stat().st_nlink for path in outputs.rglob("*.lock") if path.name != ".lock"} == {1}
    modes = {path.lstat().st_mode & 0o077 for path in (outputs, *outputs.rglob("*")) if not path.is_symlink()}
    assert modes == {0}
    again = StateManager(outputs)
    for state in (first, second):
        assert again.faults(again.load_checkpoint(state.execution_id).stages["shout"]) == []
    assert again.find_checkpoint("shout", digest_of(second.stages["shout"].fingerprint)) is not None


def test_a_folder_behind_a_link_is_replaced_where_it_is(
    shouting: Shouting, keys: Keys, tmp_path: Path
) -> None:
    outputs, real = shouting.manager.outputs, tmp_path / "disk" / "nic"
    real.parent.mkdir()
    outputs.rename(real)
    outputs.symlink_to(real)
    keys(KEY)
    change_key(outputs)
    assert outputs.is_symlink()
    assert beside(real) == []
    assert under(real) == {KEY_ID}
    require_whole(shouting)


def test_a_damaged_artifact_is_left_out_and_made_again(shouting: Shouting, keys: Keys) -> None:
    outputs = shouting.manager.outputs
    [loud] = [
        path
        for path in (outputs / "artifacts").rglob("*")
        if path.is_file() and path.read_bytes() == TEXT.upper().encode()
    ]
    loud.write_bytes(b"altered")
    keys(KEY)
    assert change_key(outputs).damaged == 1
    assert not loud.exists()
    shouting.manager = StateManager(outputs)
    shouting.worked.clear()
    shouting.run(TEXTS)
    assert shouting.worked == ["a.md"]
    assert loud.exists()


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


# What is refused


@pytest.mark.parametrize("writing", [True, False])
def test_a_notebook_that_was_opened_by_hand_is_not_left_writing_into_the_former_folder(
    shouting: Shouting, keys: Keys, monkeypatch: pytest.MonkeyPatch, writing: bool
) -> None:
    outputs = shouting.manager.outputs
    keys(KEY)
    with (
        closing(sqlite3.connect(outputs / "memo.sqlite", timeout=0)) as other,
        monkeypatch.context() as patch,
    ):
        other.execute("BEGIN IMMEDIATE" if writing else "SELECT count(*) FROM memo").fetchone()
        connect = sqlite3.connect
        patch.setattr("sqlite3.connect", lambda path, **_: connect(path, timeout=0))
        with pytest.raises(StateManagementError, match=r"memo.sqlite is in use .*: close the notebooks"):
            change_key(outputs)
    assert beside(outputs) == []
    assert under(outputs) == {None}
    change_key(outputs)
    require_whole(shouting)


def test_without_room_for_the_copy_or_at_a_mount_point_nothing_is_begun(
    shouting: Shouting, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs = shouting.manager.outputs
    keys(KEY)
    with monkeypatch.context() as patch:
        patch.setattr("shutil.disk_usage", lambda _: shutil._ntuple_diskusage(2**40, 2**40 - 9, 9))
        with pytest.raises(
            StateManagementError, match=r"needs \d+ MiB beside it, and 0 MiB are free: make room"
        ):
            change_key(outputs)
    with monkeypatch.context() as patch:
        patch.setattr("os.path.ismount", lambda path: path == outputs)
        with pytest.raises(StateManagementError, match="is a mount point.*nothing was changed"):
            change_key(outputs)
    assert beside(outputs) == []
    assert under(outputs) == {None}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_where_no_copy_can_be_made_that_is_said(shouting: Shouting, keys: Keys) -> None:
    outputs = shouting.manager.outputs
    keys(KEY)
    outputs.parent.chmod(0o500)
    try:
        with pytest.raises(
            StateManagementError, match=r"cannot be made.*Permission denied.*nothing was changed"
        ):
            change_key(outputs)
    finally:
        outputs.parent.chmod(0o700)
    assert under(outputs) == {None}


def test_a_folder_whose_marker_is_lost_keeps_everything(shouting: Shouting, keys: Keys) -> None:
    outputs = shouting.manager.outputs
    keys(KEY)
    change_key(outputs)
    marker = (outputs / MARKER_FILE).read_bytes()
    (outputs / MARKER_FILE).unlink()
    with pytest.raises(StateManagementError, match=f"is encrypted under the key {KEY_ID}"):
        change_key(outputs)
    (outputs / MARKER_FILE).write_bytes(marker)
    require_whole(shouting)
    for path in (outputs / "memo.sqlite", outputs / "vectors.sqlite"):
        path.unlink()
    shutil.rmtree(outputs / "qdrant")
    (outputs / MARKER_FILE).unlink()
    assert change_key(outputs).artifacts > 3
    assert under_artifacts(outputs) == {KEY_ID}


@pytest.mark.parametrize("elsewhere", ["folder", "memory"])
def test_artifacts_elsewhere_are_copied_to_a_second_place(
    shouting: Shouting, keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, elsewhere: str
) -> None:
    outputs = shouting.manager.outputs
    first, second = (
        str(tmp_path / name) if elsewhere == "folder" else f"memory://{uuid.uuid4().hex}"
        for name in ("one", "two")
    )
    with pytest.raises(StateManagementError, match="There is no key"):
        change_key(outputs, second_artifacts=second)
    keys(KEY)
    with pytest.raises(StateManagementError, match="leave --artifacts-url out; nothing was changed"):
        change_key(outputs, second_artifacts=second)
    here, there = open_store(outputs / "artifacts"), open_store(first)
    for uri, _, _ in here.entries():
        assert here.copy(uri, there)
    shutil.rmtree(outputs / "artifacts")
    monkeypatch.setenv("NIC_ETL_ARTIFACTS_URL", first)
    with pytest.raises(
        StateManagementError, match="with --artifacts-url, and set NIC_ETL_ARTIFACTS_URL to it"
    ):
        change_key(outputs)
    with pytest.raises(StateManagementError, match="is not encrypted, and"):
        change_key(outputs, second_artifacts=first)
    report = change_key(outputs, second_artifacts=second)
    assert report.artifacts == len(list(open_store(first).entries())) > 3

    with pytest.raises(
        StateManagementError, match="is not encrypted, and"
    ):  # the address is still the former
        StateManager(outputs)
    monkeypatch.setenv("NIC_ETL_ARTIFACTS_URL", second)
    require_whole(shouting)
    store = open_store(second)
    assert {sealed_under(store.stored(uri)) for uri, _, _ in store.entries()} == {KEY_ID}
    with pytest.raises(StateManagementError, match="holds artifacts under another key: give an empty place"):
        change_key(outputs, to_clear=True, second_artifacts=second)
    assert change_key(outputs).artifacts == 0  # all is under it
    keys(OTHER, KEY)
    third = f"{second}-3"
    assert change_key(outputs, second_artifacts=third).artifacts == len(list(store.entries()))
    keys(OTHER)
    monkeypatch.setenv("NIC_ETL_ARTIFACTS_URL", third)
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


def test_collections_under_a_third_key_are_named(shouting: Shouting, keys: Keys, tmp_path: Path) -> None:
    keys(KEY)
    change_key(shouting.manager.outputs)
    with pytest.raises(EncryptionError, match="under another key than its folder: move the folder away"):
        copy_embedded(shouting.manager.outputs / "qdrant", CLEAR, tmp_path / "copy" / "qdrant")


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
