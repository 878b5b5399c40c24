"""Promises of one stage's execution: its kernel, its tries, what is noted of it, and nothing is left over."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runner.config_manager import PipelineConfig
from runner.errors import StageCancelledError, StageExecutionError, StageMemoryError
from runner.events import Event
from runner.kernels.execution import NotebookJob
from runner.kernels.pool import KernelPool
from runner.models import Checkpoint, ExecutionContext, PipelineStage, ValidationRule
from runner.pipeline.stage_manager import StageManager
from runner.record.state_manager import StateManager
from stagekit.base.files import sha256_file
from stagekit.contract import STAGE_RESULT, StageResult
from tests.toy_chain import toy_chain
from tests.unit.core_notebooks import START, executed_notebook


class Kernel:
    """Stands for a kernel."""

    def __init__(self, name: str) -> None:
        self.name, self.ended, self.peak_memory_mb = name, 0, 123.456

    def end(self) -> None:
        self.ended += 1


class Pool(KernelPool):
    """Hands out kernels that were not started, and tells of each."""

    def __init__(self, outputs: Path) -> None:
        super().__init__(outputs)
        self.calls: list[str] = []
        self.handed: list[Kernel] = []
        self.taken: Callable[[], object] = lambda: None

    def warm(self, stages: Iterable[PipelineStage]) -> list[Any]:
        self.calls += [f"warm {stage.name}" for stage in stages]
        return []

    def take(self, stage: PipelineStage) -> Any:
        self.taken()
        self.handed.append(Kernel(stage.name))
        return self.handed[-1]

    def discard(self, stage_name: str) -> None:
        self.calls.append(f"discard {stage_name}")

    def close(self) -> None:
        self.calls.append("close")


class World:
    """The stages `listing` and `shout`, whose notebooks leave what a test wants."""

    def __init__(self, folder: Path, outputs: Path) -> None:
        self.manager = StateManager(outputs)
        self.pool = Pool(outputs)
        self.stop = threading.Event()
        self.events: list[Event] = []
        self.jobs: list[NotebookJob] = []
        self.faults: list[Exception] = []
        self.left: dict[str, Any] = {}
        self.stages = StageManager(self.manager, self.events.append, self.stop, kernels=self.pool)
        for stage in toy_chain(folder)[:2]:
            self.stages.register_stage(replace(stage, outside="", executor_function=self._execute))

    def change(self, **changes: Any) -> None:
        self.stages.register_stage(replace(self.stages.stages["shout"], **changes))

    def execute(self, **settings: Any) -> Checkpoint:
        chosen = {"max_retries": 2, "batch_size": 32, "stage_timeout_s": 77} | settings
        config = PipelineConfig(outputs_dir=str(self.manager.outputs), **chosen)
        context = ExecutionContext(config, self.manager.run_dir("r1"), {"listing": "/x/01_listing.ipynb"})
        return self.stages.execute_stage_with_retry("shout", context)

    def _execute(self, job: NotebookJob) -> None:
        self.jobs.append(job)
        if self.faults:
            raise self.faults.pop(0)
        result = {"stage_name": "shout", "status": "success", "start_time": START, "end_time": START}
        made = StageResult.model_validate(result | self.left)
        executed_notebook(job.target, {STAGE_RESULT: made.model_dump(mode="json")})


@pytest.fixture
def world(tmp_path: Path, outputs: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr("runner.pipeline.stage_manager.stage_fingerprint", lambda *_: {"code": "1"})
    return World(tmp_path / "notebooks", outputs)


def test_what_a_stage_came_to_is_noted_and_its_kernel_is_ended(world: World) -> None:
    begin = time.monotonic()
    done = world.execute()
    notebook = world.manager.run_dir("r1") / "02_shout.ipynb"
    assert (done.stage, done.status, done.fingerprint) == ("shout", "success", {"code": "1"})
    assert (done.notebook, done.notebook_sha256) == ("runs/r1/02_shout.ipynb", sha256_file(notebook))
    assert (done.attempts, done.peak_memory_mb, done.outside) == (1, 123.5, "")
    assert 0 <= done.seconds <= time.monotonic() - begin
    assert done.result is not None
    [job], [kernel] = world.jobs, world.pool.handed
    assert (job.stage, job.target, job.timeout, job.stop) == ("shout", notebook, 77, world.stop)
    assert (job.source, job.kernel) == (world.stages.stages["shout"].notebook, kernel)
    assert job.parameters["upstream"] == {"listing": "/x/01_listing.ipynb"}
    assert job.parameters["batch_size"] == 32
    assert (kernel.name, kernel.ended) == ("shout", 1)
    job.emit(Event("cell"))
    assert [event.kind for event in world.events] == ["cell"]


def test_what_hears_the_stages_later_is_told_too(world: World) -> None:
    heard: list[Event] = []
    world.stages.hear(heard.append)
    world.execute()
    world.jobs[0].emit(Event("cell"))
    assert heard == world.events != []


@pytest.mark.parametrize(
    ("failures", "transient", "retries", "ends"),
    [(1, True, 2, True), (2, True, 2, True), (3, True, 2, False), (1, True, 0, False), (1, False, 2, False)],
)
def test_a_failure_that_may_pass_is_tried_again_as_often_as_is_set(
    world: World, failures: int, transient: bool, retries: int, ends: bool
) -> None:
    world.faults = [StageExecutionError("shout", f"away {n}", transient=transient) for n in range(failures)]
    if ends:
        assert world.execute(max_retries=retries).attempts == failures + 1
    else:
        with pytest.raises(StageExecutionError, match=f"away {failures - 1}"):
            world.execute(max_retries=retries)
    told = [(event.data["attempt"], event.data["error"]) for event in world.events]
    again = min(failures, retries) if transient else 0
    assert told == [(number + 1, f"away {number}") for number in range(again)]
    assert [kernel.ended for kernel in world.pool.handed] == [1] * len(world.jobs)
    assert len(world.jobs) == again + 1


@pytest.mark.parametrize(("size", "halved"), [(32, 16), (3, 1), (1, 1)])
def test_a_stage_that_took_too_much_memory_is_executed_once_more_with_half_as_much_at_once(
    world: World, size: int, halved: int
) -> None:
    world.faults = [StageMemoryError("shout", "too much.")]
    assert world.execute(batch_size=size).status == "success"
    assert [job.parameters["batch_size"] for job in world.jobs] == [size, halved]
    [event] = world.events
    assert (event.kind, event.stage) == ("stage_retried", "shout")
    said = f"too much. Once more, with batch_size {halved}."
    assert event.data == {"attempt": 1, "wait": 0, "error": said}
    world.faults = [StageMemoryError("shout", "too much."), StageMemoryError("shout", "still.")]
    with pytest.raises(StageMemoryError, match="still"):
        world.execute(batch_size=size)


@pytest.mark.parametrize(
    ("outside", "states", "noted"),
    [
        ("", [], ""),
        ("source", ["same", "same"], "same"),
        ("source", ["before", "after"], ""),
        ("source", ["", ""], ""),
        ("store", ["before", "after"], "after"),
    ],
)
def test_outside_is_noted_as_a_store_was_left_or_a_source_was_all_the_time(
    world: World, monkeypatch: pytest.MonkeyPatch, outside: str, states: list[str], noted: str
) -> None:
    monkeypatch.setattr("runner.pipeline.decide.outside_state", lambda *_: states.pop(0))
    world.change(outside=outside)
    assert world.execute().outside == noted
    assert states == []


@pytest.mark.parametrize("when", ["before", "while its kernel is started"])
def test_a_cancelled_stage_does_not_begin(world: World, when: str) -> None:
    if when == "before":
        world.stop.set()
    else:
        world.pool.taken = world.stop.set
    with pytest.raises(StageCancelledError, match="shout was cancelled before it began"):
        world.execute()
    assert world.jobs == []
    assert [kernel.ended for kernel in world.pool.handed] == ([] if when == "before" else [1])


def test_a_notebook_without_a_result_or_that_breaks_a_rule_fails_the_stage(world: World) -> None:
    rules = tuple(
        ValidationRule(f"more than {least}", lambda result, n=least: result.success_count > n, "Mend it.")
        for least in (1, 2, 3)
    )
    world.left = {"success_count": 2}
    world.change(validation_rules=rules)
    said = "shout breaks the rule 'more than 2'. Mend it.; shout breaks the rule 'more than 3'. Mend it."
    without_result = "stage_result"
    notebook = world.manager.run_dir("r1") / "02_shout.ipynb"
    for fault in (said, without_result):
        with pytest.raises(StageExecutionError, match=fault) as refusal:
            world.execute()
        assert (refusal.value.stage, refusal.value.notebook) == ("shout", notebook)
        world.change(executor_function=lambda job: executed_notebook(job.target, {}))
    assert all(kernel.ended for kernel in world.pool.handed)


# Kernels that wait


def test_kernels_are_started_ahead_but_not_for_stages_that_have_begun_or_once_all_is_to_end(
    world: World,
) -> None:
    world.stages.warm(["listing", "shout"])
    assert world.pool.calls == ["warm listing", "warm shout"]
    world.execute()
    world.stages.warm(["listing", "shout"])
    assert world.pool.calls[2:] == ["discard shout", "warm listing"]
    world.stages.cleanup_stage_resources("listing")
    world.stages.warm(["listing"])
    world.stop.set()
    world.stages.warm(["listing"])
    assert world.pool.calls[4:] == ["discard listing"]


def test_the_logs_of_ended_kernels_go_with_the_stage(world: World) -> None:
    logs = world.manager.outputs / "logs"
    logs.mkdir()
    for name in (f"shout-{2**22 - 1}.log", f"shout-{os.getpid()}.log", f"listing-{2**22 - 1}.log"):
        (logs / name).touch()
    world.execute()
    assert sorted(path.name for path in logs.iterdir()) == [
        f"listing-{2**22 - 1}.log",
        f"shout-{os.getpid()}.log",
    ]


def test_lent_kernels_go_on_waiting_and_own_ones_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.stages.close()
    assert world.pool.calls == []
    monkeypatch.setattr("runner.pipeline.stage_manager.KernelPool", lambda *_, **__: world.pool)
    StageManager(world.manager, world.events.append, world.stop).close()
    assert world.pool.calls == ["close"]
