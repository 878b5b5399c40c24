"""The six notebooks as nbval sees them: every cell of each runs, with default parameters, after any run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stagekit.base.paths import notebooks_dir
from tests.integration.conftest import SampleRun, sample_copy, sample_run

__all__ = ["sample_copy", "sample_run"]


@pytest.mark.slow
def test_every_cell_of_the_six_notebooks_runs(sample_copy: SampleRun, tmp_path: Path) -> None:
    notebooks = sorted(notebooks_dir().glob("0*.ipynb"))
    assert len(notebooks) == 6
    environment = {
        **os.environ,
        "NIC_ETL_OUTPUTS_DIR": str(sample_copy.outputs),
        "IPYTHONDIR": str(tmp_path / "ipython"),  # nbval's kernels keep a history
    }
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--nbval-lax",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:randomly",
        "-p",
        "no:langsmith_plugin",
        "-p",
        "no:faker",
    ]
    done = subprocess.run(
        [*command, "-o", "addopts=", *map(str, notebooks)],
        capture_output=True,
        text=True,
        env=environment,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    assert " passed" in done.stdout
