"""Promises of a run: what it executes, hands on, carries over and records, however its stages end."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runner.config_manager import PipelineConfig, config_hash
from runner.errors import ConfigurationError, StageExecutionError, StateManagementError
from runner.events import Event
from runner.kernels.execution import NotebookJob
from runner.models import ExecutionMode
from runner.pipeline.orchestrator import PipelineOrchestrator
from runner.record.state_manager import StateManager
from runner.results import PipelineResult
from stagekit.base.files import sha256_file
from stagekit.contract import ExecutionStatus, read_scraps
from stagekit.errors import ArtifactError
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
        name: sha256_file(world.outputs / done.notebook) for name, done in kept.stages.items()
    }


def test_what_is_carried_over_stays_where_it_was_executed_and_is_handed_on(world: World) -> None:
    first = world.run()
    second = world.run()

    assert world.chain.executed == ["listing", "storing"]  # which look at what is outside
    done = second.state.stages["shout"]
    assert (done.status, done.carried_from, done.seconds) == ("skipped", first.execution_id, 0.0)
    assert done.reason == "nothing that concerns it changed"
    assert done.notebook == f"runs/{first.execution_id}/02_shout.ipynb"
    assert done.notebook_sha256 == sha256_file(world.outputs / done.notebook)
    assert sorted(path.name for path in second.run_dir.glob("*.ipynb")) == [
        "01_listing.ipynb", "05_storing.ipynb",
    ]  # fmt: skip
    assert world.told("stage_carried_over") == [
        (name, {"from": first.execution_id}) for name in ("shout", "count", "measure")
    ]
    assert world.latest() == {
        "01_listing.ipynb": second.execution_id, "02_shout.ipynb": first.execution_id,
        "03_count.ipynb": first.execution_id, "04_measure.ipynb": first.execution_id,
        "05_storing.ipynb": second.execution_id,
    }  # fmt: skip


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
    assert world.told("stage_carried_over") == [("listing", {"from": failed.execution_id})]
    with pytest.raises(StateManagementError, match="nothing to resume"):
        world.pipeline().resume_from_checkpoint()


def test_a_failed_document_makes_the_run_partial_and_is_tried_again_though_nothing_changed(
    world: World,
) -> None:
    partial = world.run(organization="broken", max_pages=1)
    assert (partial.overall_status, partial.exit_code) == (ExecutionStatus.PARTIAL, 3)
    assert world.audited("run_finished")["status"] == "partial"

    plan = {stage.name: stage for stage in world.pipeline(organization="broken", max_pages=1).plan().stages}
    assert (plan["shout"].action, plan["shout"].reasons) == ("run", ("1 document failed: once more",))
    assert statuses(world.run(organization="broken", max_pages=1))["shout"] != "skipped"


def test_too_many_failed_documents_fail_the_stage_after_all_were_tried(world: World) -> None:
    result = world.run(organization="broken", max_pages=3)
    assert result.overall_status is ExecutionStatus.FAILED
    assert "3 of 3 documents failed in shout" in result.state.error
    assert "max_failure_rate" in result.state.error
    assert "count" not in result.state.stages


def test_a_rejected_document_stops_nothing(world: World) -> None:
    result = world.run(organization="bad document")
    assert result.overall_status is ExecutionStatus.SUCCESS
    counted = read_scraps(result.run_dir / "02_shout.ipynb")["stage_result"]
    assert (counted["success_count"], counted["rejected_count"]) == (1, 1)


def test_a_run_that_is_cancelled_between_two_stages_is_recorded_as_cancelled(world: World) -> None:
    pipeline = world.pipeline()
    world.heard = lambda event: pipeline.stop.set() if event.kind == "stage_finished" else None
    result = pipeline.execute_full_pipeline()

    assert world.chain.executed == ["listing"]
    assert result.overall_status is ExecutionStatus.CANCELLED
    assert StateManager(world.outputs).load_checkpoint().status == "cancelled"


def test_a_run_that_is_cancelled_before_a_stage_has_its_kernel_says_which(world: World) -> None:
    pipeline = world.pipeline()

    def listen(event: Event) -> None:
        if (event.kind, event.stage) == ("stage_started", "shout"):
            pipeline.stop.set()

    world.heard = listen
    result = pipeline.execute_full_pipeline()
    assert (result.overall_status, result.exit_code) == (ExecutionStatus.CANCELLED, 130)
    assert statuses(result) == {"listing": "success", "shout": "cancelled"}
    assert result.state.stages["shout"].error == "shout was cancelled before it began."


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


def test_a_trial_is_published_nowhere_and_the_last_run_stays_the_last(world: World) -> None:
    first = world.run()
    trial = world.pipeline().execute_test_run(1)

    assert trial.overall_status is ExecutionStatus.SUCCESS
    assert trial.state.pipeline_config["collection_name"] == "nic_documents_test"
    assert world.told("run_started")[0][1]["mode"] == "test"
    assert set(world.latest().values()) == {first.execution_id}
    last = StateManager(world.outputs).last_checkpoint("listing")
    assert last is not None
    assert last[0] == first.execution_id


# What is executed, and why


def test_a_changed_setting_executes_the_stages_that_it_concerns_and_the_plan_says_so(world: World) -> None:
    first = world.run()
    before = (first.run_dir / "02_shout.ipynb").read_bytes()
    planned = world.pipeline(chunk_size=300).plan().stages
    second = world.run(chunk_size=300)

    assert (planned[1].action, planned[2].action) == ("run", "decide")
    assert "chunk_size 200 → 300" in planned[1].reasons
    assert statuses(second)["shout"] == "success"
    assert (first.run_dir / "02_shout.ipynb").read_bytes() == before


def test_a_changed_notebook_is_executed_again_and_the_plan_says_so(world: World, tmp_path: Path) -> None:
    world.run()
    path = tmp_path / "notebooks" / "04_measure.ipynb"
    path.write_text(path.read_text().replace("len(row", "1 + len(row"))

    reasons = {stage.name: stage.reasons for stage in world.pipeline().plan().stages}
    assert reasons["measure"] == ("the notebook changed",)
    assert statuses(world.run())["measure"] == "success"


def test_force_refresh_executes_everything(world: World) -> None:
    world.run()
    assert set(statuses(world.run(force_refresh=True)).values()) == {"success"}


@pytest.mark.parametrize("damage", ["delete notebook", "alter notebook", "alter artifact", "delete artifact"])
def test_what_was_damaged_is_noticed_and_made_again(world: World, damage: str) -> None:
    notebook = world.run().run_dir / "03_count.ipynb"
    artifact = world.outputs / "artifacts" / read_scraps(notebook)["counts"]["uri"]
    target = notebook if "notebook" in damage else artifact
    if "delete" in damage:
        target.unlink()
    else:
        data = bytearray(target.read_bytes())
        data[len(data) // 2] ^= 1
        target.chmod(0o600)
        target.write_bytes(bytes(data))

    second = world.run()
    assert second.overall_status is ExecutionStatus.SUCCESS
    assert (statuses(second)["count"], statuses(second)["shout"]) == ("success", "skipped")


def test_damage_that_a_stage_meets_is_made_again_by_the_same_run(world: World, tmp_path: Path) -> None:
    path = tmp_path / "notebooks" / "03_count.ipynb"
    reads = "[stage.read_bytes(row['blob']) for row in rows]"
    path.write_text(path.read_text().replace("time.sleep(0.0)", reads))
    world.run()
    [blob] = (world.outputs / "artifacts").glob(f"sha256/*/{hashlib.sha256(b'x').hexdigest()}*")
    blob.chmod(0o600)
    blob.write_bytes(b"y")
    path.write_text(path.read_text().replace("len(row", "1 + len(row"))
    second = world.run()

    assert second.overall_status is ExecutionStatus.SUCCESS
    assert world.chain.executed.count("count") == 2
    assert blob.read_bytes() == b"x"
    [warning] = second.summary["warnings"]
    assert warning.startswith("sha256/")
    assert warning.endswith(" was damaged or lost: the stage that made it is executed again.")
    assert len(world.audited("artifacts_damaged")["artifacts"]) == 1


def test_what_was_lost_is_remembered_until_a_whole_run_has_ended_well(world: World) -> None:
    world.run()
    store = StateManager(world.outputs).store
    former = store.put("former", b"x y", "text/plain")
    (world.outputs / "artifacts" / former.uri).unlink()
    with pytest.raises(ArtifactError):
        store.read(former)

    world.pipeline().execute_test_run(1)
    assert store.lost() == {former.uri}
    world.pipeline().execute_stage("count")
    assert store.lost() == {former.uri}
    assert world.run().overall_status is ExecutionStatus.SUCCESS
    assert store.lost() == set()


@pytest.mark.parametrize(
    ("wanted", "kernel", "drawn"), [(None, True, True), (None, False, False), (False, True, False)]
)
def test_in_a_notebook_a_run_shows_itself_below_the_cell(
    world: World, monkeypatch: pytest.MonkeyPatch, wanted: bool | None, kernel: bool, drawn: bool
) -> None:
    drawn_events: list[Event] = []
    monkeypatch.setattr("runner.pipeline.orchestrator.in_notebook", lambda: kernel)
    monkeypatch.setattr("runner.pipeline.orchestrator.ProgressTracker", lambda: drawn_events.append)
    world.faults["listing"] = StageExecutionError("listing", "no luck")
    chain = world.pipeline()
    if wanted is not None:
        chain.jupyter_mode = wanted
    chain.execute_full_pipeline()
    assert drawn_events == (world.events if drawn else [])


def test_an_unknown_document_cannot_be_forced(world: World) -> None:
    world.run()
    with pytest.raises(ConfigurationError, match="nowhere.md is no document of the last run"):
        world.pipeline().execute_incremental_update(force_reprocess=["nowhere.md"])


# One stage by itself


def test_a_rerun_leaves_the_first_run_as_it_was_and_names_what_is_out_of_date(world: World) -> None:
    first = world.run()
    kept = {path.name: path.read_bytes() for path in first.run_dir.glob("*.ipynb")}
    chain = world.pipeline(chunk_size=300)
    rerun = chain.execute_stage("shout")

    assert world.chain.executed == ["shout"]
    assert (rerun.state.mode, statuses(rerun)) == (ExecutionMode.RERUN, {"shout": "success"})
    assert world.told("run_started")[0][1]["stages"] == ["shout"]
    assert world.latest()["02_shout.ipynb"] == rerun.execution_id != first.execution_id
    assert {path.name: path.read_bytes() for path in first.run_dir.glob("*.ipynb")} == kept
    assert rerun.stage_results["shout"].metrics["characters"] == 2 * len("text 0") * 300
    assert chain.out_of_date("shout") == ["count", "measure", "storing"]

    trial = world.pipeline(chunk_size=300).execute_stage("shout", downstream=True)
    assert set(statuses(trial)) == {"shout", "count", "measure", "storing"}
    assert (trial.state.trial, trial.state.pipeline_config["collection_name"]) == (True, "nic_documents_test")
    assert chain.out_of_date("shout") == ["count", "measure", "storing"], "readers see nothing of a trial"

    published = world.pipeline(chunk_size=300).execute_stage("shout", downstream=True, publish=True)
    assert (published.state.mode, published.state.trial) == (ExecutionMode.RERUN, False)
    assert chain.out_of_date("shout") == []


def test_a_rerun_without_an_earlier_run_says_what_is_missing(world: World) -> None:
    with pytest.raises(StateManagementError, match="shout needs listing"):
        world.pipeline().execute_stage("shout")


# Beside other runs


def test_a_second_run_is_refused_while_one_goes_on(world: World) -> None:
    manager = StateManager(world.outputs)
    with manager.lock("the-first"):
        with pytest.raises(StateManagementError, match="the-first") as refusal:
            world.run()
        assert refusal.value.exit_code == 2
        assert manager.lock_owner() is not None
    assert manager.lock_owner() is None


def test_the_lock_of_a_killed_run_is_taken_over(world: World) -> None:
    StateManager(world.outputs)
    script = (
        "import os, sys; from pathlib import Path; from runner.record.state_manager import StateManager\n"
        "with StateManager(Path(sys.argv[1])).lock('killed'): os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(world.outputs)], check=False)
    assert killed.returncode == -signal.SIGKILL

    assert world.run().exit_code == 0
    assert world.audited("lock_taken_over")


def test_history_lists_runs_newest_first_and_damaged_ones_as_such(world: World) -> None:
    first, second = world.run(), world.run()
    (first.run_dir / "run.json").write_text("{")

    records = StateManager(world.outputs).get_execution_history()
    assert [(record.execution_id, record.status) for record in records] == [
        (second.execution_id, "success"), (first.execution_id, "damaged"),
    ]  # fmt: skip
