"""Single stages by name, side by side, under conditions, and within the memory there is."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from runner.pipeline.stage_manager import StageManager
from runner.record.state_manager import StateManager
from runner.spec.stage_executor import AdvancedOrchestration
from runner.stages.chain import default_stages


@pytest.fixture
def advanced(tmp_path: Path) -> AdvancedOrchestration:
    manager = StageManager(StateManager(tmp_path / "outputs"), lambda _: None, threading.Event())
    for stage in default_stages():
        manager.register_stage(stage)
    return AdvancedOrchestration(manager)


def test_embedding_and_enrichment_start_together_only_where_both_fit(advanced: AdvancedOrchestration) -> None:
    pair = ("embedding_generation", "metadata_enrichment")
    assert pair in advanced.resource_aware_scheduling(16_000).waves
    small = advanced.resource_aware_scheduling(2_000).waves
    assert all(len(wave) == 1 for wave in small)
    assert [name for wave in small for name in wave] == [stage.name for stage in default_stages()]


def test_a_skipped_stage_takes_along_what_depends_on_it(advanced: AdvancedOrchestration) -> None:
    plan = advanced.conditional_stage_execution({"embedding_generation": False})
    actions = {stage.name: stage.action for stage in plan.stages}
    assert actions == {
        "gitlab_ingestion": "run",
        "document_processing": "run",
        "text_chunking": "run",
        "embedding_generation": "skip",
        "metadata_enrichment": "run",
        "qdrant_storage": "skip",
    }
    reasons = {stage.name: stage.reasons[0] for stage in plan.stages}
    assert reasons["qdrant_storage"] == "embedding_generation is skipped"


def test_stages_that_depend_on_each_other_are_not_run_side_by_side(advanced: AdvancedOrchestration) -> None:
    with pytest.raises(ValueError, match="text_chunking cannot run beside document_processing"):
        advanced.parallel_stage_execution(["document_processing", "text_chunking"], None)  # type: ignore[arg-type]
