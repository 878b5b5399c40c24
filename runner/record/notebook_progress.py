"""What a notebook shows of the run that it started: a bar for the pipeline and one for each stage at work."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import Any

from runner.events import Event


def in_notebook() -> bool:
    """Tell whether this process is the kernel of a notebook."""
    module = sys.modules.get("IPython")  # a kernel has it; whoever has not need not load it
    shell = module.get_ipython() if module is not None else None
    return getattr(shell, "kernel", None) is not None


class ProgressTracker:
    """Draws the events of a run with tqdm; a :data:`runner.events.Listener`.

    In a notebook with ipywidgets the bars are widgets, elsewhere lines of text. The bar of a stage goes when
    the stage ends, and that of the pipeline stays and says how the run ended.
    """

    def __init__(self) -> None:
        self._pipeline: Any = None
        self._stages: dict[str, Any] = {}

    def __call__(self, event: Event) -> None:
        """Draw one event."""
        if event.kind == "run_started":
            self._pipeline = _bar("pipeline", len(event.data["stages"]), "stage", leave=True)
        elif event.kind == "stage_started":
            self._stages[event.stage] = _bar(event.stage, None, "document", leave=False)
        elif event.kind == "documents" and event.stage in self._stages:
            self._advance(self._stages[event.stage], event.data)
        elif event.kind in {"stage_finished", "stage_carried_over"}:
            self._end_stage(event)
        elif event.kind == "run_finished":
            self._end_run(str(event.data["status"]))

    def _advance(self, bar: Any, data: dict[str, Any]) -> None:
        begins = bar.total is None
        bar.total, bar.unit = data["total"], data.get("unit", "document")
        bar.set_postfix_str(str(data.get("current") or "")[-48:], refresh=False)
        bar.update(data["done"] - bar.n)
        if begins:  # tqdm itself draws at most ten times a second
            bar.refresh()

    def _end_stage(self, event: Event) -> None:
        if event.stage in self._stages:
            self._stages.pop(event.stage).close()
        if self._pipeline is not None and not event.data.get("error"):
            self._pipeline.update(1)

    def _end_run(self, status: str) -> None:
        for name in list(self._stages):
            self._stages.pop(name).close()
        if self._pipeline is not None:
            self._pipeline.set_postfix_str(status)
            self._pipeline.close()
            self._pipeline = None


def _bar(name: str, total: int | None, unit: str, *, leave: bool) -> Any:
    if in_notebook() and find_spec("ipywidgets") is not None:
        from tqdm.notebook import tqdm
    else:
        from tqdm import tqdm  # type: ignore[assignment]
    return tqdm(desc=name, total=total, unit=unit, leave=leave, file=sys.stdout)
