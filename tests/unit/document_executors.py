"""What executes documents, here and on a cluster: a stage that uses it, and documents that misbehave."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from stagekit import Stage, open_stage
from stagekit.workers.team import DocumentWorkers
from tests.unit.core_notebooks import source_notebook

Row = dict[str, Any]
Open = Callable[..., Stage]
Plan = Callable[..., DocumentWorkers]
MISBEHAVING = "tests.unit.worker_documents:open_misbehaving"


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Opens the stage `shout`, by default on the outputs folder of the test."""
    path = source_notebook(tmp_path / "02_shout.ipynb", ("", "shout(rows)"))
    monkeypatch.setenv("NIC_ETL_NOTEBOOK", str(path))
    umask = os.umask(0o077)
    opened: list[Stage] = []

    def make(name: str = "outputs") -> Stage:
        opened.append(open_stage("shout", outputs_dir=str(tmp_path / name)))
        return opened[-1]

    yield make
    os.umask(umask)
    for each in opened:
        each.memo.close()


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """Workers on this machine, whose documents do to their process what their text says."""

    def make(count: int = 1, factory: str = MISBEHAVING, tell: bool = False, **more: Any) -> DocumentWorkers:
        return DocumentWorkers(factory, {"folder": str(tmp_path), "tell": tell}, count, **more)

    return make


def documents(*texts: str) -> list[Row]:
    return [{"document_id": f"id{n}", "path": f"{n}.md", "text": text} for n, text in enumerate(texts)]


def run(stage: Stage, executor: Any, *texts: str, **more: Any) -> list[Row]:
    return stage.map_documents(documents(*texts), executor, key=lambda row: row["text"], **more)


def column(outcomes: list[Row], name: str) -> list[Any]:
    return [row[name] for row in outcomes]


def asked(folder: Path) -> list[str]:
    """Which documents were begun, once for each time."""
    trace = folder / "asked"
    return [line.split()[0] for line in trace.read_text().splitlines()] if trace.exists() else []
