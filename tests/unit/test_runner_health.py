"""The doctor and the machine: whose files these are, what time it is, and which versions are installed."""

from __future__ import annotations

import os
from datetime import timedelta
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest

from runner.models import now
from runner.record.state_manager import StateManager
from runner.upkeep import doctor_machine
from runner.upkeep.doctor_machine import machine_checks
from tests.unit.core_notebooks import record_run


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
