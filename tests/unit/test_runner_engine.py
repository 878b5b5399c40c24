"""What stands on the disk while a notebook is executed: rarely written, yet never far behind."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from runner.errors import StageExecutionError
from runner.events import Event
from runner.kernels.execution import NotebookJob, execute_notebook
from runner.kernels.kernel import StageKernel, kernel_environment
from runner.kernels.notebook_io import SafeHandler

Execute = Callable[[list[str]], "Execution"]


class Execution:
    """A notebook that is executed in a thread of its own."""

    def __init__(self, folder: Path, sources: list[str]) -> None:
        cells = [nbformat.v4.new_code_cell(source) for source in sources]
        metadata = {
            "kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
        }
        (folder / "source.ipynb").write_text(
            nbformat.writes(nbformat.v4.new_notebook(cells=cells, metadata=metadata))
        )
        self.target = folder / "executed.ipynb"
        self.kernel = StageKernel(
            kernel_environment((), {}), folder, folder / "kernel.log", folder / "kernels"
        )
        self.kernel.warm(())
        self.cells: list[int] = []
        self.error: BaseException | None = None
        self._job = NotebookJob(
            "a_stage", folder / "source.ipynb", self.target, {}, self.kernel, self._hear, threading.Event()
        )
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _hear(self, event: Event) -> None:
        if event.kind == "cell":
            self.cells.append(event.data["number"])

    def _run(self) -> None:
        try:
            execute_notebook(self._job)
        except StageExecutionError as error:
            self.error = error

    def await_end(self) -> None:
        self._thread.join(120)
        assert not self._thread.is_alive()

    def on_disk(self) -> list[dict[str, Any]]:
        cells: list[dict[str, Any]] = json.loads(self.target.read_text())["cells"]
        return cells

    def statuses(self) -> list[str]:
        return [cell["metadata"]["papermill"]["status"] for cell in self.on_disk()]


@pytest.fixture
def execute(tmp_path: Path) -> Iterator[Execute]:
    started: list[Execution] = []

    def start(sources: list[str]) -> Execution:
        started.append(Execution(tmp_path, sources))
        return started[-1]

    yield start
    for execution in started:
        execution.kernel.end()
        execution.await_end()


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    made: list[str] = []
    write = SafeHandler.write.__func__  # type: ignore[attr-defined]

    def counted(cls: type, buf: str, path: str) -> None:
        made.append(path)
        write(cls, buf, path)

    monkeypatch.setattr(SafeHandler, "write", classmethod(counted))
    return made


def test_twenty_quick_cells_are_not_forty_writes(execute: Execute, writes: list[str]) -> None:
    execution = execute([f"print({number})" for number in range(20)])
    execution.await_end()
    assert execution.cells == list(range(1, 21))
    assert execution.statuses() == ["completed"] * 20
    assert [cell["outputs"][0]["text"] for cell in execution.on_disk()] == [[f"{n}\n"] for n in range(20)]
    assert len(writes) < 12


def test_a_long_cell_shows_on_the_disk_as_running_after_those_before_it(execute: Execute) -> None:
    execution = execute(
        ["print('quick')", "import time\nfor _ in range(300): time.sleep(0.1)", "print('later')"]
    )
    end = time.monotonic() + 60
    while not execution.target.exists() or execution.statuses() != ["completed", "running", "pending"]:
        assert time.monotonic() < end, execution.target.exists() and execution.statuses()
        time.sleep(0.1)
    assert execution.on_disk()[0]["outputs"][0]["text"] == ["quick\n"]
    execution.kernel.end()
    execution.await_end()
    assert execution.statuses() == ["completed", "failed", "skipped"]
    assert "kernel" in str(execution.error)


def test_the_cell_that_fails_is_the_last_word(execute: Execute) -> None:
    execution = execute(["print('quick')", "1 / 0", "print('never')"])
    execution.await_end()
    assert "ZeroDivisionError" in str(execution.error)
    failed = [cell for cell in execution.on_disk() if cell.get("outputs")]
    assert failed[-1]["outputs"][-1]["ename"] == "ZeroDivisionError"
    assert "never" not in "".join(str(cell["outputs"]) for cell in failed)


def test_a_kernel_that_ends_before_its_first_cell_is_told(execute: Execute, tmp_path: Path) -> None:
    execution = execute(["import os; os._exit(3)"])
    execution.await_end()
    assert "kernel died" in str(execution.error)
    assert (tmp_path / "executed.ipynb").exists()
