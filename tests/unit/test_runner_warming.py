"""Promises of warming ahead: kernels load beside the work, and not while that needs the whole machine."""

from __future__ import annotations

import queue
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import pytest

from runner.config_manager import PipelineConfig
from runner.events import Event
from runner.kernels.resource_manager import ResourceManager
from runner.models import ExecutionMode, PipelineStage, PipelineState, RunScope
from runner.pipeline.dependency_resolver import DependencyResolver
from runner.pipeline.run import Run
from runner.pipeline.stage_manager import StageManager
from runner.pipeline.warming import WarmAhead
from runner.record.state_manager import StateManager
from runner.stages.chain import default_stages
from runner.stages.fingerprint import stage_fingerprint
from tests.unit.core_notebooks import record_stage

FIRST, SECOND = "gitlab_ingestion", "document_processing"
THIRD, FOURTH = "text_chunking", "embedding_generation"


class Kernels:
    """Stands for the stage manager: notes which kernels it was asked for."""

    def __init__(self) -> None:
        self.stages: dict[str, PipelineStage] = {stage.name: stage for stage in default_stages()}
        self._asked: queue.Queue[list[str]] = queue.Queue()

    def warm(self, names: Iterable[str]) -> None:
        self._asked.put(list(names))

    def asked(self) -> list[str]:
        return self._asked.get(timeout=10)

    def left_alone(self) -> bool:
        return self._asked.empty()


@pytest.fixture
def kernels() -> Kernels:
    return Kernels()


@pytest.fixture
def manager(tmp_path: Path) -> StateManager:
    return StateManager(tmp_path / "outputs")


def new_run(manager: StateManager, changed: int | None = None, carried: str = "") -> PipelineState:
    """Begin a run; with a number of changed documents, its first stage is done."""
    state = manager.new_run(ExecutionMode.FULL, {}, "hash")
    if changed is not None:
        done = record_stage(manager, state, FIRST, input_count=1000, unchanged_count=1000 - changed)
        state.stages[FIRST] = done.model_copy(update={"carried_from": carried})
        manager.save_checkpoint(state)
    return state


def ahead(
    manager: StateManager, state: PipelineState, kernels: Kernels, memory_mb: float = 1e6, **more: Any
) -> WarmAhead:
    options: dict[str, Any] = {"reuse": True} | more
    config = PipelineConfig(**options.pop("settings", {}))
    run = Run(config, manager, DependencyResolver(kernels.stages.values()), state, **options)
    return WarmAhead(run, cast("StageManager", kernels), ResourceManager(available_mb=memory_mb))


def documents(stage: str, done: int) -> Event:
    return Event("documents", stage, {"done": done, "total": 1000})


@pytest.mark.parametrize(("changed", "first"), [(10, [THIRD, FOURTH]), (11, [])])
def test_more_than_ten_documents_are_much_work(
    manager: StateManager, kernels: Kernels, changed: int, first: list[str]
) -> None:
    warming = ahead(manager, new_run(manager, changed), kernels)
    warming.begin(SECOND, {})
    if first:
        assert kernels.asked() == first
    else:
        warming(Event("documents", SECOND, {"done": 0, "total": 11}))
        assert kernels.left_alone()
        warming(Event("documents", SECOND, {}))  # it says nothing of itself
        assert kernels.asked() == [THIRD]


def test_the_next_two_stages_load_while_one_works(manager: StateManager, kernels: Kernels) -> None:
    warming = ahead(manager, new_run(manager, changed=1), kernels)
    for begun, wanted in (
        (FIRST, [SECOND, THIRD]),
        (SECOND, [THIRD, FOURTH]),
        (FOURTH, ["metadata_enrichment", "qdrant_storage"]),
    ):
        warming.begin(begun, {})
        assert kernels.asked() == wanted
    warming.begin("qdrant_storage", {})
    assert kernels.left_alone()


def test_on_the_first_run_one_is_enough_until_the_source_was_read(
    manager: StateManager, kernels: Kernels
) -> None:
    ahead(manager, new_run(manager), kernels).begin(FIRST, {})
    assert kernels.asked() == [SECOND]


def test_much_work_gets_the_machine_for_itself_until_its_last_documents(
    manager: StateManager, kernels: Kernels
) -> None:
    warming = ahead(manager, new_run(manager, changed=400), kernels)
    warming.begin(SECOND, {})
    for event in (
        documents(SECOND, 600),
        documents(SECOND, 989),
        documents(FIRST, 1000),
        Event("cell", SECOND),
    ):
        warming(event)
    assert kernels.left_alone()
    warming(documents(SECOND, 990))
    assert kernels.asked() == [THIRD]
    warming(documents(SECOND, 991))
    assert kernels.left_alone()


def test_what_was_carried_over_brings_no_work(manager: StateManager, kernels: Kernels) -> None:
    ahead(manager, new_run(manager, changed=400, carried="20260101T000000.000Z-000000"), kernels).begin(
        SECOND, {}
    )
    assert kernels.asked() == [THIRD, FOURTH]


def test_without_document_workers_a_stage_leaves_room_for_others(
    manager: StateManager, kernels: Kernels
) -> None:
    ahead(manager, new_run(manager, changed=400), kernels).begin(THIRD, {})
    assert kernels.asked() == [FOURTH, "metadata_enrichment"]


def test_no_kernel_is_started_for_nothing(manager: StateManager, kernels: Kernels) -> None:
    gitlab = {"source": "gitlab", "gitlab_project": "a/b"}
    before, config = new_run(manager, changed=1), PipelineConfig(**gitlab)
    for name in (SECOND, THIRD):
        made_with = stage_fingerprint(kernels.stages[name], config, {})
        record_stage(manager, before, name, fingerprint=made_with)
    state = new_run(manager, changed=1)

    ahead(manager, state, kernels, settings=gitlab).begin(FIRST, {})  # it may say that nothing changed
    ahead(manager, state, kernels, memory_mb=3000.0).begin(SECOND, {})
    assert kernels.left_alone()
    ahead(manager, state, kernels, settings=gitlab, reuse=False).begin(FIRST, {})
    assert kernels.asked() == [SECOND, THIRD]
    changed = gitlab | {"chunk_size": 300}
    ahead(manager, state, kernels, settings=changed).begin(FIRST, {})
    assert kernels.asked() == [THIRD]  # whatever GitLab says: its setting is another one
    state.scope = RunScope(only=(SECOND, THIRD))
    ahead(manager, state, kernels).begin(SECOND, {})
    assert kernels.asked() == [THIRD]
