"""Promises about the outputs folder: it is its owner's alone, and nobody prepares it for somebody else."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.errors import StateManagementError
from runner.models import ExecutionMode
from runner.record.state_manager import StateManager
from stagekit import StageError
from stagekit.artifacts.memo import Memo
from stagekit.base.paths import private_outputs


@pytest.fixture(autouse=True)
def open_umask() -> Iterator[None]:
    """The least careful user there is."""
    before = os.umask(0)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    found = [folder, *folder.rglob("*")]
    return {str(path): stat.S_IMODE(path.lstat().st_mode) for path in found if not path.is_symlink()}


def test_folders_and_files_are_their_owners_alone_whatever_the_umask(tmp_path: Path) -> None:
    outputs = tmp_path / "outputs"
    outputs.mkdir(mode=0o777)
    manager = StateManager(outputs)
    state = manager.new_run(ExecutionMode.FULL, {}, "0")
    manager.audit("run_started", {})
    with Memo(outputs / "memo.sqlite"), manager.lock(state.execution_id):
        found = modes(outputs)
    assert any(name.endswith("memo.sqlite-wal") for name in found)
    assert {name: mode for name, mode in found.items() if mode & 0o077} == {}


@pytest.mark.parametrize(
    "planted", ["runs", "artifacts", "memo.sqlite", "audit.jsonl", "runs/2026", "latest"]
)
def test_a_link_planted_in_the_outputs_folder_is_refused_and_not_written_through(
    tmp_path: Path, planted: str
) -> None:
    outputs, elsewhere = tmp_path / "outputs", tmp_path / "elsewhere"
    elsewhere.mkdir()
    (outputs / planted).parent.mkdir(parents=True)
    (outputs / planted).symlink_to(elsewhere)
    with pytest.raises(StateManagementError, match="is a symbolic link.*remove it") as refusal:
        StateManager(outputs)
    assert planted in str(refusal.value)
    assert refusal.value.exit_code == 2
    assert list(elsewhere.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
@pytest.mark.parametrize("given", ["", "runs", "memo.sqlite"])
def test_another_users_folder_is_refused(tmp_path: Path, given: str) -> None:
    outputs = tmp_path / "outputs"
    (outputs / "runs").mkdir(parents=True)
    (outputs / "memo.sqlite").touch()
    os.chown(outputs / given, 65534, 65534)
    with pytest.raises(StageError, match="belongs to another user .*65534"):
        private_outputs(outputs)


def test_the_newest_notebooks_may_be_links_because_we_make_them(tmp_path: Path) -> None:
    outputs = private_outputs(tmp_path / "outputs")
    (outputs / "latest").mkdir()
    (outputs / "latest" / "01_gitlab_ingestion.ipynb").symlink_to("../runs/x/01_gitlab_ingestion.ipynb")
    assert private_outputs(outputs) == outputs
