"""Promises of manifests that are read from executed notebooks: whole ones only, and each once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runner.record.manifests import notebook_refs, read_manifests, read_rows
from runner.record.state_manager import StateManager
from stagekit.artifacts.tables import encode_rows
from stagekit.contract import ArtifactRef
from stagekit.sealing.cipher import EncryptionError
from tests.unit.core_notebooks import executed_notebook

WHEN = "2026-03-01T12:00:00+00:00"
ROW: dict[str, Any] = {
    "document_id": "d", "path": "a.md", "status": "ok", "memo_key": "k", "category": None, "message": None,
    "remedy": None, "seconds": 1.5, "produced_at": WHEN,
}  # fmt: skip
BESIDE = {"stage": "shout", "carried": [], "last_good": False}


@pytest.fixture
def manager(outputs: Path) -> StateManager:
    return StateManager(outputs)


def table(manager: StateManager, rows: list[dict[str, Any]], beside: dict[str, Any] | None) -> ArtifactRef:
    return manager.store.put_table("made", encode_rows(rows, beside))


def notebook(manager: StateManager, *refs: ArtifactRef) -> Path:
    scraps = {f"scrap {number}": ref.model_dump(mode="json") for number, ref in enumerate(refs)}
    return executed_notebook(manager.outputs / "a.ipynb", scraps)


def test_the_products_of_a_notebook_are_told_once_each(manager: StateManager, tmp_path: Path) -> None:
    one, other = table(manager, [ROW], BESIDE), manager.store.put("made", b"x", "text/plain")
    assert notebook_refs(notebook(manager, one, other, one)) == [one, other]
    (tmp_path / "b.ipynb").write_text("{")
    assert notebook_refs(tmp_path / "b.ipynb") == notebook_refs(tmp_path / "nowhere.ipynb") == []


def test_manifests_are_read_and_other_or_damaged_products_are_not(manager: StateManager) -> None:
    whole = table(manager, [ROW], BESIDE)
    others = [
        table(manager, [{"n": 1}], None),
        table(manager, [{"n": 1}], {"stage": "shout"}),
        table(manager, [ROW | {"path": 5}], BESIDE),
        table(manager, [ROW | {"path": "b.md"}], BESIDE | {"last_good": None}),
        manager.store.put("made", b"no table", whole.media_type),
        manager.store.put("made", b"text", "text/plain"),
    ]
    found = [*read_manifests(manager.store, notebook(manager, *others, whole))]
    assert [(one.rows, one.metadata, one.stage) for one in found] == [([ROW], BESIDE, "shout")]
    assert read_rows(manager.store, whole) == ([ROW], BESIDE)
    assert read_rows(manager.store, others[0]) == ([{"n": 1}], None)
    assert read_rows(manager.store, others[4]) == ([], None)


def test_what_was_read_before_is_left_out(manager: StateManager) -> None:
    one, other = table(manager, [ROW], BESIDE), table(manager, [ROW | {"path": "b.md"}], BESIDE)
    seen = {one.uri}
    path = notebook(manager, one, other)
    assert [found.rows[0]["path"] for found in read_manifests(manager.store, path, seen)] == ["b.md"]
    assert seen == {one.uri, other.uri}
    assert [*read_manifests(manager.store, path, seen)] == []
    assert len([*read_manifests(manager.store, path)]) == 2


def test_a_product_under_another_key_is_no_product_without_documents(
    manager: StateManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sealed(_: ArtifactRef) -> None:
        raise EncryptionError("its key is not there")

    monkeypatch.setattr(manager.store, "read_table", sealed)
    with pytest.raises(EncryptionError):
        read_rows(manager.store, table(manager, [ROW], BESIDE))
