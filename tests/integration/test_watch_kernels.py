"""Kernels that wait between runs, and the process that executes a watch's runs: real ones, a small chain."""

from __future__ import annotations

import os
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from runner.config_manager import PipelineConfig, load_config
from runner.kernels.pool import KernelPool
from runner.models import PipelineStage
from runner.pipeline.orchestrator import PipelineOrchestrator
from runner.record.monitor import PipelineMonitor
from runner.record.state_manager import StateManager
from runner.watch.runs import WatchRuns
from runner.watch.worker import WatchWorker, serve
from stagekit.base.processes.liveness import is_alive
from tests.toy_chain import toy_chain

Row = dict[str, Any]


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> list[PipelineStage]:
    return toy_chain(tmp_path_factory.mktemp("toy"))


def configured(outputs: Path, **settings: Any) -> PipelineConfig:
    return load_config(None, {"outputs_dir": str(outputs), "max_pages": 2, **settings}).config


def until(condition: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def ended(pid: int) -> bool:
    return not is_alive(pid)


# Kernels that wait


@pytest.fixture
def pool(outputs: Path) -> Iterator[KernelPool]:
    StateManager(outputs)
    pool = KernelPool(outputs)
    yield pool
    pool.close()


@pytest.mark.slow
def test_a_kernel_waits_is_handed_out_once_and_replaced_where_it_was_killed(
    pool: KernelPool, chain: list[PipelineStage], outputs: Path
) -> None:
    first, second = chain[:2]
    kernels = pool.warm([first, second])
    assert [kernel.pid for kernel in pool.warm([first])] == [kernels[0].pid]
    assert len(list(outputs.glob("kernels/*.json"))) == 2

    taken = pool.take(first)
    assert taken is kernels[0]
    fresh = pool.take(first)
    assert fresh is not None
    assert fresh.pid != taken.pid
    os.kill(kernels[1].pid, signal.SIGKILL)
    until(lambda: ended(kernels[1].pid))
    replaced = pool.take(second)
    assert replaced is not None
    assert replaced.alive()

    server = psutil.Process(taken.pid).ppid()
    os.kill(server, signal.SIGKILL)
    for kernel in (taken, fresh, replaced):
        kernel.end()
    again = pool.warm([first])[0]
    assert psutil.Process(again.pid).ppid() != server
    pool.discard(first.name)
    assert ended(again.pid)
    pool.discard(first.name)

    pool.close()
    assert pool.warm([first]) == []
    assert pool.take(first) is None


@pytest.mark.slow
def test_a_run_takes_the_kernels_that_wait_and_leaves_the_others_alone(
    pool: KernelPool, chain: list[PipelineStage], outputs: Path
) -> None:
    config = configured(outputs, parallel_processing=False)
    listing, other = pool.warm([chain[0], chain[-1]])
    config = config.model_copy(update={"organization": "wrong setting"})  # the second stage fails
    result = PipelineOrchestrator(config=config, stages=chain, kernels=pool).execute_full_pipeline()
    assert str(result.overall_status) == "failed"
    assert ended(listing.pid)
    assert other.alive()
    assert [kernel.pid for kernel in pool.warm([chain[-1]])] == [other.pid]


# The worker


class Desk:
    """A worker in a thread of this process, its orders and what it tells."""

    def __init__(self, config: PipelineConfig, chain: list[PipelineStage], warm: list[str]) -> None:
        self.told: list[Row] = []
        self.worker = WatchWorker(config, self.told.append, chain, warm)
        self.reading, writing = os.pipe()
        self.orders = os.fdopen(writing, "w")
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self) -> None:
        with os.fdopen(self.reading) as orders:
            serve(self.worker, orders)

    def order(self) -> None:
        self.orders.write("run\n")
        self.orders.flush()

    def of(self, kind: str) -> list[Row]:
        return [row for row in self.told if row["kind"] == kind]

    def end(self) -> None:
        self.orders.close()
        self.thread.join(60)
        assert not self.thread.is_alive()


@pytest.mark.slow
def test_runs_are_executed_one_a_line_and_kernels_wait_in_between(
    chain: list[PipelineStage], outputs: Path
) -> None:
    desk = Desk(configured(outputs), chain, ["listing", "count"])
    try:
        desk.order()
        until(lambda: len(desk.of("warm")) == 1)
        first = desk.of("ended")[0]
        assert (first["status"], first["exit_code"], first["retry"]) == ("success", 0, False)
        assert [row["run"] for row in desk.of("started")] == [first["run"]]
        warm = desk.of("warm")[0]
        assert warm["stages"] == ["listing", "count"]
        assert warm["memory_mb"] > 50
        until(lambda: len(list(outputs.glob("kernels/*.json"))) == 2)  # one that is ending has a note as well
        assert StateManager(outputs).lock_owner() is None  # what waits holds nothing

        desk.order()
        until(lambda: len(desk.of("ended")) == 2)
        assert desk.of("ended")[1]["run"] > first["run"]
    finally:
        desk.end()
    assert not list(outputs.glob("kernels/*.json"))
    assert (outputs / "metrics.prom").exists()


@pytest.mark.slow
def test_the_end_of_its_orders_cancels_the_run_that_goes_on(
    chain: list[PipelineStage], outputs: Path
) -> None:
    desk = Desk(configured(outputs, organization="slow"), chain, [])
    desk.order()
    until(lambda: bool(desk.of("started")))
    begin = time.monotonic()
    desk.end()
    assert time.monotonic() - begin < 30
    assert desk.of("ended")[0]["status"] == "cancelled"


def test_a_folder_that_is_taken_and_a_setting_that_is_wrong_are_told(
    chain: list[PipelineStage], outputs: Path
) -> None:
    told: list[Row] = []
    worker = WatchWorker(configured(outputs), told.append, chain, [])
    with StateManager(outputs).lock("20260101T000000.000Z-abcdef"):
        worker.run()
    assert told[-1]["status"] == "busy"
    wrong = WatchWorker(configured(outputs, source_path="/nowhere"), told.append, chain, [])
    wrong.run()
    assert told[-1]["status"] == "failed"
    assert "source_path" in told[-1]["error"]
    wrong.close()
    wrong.run()  # nothing begins once it ends
    assert len(told) == 2
    worker.close()


# Its process


@pytest.fixture
def told() -> list[tuple[str, Row]]:
    return []


@pytest.fixture
def failing(outputs: Path, told: list[tuple[str, Row]]) -> Iterator[WatchRuns]:
    """Runs in a real process, whose settings make each run fail at once."""
    runs = WatchRuns(
        configured(outputs, source_path="/nowhere"), [], lambda kind, **row: told.append((kind, row))
    )
    yield runs
    runs.close()


def test_the_process_is_started_when_there_is_work_and_again_after_it_was_released(
    failing: WatchRuns,
) -> None:
    assert not failing.alive
    assert "source_path" in failing.run()["error"]
    assert failing.alive
    assert failing.run()["status"] == "failed"
    failing.close()
    assert not failing.alive
    assert failing.run()["status"] == "failed"


def test_a_process_that_is_killed_is_a_failed_run_and_replaced(failing: WatchRuns) -> None:
    failing.run()
    process = failing._process
    assert process is not None
    process.kill()
    process.wait()
    assert failing.run()["status"] == "failed"  # by the one that takes its place
    assert failing._process is not process


def test_a_process_that_ends_during_a_run_is_told_with_its_code(failing: WatchRuns) -> None:
    answers: queue.SimpleQueue[Row] = queue.SimpleQueue()
    thread = threading.Thread(target=lambda: answers.put(failing.run()))
    thread.start()
    until(lambda: failing.alive)
    process = failing._process
    assert process is not None
    process.kill()  # while it still imports
    assert answers.get(timeout=30)["error"].endswith("has ended (code -9).")
    thread.join(30)
    assert not failing.alive


def test_cancel_from_another_terminal_ends_the_run_and_not_the_process(
    outputs: Path, told: list[tuple[str, Row]], tmp_path: Path
) -> None:
    (tmp_path / "source" / "30-Aprovados").mkdir(parents=True)
    (tmp_path / "source" / "30-Aprovados" / "a.md").write_text("# A\n\nTexto.\n")
    config = configured(
        outputs, source_path=str(tmp_path / "source"), embedding_model="packaged/all-MiniLM-L6-v2"
    )
    runs = WatchRuns(config, [], lambda kind, **row: told.append((kind, row)))
    answers: queue.SimpleQueue[Row] = queue.SimpleQueue()
    thread = threading.Thread(target=lambda: answers.put(runs.run()))
    thread.start()
    try:
        until(lambda: any(kind == "started" for kind, _ in told))
        assert PipelineMonitor(StateManager(outputs)).cancel_execution("a test").cancelled
        assert answers.get(timeout=30)["status"] == "cancelled"
        assert runs.alive
    finally:
        runs.close()
        thread.join(30)
