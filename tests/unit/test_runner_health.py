"""The doctor and the machine: whose files these are, what time it is, its room, and what is installed."""

from __future__ import annotations

import os
import shutil
import types
from datetime import timedelta
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest

from runner.models import now
from runner.record.health import record_checks
from runner.record.state_manager import StateManager
from runner.upkeep import doctor_machine
from runner.upkeep.doctor_machine import machine_checks
from tests.unit.core_notebooks import record_run, record_stage


@pytest.fixture
def manager(outputs: Path) -> StateManager:
    return StateManager(outputs)


def checks(manager: StateManager) -> dict[str, tuple[bool, str]]:
    return {row["check"]: (row["ok"], row["detail"]) for row in machine_checks(manager)}


def test_a_machine_that_is_well(manager: StateManager) -> None:
    record_run(manager)
    found = checks(manager)
    assert set(found) == {"permissions", "clock", "versions"}
    assert all(ok for ok, _ in found.values()), found
    assert found["versions"][1].startswith("nic-etl ")
    assert ", Python 3." in found["versions"][1]


def test_what_others_may_read_is_told_but_not_a_folder_whose_contents_are_closed(
    manager: StateManager,
) -> None:
    manager.outputs.chmod(0o755)
    assert checks(manager)["permissions"][0]
    (manager.outputs / "notes.txt").touch()
    (manager.outputs / "notes.txt").chmod(0o644)
    ok, said = checks(manager)["permissions"]
    assert not ok
    assert said == f"{manager.outputs}/notes.txt can be read by others: chmod -R go= {manager.outputs}"
    manager.outputs.chmod(0o700)
    assert checks(manager)["permissions"][0]


def test_files_of_another_user_are_told(manager: StateManager, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    ok, said = checks(manager)["permissions"]
    assert not ok
    assert "run nic-etl as one user only" in said
    assert f"chown -R 12345 {manager.outputs}" in said


def test_a_clock_that_was_set_back_is_told(manager: StateManager) -> None:
    state = record_run(manager, start_timestamp=now() + timedelta(minutes=30, seconds=5))
    assert checks(manager)["clock"] == (
        False, "the last run began 30 min in the future: let NTP set the clock",
    )  # fmt: skip
    (manager.run_dir(state.execution_id) / "run.json").write_text("{")
    assert checks(manager)["clock"][0]


def test_packages_that_are_missing_or_of_another_version_are_named(
    manager: StateManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = ["rich>=1", "typer<0.1", "no-such-package-here", 'no-dev-tool ; extra == "dev"']
    monkeypatch.setattr(doctor_machine, "requires", lambda _: wanted)
    ok, said = checks(manager)["versions"]
    assert not ok
    assert "typer is 0." in said
    assert "<0.1 is wanted" in said
    assert "no-such-package-here is missing, any version is wanted" in said
    assert "rich" not in said
    assert "no-dev-tool" not in said


def test_a_copy_of_the_code_that_is_not_installed_is_told(
    manager: StateManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> Any:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(doctor_machine, "requires", missing)
    assert checks(manager)["versions"] == (
        False, "nic-etl is not installed as a package: run `pip install --no-deps .` in its folder",
    )  # fmt: skip


# What a run depends on


@pytest.mark.parametrize(
    ("free_gb", "free_mb", "failed"),
    [(1.5, 501.0, set()), (1.0, 501.0, {"disk"}), (1.5, 500.0, {"memory"}), (0.5, 10.0, {"disk", "memory"})],
)
def test_disk_and_memory_are_enough_only_beyond_what_is_wanted(
    manager: StateManager, monkeypatch: pytest.MonkeyPatch, free_gb: float, free_mb: float, failed: set[str]
) -> None:
    usage = types.SimpleNamespace(free=int(free_gb * 2**30))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    monkeypatch.setattr("runner.record.health.available_memory_mb", lambda: free_mb)
    found = {name: (ok, said) for name, ok, said in record_checks(manager.outputs, 500)}
    assert {name for name, (ok, _) in found.items() if not ok} == failed
    assert found["disk"][1] == f"{free_gb:.1f} GB free, 1 GB wanted"
    assert found["memory"][1] == f"{free_mb:.0f} MB free, 500 MB wanted"
    assert found["outputs"] == (True, f"{manager.outputs} is writable, and no run is at work")
    assert found["records"] == (True, "every run's record is readable")
    assert found["checkpoints"] == (True, "no executed notebook was altered")


def test_damaged_records_and_altered_notebooks_are_named(manager: StateManager) -> None:
    for damaged in (False, True, True):
        state = record_run(manager)
        done = record_stage(manager, state, "a")
        manager.absolute(done.notebook).write_text("altered")
        if damaged:
            (manager.run_dir(state.execution_id) / "run.json").write_text("{")
    found = {name: (ok, said) for name, ok, said in record_checks(manager.outputs, 0)}
    whole, *damaged_ids = manager.execution_ids()
    assert found["records"] == (False, ", ".join(reversed(damaged_ids)))
    altered = manager.run_dir(whole) / "01_a.ipynb"
    assert found["checkpoints"] == (False, f"{altered} was altered since its stage ended")


def test_a_run_at_work_is_no_fault_of_the_folder_and_one_that_cannot_be_used_is_all_there_is_to_say(
    manager: StateManager, tmp_path: Path
) -> None:
    with manager.lock("the-first"):
        name, ok, said = record_checks(manager.outputs, 0)[0]
    assert (name, ok) == ("outputs", True)
    assert "Another run holds the-first" in said
    (manager.outputs / "run.lock").unlink()
    (manager.outputs / "run.lock").symlink_to(tmp_path / "elsewhere")
    assert record_checks(manager.outputs, 0)[0][:2] == ("outputs", False)
    (tmp_path / "file").touch()
    [(name, ok, said)] = record_checks(tmp_path / "file" / "outputs", 0)
    assert (name, ok) == ("outputs", False)
    assert "cannot be made" in said
