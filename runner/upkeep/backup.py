"""Backups of the outputs folder, taken while a run goes on too, and their restoration on any machine.

A backup is a folder (or any fsspec URL) of blobs named by their sha256, and ``manifest.json``, written last,
which says what each path holds. A second backup to the same place adds only what is new; one that is
interrupted leaves the one before it whole. What is encrypted stays so, under the same key. The embedded
collection is not in it: a copy taken while it is written to may be torn, and the next run fills it from the
artifacts without converting or embedding anything.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

import fsspec
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from runner.errors import StateManagementError
from runner.models import now
from runner.record.damage import needed_artifacts
from runner.record.state_manager import StateManager
from stagekit.artifacts.known_sources import SOURCES_FILE
from stagekit.artifacts.store import half_written
from stagekit.base.disk_faults import disk_fault
from stagekit.base.files import READ_ONLY, is_local, move_file
from stagekit.errors import ArtifactError
from stagekit.sealing.cipher import KEY_VARIABLE
from stagekit.sealing.marker import MARKER_FILE, read_marker

_FILE = "manifest.json"
_FORMATS = (1, 2)
_WITHOUT_DIGEST = 1
_CHUNK = 1 << 20
_FILES = (MARKER_FILE, "audit*.jsonl", "audit.head", SOURCES_FILE, "runs/*/*", "latest/*")
_DATABASES = ("memo.sqlite", "vectors.sqlite")
# Of the folder that is restored into: what is about its own processes, and the served collections, which the
# next run brings in step with what was restored.
_STAYS = {"run.lock", "kernels", "qdrant"}
_NEW = {
    MARKER_FILE
}  # in a folder that nothing was written to: where there is a key, it is marked as encrypted


class BackupFile(BaseModel):
    """One path of a backup: the sha256 and size of its blob, or where it links to."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str
    sha256: str = Field("", pattern=r"^([0-9a-f]{64})?$")
    bytes: int = 0
    link: str = ""


class _Inventory(BaseModel):
    """What a backup holds; ``sha256`` is that of the rest, so that a line that was lost or altered shows."""

    model_config = ConfigDict(extra="forbid")

    format: int = 2
    created: str = ""
    files: list[BackupFile] = Field(default_factory=list)
    sha256: str = ""

    def digest(self) -> str:
        return hashlib.sha256(self.model_dump_json(exclude={"sha256"}).encode()).hexdigest()


@dataclass(frozen=True)
class BackupReport:
    """What a backup or restoration came to.

    Attributes:
        files: how many files it holds.
        bytes: their size.
        written: bytes that were not there yet.
        damaged: artifacts that were left out, because their bytes are not those of their name.
    """

    files: int
    bytes: int
    written: int
    damaged: list[str] = field(default_factory=list)


def create_backup(manager: StateManager, target: str) -> BackupReport:
    """Copy the outputs folder to a folder or fsspec URL; a run that goes on is not disturbed.

    Runs, memo and vectors are read first and artifacts after them, which are always written before anything
    refers to them: whatever the backup refers to is in it.

    Raises:
        StateManagementError: if the target cannot be written to.
    """
    place = _Place(target)
    if place.local is not None and place.local.resolve().is_relative_to(manager.outputs.resolve()):
        raise StateManagementError(
            f"The backup {target} would lie inside {manager.outputs}: choose another folder.", exit_code=2
        )
    files: list[BackupFile] = []
    damaged: list[str] = []
    with _explained(target):
        place.prepare()
        files += _databases(manager.outputs, place)
        files += _plain_files(manager.outputs, place)
        if (marker := manager.store.marker()) is not None:
            files.append(place.add(f"artifacts/{MARKER_FILE}", io.BytesIO(marker.text())))
        for uri, size in _artifacts(manager):
            try:
                files.append(place.add_artifact(manager, uri, size))
            except ArtifactError:
                damaged.append(uri)
        inventory = _Inventory(created=now().isoformat(), files=files)
        inventory.sha256 = inventory.digest()
        place.write_inventory(inventory.model_dump_json(indent=1).encode())
        if place.read_inventory() != inventory:  # nobody says "done" of what cannot be read back
            raise StateManagementError(
                f"The backup {target} was written, but other content is read from it: choose another place."
            )
    return BackupReport(len(files), sum(one.bytes for one in files), place.written, damaged)


def restore_backup(manager: StateManager, source: str, *, force: bool = False) -> BackupReport:
    """Put a backup in place of the outputs folder; every file is checked before anything is replaced.

    The caller holds the lock.

    Raises:
        StateManagementError: if there is no whole backup, or the outputs folder is in use and ``force`` not
            given; nothing has changed then.
    """
    outputs = manager.outputs
    there = {path.name for path in outputs.rglob("*") if path.is_file()}
    if not force and there - _NEW - _STAYS:
        raise StateManagementError(
            f"{outputs} is not empty: choose another outputs_dir, or replace what is there with --force.",
            exit_code=2,
        )
    place = _Place(source)
    with _explained(source), tempfile.TemporaryDirectory(prefix=".restore-", dir=outputs) as folder:
        staging, old = Path(folder) / "new", Path(folder) / "old"
        staging.mkdir()
        old.mkdir()
        inventory = place.read_inventory()
        for item in inventory.files:
            _fetch(place, item, staging)
        _require_same_key(manager, source, staging)
        if not manager.store.local:
            _to_remote_store(manager, staging)
        for path in outputs.iterdir():
            if path.name not in _STAYS and path != Path(folder):
                path.rename(old / path.name)
        for path in staging.iterdir():
            path.rename(outputs / path.name)
    size = sum(item.bytes for item in inventory.files)
    manager.audit("restored", {"from": source, "created": inventory.created})
    return BackupReport(len(inventory.files), size, size)


class _Place:
    """Where a backup lies."""

    def __init__(self, url: str) -> None:
        try:
            self._fs, root = fsspec.core.url_to_fs(url)
        except (ValueError, ImportError) as error:
            raise StateManagementError(
                f"The backup {url} is neither a folder nor an address that can be used here ({error}).",
                exit_code=2,
            ) from None
        self._url = url
        self._root = root.rstrip("/")
        self.local = Path(root) if is_local(self._fs) else None
        self.written = 0

    def prepare(self) -> None:
        if self.local is not None:
            self.local.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._fs.makedirs(self._root, exist_ok=True)

    def add(self, path: str, content: io.BytesIO | io.BufferedReader) -> BackupFile:
        """Store what does not change any more under a path of the outputs folder."""
        digest = hashlib.file_digest(content, "sha256").hexdigest()
        size = content.seek(0, io.SEEK_END)
        if not self._has(digest, size):
            content.seek(0)
            self._write(digest, content, size)
        return BackupFile(path=path, sha256=digest, bytes=size)

    def add_artifact(self, manager: StateManager, uri: str, size: int) -> BackupFile:
        digest = PurePosixPath(uri).name.partition(".")[0]
        if self._has(digest, size):
            return BackupFile(path=f"artifacts/{uri}", sha256=digest, bytes=size)
        content = manager.store.content(uri)  # what is damaged raises
        # A sealed file's own sha256 is known only when it has been read.
        data = manager.store.stored(uri) if manager.store.cipher.key_id else content
        return self.add(f"artifacts/{uri}", io.BytesIO(data))

    def write_inventory(self, data: bytes) -> None:
        temporary = f"{self._root}/.{_FILE}.tmp"
        self._fs.pipe_file(temporary, data)
        move_file(self._fs, temporary, f"{self._root}/{_FILE}")

    def read_inventory(self) -> _Inventory:
        try:
            inventory = _Inventory.model_validate_json(self._fs.cat_file(f"{self._root}/{_FILE}"))
        except FileNotFoundError:
            raise StateManagementError(
                f"There is no backup at {self._url}: no {_FILE} is there (it is written last; a backup "
                "that broke off has none).",
                exit_code=2,
            ) from None
        except (ValidationError, ValueError):
            raise StateManagementError(
                f"The {_FILE} of {self._url} is damaged: take another backup."
            ) from None
        if inventory.format not in _FORMATS:
            raise StateManagementError(
                f"The backup {self._url} has format {inventory.format}, which this version cannot read: use "
                "the version of nic-etl that made it."
            )
        if inventory.format != _WITHOUT_DIGEST and inventory.sha256 != inventory.digest():
            raise StateManagementError(
                f"The {_FILE} of {self._url} was altered or shortened (its sha256 is another): take "
                "another backup; nothing was restored."
            )
        return inventory

    def open(self, item: BackupFile) -> Any:
        return self._fs.open(self._blob(item.sha256), "rb")

    def _blob(self, digest: str) -> str:
        return f"{self._root}/blobs/{digest[:2]}/{digest}"

    def _has(self, digest: str, size: int) -> bool:
        try:
            return int(self._fs.size(self._blob(digest))) == size
        except (FileNotFoundError, TypeError):
            return False

    def _write(self, digest: str, data: BinaryIO, size: int) -> None:
        blob = self._blob(digest)
        self._fs.makedirs(blob.rpartition("/")[0], exist_ok=True)
        with self._fs.open(f"{blob}.tmp", "wb") as file:
            shutil.copyfileobj(data, file, _CHUNK)
        move_file(self._fs, f"{blob}.tmp", blob)
        self.written += size


def _artifacts(manager: StateManager) -> Iterator[tuple[str, int]]:
    """Yield the stored artifacts and their sizes; a remote store may list late what has just been written."""
    listed = set()
    for uri, size, _ in manager.store.entries():
        if not half_written(uri):
            listed.add(uri)
            yield uri, size
    if not manager.store.local:
        overhead = manager.store.cipher.overhead
        needed = {ref.uri: ref.bytes for ref in needed_artifacts(manager) if ref.uri not in listed}
        lacking = manager.store.missing(needed)
        yield from ((uri, size + overhead) for uri, size in needed.items() if uri not in lacking)


def _databases(outputs: Path, place: _Place) -> Iterator[BackupFile]:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy.sqlite"
        for path in _matches(outputs, _DATABASES):
            copy.unlink(missing_ok=True)
            if _copy_database(path, copy):
                with copy.open("rb") as file:
                    yield place.add(path.relative_to(outputs).as_posix(), file)


def _copy_database(path: Path, copy: Path) -> bool:
    """Copy a SQLite file that may be in use; one that is damaged is left out: it is only a cache."""
    with (
        contextlib.closing(sqlite3.connect(path, timeout=60)) as source,
        contextlib.closing(sqlite3.connect(copy)) as target,
    ):
        try:
            source.backup(target, pages=-1)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise StateManagementError(
                    f"{path} cannot be copied ({error}): try again in a moment."
                ) from None
            return False
    return True


def _plain_files(outputs: Path, place: _Place) -> Iterator[BackupFile]:
    for path in _matches(outputs, _FILES):
        name = path.relative_to(outputs).as_posix()
        if path.is_symlink():
            yield BackupFile(path=name, sha256="", link=os.readlink(path))  # noqa: PTH115 - Path.readlink() normalises
        elif ".sqlite" not in path.name and path.name != ".lock" and not path.name.endswith(".tmp"):
            with contextlib.suppress(FileNotFoundError):  # a temporary file has got its name meanwhile
                yield place.add(name, io.BytesIO(path.read_bytes()))


def _matches(outputs: Path, patterns: tuple[str, ...]) -> list[Path]:
    found = {path for pattern in patterns for path in outputs.glob(pattern)}
    # A run's record first: the notebooks that it vouches for are not written again after it.
    return sorted(
        (path for path in found if path.is_symlink() or path.is_file()),
        key=lambda path: (path.parent, path.name != "run.json", path.name),
    )


def _fetch(place: _Place, item: BackupFile, staging: Path) -> None:
    target = _inside(staging, item.path)
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if item.link:
        _inside(staging, os.path.normpath(PurePosixPath(item.path).parent / item.link))
        target.symlink_to(item.link)
        return
    state = hashlib.sha256()
    mode = READ_ONLY if PurePosixPath(item.path).match("runs/*/*.ipynb") else 0o600
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        try:
            with place.open(item) as blob:
                while chunk := blob.read(_CHUNK):
                    state.update(chunk)
                    file.write(chunk)
        except FileNotFoundError:
            raise StateManagementError(
                f"The backup lacks the content of {item.path}: take another one; nothing was restored."
            ) from None
        file.flush()
        os.fsync(file.fileno())
    if state.hexdigest() != item.sha256:
        raise StateManagementError(
            f"In the backup {item.path} was altered (its sha256 is another): take another one; nothing was "
            "restored."
        )


def _inside(folder: Path, name: str) -> Path:
    # An inventory is a file like any other: it must not name places outside the outputs folder.
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise StateManagementError(
            f"The backup names {name!r}, which lies outside the outputs folder: nothing was restored."
        )
    return folder / path


def _require_same_key(manager: StateManager, source: str, staging: Path) -> None:
    marker = read_marker(staging)
    theirs, ours = marker.key_id if marker else "", manager.store.cipher.key_id
    if theirs and theirs != ours:
        raise StateManagementError(
            f"The backup {source} is encrypted under the key {theirs}: give it in {KEY_VARIABLE} or "
            f"{KEY_VARIABLE}_FILE; nothing was restored.",
            exit_code=2,
        )
    if ours and not theirs:
        raise StateManagementError(
            f"The backup {source} is not encrypted, and {KEY_VARIABLE} is set: restore it without the key "
            "and run `nic-etl state rekey` afterwards; nothing was restored.",
            exit_code=2,
        )


def _to_remote_store(manager: StateManager, staging: Path) -> None:
    for path in (staging / "artifacts" / "sha256").rglob("*"):
        if path.is_file():
            manager.store.restore(path.relative_to(staging / "artifacts").as_posix(), path.read_bytes())
    shutil.rmtree(staging / "artifacts", ignore_errors=True)


@contextlib.contextmanager
def _explained(place: str) -> Iterator[None]:
    try:
        yield
    except (OSError, json.JSONDecodeError) as error:
        if fault := disk_fault(error, *([Path(place)] if "://" not in place else [])):
            raise StateManagementError(fault) from None
        raise StateManagementError(
            f"The backup {place} cannot be used ({error}): check the address, the rights and the free space."
        ) from None
