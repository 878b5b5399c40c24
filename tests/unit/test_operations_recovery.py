"""Promises of recovery and environment: what is reused is checked, and a run says what it was made with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

from runner.errors import StateManagementError
from runner.models import Checkpoint, ExecutionStatus, now
from runner.record import environment
from runner.record.environment import current_environment, environment_report, record_environment
from runner.spec.recovery import (
    checkpoint_pipeline_state,
    cleanup_failed_execution,
    validate_pipeline_integrity,
)
from tests.unit.core_notebooks import executed_notebook, record_run, record_stage
from tests.unit.operations_runs import Shouting

TEXTS = {"a.md": "good morning", "b.pdf": "locked one"}


@pytest.fixture
def shouting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shouting:
    return Shouting(tmp_path, monkeypatch.setenv)


# Recovery


def test_a_whole_run_is_valid(shouting: Shouting) -> None:
    report = validate_pipeline_integrity(shouting.run(TEXTS))
    assert report.valid
    assert report.whole == ["shout"]


def test_a_damaged_notebook_or_product_is_named(shouting: Shouting) -> None:
    state = shouting.run(TEXTS)
    notebook = shouting.manager.absolute(state.stages["shout"].notebook)
    notebook.write_text(notebook.read_text() + " ")
    report = validate_pipeline_integrity(state)
    assert not report.valid
    assert report.faults == {"shout": [f"{notebook} was altered since its stage ended"]}
    assert report.whole == []


def test_stages_that_do_not_belong_together_are_named(shouting: Shouting) -> None:
    state = shouting.run(TEXTS)
    later = state.stages["shout"].model_copy(update={"stage": "count"})
    later.fingerprint = {"input:shout.shouted": "0" * 64, "input:shout.unknown": "1", "code:notebook": "2"}
    state.stages["count"] = later
    report = validate_pipeline_integrity(state, shouting.manager)
    assert report.whole == ["shout"]
    assert report.faults == {"count": ["count was made from another shouted than the one that shout has now"]}


def test_a_state_is_saved_where_its_configuration_says(shouting: Shouting) -> None:
    state = shouting.run(TEXTS)
    state.error = "noted"
    assert checkpoint_pipeline_state(state) == state.execution_id
    assert shouting.manager.load_checkpoint().error == "noted"


def test_after_a_broken_off_run_nothing_is_left_running_or_half_written(
    shouting: Shouting, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager = shouting.manager
    state = shouting.run(TEXTS, status=ExecutionStatus.RUNNING, end_timestamp=None)
    state.stages["count"] = Checkpoint(stage="count", status=ExecutionStatus.RUNNING)
    manager.save_checkpoint(state)
    kernel = subprocess.Popen(["sleep", "300"], start_new_session=True)
    manager.kernels.mkdir()
    identity = {"pid": kernel.pid, "started": psutil.Process(kernel.pid).create_time()}
    dead = {"pid": 2**22 - 1, "started": 1.0}
    (manager.kernels / f"{kernel.pid}.json").write_text(json.dumps(identity | {"owner": dead}))
    half = [
        manager.run_dir(state.execution_id) / ".02_shout.ipynb.abc.tmp",
        next((manager.outputs / "artifacts" / "sha256").iterdir()) / ".x.abc.tmp",
    ]
    for path in half:
        path.write_bytes(b"half")

    monkeypatch.setenv("NIC_ETL_OUTPUTS_DIR", str(manager.outputs))
    result = cleanup_failed_execution(state.execution_id)

    assert result.ended_processes == [kernel.pid]
    assert kernel.wait(10) == -9
    assert sorted(result.removed_files) == sorted(map(str, half))
    assert result.freed_bytes == 8
    assert result.kept_stages == ["shout"]
    closed = manager.load_checkpoint()
    assert closed.status is ExecutionStatus.FAILED
    assert f"nic-etl resume {state.execution_id}" in closed.error
    assert closed.stages["count"].status is ExecutionStatus.CANCELLED
    again = cleanup_failed_execution(state.execution_id, manager)
    assert (again.ended_processes, again.removed_files) == ([], [])


def test_a_good_run_and_one_that_goes_on_are_left_alone(shouting: Shouting) -> None:
    state = shouting.run(TEXTS)
    with pytest.raises(StateManagementError, match="did not fail"):
        cleanup_failed_execution(state.execution_id, shouting.manager)
    going = shouting.run(TEXTS, status=ExecutionStatus.RUNNING)
    with (
        shouting.manager.lock(going.execution_id),
        pytest.raises(StateManagementError, match="Another run holds"),
    ):
        cleanup_failed_execution(going.execution_id, shouting.manager)


# Environment


def recorded(shouting: Shouting) -> Any:
    state = shouting.run(TEXTS)
    record_environment(shouting.manager.run_dir(state.execution_id), state, shouting.notebook.parent)
    return state


def report_of(shouting: Shouting, state: Any) -> dict[str, Any]:
    return environment_report(shouting.manager, state, shouting.notebook.parent)


def test_a_run_says_with_what_it_was_made(shouting: Shouting) -> None:
    state = recorded(shouting)
    report = report_of(shouting, state)
    [entry] = report["environments"]
    assert entry["code"]["nic-etl"]
    assert entry["system"]["python"] == ".".join(map(str, sys.version_info[:3]))
    assert {"docling", "torch", "qdrant-client", "papermill"} <= entry["libraries"].keys()
    assert set(entry["notebooks"]) == {"02_shout.ipynb"}
    assert {"stage/stage.py", "storage/verify.py"} <= entry["stagekit"].keys()
    assert "pipeline/orchestrator.py" in entry["runner"]
    assert entry["configuration"] == {"sha256": "hash"}
    assert (report["execution_id"], report["configuration"]) == (
        state.execution_id, {"sha256": "hash", "settings": state.pipeline_config},
    )  # fmt: skip
    assert abs((datetime.fromisoformat(entry["at"]) - now()).total_seconds()) < 600
    assert all(
        len(digest) == 16 for group in ("notebooks", "stagekit", "runner") for digest in entry[group].values()
    )
    assert report["models"] == {"shout.embedding_model": "toy@1"}
    assert report["source"] == {"commit": "c0ffee"}
    assert report["differences"] == []


def test_what_differs_now_is_told_before_and_after(
    shouting: Shouting, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = recorded(shouting)
    shouting.notebook.write_text(shouting.notebook.read_text() + " ")
    known = environment._version
    changed = {"docling": "99.0", "torch": ""}
    monkeypatch.setattr(environment, "_version", lambda name: changed.get(name, known(name)))
    differences = {row["name"]: row for row in report_of(shouting, state)["differences"]}
    assert set(differences) == {"docling", "torch", "02_shout.ipynb"}
    docling = {"group": "libraries", "name": "docling", "then": known("docling"), "now": "99.0"}
    assert (differences["docling"], differences["torch"]["now"]) == (docling, "")
    assert differences["02_shout.ipynb"]["group"] == "notebooks"


def test_a_resumption_elsewhere_is_recorded_beside_the_first_entry(
    shouting: Shouting, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = recorded(shouting)
    run_dir, notebooks = shouting.manager.run_dir(state.execution_id), shouting.notebook.parent
    record_environment(run_dir, state, notebooks)
    assert len(report_of(shouting, state)["environments"]) == 1
    monkeypatch.setattr(environment, "_version", lambda _: "1.0")
    record_environment(run_dir, state, notebooks)
    entries = report_of(shouting, state)["environments"]
    assert [entry["libraries"]["docling"] == "1.0" for entry in entries] == [False, True]
    assert (run_dir / "environment.json").stat().st_mode & 0o777 == 0o600


def test_a_run_without_a_record_has_no_differences(shouting: Shouting) -> None:
    state = shouting.run(TEXTS)
    for text in (None, "{", "7"):
        if text is not None:
            (shouting.manager.run_dir(state.execution_id) / "environment.json").write_text(text)
        report = report_of(shouting, state)
        assert (report["environments"], report["differences"]) == ([], [])


def test_models_and_source_are_told_of_the_stages_that_say_them(shouting: Shouting) -> None:
    manager = shouting.manager
    state = record_run(manager)
    state.stages["begun"] = Checkpoint(stage="begun", status="running")
    metrics = {
        "ocr_engine": "e",
        "tokenizer_versions": {"a": 1},
        "dimension": 384,
        "weights": "w",
        "documents": 2,
    }
    done = record_stage(manager, state, "a", metrics=metrics)
    snapshot = {
        "repository_url": "https://a",
        "repository_branch": "main",
        "commit": None,
        "project": 7,
        "more": 1,
    }
    told = {name: snapshot[name] for name in ("repository_url", "repository_branch")} | {"project": "7"}
    for value, source in (([snapshot], {}), (snapshot | {"source_id": "s"}, told | {"source_id": "s"})):
        ref = manager.store.put("source_snapshot", json.dumps(value).encode(), "application/json")
        executed_notebook(manager.absolute(done.notebook), {"source_snapshot": ref.model_dump(mode="json")})
        assert report_of(shouting, state)["source"] == source
    del metrics["documents"]
    assert report_of(shouting, state)["models"] == {f"a.{name}": value for name, value in metrics.items()}


def test_a_package_that_is_not_there_has_no_version() -> None:
    assert (environment._version("no-such-package"), environment._version("pytest")) == (
        "",
        pytest.__version__,
    )


def test_a_lost_snapshot_leaves_the_source_out(shouting: Shouting) -> None:
    state = recorded(shouting)
    result = state.stages["shout"].result
    shouting.manager.store.delete(result.artifacts["source_snapshot"].uri)
    assert report_of(shouting, state)["source"] == {}


def test_the_commit_of_a_checkout_is_told_and_none_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = environment._git_commit
    assert commit(tmp_path) == ""
    (tmp_path / ".git").mkdir()
    assert commit(tmp_path) == ""  # damaged
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    identity = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    add = ["git", "-C", str(tmp_path), *identity, "commit", "-q", "--allow-empty", "-m", "x"]
    subprocess.run(add, check=True)
    assert len(commit(tmp_path)) == 40
    monkeypatch.setenv("PATH", "/nowhere")
    assert commit(tmp_path) == ""
    monkeypatch.setenv("PATH", os.defpath)
    assert current_environment()["notebooks"]
