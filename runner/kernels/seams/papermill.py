"""What we need of papermill that is not public: who saves the notebook that is being executed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def take_saving_over(manager: Any, request: Callable[..., None]) -> Callable[[], None]:
    """Let papermill call `request` where it would save the notebook, and return how it saves.

    It saves twice a cell, and has no setting to do so less often.

    Args:
        manager: papermill's `NotebookExecutionManager`.
        request: called with papermill's keyword arguments.
    """
    save: Callable[[], None] = manager.save
    manager.save = request
    return save


def give_saving_back(manager: Any) -> None:
    """Undo `take_saving_over`."""
    del manager.save
