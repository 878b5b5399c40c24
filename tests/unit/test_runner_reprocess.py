"""Promises of documents that are to be processed again: their outcomes are forgotten, and no others."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from runner.errors import ConfigurationError
from runner.models import PipelineState
from runner.record.reprocess import changed_since, chosen_documents
from runner.record.state_manager import StateManager
from stagekit.artifacts.memo import Memo
from tests.unit.core_notebooks import record_run, record_stage


def row(path: str, key: str | None, **more: Any) -> dict[str, Any]:
    return {"path": path, "status": "ok", "memo_key": key} | more


@pytest.fixture
def manager(outputs: Path) -> StateManager:
    """With a run of three stages over three documents, of which the second is stale."""
    manager = StateManager(outputs)
    state: PipelineState = record_run(manager)
    moments = ("2026-03-01T12:00:00+00:00", "2026-03-02T09:00:00-03:00", None)
    listing = [row(f"{n}.md", f"listed {n}", modified=moment) for n, moment in enumerate(moments)]
    stale = {"refused": {"memo_key": "refused 1"}, "status": "stale"}
    processed = [row("0.md", "made 0"), row("1.md", "made 1", **stale), row("2.md", "")]
    chunks = [row("0.md", "cut 0"), row("1.md", "cut 1")]
    for stage, product, rows in (
        ("gitlab_ingestion", "documents", listing),
        ("text_chunking", "chunks", chunks),
        ("document_processing", "processed", processed),
    ):
        record_stage(manager, state, stage, notebook=f"{stage}.ipynb", products={product: rows})
    return manager


@pytest.mark.parametrize(
    ("paths", "stages", "keys"),
    [
        ([], (), set()),
        (["0.md"], ("document_processing", "text_chunking"), {"made 0", "cut 0"}),
        (["1.md"], ("document_processing", "text_chunking"), {"made 1", "refused 1", "cut 1"}),
        (["2.md", "2.md"], ("document_processing",), set()),
        (["0.md", "2.md"], ("document_processing", "text_chunking"), {"made 0", "cut 0"}),
    ],
)
def test_all_outcomes_of_a_document_are_forgotten_but_for_its_bytes(
    manager: StateManager, paths: list[str], stages: tuple[str, ...], keys: set[str]
) -> None:
    chosen = chosen_documents(manager, paths)
    assert (chosen.stages, chosen.memo_keys) == (stages, keys)
    place = manager.outputs / "memo.sqlite"
    if not paths:
        chosen.forget(manager)
        assert not place.exists()  # nothing is asked for, nothing is touched
    known = ["listed 0", "listed 1", "made 0", "made 1", "refused 1", "cut 0", "cut 1"]
    with Memo(place) as memo:
        memo.put_many(("s", key, {}) for key in known)
        chosen.forget(manager)
        assert set(memo.get_many(known)) == set(known) - keys


def test_what_is_no_document_of_the_last_run_is_named(manager: StateManager) -> None:
    with pytest.raises(ConfigurationError, match=r"other\.md is no document of the last run"):
        chosen_documents(manager, ["z.md", "0.md", "other.md"])


@pytest.mark.parametrize(
    ("since", "changed"),
    [
        ("2026-03-01T12:00:00+00:00", ["0.md", "1.md"]),
        ("2026-03-01T12:00:00", ["0.md", "1.md"]),
        ("2026-03-01T12:00:01", ["1.md"]),
        ("2026-03-02T12:00:00", ["1.md"]),
        ("2026-03-02T12:00:00-03:00", []),
    ],
)
def test_documents_that_were_changed_since_a_moment_are_found(
    manager: StateManager, since: str, changed: list[str]
) -> None:
    assert changed_since(manager, datetime.fromisoformat(since)) == changed


def test_before_the_first_run_nothing_has_changed(tmp_path: Path) -> None:
    assert changed_since(StateManager(tmp_path / "new"), datetime(2026, 1, 1)) == []
