"""Promises of what is read again of a source that looks unchanged: each file in its turn."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runner.config_manager import PipelineConfig
from runner.record.source_documents import changed_documents, changed_unnoticed
from runner.record.state_manager import StateManager
from stagekit.checks.reread import PARTS
from tests.unit.core_notebooks import record_run, record_stage

ROWS = [{"path": f"{name}.md", "status": "ok", "blob_id": name * 40} for name in "ab"]
READ = {"a.md": "a" * 40, "b.md": "b" * 40}


class Asked:
    """Stands for what looks at the source: notes what it was asked, and answers."""

    def __init__(self, answer: Any) -> None:
        self.answer, self.calls = answer, []  # type: list[tuple[Any, ...]]

    def __call__(self, settings: dict[str, Any], *asked: Any, **more: Any) -> Any:
        assert settings["source_path"].endswith("docs")
        self.calls.append((*asked, *more.values()))
        return self.answer


@pytest.fixture
def manager(outputs: Path) -> StateManager:
    return StateManager(outputs)


@pytest.fixture
def config(outputs: Path) -> PipelineConfig:
    return PipelineConfig(source_path="docs", outputs_dir=str(outputs))


def checkpoint(manager: StateManager) -> Any:
    products = {"documents": ROWS, "ignored": [{"path": "draft.md", "reason": "draft"}]}
    return record_stage(manager, record_run(manager), "gitlab_ingestion", products=products)


@pytest.mark.parametrize(
    ("noted", "part"),
    [
        (None, 0),
        ("{", 0),
        ("[]", 0),
        ('{"next": "x"}', 0),
        ('{"next": null}', 0),
        ('{"last": 3}', 0),
        ('{"next": 3}', 3),
        (f'{{"next": {PARTS - 1}}}', PARTS - 1),
        (f'{{"next": {PARTS + 2}}}', 2),
    ],
)
def test_each_part_of_the_source_is_read_in_its_turn(
    manager: StateManager,
    config: PipelineConfig,
    monkeypatch: pytest.MonkeyPatch,
    noted: str | None,
    part: int,
) -> None:
    asked = Asked(["a.md"])
    monkeypatch.setattr("runner.record.source_documents.changed_contents", asked)
    place = manager.outputs / "reread.json"
    if noted is not None:
        place.write_text(noted)
    assert changed_unnoticed(manager, checkpoint(manager), config) == ["a.md"]
    assert asked.calls == [(READ, part)]
    assert json.loads(place.read_text()) == {"next": (part + 1) % PARTS}


def test_a_disk_that_takes_no_note_of_the_turn_stops_nothing(
    manager: StateManager, config: PipelineConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runner.record.source_documents.changed_contents", Asked([]))
    (manager.outputs / "reread.json").mkdir()
    assert changed_unnoticed(manager, checkpoint(manager), config) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ([], ""),
        (None, ""),
        (["a.md"], "1 document changed: a.md"),
        ([*"abcde"], "5 documents changed: a, b, c, d, e"),
        ([*"abcdef"], "6 documents changed: a, b, c, d, e and 1 more"),
    ],
)
def test_the_documents_that_changed_since_are_named(
    manager: StateManager, config: PipelineConfig, monkeypatch: pytest.MonkeyPatch, changes: Any, said: str
) -> None:
    asked = Asked(changes)
    monkeypatch.setattr("runner.record.source_documents.source_changes", asked)
    assert changed_documents(manager, checkpoint(manager), config) == said
    assert asked.calls == [(manager.outputs, READ, {"draft.md"})]
