"""The operations on a chain that really runs: retried verdicts, rebuilt state, a backup of a run at work."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.config_manager import PipelineConfig
from runner.events import Event
from runner.models import ExecutionStatus
from runner.pipeline.orchestrator import PipelineOrchestrator
from runner.record.state_manager import StateManager
from runner.results import PipelineResult
from runner.spec.recovery import validate_pipeline_integrity
from runner.upkeep.backup import create_backup, restore_backup
from runner.upkeep.prune import apply_prune, plan_prune
from runner.upkeep.quarantine import list_quarantine, retry_quarantine
from runner.upkeep.rebuild import rebuild_state
from tests.toy_chain import toy_chain

Make = Callable[..., PipelineOrchestrator]


def chain(folder: Path, outputs: Path, **settings: object) -> PipelineOrchestrator:
    listener = settings.pop("listener", lambda _: None)
    values = {"max_pages": 2, "organization": "bad document", "chunk_size": 200, "chunk_overlap": 20}
    config = PipelineConfig(outputs_dir=str(outputs), **(values | settings))  # type: ignore[arg-type]
    stages = toy_chain(folder / "notebooks")
    return PipelineOrchestrator(config=config, stages=stages, listener=listener)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the chain's notebooks and the outputs of one run, in which a document was rejected."""
    folder = tmp_path_factory.mktemp("finished")
    assert chain(folder, folder / "outputs").execute_full_pipeline().exit_code == 0
    return folder


@pytest.fixture
def outputs(finished: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "outputs"
    shutil.copytree(finished / "outputs", copy, symlinks=True)
    return copy


def executed(result: PipelineResult) -> list[str]:
    return [name for name, one in result.state.stages.items() if one.status is not ExecutionStatus.SKIPPED]


def unchanged(result: PipelineResult) -> dict[str, int]:
    return {name: one.unchanged_count for name, one in result.stage_results.items() if one.input_count}


def test_a_document_is_tried_again_by_the_run_after_retry(finished: Path, outputs: Path) -> None:
    manager = StateManager(outputs)
    [document] = list_quarantine(manager)
    assert (document.path, document.stage) == ("bad.md", "shout")
    retry_quarantine(manager, ["bad.md"])

    again = chain(finished, outputs)
    planned = {stage.name: stage for stage in again.plan().stages}
    assert planned["shout"].reasons == ("to be tried again: bad.md",)
    result = again.execute_full_pipeline()
    assert "shout" in executed(result)
    assert unchanged(result)["shout"] == 1  # the good document was not processed again
    assert [one.path for one in list_quarantine(manager)] == ["bad.md"]
    assert chain(finished, outputs).plan().stages[1].action != "run"


def test_after_all_state_is_lost_nothing_is_processed_again(finished: Path, outputs: Path) -> None:
    for path in [*outputs.glob("*.sqlite*"), *(outputs / "latest").iterdir()]:
        path.unlink()
    manager = StateManager(outputs)
    rebuild_state(manager)

    result = chain(finished, outputs, force_refresh=True).execute_full_pipeline()
    assert unchanged(result) == {"listing": 2, "shout": 1}
    first = manager.load_checkpoint(manager.execution_ids()[0])
    for name, checkpoint in first.stages.items():
        assert checkpoint.result is not None
        assert result.stage_results[name].artifacts == checkpoint.result.artifacts


def test_a_backup_of_a_run_at_work_is_resumed_on_another_path(finished: Path, tmp_path: Path) -> None:
    asleep = threading.Event()

    def listen(event: Event) -> None:
        if event.kind == "output" and "sleeping" in event.data["text"]:
            asleep.set()

    working = chain(finished, tmp_path / "outputs", organization="slow", listener=listen)
    worker = threading.Thread(target=working.execute_full_pipeline)
    worker.start()
    try:
        assert asleep.wait(60)
        create_backup(StateManager(tmp_path / "outputs"), str(tmp_path / "backup"))
    finally:
        working.stop.set()
        worker.join(30)

    manager = StateManager(tmp_path / "moved" / "outputs")
    restore_backup(manager, str(tmp_path / "backup"))
    state = manager.load_checkpoint()
    assert manager.effective_status(state) == "interrupted"
    assert validate_pipeline_integrity(state, manager).whole == ["listing"]
    state.pipeline_config["organization"] = "NIC"  # the service answers now
    manager.save_checkpoint(state)
    resumed = chain(finished, manager.outputs).resume_from_checkpoint()
    assert resumed.overall_status is ExecutionStatus.SUCCESS
    assert unchanged(resumed)["listing"] == 2  # its documents had been finished, and are not done again


def test_after_restore_and_prune_the_next_run_carries_over(
    finished: Path, outputs: Path, tmp_path: Path
) -> None:
    create_backup(StateManager(outputs), str(tmp_path / "backup"))
    manager = StateManager(tmp_path / "moved")
    restore_backup(manager, str(tmp_path / "backup"))
    apply_prune(manager, plan_prune(manager, keep=1, grace=0))

    result = chain(finished, manager.outputs).execute_full_pipeline()
    assert result.exit_code == 0
    assert executed(result) == ["listing", "storing"]  # these two look outside
    plan = plan_prune(manager, keep=1, grace=0)
    assert len(plan.protected) == 1  # the run that made shout, count and measure
