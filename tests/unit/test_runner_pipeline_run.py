"""Promises of a run: what it executes, hands on, carries over and records, however its stages end."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runner.config_manager import PipelineConfig, config_hash
from runner.events import Event
from runner.kernels.execution import NotebookJob
from runner.models import PipelineResult
from runner.pipeline.orchestrator import PipelineOrchestrator
from runner.record.state_manager import StateManager, file_sha256
from stagekit.contract import ExecutionStatus, read_scraps
from tests.property.in_process import InProcessChain, NoKernels
from tests.toy_chain import toy_chain
from tests.unit.core_notebooks import front_end

STAGES = ["listing", "shout", "count", "measure", "storing"]


class World:
    """The toy chain, whose notebooks are executed in this process; a fault takes the place of a stage's."""

    def __init__(self, folder: Path, outputs: Path, shown: list[dict[str, Any]]) -> None:
        self.outputs = outputs
        self.events: list[Event] = []
        self.faults: dict[str, BaseException] = {}
        self.heard: Callable[[Event], None] = lambda _: None
        self.chain = InProcessChain(shown)
        self._stages = [replace(one, executor_function=self._execute) for one in toy_chain(folder)]

    def pipeline(self, **settings: Any) -> PipelineOrchestrator:
        self.events.clear()
        self.chain.prepare(None)
        chosen = {"max_pages": 2, "chunk_size": 200, "chunk_overlap": 20, "parallel_processing": False}
        self.config = PipelineConfig(outputs_dir=str(self.outputs), **(chosen | settings))
        return PipelineOrchestrator(
            config=self.config,
            stages=self._stages,
            listener=self._listen,
            kernels=NoKernels(self.outputs, {}),
            after=(),
        )

    def run(self, **settings: Any) -> PipelineResult:
        return self.pipeline(**settings).execute_full_pipeline()

    def told(self, kind: str) -> list[tuple[str, dict[str, Any]]]:
        return [(event.stage, dict(event.data)) for event in self.events if event.kind == kind]

    def audited(self, what: str) -> dict[str, Any]:
        """The newest line of the audit log about something."""
        lines = map(json.loads, (self.outputs / "audit.jsonl").read_text().splitlines())
        found: dict[str, Any] = [line for line in lines if line["what"] == what][-1]
        return found

    def latest(self) -> dict[str, str]:
        """Which run each link of latest/ leads to."""
        folder = self.outputs / "latest"
        return {path.name: path.resolve().parent.name for path in sorted(folder.glob("*.ipynb"))}

    def _execute(self, job: NotebookJob) -> None:
        os.environ["NIC_ETL_NOTEBOOK"] = str(job.source)
        if fault := self.faults.get(job.stage):
            raise fault
        self.chain.execute(job)

    def _listen(self, event: Event) -> None:
        self.events.append(event)
        self.heard(event)


@pytest.fixture
def world(tmp_path: Path, outputs: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("NIC_ETL_NOTEBOOK", "")
    umask = os.umask(0o077)
    with front_end(tmp_path) as shown:
        yield World(tmp_path / "notebooks", outputs, shown)
    os.umask(umask)


def statuses(result: PipelineResult) -> dict[str, str]:
    return {name: str(done.status) for name, done in result.state.stages.items()}


def test_each_stage_reads_what_those_before_it_made_and_all_is_told_and_recorded(world: World) -> None:
    result = world.run()

    assert world.chain.executed == STAGES
    assert list(statuses(result).items()) == [(name, "success") for name in STAGES]
    assert (result.overall_status, result.exit_code, result.state.error) == (ExecutionStatus.SUCCESS, 0, "")
    assert read_scraps(result.run_dir / "05_storing.ipynb")["stored"] is not None
    assert set(world.latest().values()) == {result.execution_id}
    assert len(world.latest()) == 5

    [(_, begun)] = world.told("run_started")
    assert begun == {"execution_id": result.execution_id, "mode": "full", "stages": STAGES}
    assert [stage for stage, _ in world.told("stage_started")] == STAGES
    finished = dict(world.told("stage_finished"))["shout"]
    figures = {name: finished[name] for name in ("status", "ok", "rejected", "failed", "unchanged")}
    assert figures == {"status": "success", "ok": 2, "rejected": 0, "failed": 0, "unchanged": 0}
    assert world.told("run_finished") == [("", {"status": "success", "error": ""})]
    assert world.events[-1].kind == "run_finished"

    kept = StateManager(world.outputs).load_checkpoint(result.execution_id)
    assert (kept.status, kept.documents["failed"]) == ("success", 0)
    assert kept.end_timestamp is not None
    assert "resumed" not in world.audited("run_started")
    ended = world.audited("run_finished")
    assert (ended["status"], ended["configuration"]) == ("success", config_hash(world.config))
    assert ended["checkpoints"] == {
        name: file_sha256(world.outputs / done.notebook) for name, done in kept.stages.items()
    }


def test_what_is_carried_over_is_linked_read_only_and_handed_on(world: World) -> None:
    first = world.run()
    for path in first.run_dir.glob("*.ipynb"):
        path.chmod(0o600)  # as an earlier version left them
    second = world.run()

    assert world.chain.executed == ["listing", "storing"]  # which look at what is outside
    done = second.state.stages["shout"]
    assert (done.status, done.carried_from, done.seconds) == ("skipped", first.execution_id, 0.0)
    assert done.reason == "nothing that concerns it changed"
    ours, theirs = (result.run_dir / "02_shout.ipynb" for result in (second, first))
    assert ours.samefile(theirs)
    assert ours.stat().st_mode & 0o777 == 0o400
    assert done.notebook == f"runs/{second.execution_id}/02_shout.ipynb"
    assert done.notebook_sha256 == file_sha256(ours)
    assert world.told("stage_carried_over") == [
        (name, {"from": first.execution_id}) for name in ("shout", "count", "measure")
    ]
    assert set(world.latest().values()) == {second.execution_id}


def test_a_stage_that_fails_ends_the_run_with_the_command_that_goes_on(world: World) -> None:
    failed = world.run(organization="wrong setting")

    assert (failed.overall_status, failed.exit_code) == (ExecutionStatus.FAILED, 1)
    assert statuses(failed) == {"listing": "success", "shout": "failed"}
    said = "StageError: organization: this setting is wrong; choose another."
    assert failed.state.error == f"{said} To continue: `nic-etl resume {failed.execution_id}`."
    assert failed.state.stages["shout"].error == said
    assert failed.state.stages["shout"].notebook.endswith("/02_shout.ipynb")
    assert world.told("stage_finished")[-1] == ("shout", {"status": "failed", "error": said})
    assert world.told("run_finished")[0][1] == {"status": "failed", "error": failed.state.error}
    assert list(world.latest()) == ["01_listing.ipynb"]
    assert world.audited("run_finished")["status"] == "failed"


def test_a_run_that_is_resumed_makes_nothing_twice_and_says_so(world: World, tmp_path: Path) -> None:
    flaky = f"flaky {tmp_path / 'away'}"
    failed = world.run(organization=flaky)
    assert f"To continue: `nic-etl resume {failed.execution_id}`." in failed.state.error

    resumed = world.pipeline(organization=flaky).resume_from_checkpoint()
    assert resumed.execution_id == failed.execution_id
    assert world.chain.executed == STAGES[1:]
    assert set(statuses(resumed).values()) == {"success"}
    assert (resumed.state.error, resumed.state.resumed) == ("", 1)
    assert world.audited("run_started")["resumed"] == 1
    assert list(resumed.state.stages) == STAGES


def test_a_failed_document_makes_the_run_partial(world: World) -> None:
    partial = world.run(organization="broken", max_pages=1)
    assert (partial.overall_status, partial.exit_code) == (ExecutionStatus.PARTIAL, 3)
    assert world.audited("run_finished")["status"] == "partial"


def test_a_run_that_is_cancelled_between_two_stages_is_recorded_as_cancelled(world: World) -> None:
    pipeline = world.pipeline()
    world.heard = lambda event: pipeline.stop.set() if event.kind == "stage_finished" else None
    result = pipeline.execute_full_pipeline()

    assert world.chain.executed == ["listing"]
    assert result.overall_status is ExecutionStatus.CANCELLED
    assert StateManager(world.outputs).load_checkpoint().status == "cancelled"


def test_an_error_that_nobody_expected_is_recorded_and_raised(world: World) -> None:
    world.faults["count"] = RuntimeError("a fault of the program")
    with pytest.raises(RuntimeError, match="a fault of the program"):
        world.run()

    kept = StateManager(world.outputs).load_checkpoint()
    assert (kept.status, str(kept.stages["count"].status)) == ("failed", "failed")
    assert kept.stages["count"].notebook == ""  # none was written
    assert kept.error == f"a fault of the program To continue: `nic-etl show {kept.execution_id} count`."
    assert world.told("run_finished")[0][1]["status"] == "failed"


def test_a_full_disk_is_a_sentence_about_the_disk(world: World) -> None:
    world.faults["count"] = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    result = world.run()

    assert result.overall_status is ExecutionStatus.FAILED
    assert str(world.outputs) in result.state.error
    assert f"To continue: `nic-etl resume {result.execution_id}`." in result.state.error


def test_a_trial_is_published_nowhere(world: World) -> None:
    result = world.pipeline().execute_test_run(1)

    assert result.overall_status is ExecutionStatus.SUCCESS
    assert (world.latest(), world.told("run_started")[0][1]["mode"]) == ({}, "test")


def test_a_stage_that_is_executed_alone_reads_what_the_last_run_made(world: World) -> None:
    first = world.run()
    again = world.pipeline().execute_stage("count")

    assert world.chain.executed == ["count"]
    assert statuses(again) == {"count": "success"}
    assert world.told("run_started")[0][1]["stages"] == ["count"]
    assert world.latest()["03_count.ipynb"] == again.execution_id != first.execution_id
