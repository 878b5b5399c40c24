"""Reading artifacts to see whether they are whole: in turn, and within a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from stagekit.artifacts.scrub import scrub
from stagekit.artifacts.store import ArtifactStore, is_address


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    """A store of 40 artifacts, beside what a killed process left and a file of somebody's."""
    store = ArtifactStore(tmp_path / "artifacts")
    for number in range(40):
        store.put(f"number {number}", str(number).encode(), "text/plain")
    folder = tmp_path / "artifacts" / "sha256" / "00"
    folder.mkdir(exist_ok=True)
    (folder / ".half.tmp").write_bytes(b"half")
    (folder / "notes.txt").write_bytes(b"mine")
    return store


def test_all_artifacts_are_read_once_and_damaged_ones_are_named_and_set_aside(store: ArtifactStore) -> None:
    ref = store.put("chunks", b"good", "text/plain")
    (Path(store.url) / ref.uri).write_bytes(b"gooe")

    found = scrub(store)

    assert found.checked == 41
    assert len(found.damaged) == 1
    assert ref.uri in found.damaged[0]
    assert store.lost() == {ref.uri}
    assert scrub(store).damaged == ()


def test_the_next_check_goes_on_where_the_last_one_ended_and_begins_anew_behind_the_end(
    store: ArtifactStore,
) -> None:
    addresses = sorted(uri for uri, _, _ in store.entries() if is_address(uri))
    for place in (0, 17, len(addresses) - 1):
        found = scrub(store, after=addresses[place])
        assert (found.checked, found.last) == (len(addresses), addresses[place])


def test_the_time_ends_the_check_behind_the_artifact_that_is_being_read(
    store: ArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert scrub(store, seconds=0).checked == 0
    clock = [100.0]
    monkeypatch.setattr("stagekit.artifacts.scrub.time.monotonic", lambda: clock[0])
    read = ArtifactStore.content

    def slowly(store: ArtifactStore, uri: str) -> bytes:
        clock[0] += 1
        return read(store, uri)

    monkeypatch.setattr(ArtifactStore, "content", slowly)
    assert [scrub(store, seconds=seconds).checked for seconds in (2, 2.5, 1000)] == [2, 3, 40]
    assert scrub(store, after="../elsewhere", seconds=60).checked == 40


def test_an_empty_store_is_whole(tmp_path: Path) -> None:
    assert scrub(ArtifactStore(tmp_path / "nothing")).checked == 0
