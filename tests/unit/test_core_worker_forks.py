"""Promises of the forked document workers: they do what started ones do, and end as these end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.unit.core_notebooks import source_notebook

ROOT = Path(__file__).parents[2]
# Forking wants a process with one thread, which pytest is not; so each promise has a process of its own.
SCRIPT = """
import json, os, sys, time
from pathlib import Path
from stagekit import open_stage
from stagekit.workers import forks as worker_forks
from stagekit.workers.worker_process import _environment
from stagekit.workers.team import DocumentWorkers

folder, texts, count, prepared = Path(sys.argv[1]), json.loads(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
if prepared == "prepared":
    worker_forks.prepare(["colorsys", "no.such.module"])
stage = open_stage("shout", outputs_dir=str(folder / "outputs" / prepared))
workers = DocumentWorkers(
    "tests.unit.worker_documents:open_misbehaving", {"folder": str(folder), "tell": False}, count, timeout_s=4
)
rows = [{"document_id": f"id{n}", "path": f"{n}.md", "text": text} for n, text in enumerate(texts)]
print("ready", flush=True)
outcomes = stage.map_documents(rows, workers, key=lambda row: row["text"])
left = ("seconds", "produced_at", "memo_key", "remedy")  # a remedy names the log of this process
print(json.dumps([{k: v for k, v in row.items() if k not in left} for row in outcomes]))
"""


def command(folder: Path, texts: list[str], count: int, prepared: str) -> dict[str, Any]:
    notebook = source_notebook(folder / "02_shout.ipynb", ("", "shout(rows)"))
    path = os.pathsep.join([str(ROOT), str(ROOT / "stage_notebooks")])
    return {
        "args": [sys.executable, "-c", SCRIPT, str(folder), json.dumps(texts), str(count), prepared],
        "env": os.environ | {"NIC_ETL_NOTEBOOK": str(notebook), "PYTHONPATH": path},
        "cwd": ROOT,
    }


def outcomes(
    folder: Path, texts: list[str], count: int = 1, prepared: str = "prepared"
) -> list[dict[str, Any]]:
    run = subprocess.run(
        **command(folder, texts, count, prepared), capture_output=True, text=True, check=True, timeout=120
    )
    found: list[dict[str, Any]] = json.loads(run.stdout.splitlines()[-1])
    return found


def named(pid: int) -> str:
    return psutil.Process(pid).name()


def test_forked_workers_make_what_started_ones_make(tmp_path: Path) -> None:
    texts = ["fine", "reject", "raise", "exit 3", "segfault", "sleep", "chatter", "fine as well"]
    forked = outcomes(tmp_path, texts, 2)
    assert forked == outcomes(tmp_path, texts, 2, "started")
    assert [row["status"] for row in forked] == [
        "ok", "rejected", "failed", "failed", "failed", "rejected", "ok", "ok",
    ]  # fmt: skip
    assert "ended with exit code 3" in forked[3]["message"]
    assert "was killed by SIGSEGV" in forked[4]["message"]
    assert forked[5]["category"] == "timed_out"
    for kind in ("prepared", "started"):
        [log] = (tmp_path / "outputs" / kind / "logs").glob("shout-workers-*.log")
        assert "chatter on stdout" in log.read_text()
        assert "chatter on stderr" in log.read_text()


def test_a_crash_that_happens_once_is_made_good_by_another_fork(tmp_path: Path) -> None:
    assert [row["status"] for row in outcomes(tmp_path, ["crash-once a", "fine"])] == ["ok", "ok"]


def test_where_the_forking_process_is_gone_workers_are_started(tmp_path: Path) -> None:
    found = outcomes(tmp_path, ["crash-parent-once", "fine"])
    assert [row["status"] for row in found] == ["ok", "ok"], found


@pytest.mark.parametrize("kill", ["stage", "family"])
def test_nothing_is_left_of_a_stage_that_is_killed(tmp_path: Path, kill: str) -> None:
    stage = subprocess.Popen(
        **command(tmp_path, ["child", "sleep"], 2, "prepared"), stdout=subprocess.PIPE, start_new_session=True
    )
    with stage:
        assert stage.stdout is not None
        stage.stdout.readline()
        family = _grown(stage.pid, tmp_path / "child")
        if kill == "stage":
            stage.kill()
        else:
            os.killpg(stage.pid, 9)
    end = time.monotonic() + 20
    while alive := [pid for pid in family if _runs(pid)]:
        assert time.monotonic() < end, alive
        time.sleep(0.05)


def _grown(pid: int, child: Path) -> list[int]:
    end = time.monotonic() + 60
    while not child.exists() or not child.read_text():
        assert time.monotonic() < end
        time.sleep(0.05)
    family = [process.pid for process in psutil.Process(pid).children(recursive=True)]
    assert "worker" in map(named, family)
    return family


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
