"""Promises of what is asked of Qdrant's engine: a collection's settings, and a copy of all that it holds."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from stagekit.sealing.cipher import CLEAR
from stagekit.storage import open_embedded
from stagekit.storage.embedded import copying
from tests.unit.test_storage_embedded import NAME, alias, create, points


@pytest.mark.parametrize("page", [500, 2])
def test_a_copy_has_collections_indexes_points_and_aliases(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr(copying, "_PAGE", page)
    source, target = tmp_path / "a" / "qdrant", tmp_path / "b" / "qdrant"
    with contextlib.closing(open_embedded(source)) as store:
        create(store)
        create(store, "empty")
        store.upsert(NAME, points=list(points(5)))
        store.create_payload_index(NAME, "language", "keyword")
        store.update_collection_aliases([alias("read", NAME)])
        before = store.scroll(NAME, with_vectors=True)
        described = [store.get_collection(name) for name in (NAME, "empty")]
    assert copying.copy_embedded(source, CLEAR, target) == 5
    with contextlib.closing(open_embedded(target)) as store:
        assert store.scroll("read", with_vectors=True) == before
        found = [store.get_collection(name) for name in (NAME, "empty")]
    assert [one.config for one in found] == [one.config for one in described]
    assert [[*one.payload_schema] for one in found] == [["language"], []]
