"""A stage as its notebook opens it, and a worker that misbehaves on demand."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from stagekit import DocumentOutput, DocumentRejected, Stage, StageError, open_stage
from tests.unit.core_notebooks import source_notebook

Row = dict[str, Any]
Open = Callable[..., Stage]


@pytest.fixture(autouse=True)
def same_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = source_notebook(tmp_path / "02_shout.ipynb", ("parameters", "size = 1"), ("", "shout(rows)"))
    monkeypatch.setenv("NIC_ETL_NOTEBOOK", str(path))
    return path


@pytest.fixture
def stage(outputs: Path, notebook: Path) -> Iterator[Open]:
    opened: list[Stage] = []

    def make(name: str = "shout", **more: Any) -> Stage:
        opened.append(open_stage(name, outputs_dir=str(outputs), **more))
        return opened[-1]

    yield make
    for each in opened:
        each.memo.close()


class Worker:
    """Shouts a text and counts how often it was asked; some texts make it misbehave."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, row: Row) -> DocumentOutput:
        text = row["text"]
        self.asked.append(row["path"])
        if text == "locked":
            raise DocumentRejected("encrypted", "it has a password", "upload it without one")
        if text == "crash":
            raise RuntimeError("the converter gave up\nwith a long trace")
        if text == "silent":
            raise MemoryError
        if text == "unreachable":
            raise StageError("qdrant_url: nobody answers at http://x; start the server.")
        if text == "surrogate":
            return DocumentOutput({"title": "half of \ud800"})
        if text == "date":
            return DocumentOutput({"title": object()})
        if text == "nothing":
            return None  # type: ignore[return-value]
        table = pa.table({"word": text.upper().split()})
        return DocumentOutput(
            {"length": len(text)}, {"words": table}, {"markdown": (b"# x", "text/markdown")}
        )


def documents(*texts: str) -> list[Row]:
    return [{"document_id": f"id{n}", "path": f"{n}.md", "text": text} for n, text in enumerate(texts)]


def run(stage: Stage, rows: list[Row], worker: Worker | None = None, **more: Any) -> list[Row]:
    return stage.map_documents(rows, worker or Worker(), key=lambda row: row["text"], **more)


def column(outcomes: list[Row], name: str) -> list[Any]:
    return [row[name] for row in outcomes]
