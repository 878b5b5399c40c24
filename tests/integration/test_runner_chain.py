"""The runner on a chain of small stages: real notebooks, real kernels, real files."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest
import scrapbook

from runner.config_manager import PipelineConfig
from runner.errors import StateManagementError
from runner.events import Event
from runner.kernels.kernel import StageKernel
from runner.models import ExecutionContext, ExecutionMode
from runner.pipeline.orchestrator import PipelineOrchestrator
from runner.pipeline.stage_manager import StageManager
from runner.record.kernels import reap_orphans
from runner.record.monitor import PipelineMonitor
from runner.record.state_manager import StateManager
from runner.results import PipelineResult
from runner.spec.stage_executor import AdvancedOrchestration
from stagekit.base.processes.liveness import is_alive
from stagekit.contract import ExecutionStatus, read_scraps
from tests.small_disk import SmallDisk, small_disk
from tests.toy_chain import toy_chain

__all__ = ["small_disk"]

Make = Callable[..., PipelineOrchestrator]
SETTINGS: dict[str, Any] = {"max_pages": 2, "chunk_size": 200, "chunk_overlap": 20}


@pytest.fixture
def make(tmp_path: Path, outputs: Path) -> Make:
    stages = toy_chain(tmp_path / "notebooks")

    def build(**settings: object) -> PipelineOrchestrator:
        listener = settings.pop("listener", lambda _: None)
        config = PipelineConfig(outputs_dir=str(outputs), **(SETTINGS | settings))  # type: ignore[arg-type]
        return PipelineOrchestrator(config=config, stages=stages, listener=listener)  # type: ignore[arg-type]

    return build


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> PipelineResult:
    """One run of the chain, made once for the tests that begin after it."""
    folder = tmp_path_factory.mktemp("ran")
    config = PipelineConfig(outputs_dir=str(folder / "outputs"), **SETTINGS)
    return PipelineOrchestrator(config=config, stages=toy_chain(folder / "notebooks")).execute_full_pipeline()


@pytest.fixture
def first(ran: PipelineResult, outputs: Path) -> PipelineResult:
    """That run in the test's own outputs folder."""
    shutil.copytree(ran.run_dir.parents[1], outputs, symlinks=True)
    return replace(ran, run_dir=outputs / "runs" / ran.execution_id)


def statuses(result_or_state: object) -> dict[str, str]:
    state = getattr(result_or_state, "state", result_or_state)
    return {name: str(checkpoint.status) for name, checkpoint in state.stages.items()}


def test_a_run_executes_every_stage_and_keeps_each_notebook(make: Make, outputs: Path) -> None:
    result = make().execute_full_pipeline()

    assert result.overall_status is ExecutionStatus.SUCCESS
    assert result.exit_code == 0
    assert set(statuses(result).values()) == {"success"}
    for name in ("01_listing", "02_shout", "03_count", "04_measure", "05_storing"):
        path = result.run_dir / f"{name}.ipynb"
        nbformat.validate(nbformat.read(path, as_version=4))
        assert (outputs / "latest" / path.name).resolve() == path.resolve()
        assert path.stat().st_mode & 0o777 == 0o400
    lines = [json.loads(line)["what"] for line in (outputs / "audit.jsonl").read_text().splitlines()]
    assert lines == ["run_started", "run_finished"]
    assert outputs.stat().st_mode & 0o777 == 0o700
    assert (result.run_dir / "run.json").stat().st_mode & 0o777 == 0o600


def test_scrapbook_reads_what_a_stage_glued(first: PipelineResult) -> None:
    notebook = first.run_dir / "02_shout.ipynb"

    theirs = {name: scrap.data for name, scrap in scrapbook.read_notebook(str(notebook)).scraps.items()}

    assert theirs == read_scraps(notebook)
    assert theirs["stage_result"]["metrics"]["characters"] == 2 * len("text 0") * 200


def test_independent_stages_run_side_by_side(tmp_path: Path, outputs: Path) -> None:
    config = PipelineConfig(outputs_dir=str(outputs), max_pages=1)
    stages = toy_chain(tmp_path / "notebooks", pause=2.0)
    result = PipelineOrchestrator(config=config, stages=stages).execute_full_pipeline()

    a = result.stage_results["count"].metrics["interval"]
    b = result.stage_results["measure"].metrics["interval"]
    assert a["begin"] < b["end"]
    assert b["begin"] < a["end"]


def test_a_wrong_setting_is_told_in_one_sentence(make: Make) -> None:
    result = make(organization="wrong setting").execute_full_pipeline()

    assert result.exit_code == 1
    assert result.state.error.startswith("organization: this setting is wrong; choose another.")
    assert result.state.error.endswith("To continue: `nic-etl run -p organization=VALUE`.")
    notebook = nbformat.read(result.run_dir / "02_shout.ipynb", as_version=4)
    tracebacks = [o.traceback for cell in notebook.cells for o in cell.get("outputs", []) if "traceback" in o]
    assert tracebacks == [["StageError: organization: this setting is wrong; choose another."]]


def test_a_dead_kernel_is_not_called_completed(make: Make) -> None:
    result = make(organization="crash").execute_full_pipeline()

    assert result.overall_status is ExecutionStatus.FAILED
    assert "kernel was killed" in result.state.error
    notebook = nbformat.read(result.run_dir / "02_shout.ipynb", as_version=4)
    told = [cell.metadata.papermill.status for cell in notebook.cells if cell.cell_type == "code"]
    assert told[-2:] == ["failed", "skipped"]


def test_a_passing_failure_is_retried(make: Make, tmp_path: Path) -> None:
    events: list[Event] = []
    chain = make(organization=f"flaky {tmp_path / 'marker'}", listener=events.append)
    result = chain.execute_full_pipeline()

    assert result.overall_status is ExecutionStatus.SUCCESS
    assert result.state.stages["shout"].attempts == 2
    retried = [e for e in events if e.kind == "stage_retried"]
    assert len(retried) == 1
    assert "the service is away" in retried[0].data["error"]


def test_a_stage_that_takes_too_long_is_ended(make: Make) -> None:
    begin = time.monotonic()
    result = make(organization="slow", stage_timeout_s=2).execute_full_pipeline()

    assert time.monotonic() - begin < 30
    assert "stage_timeout_s" in result.state.error


@pytest.mark.parametrize(("batch_size", "ends"), [(16, "success"), (32, "failed")])
def test_a_stage_over_its_memory_limit_is_tried_once_more_with_half_the_batch(
    make: Make, batch_size: int, ends: str
) -> None:
    result = make(organization="hungry", memory_limit_mb=500, batch_size=batch_size).execute_full_pipeline()

    assert result.overall_status == ends
    if ends == "failed":
        assert "memory_limit_mb (500) allows" in result.state.error


def test_a_cancelled_run_ends_within_five_seconds_and_says_so(make: Make) -> None:
    chain = make(organization="slow")
    asleep = threading.Event()

    def listen(event: Event) -> None:
        if event.kind == "output" and "sleeping" in event.data["text"]:
            asleep.set()

    chain._listener = listen
    results = []
    worker = threading.Thread(target=lambda: results.append(chain.execute_full_pipeline()))
    worker.start()
    assert asleep.wait(30)
    begin = time.monotonic()
    chain.stop.set()
    worker.join(20)

    assert time.monotonic() - begin < 5
    assert results[0].overall_status is ExecutionStatus.CANCELLED
    assert results[0].exit_code == 130
    assert statuses(results[0])["shout"] == "cancelled"


def test_a_kernel_sees_only_the_secrets_of_its_stage_and_notebooks_hold_none(
    make: Make, monkeypatch: pytest.MonkeyPatch, outputs: Path
) -> None:
    monkeypatch.setenv("GITLAB_TOKEN", "canary-gitlab-1234567890")
    monkeypatch.setenv("QDRANT_API_KEY", "canary-qdrant-1234567890")
    result = make(organization="tell secrets").execute_full_pipeline()

    text = (result.run_dir / "02_shout.ipynb").read_text()
    assert "token: [redacted] key: None" in text
    for path in outputs.rglob("*"):
        if path.is_file():
            assert b"canary-" not in path.read_bytes(), path


def test_kernels_of_a_killed_runner_are_ended_at_the_next_start(outputs: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from runner.kernels.kernel import StageKernel\n"
        "out = Path(sys.argv[1]); out.mkdir(parents=True)\n"
        "kernel = StageKernel(dict(os.environ), out, out / 'log', out / 'kernels')\n"
        "print(kernel.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(outputs)], capture_output=True, text=True, check=False
    )
    assert done.returncode == -signal.SIGKILL
    pid = int(done.stdout)

    reap_orphans(outputs / "kernels")

    for _ in range(50):
        if not psutil.pid_exists(pid):
            break
        time.sleep(0.1)
    assert not psutil.pid_exists(pid)


def test_the_children_of_a_kernel_end_with_it(tmp_path: Path, outputs: Path) -> None:
    outputs.mkdir()
    kernel = StageKernel(dict(os.environ), tmp_path, outputs / "log", outputs / "kernels")
    try:
        client = kernel.manager.blocking_client()
        client.start_channels()
        client.wait_for_ready(timeout=60)
        code = "import subprocess; p = subprocess.Popen(['sleep', '300']); open('pid', 'w').write(str(p.pid))"
        client.execute_interactive(code, timeout=60)
        client.stop_channels()
    finally:
        kernel.end()
    child = int((tmp_path / "pid").read_text())
    for _ in range(50):
        if not is_alive(child):
            break
        time.sleep(0.1)
    else:
        pytest.fail("the child lives on")


def test_status_and_metrics_can_be_read_from_outside(first: PipelineResult, outputs: Path) -> None:
    monitor = PipelineMonitor(StateManager(outputs))

    status = monitor.get_real_time_status()
    assert (status.execution_id, status.status) == (first.execution_id, "success")
    metrics = monitor.get_performance_metrics()
    assert metrics["shout"]["seconds"] > 0
    with pytest.raises(StateManagementError, match="No run is going on"):
        monitor.cancel_execution()


def test_stages_can_be_executed_by_hand_side_by_side(tmp_path: Path, outputs: Path) -> None:
    config = PipelineConfig(outputs_dir=str(outputs), max_pages=1)
    state = StateManager(outputs)
    run = state.new_run(ExecutionMode.FULL, {}, "")
    manager = StageManager(state, lambda _: None, threading.Event())
    for stage in toy_chain(tmp_path / "notebooks"):
        manager.register_stage(stage)
    upstream: dict[str, str] = {}
    context = ExecutionContext(config, state.run_dir(run.execution_id), upstream)
    for name, notebook in (("listing", "01_listing"), ("shout", "02_shout")):
        manager.execute_stage_with_retry(name, context)
        upstream[name] = str(context.run_dir / f"{notebook}.ipynb")

    results = AdvancedOrchestration(manager).parallel_stage_execution(["count", "measure"], context)

    assert {name: str(result.status) for name, result in results.items()} == {
        "count": "success",
        "measure": "success",
    }
    manager.close()


@pytest.mark.parametrize("after", ["listing", "storing"])
def test_a_disk_that_fills_up_during_a_run_is_told_once_and_the_run_goes_on_when_there_is_room(
    ran: PipelineResult, small_disk: SmallDisk, capfd: pytest.CaptureFixture[str], after: str
) -> None:
    outputs = small_disk.path / "outputs"
    shutil.copytree(ran.run_dir.parents[1], outputs, symlinks=True)
    stages = toy_chain(ran.run_dir.parents[2] / "notebooks")
    config = PipelineConfig(outputs_dir=str(outputs), **SETTINGS)
    small_disk.resize(2048)

    def listen(event: Event) -> None:
        if event.kind == "stage_finished" and event.stage == after:
            small_disk.fill()

    full = PipelineOrchestrator(config=config, stages=stages, listener=listen).execute_full_pipeline()
    assert (full.exit_code, full.overall_status) == (1, ExecutionStatus.FAILED)
    told = f"The disk of {outputs} is full (0.0 MB free of 2.0): make room there; what was finished is kept. "
    assert full.state.error == f"{told}To continue: `nic-etl resume {full.execution_id}`."
    assert full.summary["error"] == full.state.error
    assert not full.summary.get("warnings"), "it is told once"
    assert "Traceback" not in "".join(capfd.readouterr())

    small_disk.widen()
    resumed = PipelineOrchestrator(config=config, stages=stages).resume_from_checkpoint(full.execution_id)
    assert resumed.overall_status is ExecutionStatus.SUCCESS
    assert StateManager(outputs).load_checkpoint().status is ExecutionStatus.SUCCESS
    assert not list(outputs.rglob("*.tmp"))
