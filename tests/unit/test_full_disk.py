"""Promises about a disk that takes nothing more: which one, how full, what to do, and nothing is lost."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from runner.errors import StateManagementError
from runner.events import Event, EventLog, read_events
from runner.models import ExecutionMode
from runner.record.audit import AuditLog
from runner.record.state_manager import StateManager
from runner.upkeep.backup import create_backup
from runner.watch.note import active_watch, hold_watch
from stagekit.artifacts.memo import Memo
from stagekit.artifacts.store import ArtifactStore
from stagekit.base.disk_faults import disk_fault
from stagekit.base.files import atomic_write
from stagekit.embedding.vectors import VectorStore
from stagekit.errors import DocumentRejected, StageError
from stagekit.stage.execution import DocumentOutput, document_value
from tests.small_disk import SmallDisk, small_disk
from tests.unit.command_line import Command, nic_etl
from tests.unit.operations_runs import Shouting

__all__ = ["nic_etl", "small_disk"]

FULL = r"The disk of {} is full \(0\.0 MB free of [\d.]+\): make room there; what was finished is kept\."


def test_any_error_that_a_full_disk_makes_is_told_with_the_disk(tmp_path: Path) -> None:
    wrapped = RuntimeError("conversion failed")
    wrapped.__cause__ = OSError(errno.ENOSPC, "No space left on device", str(tmp_path / "page.png"))
    for error in (
        OSError(errno.ENOSPC, "No space left on device", str(tmp_path / "run.json")),
        OSError(errno.ENOSPC, "No space left on device"),
        wrapped,
        f"OSError: [Errno 28] No space left on device: '{tmp_path}/x'",
        "PanicException: write failed: No space left on device (os error 28)",
    ):
        said = disk_fault(error, tmp_path)
        assert said.startswith(f"The disk of {tmp_path} is full ("), error
        assert "MB free of" in said
        assert disk_fault(f"{said} To continue: `nic-etl resume`.") == said  # whoever passes it on


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EDQUOT, "The quota on the disk of {} is used up: make room there, or have it raised"),
        (errno.EROFS, "The disk of {} is read-only: let it be written to"),
        (errno.EFBIG, "The disk of {} takes no larger file: raise the limit on the size of files"),
    ],
)
def test_quotas_read_only_disks_and_limits_are_told_apart(tmp_path: Path, number: int, words: str) -> None:
    error = OSError(number, os.strerror(number), str(tmp_path / "memo.sqlite"))
    assert disk_fault(error, tmp_path).startswith(words.format(tmp_path))


@pytest.mark.parametrize(
    "error",
    [
        ValueError("a title with No spaces left"),
        OSError(errno.EACCES, "Permission denied", "/x"),
        OSError(errno.EIO, "Input/output error", "/source/a.pdf"),  # of one document
        "was killed by SIGBUS",  # where no disk is full
        "OperationalError: unable to open database file",
    ],
)
def test_other_errors_are_none_of_a_disk(tmp_path: Path, error: BaseException | str) -> None:
    assert disk_fault(error, tmp_path) == ""


@pytest.mark.parametrize("rejects", [False, True])
def test_a_full_disk_stops_the_stage_and_is_no_verdict_on_a_document(tmp_path: Path, rejects: bool) -> None:
    def convert(row: dict[str, object]) -> DocumentOutput:
        try:
            raise OSError(errno.ENOSPC, "No space left on device", str(tmp_path / "x"))
        except OSError:
            if rejects:
                raise DocumentRejected("corrupt", "it cannot be read", "upload it again") from None
            raise

    with pytest.raises(StageError, match="is full"):
        document_value({"path": "a.pdf"}, convert, ArtifactStore(tmp_path / "artifacts"))


Write = Callable[[Path], object]


def _memo(folder: Path) -> None:
    with contextlib.closing(Memo(folder / "memo.sqlite")) as memo:
        for number in range(200):
            memo.put("stage", str(number), {"text": "x" * 5000})


def _vectors(folder: Path) -> None:
    vectors = VectorStore(folder / "vectors.sqlite")
    vectors.put_many({f"{number:064x}": np.ones(384, np.float32) for number in range(400)})


def _lock(folder: Path) -> None:
    with StateManager(folder).lock():
        pass


WRITERS: dict[str, Write] = {
    "checkpoint": lambda folder: StateManager(folder).new_run(ExecutionMode.FULL, {}, ""),
    "audit log": lambda folder: AuditLog(folder).append("run_started", {}),
    "lock": _lock,
    "memo": _memo,
    "vectors": _vectors,
    "artifact": lambda folder: ArtifactStore(folder / "artifacts").put("a", b"x" * 9000, "text/plain"),
    "file": lambda folder: atomic_write(folder / "file", b"x" * 9000),
}


@pytest.mark.parametrize("what", WRITERS)
def test_whatever_is_written_to_a_full_disk_leaves_nothing_torn_and_names_it(
    small_disk: SmallDisk, what: str
) -> None:
    folder = small_disk.path / "outputs"
    StateManager(folder)
    small_disk.resize(256)
    small_disk.fill()

    with pytest.raises((OSError, StateManagementError)) as told:
        WRITERS[what](folder)
    said = disk_fault(told.value)
    assert said.startswith(f"The disk of {folder}"), said
    assert "is full (0.0 MB free of 0.2)" in said or "is full (0.0 MB free of 0.3)" in said

    small_disk.widen()
    assert not list(folder.rglob("*.tmp"))
    assert not list(folder.glob("runs/*"))
    WRITERS[what](folder)


def test_events_that_a_full_disk_does_not_take_are_left_out_and_the_next_are_whole(
    small_disk: SmallDisk,
) -> None:
    path = small_disk.path / "events.jsonl"
    log = EventLog(path)
    log(Event("run_started"))
    small_disk.resize(64)
    small_disk.fill()
    for _ in range(300):
        log(Event("output", data={"text": "x" * 100}))
    small_disk.widen()
    log(Event("run_finished"))
    log.close()

    kinds = [event["kind"] for event in read_events(path)]
    assert (kinds[0], kinds[-1]) == ("run_started", "run_finished")


def test_a_watch_goes_on_where_what_it_says_of_itself_finds_no_room(small_disk: SmallDisk) -> None:
    with hold_watch(small_disk.path) as note:
        small_disk.resize(64)
        small_disk.fill()
        note.update(error="x" * 9000)
        small_disk.widen()
        note.update(state="idle")
        assert (active_watch(small_disk.path) or {})["state"] == "idle"


def test_commands_tell_a_full_disk_in_one_sentence_and_in_json_where_that_was_asked(
    small_disk: SmallDisk, nic_etl: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs = small_disk.path / "outputs"
    Shouting(small_disk.path, monkeypatch.setenv).run({"a.md": "text"})
    small_disk.resize(1024)
    small_disk.fill()
    given = ("-p", f"outputs_dir={outputs}", "--json")

    done = nic_etl("run", *given)
    assert done.code == 1
    assert done.json == {"error": done.err.replace("\n", " ").strip()}
    assert done.json["error"].startswith("The disk of ")
    assert done.json["error"].endswith("Then give the command again.")

    assert nic_etl("history", *given).json, "what only reads goes on"
    small_disk.widen()
    small_disk.set("ro")
    refused = nic_etl("run", *given)
    assert (refused.code, refused.json["error"].partition(":")[0]) == (
        1,
        f"The disk of {outputs} is read-only",
    )
    assert nic_etl("history", *given).json


def test_a_backup_onto_a_full_disk_is_told_and_the_one_before_stays_whole(
    small_disk: SmallDisk, outputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shouting = Shouting(outputs.parent, monkeypatch.setenv)
    shouting.run({"a.md": "text"})
    manager = shouting.manager
    create_backup(manager, str(small_disk.path / "backup"))
    before = (small_disk.path / "backup" / "manifest.json").read_bytes()
    ArtifactStore(outputs / "artifacts").put("a", os.urandom(1 << 20), "application/octet-stream")
    small_disk.resize(512)

    with pytest.raises(StateManagementError, match="The disk of .*backup.* is full"):
        create_backup(manager, str(small_disk.path / "backup"))
    assert (small_disk.path / "backup" / "manifest.json").read_bytes() == before


@pytest.fixture
def small_files() -> Iterator[None]:
    """No file can grow beyond 16 KiB, as under ``ulimit -f``; needs no rights."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16 << 10, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_limit_on_the_size_of_files_leaves_the_file_before_whole(tmp_path: Path, small_files: None) -> None:
    path = tmp_path / "run.json"
    atomic_write(path, b"before")
    with pytest.raises(OSError, match="File too large") as told:
        atomic_write(path, b"x" * (64 << 10))
    assert disk_fault(told.value).startswith(f"The disk of {tmp_path} takes no larger file")
    assert path.read_bytes() == b"before"
    assert [one.name for one in tmp_path.iterdir()] == ["run.json"]


def test_a_refused_command_answers_in_json_where_that_was_asked(nic_etl: Command) -> None:
    done = nic_etl("run", "-p", "no_such_setting=1", "--json")
    assert done.code == 2
    assert "no_such_setting" in done.json["error"]
