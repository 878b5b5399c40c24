"""The chain without kernels: the code cells of the real notebooks, executed in this process.

What a kernel adds is left out: its start, its isolation, its figures. What a stage reads, decides, makes and
writes is the product's own; only document workers are calls here, in place of processes.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import linecache
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from runner.errors import StageExecutionError
from runner.kernels.execution import NotebookJob
from runner.kernels.pool import KernelPool
from runner.models import PipelineStage
from runner.stages.chain import default_stages
from stagekit.contract import SCRAP_MIME
from stagekit.stage.execution import InProcess, Show, Workplace
from stagekit.workers.team import DocumentWorkers
from tests.unit.core_notebooks import executed_notebook

Row = dict[str, Any]


class InProcessWorkers(DocumentWorkers):
    """The document workers of stage 02 as calls of their function, one document after the other."""

    def run(self, rows: Sequence[Row], place: Workplace, show: Show) -> Generator[tuple[int, Row]]:
        """Yield (index of the row, outcome) in the order of the rows."""
        module, _, name = self.factory.partition(":")
        factory = getattr(importlib.import_module(module), name)
        process = factory(self.settings, read=place.store.read, threads=1)
        yield from InProcess(process).run(rows, place, show)


class NoKernels(KernelPool):
    """Hands out nothing that would have to be started."""

    def warm(self, _: Iterable[PipelineStage]) -> list[Any]:
        """Start nothing."""
        return []

    def take(self, _: PipelineStage) -> Any:
        """Return what the runner measures and ends."""
        return _NoKernel()


class _NoKernel:
    peak_memory_mb = 0.0

    def end(self) -> None:
        """There is nothing to end."""


@dataclass(frozen=True)
class Interruption:
    """Where a stage breaks off, or what happens while it is executed.

    Attributes:
        stage: its name.
        after: lines of its notebook that are executed before; loops and functions count each time.
        meanwhile: what happens then, and the stage goes on; None: it breaks off.
    """

    stage: str
    after: int
    meanwhile: Callable[[], object] | None = None


class InProcessChain:
    """The six stages; an interruption that is set strikes once.

    Args:
        shown: the display messages of this process, see :func:`tests.unit.core_notebooks.front_end`.
    """

    def __init__(self, shown: list[dict[str, Any]]) -> None:
        self.shown = shown
        self.interruption: Interruption | None = None
        self.struck = False
        self.executed: list[str] = []
        self._record: Callable[[], Path] | None = None
        self._left: tuple[Path, bytes] | None = None

    def prepare(self, interruption: Interruption | None, killed: Callable[[], Path] | None = None) -> None:
        """Forget what was executed, and say where the next run breaks off.

        Args:
            interruption: where; None for nowhere.
            killed: returns the record that :meth:`put_back` brings back to what it was then, as a run leaves
                it whose process was killed; None where the runner lives on.
        """
        self.interruption, self.struck, self.executed = interruption, False, []
        self._record, self._left = killed, None

    def put_back(self) -> None:
        """Let the record be as it was when the run broke off."""
        if self._left is not None:
            path, content = self._left
            path.write_bytes(content)

    def stages(self) -> list[PipelineStage]:
        """Return the stages, executed here."""
        return [replace(stage, executor_function=self.execute) for stage in default_stages()]

    def execute(self, job: NotebookJob) -> None:
        """Execute the cells of a job's notebook and leave the executed one at its target."""
        self.shown.clear()
        self.executed.append(job.stage)
        scope: dict[str, Any] = {"__name__": "notebook"}
        due = self.interruption if self.interruption and self.interruption.stage == job.stage else None
        try:
            with self._struck_by(due) if due else contextlib.nullcontext():
                for code, parameters in _cells(job.source):
                    exec(code, scope)
                    if parameters:
                        scope |= job.parameters
        except Exception as error:
            raise StageExecutionError(job.stage, f"{type(error).__name__}: {error}") from error
        finally:
            _let_go(scope)
            found = (message["data"].get(SCRAP_MIME) for message in self.shown)
            executed_notebook(job.target, {scrap["name"]: scrap["data"] for scrap in found if scrap})

    @contextlib.contextmanager
    def _struck_by(self, interruption: Interruption) -> Iterator[None]:
        left = interruption.after

        def count(frame: FrameType, event: str, _: Any) -> Any:
            nonlocal left
            if not frame.f_code.co_filename.startswith(_CELL) or self.interruption is None:
                return None
            if event == "line":
                left -= 1
            if left < 0:
                self._strike(interruption)
            return count

        before = sys.gettrace()
        sys.settrace(count)
        try:
            yield
        finally:
            sys.settrace(before)

    def _strike(self, interruption: Interruption) -> None:
        self.interruption = None
        if interruption.meanwhile is not None:
            interruption.meanwhile()
            return
        self.struck = True
        if self._record is not None:
            self._left = (path := self._record()), path.read_bytes()
        raise ConnectionAbortedError("the process was interrupted")


_CELL = "cell of "


@cache
def _cells(notebook: Path) -> list[tuple[CodeType, bool]]:
    """Return the code of a notebook's cells, and which of them has the parameters."""
    found = []
    for number, cell in enumerate(json.loads(notebook.read_text(encoding="utf-8"))["cells"]):
        if cell["cell_type"] != "code":
            continue
        text, name = "".join(cell["source"]), f"{_CELL}{notebook.stem}, {number}"
        # The source of a stage's function is part of its memo key.
        linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
        found.append((compile(text, name, "exec"), "parameters" in cell["metadata"].get("tags", [])))
    return found


def _let_go(scope: Row) -> None:
    """Close what the end of a kernel would."""
    for name in ("repository", "writer", "client", "store"):
        close = getattr(scope.get(name), "close", None)
        if close is not None:
            with contextlib.suppress(Exception):
                close()
    if (stage := scope.get("stage")) is not None:
        stage.memo.close()
