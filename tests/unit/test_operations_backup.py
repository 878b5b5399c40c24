"""Promises of backup and restore: whole or refused, and the next run continues as if nothing had been."""

from __future__ import annotations

import errno
import json
import sqlite3
import threading
from pathlib import Path

import fsspec
import pytest
from fsspec.implementations.local import LocalFileSystem

from runner.errors import StateManagementError
from runner.record.state_manager import StateManager
from runner.upkeep.backup import create_backup, restore_backup
from stagekit.errors import ArtifactError
from tests.unit.operations_runs import Shouting

TEXTS = {"a.md": "good morning", "b.pdf": "locked one"}


@pytest.fixture
def shouting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shouting:
    made = Shouting(tmp_path, monkeypatch.setenv)
    made.run(TEXTS)
    return made


def blobs(target: Path) -> list[Path]:
    return sorted(path for path in (target / "blobs").rglob("*") if path.is_file())


def test_what_is_restored_elsewhere_continues_without_any_work(shouting: Shouting, tmp_path: Path) -> None:
    report = create_backup(shouting.manager, str(tmp_path / "backup"))
    moved = StateManager(tmp_path / "elsewhere")
    restored = restore_backup(moved, str(tmp_path / "backup"))

    assert report.files == restored.files
    state = moved.load_checkpoint()
    assert moved.faults(state.stages["shout"]) == []
    assert moved.find_checkpoint("shout", "x") is None
    assert (moved.outputs / "latest" / "02_shout.ipynb").resolve().is_relative_to(moved.outputs)
    assert '"what": "restored"' in (moved.outputs / "audit.jsonl").read_text()
    assert (moved.outputs / "memo.sqlite").stat().st_mode & 0o777 == 0o600
    assert moved.absolute(state.stages["shout"].notebook).stat().st_mode & 0o777 == 0o400
    before = shouting.manifest(shouting.manager.load_checkpoint())
    shouting.manager = moved
    shouting.worked.clear()
    assert shouting.manifest(shouting.run(TEXTS)) == before
    assert shouting.worked == []
    assert not list(moved.outputs.glob(".restore-*"))


def test_a_backup_is_its_owners_alone_and_names_every_hash(shouting: Shouting, tmp_path: Path) -> None:
    target = tmp_path / "deep" / "backup"
    report = create_backup(shouting.manager, str(target))
    manifest = json.loads((target / "manifest.json").read_text())

    assert target.stat().st_mode & 0o777 == 0o700
    assert len(manifest["files"]) == report.files
    assert sum(item["bytes"] for item in manifest["files"]) == report.bytes
    for item in manifest["files"]:
        assert item["link"] or (target / "blobs" / item["sha256"][:2] / item["sha256"]).is_file()


def test_a_second_backup_adds_only_what_is_new(shouting: Shouting, tmp_path: Path) -> None:
    target = tmp_path / "backup"
    first = create_backup(shouting.manager, str(target))
    again = create_backup(shouting.manager, str(target))
    shouting.run(TEXTS | {"c.md": "new"})
    third = create_backup(shouting.manager, str(target))
    assert first.written > 0
    assert again.written < first.written / 2  # databases may be copied to other bytes
    assert third.files > again.files


@pytest.mark.parametrize("kind", ["memory://backups", "file"])
@pytest.mark.parametrize("name", ["plain", "NIC [2026] * cópia?"])
def test_any_fsspec_url_and_any_name_will_do(
    shouting: Shouting, tmp_path: Path, kind: str, name: str
) -> None:
    """``* ? [ ]`` are signs of patterns to fsspec, and letters of a name to everybody else."""
    place = str(tmp_path) if kind == "file" else kind
    url = f"{place}/{name}"
    create_backup(shouting.manager, f"{place}/NIC 2 x cópiaz")  # what such a pattern would match
    create_backup(shouting.manager, url)
    moved = StateManager(tmp_path / "elsewhere")
    restore_backup(moved, url)
    assert moved.execution_ids() == shouting.manager.execution_ids()
    fsspec.filesystem("memory").store.clear()


def test_a_backup_that_cannot_be_read_back_is_not_called_done(
    shouting: Shouting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fsspec.implementations.memory import MemoryFileSystem

    true_pipe = MemoryFileSystem.pipe_file

    def lossy(
        self, path, value, *arguments, **options
    ):  # a store that takes a part and says that all is well
        true_pipe(self, path, value[:-40] if "manifest" in path else value, *arguments, **options)

    monkeypatch.setattr(MemoryFileSystem, "pipe_file", lossy)
    with pytest.raises(StateManagementError, match="damaged"):
        create_backup(shouting.manager, f"memory://lossy/{tmp_path.name}")
    fsspec.filesystem("memory").store.clear()


def test_a_remote_artifact_store_is_backed_up_and_filled_again(
    shouting: Shouting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_backup(shouting.manager, str(tmp_path / "backup"))
    monkeypatch.setenv("NIC_ETL_ARTIFACTS_URL", f"memory://store/{tmp_path.name}")
    moved = StateManager(tmp_path / "elsewhere")
    restore_backup(moved, str(tmp_path / "backup"))
    assert moved.faults(moved.load_checkpoint().stages["shout"]) == []
    assert not (moved.outputs / "artifacts").exists()
    assert create_backup(moved, str(tmp_path / "second")).damaged == []
    fsspec.filesystem("memory").store.clear()


def test_a_backup_can_be_taken_while_the_databases_are_written(shouting: Shouting, tmp_path: Path) -> None:
    ended = threading.Event()

    def write() -> None:
        connection = sqlite3.connect(shouting.manager.outputs / "memo.sqlite", timeout=60)
        number = 0
        while not ended.is_set():
            with connection:
                number += 1
                row = (f"key{number}", "shout", "{}", "wrong")
                connection.execute("INSERT OR REPLACE INTO memo VALUES (?, ?, ?, ?)", row)
        connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        with shouting.manager.lock("a run that goes on"):
            create_backup(shouting.manager, str(tmp_path / "backup"))
    finally:
        ended.set()
        writer.join()
    moved = StateManager(tmp_path / "elsewhere")
    restore_backup(moved, str(tmp_path / "backup"))
    connection = sqlite3.connect(moved.outputs / "memo.sqlite")
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def test_a_backup_that_breaks_off_leaves_the_former_one_as_it_was(
    shouting: Shouting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = str(tmp_path / "backup")
    create_backup(shouting.manager, target)
    before = shouting.manager.execution_ids()
    shouting.run(TEXTS | {"c.md": "new"})

    def full(_: object, path: str, value: bytes, **__: object) -> None:
        Path(path).write_bytes(value[: len(value) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(LocalFileSystem, "pipe_file", full)
        with pytest.raises((OSError, StateManagementError)):
            create_backup(shouting.manager, target)
    moved = StateManager(tmp_path / "elsewhere")
    restore_backup(moved, target)
    assert moved.execution_ids() == before


@pytest.mark.parametrize(
    "damage", ["altered", "missing", "manifest", "no manifest", "shortened", "swapped", "outside", "format"]
)
def test_a_backup_that_is_not_whole_replaces_nothing(shouting: Shouting, tmp_path: Path, damage: str) -> None:
    target = tmp_path / "backup"
    create_backup(shouting.manager, str(target))
    manifest = target / "manifest.json"
    if damage == "altered":
        blob = blobs(target)[-1]
        blob.write_bytes(blob.read_bytes()[:-1] + b"?")
    elif damage == "missing":
        blobs(target)[0].unlink()
    elif damage == "manifest":
        manifest.write_text(manifest.read_text()[:-40])
    elif damage == "no manifest":
        manifest.unlink()
    elif damage in {"shortened", "swapped"}:  # valid JSON all the same
        told = json.loads(manifest.read_text())
        if damage == "shortened":
            del told["files"][-3:]
        else:
            told["files"][0]["path"], told["files"][1]["path"] = "runs/a/b", told["files"][0]["path"]
        manifest.write_text(json.dumps(told))
    elif damage == "outside":
        told = json.loads(manifest.read_text())
        told["files"][0]["path"] = "../audit.jsonl"
        manifest.write_text(json.dumps(told | {"format": 1}))  # as somebody would who means harm
    else:
        manifest.write_text(manifest.read_text().replace('"format": 2', '"format": 3'))
    before = {path: path.stat().st_mtime_ns for path in shouting.manager.outputs.rglob("*.ipynb")}

    words = {
        "altered": "was altered", "missing": "lacks the content", "manifest": "is damaged",
        "no manifest": "There is no backup", "outside": "outside the outputs folder",
        "format": "has format 3", "shortened": "altered or shortened", "swapped": "altered or shortened",
    }  # fmt: skip
    with pytest.raises(StateManagementError, match=words[damage]):
        restore_backup(shouting.manager, str(target), force=True)
    assert {path: path.stat().st_mtime_ns for path in shouting.manager.outputs.rglob("*.ipynb")} == before
    assert not list(shouting.manager.outputs.glob(".restore-*"))


def test_what_is_there_is_replaced_only_by_force(shouting: Shouting, tmp_path: Path) -> None:
    target = str(tmp_path / "backup")
    create_backup(shouting.manager, target)
    later = shouting.run({"z.md": "later"})
    served = shouting.manager.outputs / "qdrant" / "aliases.json"
    served.parent.mkdir()
    served.write_text("{}")
    with pytest.raises(StateManagementError, match="is not empty.*--force") as refusal:
        restore_backup(shouting.manager, target)
    assert refusal.value.exit_code == 2
    with shouting.manager.lock():
        restore_backup(shouting.manager, target, force=True)
    assert later.execution_id not in shouting.manager.execution_ids()
    assert len(shouting.manager.execution_ids()) == 1
    assert served.read_text() == "{}"  # readers go on being answered until the next run has worked


def test_damaged_artifacts_and_caches_are_left_out_and_told(shouting: Shouting, tmp_path: Path) -> None:
    outputs = shouting.manager.outputs
    artifact = next((outputs / "artifacts").rglob("*.parquet"))
    artifact.write_bytes(artifact.read_bytes()[:-1] + b"?")
    (outputs / "vectors.sqlite").write_bytes(b"no database" * 200)
    (artifact.parent / ".half.tmp").write_bytes(b"x")
    report = create_backup(shouting.manager, str(tmp_path / "backup"))

    assert [uri.rpartition("/")[2] for uri in report.damaged] == [artifact.name]
    names = [item["path"] for item in json.loads((tmp_path / "backup/manifest.json").read_text())["files"]]
    assert "vectors.sqlite" not in names
    assert not [name for name in names if name.endswith((".tmp", ".lock"))]


def test_targets_that_cannot_be_are_refused_in_a_sentence(shouting: Shouting, tmp_path: Path) -> None:
    with pytest.raises(StateManagementError, match="would lie inside"):
        create_backup(shouting.manager, str(shouting.manager.outputs / "backup"))
    with pytest.raises(StateManagementError, match="neither a folder nor an address"):
        create_backup(shouting.manager, "nonsense://x/y")
    (tmp_path / "file").write_text("x")
    with pytest.raises(StateManagementError, match="cannot be used"):
        create_backup(shouting.manager, str(tmp_path / "file"))


def test_bytes_are_never_stored_under_another_address(shouting: Shouting) -> None:
    store = shouting.manager.store
    uri, _, _ = next(iter(store.entries()))
    with pytest.raises(ArtifactError, match="do not belong to"):
        store.restore(uri, b"other bytes")
    with pytest.raises(ArtifactError, match="not in the store"):
        store.content("sha256/../secret")
    store.delete(uri)
    store.delete(uri)  # no error
