"""Promises of what a collection says of its sources: what was given up or restored is never taken for new."""

from __future__ import annotations

import pytest
from qdrant_client.models import CreateAlias, CreateAliasOperation, PointStruct

from stagekit.artifacts.outputs_id import OUTPUTS_ID_FILE, outputs_id
from stagekit.storage import (
    begin_writing,
    collections_of,
    count_points,
    drop_points,
    finish_writing,
    open_embedded,
    source_mark,
)
from stagekit.storage.metadata.source_marks import SourceMark, complete_sources
from tests.unit.storage_rows import IDENTITY, create

A, B = f"docs__{'a' * 12}", f"docs__{'b' * 12}"
OURS, THEIRS = "1" * 32, "2" * 32


@pytest.fixture
def store(tmp_path):
    client = open_embedded(tmp_path / "qdrant")
    for name in (A, B, f"other__{'c' * 12}"):
        create(client, name, IDENTITY)
    yield client
    client.close()


def write(client, name, source="one", outputs=OURS):
    begin_writing(client, name, source, outputs)
    finish_writing(client, name, source, outputs)


def test_a_part_is_complete_once_its_writing_ended(store):
    assert source_mark(store, A, "one") == SourceMark()
    begin_writing(store, A, "one", OURS)
    assert source_mark(store, A, "one") == SourceMark(1, OURS, finished=False)
    assert complete_sources(store, A) == set()
    finish_writing(store, A, "one", OURS)
    assert source_mark(store, A, "one") == SourceMark(1, OURS, finished=True)
    assert complete_sources(store, A) == {"one"}


def test_a_build_that_was_given_up_stops_counting_as_soon_as_its_source_goes_on_elsewhere(store):
    write(store, A)
    write(store, A, "two")
    write(store, B)
    assert (complete_sources(store, A), complete_sources(store, B)) == ({"two"}, {"one"})
    finish_writing(store, A, "one", OURS)  # nothing had to be written there
    assert (complete_sources(store, A), complete_sources(store, B)) == ({"one", "two"}, set())
    assert source_mark(store, A, "one").number == 3


def test_where_nothing_is_new_nothing_is_written(store, monkeypatch):
    write(store, A)
    write(store, f"other__{'c' * 12}")  # of another alias: it says nothing of ours
    monkeypatch.setattr(store, "update_collection", None)
    finish_writing(store, A, "one", OURS)
    assert source_mark(store, A, "one").number == 1


def test_whoever_finds_the_number_of_another_continues_above_it(store):
    for _ in range(3):
        write(store, A)
    write(store, A, outputs=THEIRS)
    assert source_mark(store, A, "one") == SourceMark(4, THEIRS, finished=True)
    finish_writing(store, A, "one", OURS)
    assert source_mark(store, A, "one") == SourceMark(5, OURS, finished=True)


def test_the_collections_of_an_alias_are_told_with_the_one_that_is_read_first(store):
    for name in (A, B):
        store.update_collection(name, metadata={"collection_name": "docs"})
    assert collections_of(store, "docs") == [A, B]
    made = CreateAlias(collection_name=B, alias_name="docs")
    store.update_collection_aliases([CreateAliasOperation(create_alias=made)])
    assert collections_of(store, "docs") == [B, A]
    create(store, "early", IDENTITY)
    assert (collections_of(store, "early"), collections_of(store, "nobody")) == (["early"], [])


def test_a_source_whose_points_are_dropped_is_no_longer_complete(store):
    vector = {"dense": [1.0] * IDENTITY.dimension}
    for number, source in enumerate(("one", "two")):
        store.upsert(A, [PointStruct(id=number, vector=vector, payload={"source_id": source})])
        write(store, A, source)
    drop_points(store, A, "one")
    assert (count_points(store, A, "one"), count_points(store, A)) == (0, 1)
    assert complete_sources(store, A) == {"two"}


@pytest.mark.parametrize("value", [None, "0123/4", {}, {"number": "x"}, {"number": 1, "outputs": "a"}, [1]])
def test_a_mark_that_is_none_says_nothing(value):
    assert SourceMark.parsed(value) == SourceMark()


def test_an_outputs_folder_has_one_id_of_its_own(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first = outputs_id(tmp_path / "a")
    assert outputs_id(tmp_path / "a") == first != outputs_id(tmp_path / "b")
    assert (tmp_path / "a" / OUTPUTS_ID_FILE).stat().st_mode & 0o777 == 0o600
    (tmp_path / "a" / OUTPUTS_ID_FILE).write_text("")  # from a disk that was full
    assert len(outputs_id(tmp_path / "a")) == 32
