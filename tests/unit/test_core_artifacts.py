"""Promises of the artifact store: equal bytes once, and never bytes other than those promised."""

from __future__ import annotations

import errno
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pyarrow as pa
import pytest

from stagekit.artifacts.place import Place
from stagekit.artifacts.store import ArtifactStore, artifacts_url, half_written, is_address
from stagekit.artifacts.table_files import PARQUET
from stagekit.base.files import atomic_write
from stagekit.contract import ArtifactRef
from stagekit.errors import ArtifactError

PLACES = ["folder", "memory"]


@pytest.fixture
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "folder":
        yield str(tmp_path / "artifacts")
        return
    url = f"memory://{uuid.uuid4().hex}"
    yield url
    fsspec.filesystem("memory").store.clear()


def files(root: str) -> list[str]:
    fs, base = fsspec.core.url_to_fs(root)
    return [path.removeprefix(base).lstrip("/") for path in fs.find(base)]


def overwrite(root: str, ref: ArtifactRef, data: bytes) -> None:
    fs, base = fsspec.core.url_to_fs(root)
    fs.pipe_file(f"{base}/{ref.uri}", data)


@pytest.mark.parametrize("root", PLACES, indirect=True)
def test_equal_bytes_are_stored_once_and_nothing_else_is_left(root: str) -> None:
    store = ArtifactStore(root)
    first = store.put("a", b"same", "application/json")
    second = ArtifactStore(root).put("b", b"same", "application/json")

    assert first.uri == second.uri
    assert files(root) == [first.uri]
    assert store.read(first) == store.read(second.model_dump()) == b"same"
    assert first.bytes == 4
    assert store.present(first)
    assert store.verify(first)


@pytest.mark.parametrize(
    ("media_type", "suffix"),
    [
        (PARQUET, ".parquet"),
        ("application/json", ".json"),
        ("text/markdown", ".md"),
        ("application/pdf", ""),
    ],
)
def test_a_file_is_named_so_that_a_person_can_open_it(tmp_path: Path, media_type: str, suffix: str) -> None:
    ref = ArtifactStore(tmp_path).put("x", b"1", media_type)
    assert (tmp_path / ref.uri).suffix == suffix


@pytest.mark.parametrize("root", PLACES, indirect=True)
def test_altered_bytes_are_never_data(root: str) -> None:
    store = ArtifactStore(root)
    ref = store.put("chunks", b"good", "text/plain")
    overwrite(root, ref, b"evil")

    assert store.present(ref)  # only the size is looked at
    with pytest.raises(ArtifactError, match=r"chunks .* was altered .*; the next `nic-etl run` makes"):
        store.read(ref)
    assert not store.verify(ref)


@pytest.mark.parametrize("root", PLACES, indirect=True)
def test_what_cannot_be_read_is_set_aside_and_lost_until_it_is_stored_again(root: str) -> None:
    store = ArtifactStore(root)
    ref = store.put("chunks", b"good", "text/plain")
    whole = store.put("others", b"whole", "text/plain")
    assert store.lost() == set()
    overwrite(root, ref, b"goo\x65")
    assert not store.verify(ref)

    assert store.missing({ref.uri: ref.bytes, whole.uri: whole.bytes}) == {ref.uri}
    assert store.lost() == {ref.uri}
    assert [uri for uri, _, _ in store.entries()] == [whole.uri]
    with pytest.raises(ArtifactError, match="is set aside as damaged"):
        store.read(ref)

    store.put("chunks", b"good", "text/plain")
    assert store.lost() == set()
    assert store.verify(ref)


@pytest.mark.parametrize("root", PLACES, indirect=True)
def test_what_is_lost_can_be_forgotten(root: str) -> None:
    store = ArtifactStore(root)
    one, other = (store.put("x", data, "text/plain") for data in (b"one", b"other"))
    for ref in (one, other):
        store.delete(ref.uri)
        assert not store.verify(ref)

    store.forget_lost({one.uri})
    assert store.lost() == {other.uri}


@pytest.mark.parametrize("root", PLACES, indirect=True)
def test_a_truncated_or_missing_artifact_is_noticed(root: str) -> None:
    store = ArtifactStore(root)
    ref = store.put("chunks", b"good", "text/plain")
    overwrite(root, ref, b"go")
    assert not store.present(ref)

    lost = ref.model_copy(update={"uri": f"sha256/00/{'0' * 64}"})
    assert not store.present(lost)
    with pytest.raises(ArtifactError, match="chunks .* is missing from the store; the next `nic-etl run`"):
        store.read(lost)


@pytest.mark.parametrize("root", PLACES, indirect=True)
@pytest.mark.parametrize("damage", [b"evil", b"go"])
def test_storing_again_mends_what_was_damaged(root: str, damage: bytes) -> None:
    store = ArtifactStore(root)
    ref = store.put("chunks", b"good", "text/plain")
    overwrite(root, ref, damage)
    assert store.put("chunks", b"good", "text/plain") == ref
    assert store.read(ref) == b"good"


@pytest.mark.parametrize(
    "uri",
    [
        "../../etc/passwd",
        "/etc/passwd",
        "sha256/../../../etc/passwd",
        "sha256/aa/short",
        "file:///etc/passwd",
    ],
)
def test_a_reference_cannot_lead_out_of_the_store(tmp_path: Path, uri: str) -> None:
    store = ArtifactStore(tmp_path)
    ref = store.put("x", b"1", "text/plain").model_copy(update={"uri": uri})
    for look in (store.read, store.present, store.read_table):
        with pytest.raises(ArtifactError, match="not in the store"):
            look(ref)
    assert not store.verify(ref)


@pytest.mark.parametrize("root", PLACES, indirect=True)
def test_a_table_comes_back_as_it_was(root: str) -> None:
    table = pa.table({"chunk_index": [0, 1], "text": ["ação", "b"]})
    store = ArtifactStore(root)
    ref = store.put_table("chunks", table, schema_version="2")
    assert (ref.rows, ref.media_type, ref.schema_version) == (2, PARQUET, "2")
    assert store.read_table(ref).equals(table)


def test_a_store_that_was_moved_is_still_read(tmp_path: Path) -> None:
    ref = ArtifactStore(tmp_path / "here").put("x", b"1", "text/plain")
    (tmp_path / "here").rename(tmp_path / "there")
    assert ArtifactStore(tmp_path / "there").read(ref) == b"1"


def test_artifacts_are_their_owners_alone(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        ref = ArtifactStore(tmp_path / "artifacts").put("x", b"1", "text/plain")
    finally:
        os.umask(before)
    path = tmp_path / "artifacts" / ref.uri
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_write_that_fails_leaves_the_old_file_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.json"
    atomic_write(path, b"old")

    def disk_full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", disk_full)
    with pytest.raises(OSError, match="No space left"):
        atomic_write(path, b"new and longer")
    assert [item.name for item in tmp_path.iterdir()] == ["run.json"]
    assert path.read_bytes() == b"old"


def test_a_stored_file_can_be_brought_to_the_disk(tmp_path: Path) -> None:
    folder, elsewhere = ArtifactStore(tmp_path / "artifacts"), ArtifactStore(f"memory://{uuid.uuid4().hex}")
    ref = folder.put("a", b"bytes", "application/json")
    folder.sync(ref.uri)
    elsewhere.sync(elsewhere.put("a", b"bytes", "application/json").uri)
    assert folder.read(ref) == b"bytes"

    (tmp_path / "artifacts" / ref.uri).unlink()
    with pytest.raises(ArtifactError, match="cannot be written to .*artifacts .*see that the disk is whole"):
        folder.sync(ref.uri)


DIGEST = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("name", "address", "half"),
    [
        (f"sha256/01/{DIGEST}", True, False),
        (f"sha256/01/{DIGEST}.parquet", True, False),
        (f"sha256/01/{DIGEST}.no-suffix", False, False),
        (f"sha256/01/{DIGEST[1:]}", False, False),
        (f"sha256/01/.{DIGEST}.1f.tmp", False, True),
        (f"sha256/01/.{DIGEST}", False, True),
        (f"sha256/01/{DIGEST}.1f.tmp", False, True),
        ("sha256/01/notes.txt", False, False),
    ],
)
def test_a_stored_file_is_told_from_what_was_left_half_written(name: str, address: bool, half: bool) -> None:
    assert (is_address(name), half_written(name)) == (address, half)


def test_the_environment_says_where_artifacts_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert artifacts_url(tmp_path) == str(tmp_path / "artifacts")
    monkeypatch.setenv("NIC_ETL_ARTIFACTS_URL", "s3://bucket")
    assert artifacts_url(tmp_path) == "s3://bucket"


@pytest.mark.parametrize("root", PLACES, indirect=True)
def test_a_copy_is_whole_or_not_made(root: str, tmp_path: Path) -> None:
    store, target = ArtifactStore(root), ArtifactStore(tmp_path / "copy")
    one, other = (store.put("x", data, "text/plain") for data in (b"one", b"other"))
    overwrite(root, other, b"evil!")
    assert store.copy(one.uri, target)
    assert not store.copy(other.uri, target)
    assert [uri for uri, _, _ in target.entries()] == [one.uri]
    assert (target.content(one.uri), target.stored(one.uri)) == (b"one", b"one")
    with pytest.raises(ArtifactError, match="do not belong to"):
        target.restore(other.uri, b"evil!")
    target.restore(other.uri, b"other")
    assert target.verify(other)
    assert [uri for uri, _, _ in target.entries(one.sha256[:2])] == [one.uri]


@pytest.mark.parametrize("root", PLACES, indirect=True)
@pytest.mark.parametrize("count", [3, 600])
def test_what_is_missing_is_told_of_few_and_of_many(root: str, count: int) -> None:
    store = ArtifactStore(root)
    refs = [store.put("x", str(number).encode(), "text/plain") for number in range(3)]
    sizes = {ref.uri: ref.bytes for ref in refs} | {refs[1].uri: 5, "../elsewhere": 1}
    gone = {f"sha256/00/{number:064x}": 1 for number in range(count)}
    assert store.missing(sizes | gone) == {refs[1].uri, "../elsewhere", *gone}
    assert store.missing({}) == set()


def test_what_a_store_lists_late_is_not_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    store = ArtifactStore(f"memory://{uuid.uuid4().hex}")
    sizes = {
        ref.uri: ref.bytes for ref in (store.put("x", str(n).encode(), "text/plain") for n in range(501))
    }
    monkeypatch.setattr(Place, "entries", lambda *_: [(uri, sizes[uri], 0.0) for uri in [*sizes][2:]])
    assert store.missing(sizes) == set()


@pytest.mark.parametrize(
    ("number", "said", "lost"),
    [
        (errno.EIO, r"cannot be read \(.*\); the next `nic-etl run` makes it again", True),
        (errno.EACCES, r"cannot be read \(.*\); the next `nic-etl run` makes it again", True),
        (errno.EMFILE, r"cannot be read \(.*\); see that the disk is whole, and run again", False),
    ],
)
def test_a_file_that_cannot_be_read_is_lost_but_not_where_the_machine_is_short_of_something(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, said: str, lost: bool
) -> None:
    store = ArtifactStore(tmp_path)
    ref = store.put("chunks", b"good", "text/plain")

    def fail(place: Place, name: str) -> bytes:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr(Place, "read", fail)
        with pytest.raises(ArtifactError, match=f"Artifact chunks .{ref.uri}. {said}"):
            store.read(ref)
    assert store.lost() == ({ref.uri} if lost else set())
    assert store.verify(ref) is not lost


def test_what_lies_in_the_place_of_an_artifact_and_cannot_be_set_aside_is_left_to_a_person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ArtifactStore(tmp_path)
    ref = store.put("chunks", b"good", "text/plain")
    (tmp_path / ref.uri).write_bytes(b"evil")
    (tmp_path / "lost").write_text("no folder")
    with pytest.raises(ArtifactError, match="was altered .*; remove what is there and run its stage again"):
        store.read(ref)


def test_bytes_that_were_altered_on_their_way_are_asked_for_once_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ArtifactStore(tmp_path)
    ref = store.put("chunks", b"good", "text/plain")
    answers = [b"evil", b"good"]
    monkeypatch.setattr(Place, "read", lambda *_: answers.pop(0))
    assert store.read(ref) == b"good"
    assert store.lost() == set()
