"""What happens after a run: hooks of one form, told by name, so that the run itself knows none of them."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runner.models import PipelineState
    from runner.record.report_generator import RunRows
    from runner.record.state_manager import StateManager

REPORT = "runner.after.report:Report"
# In this order; a channel of your own is one more name of this form.
AFTER_A_RUN = (REPORT, "runner.after.metrics:Metrics", "runner.after.notifications:Notification")


@dataclass(frozen=True)
class EndedRun:
    """A run that has ended, as its hooks meet it.

    Attributes:
        manager: of the outputs folder; the run's lock is still held.
        state: the run, recorded as ended.
        rows: its manifests; each is read once, however many hooks ask for it.
        summary: as :func:`runner.record.report_generator.summarize` returns it.
    """

    manager: StateManager
    state: PipelineState
    rows: RunRows
    summary: dict[str, Any]


class Hook(ABC):
    """Something to do when a run has ended, however it did."""

    def prepare(self, manager: StateManager, state: PipelineState) -> None:  # noqa: B027
        """Import what will be needed, in the background; called when the last stage begins."""

    @abstractmethod
    def finish(self, ended: EndedRun) -> Iterable[str]:
        """Do it, and return a warning for what failed."""


class Hooks:
    """The hooks of a run; each is imported when the last stage begins, or else when the run has ended.

    It is given by its name, ``module:class`` of a :class:`Hook` without arguments, or made.
    """

    def __init__(self, names: Sequence[str | Hook]) -> None:
        self._names = names

    def prepare(self, manager: StateManager, state: PipelineState) -> None:
        """Let each hook import what it will need; what goes wrong is told when the run has ended."""
        for name in self._names:
            with contextlib.suppress(Exception):  # `finish` meets it again, and tells
                _made(name).prepare(manager, state)

    def finish(self, ended: EndedRun) -> list[str]:
        """Call each hook and return their warnings; none of them can fail the run."""
        warnings: list[str] = []
        for name in self._names:
            try:
                warnings += _made(name).finish(ended)
            except Exception as error:
                what = name if isinstance(name, str) else type(name).__name__
                warnings.append(
                    f"{what} could not do what is due after {ended.state.execution_id} ({error}); "
                    "the run is not affected."
                )
        return warnings


def _made(name: str | Hook) -> Hook:
    hook: Hook = resolve_name(name)() if isinstance(name, str) else name
    return hook
