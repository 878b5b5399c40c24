"""One real run on the bundled sample, made once for all tests (and all xdist workers) that look at it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

NicEtl = Callable[..., subprocess.CompletedProcess[str]]


@dataclass(frozen=True)
class SampleRun:
    """A finished run: its outputs folder, and what `nic-etl run --json` printed."""

    outputs: Path
    summary: dict[str, Any]

    @property
    def run_dir(self) -> Path:
        return self.outputs / "runs" / str(self.summary["execution_id"])


def nic_etl_command(outputs: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as a user would, in a process of its own."""
    env = {**os.environ, "NIC_ETL_OUTPUTS_DIR": str(outputs), "NO_COLOR": "1", **environment}
    return subprocess.run(
        [sys.executable, "-m", "runner", *arguments],
        capture_output=True,
        text=True,
        env=env,
        cwd=outputs.parent,
        check=False,
        timeout=900,
    )


@pytest.fixture(scope="session")
def sample_run(tmp_path_factory: pytest.TempPathFactory) -> SampleRun:
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    outputs, record = shared / "sample_outputs", shared / "sample_run.json"
    with (shared / "sample_run.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not record.exists():
            done = nic_etl_command(outputs, "run", "--json")
            assert done.returncode == 0, done.stderr
            record.write_text(done.stdout)
    return SampleRun(outputs, json.loads(record.read_text()))


def copy_outputs(outputs: Path, target: Path) -> None:
    """Copy a folder that other tests read meanwhile: what readers make and take away again is left out."""

    def copy(source: str, there: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            shutil.copy2(source, there)

    passing = shutil.ignore_patterns("*-wal", "*-shm", "*-journal", "*.tmp", "serve.json")
    shutil.copytree(outputs, target, symlinks=True, ignore=passing, copy_function=copy)


@pytest.fixture
def sample_copy(sample_run: SampleRun, tmp_path: Path) -> SampleRun:
    """The run in a folder of its own, for tests that change something."""
    copy = tmp_path / "outputs"
    copy_outputs(sample_run.outputs, copy)
    return SampleRun(copy, sample_run.summary)


@pytest.fixture
def nic_etl() -> NicEtl:
    return nic_etl_command
