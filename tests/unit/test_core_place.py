"""Promises of the place of artifacts: files by name, here and elsewhere, and faults in one sentence."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from stagekit.artifacts.place import Place
from stagekit.errors import ArtifactError


class Stumbling(MemoryFileSystem):  # type: ignore[misc]
    """A remote store whose client raises errors of its own kind, as each client library does."""

    protocol = "stumbling"
    error: Exception | None = None
    piped: list[str] = []  # noqa: RUF012

    def _fail(self) -> None:
        if self.error:
            raise self.error

    def size(self, path: str) -> Any:
        self._fail()
        return super().size(path)

    def pipe_file(self, path: str, value: bytes, **more: Any) -> None:
        self._fail()
        self.piped.append(path)
        super().pipe_file(path, value, **more)

    exists = cat_file = ls = find = rm_file = mv = lambda self, *_, **__: self._fail()


@pytest.fixture(params=["folder", "file", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    roots = {"folder": tmp_path / "artifacts", "file": f"file://{tmp_path}/artifacts/"}
    yield Place(roots.get(request.param, f"memory://{uuid.uuid4().hex}/"))
    fsspec.filesystem("memory").store.clear()


def test_files_are_written_read_listed_and_removed_by_name(place: Place) -> None:
    assert place.names("sha256/ab") == []
    assert list(place.entries("sha256")) == []
    assert not place.exists("sha256/ab/one")
    before = time.time() - 2
    place.write("sha256/ab/one", b"12345")
    place.write("sha256/ab/two", b"1", sync=False)
    place.write("sha256/ab/two", b"22")
    assert (place.read("sha256/ab/one"), place.size("sha256/ab/one")) == (b"12345", 5)
    assert (place.exists("sha256/ab/two"), place.exists("sha256")) == (True, True)
    assert sorted(place.names("sha256/ab")) == ["one", "two"]
    assert place.names("sha256") == ["ab"]
    found = sorted((path.rpartition("/")[2], size) for path, size, _ in place.entries("sha256"))
    assert found == [("one", 5), ("two", 2)]
    assert all(before < when < before + 60 for _, _, when in place.entries(""))
    place.sync("sha256/ab/one")

    for remove in (place.remove, place.delete):
        remove("sha256/ab/one")
        remove("sha256/ab/one")
        assert (place.names("sha256/ab"), place.read("sha256/ab/two")) == (["two"], b"22")
        place.write("sha256/ab/one", b"again")
    with pytest.raises(FileNotFoundError):
        place.read("sha256/ab/three")
    with pytest.raises(OSError, match="three"):
        place.size("sha256/ab/three")


def test_a_note_is_left_once_and_a_file_may_be_moved_there(place: Place) -> None:
    place.write("sha256/ab/one", b"damaged")
    place.note("lost/one")
    assert place.read("lost/one") == b""
    place.write("lost/one", b"kept")
    place.note("lost/one")
    assert place.read("lost/one") == b"kept"
    place.note("lost/one", moved_from="sha256/ab/one")
    assert (place.read("lost/one"), place.exists("sha256/ab/one")) == (b"damaged", False)
    place.note("other/two")
    assert sorted(place.names("lost") + place.names("other")) == ["one", "two"]


def test_a_folder_says_where_it_is_and_whose_it_is(tmp_path: Path) -> None:
    here, there = Place(tmp_path / "a"), Place("memory://b")
    assert (here.local, here.url, here.folder) == (True, str(tmp_path / "a"), tmp_path / "a")
    assert (there.local, there.url) == (False, "memory://b")
    (tmp_path / "a").mkdir()
    here.note("lost/one")
    assert (tmp_path / "a" / "lost").stat().st_mode & 0o777 == 0o700
    assert (here.local_size("lost/one"), here.local_size("lost/two")) == (0, None)
    here.remove("lost")
    assert not here.exists("lost")


def test_a_file_is_on_the_disk_where_that_was_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr("os.fsync", synced.append)
    place = Place(tmp_path)
    place.write("a", b"1", sync=False)
    assert synced == []
    place.sync("a")
    place.write("a", b"1")
    assert len(synced) == 2


@pytest.fixture
def stumbling(monkeypatch: pytest.MonkeyPatch) -> Stumbling:
    monkeypatch.setenv("QDRANT_API_KEY", "a-key-nobody-may-read")
    fsspec.register_implementation("stumbling", Stumbling, clobber=True)
    monkeypatch.setattr(Stumbling, "error", None)
    monkeypatch.setattr(Stumbling, "piped", [])
    return Stumbling()


@pytest.mark.parametrize(
    ("use", "doing"),
    [
        (lambda place: place.size("x"), "read"),
        (lambda place: place.read("x"), "read"),
        (lambda place: place.exists("x"), "read"),
        (lambda place: place.write("x", b""), "written to"),
        (lambda place: place.note("x"), "written to"),
        (lambda place: place.note("x", moved_from="y"), "written to"),
        (lambda place: place.remove("x"), "written to"),
        (lambda place: place.delete("x"), "written to"),
        (lambda place: place.names("x"), "listed"),
        (lambda place: list(place.entries("x")), "listed"),
    ],
)
def test_whatever_a_client_raises_is_one_sentence_without_secrets(
    stumbling: Stumbling, monkeypatch: pytest.MonkeyPatch, use: Any, doing: str
) -> None:
    place = Place("stumbling://b")
    long = f"no answer\n  for a-key-nobody-may-read{' on' * 200}."
    monkeypatch.setattr(Stumbling, "error", RuntimeError(long))
    with pytest.raises(ArtifactError) as told:
        use(place)
    said = str(told.value)
    assert said.startswith(
        f"The artifact store stumbling://b cannot be {doing} (RuntimeError: no answer for "
    )
    assert "a-key-nobody" not in said
    assert len(said) < 600
    assert "): see that NIC_ETL_ARTIFACTS_URL" in said


def test_a_missing_file_is_left_to_the_caller_but_not_where_something_is_written(
    stumbling: Stumbling, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place("stumbling://b")
    place.write("x", b"1")
    assert all(path.endswith(".tmp") for path in stumbling.piped)  # under its name only once it is whole
    monkeypatch.setattr(Stumbling, "error", FileNotFoundError("no bucket"))
    with pytest.raises(FileNotFoundError):
        place.read("x")
    place.remove("x")
    place.delete("x")
    assert place.names("x") == []
    with pytest.raises(ArtifactError, match=r"cannot be written to \(FileNotFoundError: no bucket\)"):
        place.write("x", b"1")
