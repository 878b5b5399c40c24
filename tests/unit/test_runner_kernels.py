"""Promises of the kernels' keeper: a kernel sees its stage's secrets only, orphans end, nobody else does."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from runner.kernels.kernel import StageKernel, kernel_environment
from runner.record.kernels import note_kernel, reap_orphans, remove_dead_logs

ME = {"pid": os.getpid(), "started": psutil.Process().create_time()}
GONE = {"pid": 2**22 - 1, "started": 1.0}


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process that leads its own group, as a kernel does."""
    process = subprocess.Popen(["sleep", "60"], start_new_session=True)
    yield process
    process.kill()
    process.wait()


def note(registry: Path, kernel: dict[str, Any], owner: dict[str, Any]) -> Path:
    path = registry / f"{kernel['pid']}.json"
    path.write_text(json.dumps(kernel | {"owner": owner}))
    return path


def test_a_kernel_is_noted_with_its_owner_and_let_be_while_that_lives(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    path = tmp_path / "a" / "kernels" / "1.json"
    note_kernel(path, sleeper.pid)
    assert json.loads(path.read_text()) == identity(sleeper) | {"owner": ME}
    assert path.parent.stat().st_mode & 0o777 == 0o700
    note_kernel(path, sleeper.pid)
    assert reap_orphans(path.parent) == []
    assert path.exists()
    assert sleeper.poll() is None


def identity(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    return {"pid": process.pid, "started": psutil.Process(process.pid).create_time()}


def test_of_the_secrets_a_kernel_gets_those_of_its_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    hidden = ("QDRANT_API_KEY", "QDRANT_API_KEY_FILE", "HF_TOKEN_FILE")
    for name in ("GITLAB_TOKEN", "GITLAB_TOKEN_FILE", *hidden):
        monkeypatch.setenv(name, "hush")
    monkeypatch.setenv("PATH_TO_DATA", "/data")
    environment = kernel_environment(["GITLAB_TOKEN"], {"NIC_ETL_NOTEBOOK": "a.ipynb"})
    assert {name for name, value in environment.items() if value == "hush"} == {
        "GITLAB_TOKEN", "GITLAB_TOKEN_FILE",
    }  # fmt: skip
    assert (environment["PATH_TO_DATA"], environment["NIC_ETL_NOTEBOOK"]) == ("/data", "a.ipynb")


def test_a_stage_that_is_over_before_its_memory_was_watched_has_a_figure_too(tmp_path: Path) -> None:
    kernel = StageKernel(kernel_environment((), {}), tmp_path, tmp_path / "log", tmp_path / "kernels")
    kernel.end()
    assert kernel.peak_memory_mb > 0


def test_a_kernel_whose_runner_is_gone_is_ended(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    path = note(tmp_path, identity(sleeper), GONE)
    assert reap_orphans(tmp_path) == [sleeper.pid]
    assert sleeper.wait(5) == -9
    assert not path.exists()


def test_a_process_that_took_over_the_number_of_a_kernel_is_let_be(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    path = note(tmp_path, identity(sleeper) | {"started": 1.0}, GONE)
    assert reap_orphans(tmp_path) == []
    assert sleeper.poll() is None
    assert not path.exists()


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"pid": 1, "owner": {"pid": "x", "started": 0}}'])
def test_a_note_that_cannot_be_read_is_removed(tmp_path: Path, content: str) -> None:
    (tmp_path / "1.json").write_text(content)
    assert reap_orphans(tmp_path) == []
    assert not list(tmp_path.iterdir())


def test_a_kernel_that_has_ended_by_itself_is_forgotten(tmp_path: Path) -> None:
    path = note(tmp_path, GONE, GONE)
    assert reap_orphans(tmp_path) == []
    assert not path.exists()


def test_the_logs_of_a_stage_go_with_its_processes_and_no_others(tmp_path: Path) -> None:
    me, gone = ME["pid"], GONE["pid"]
    dead = [f"a-{gone}.log", f"a-workers-{gone}.log"]
    kept = [
        f"a-{me}.log",
        f"a-workers-{me}.log",
        f"b-{gone}.log",
        "a-1x.log",
        f"a-b-{gone}.log",
        f"a-{gone}.txt",
    ]
    for name in dead + kept:
        (tmp_path / name).touch()
    assert remove_dead_logs(tmp_path, "a") == [tmp_path / name for name in dead]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(kept)


def test_without_a_registry_there_is_nothing_to_end(tmp_path: Path) -> None:
    assert reap_orphans(tmp_path / "kernels") == []
