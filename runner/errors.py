"""The runner's errors, as one tree, with the exit code and the remedy that each one carries.

::

    PipelineOrchestrationError        exit code 1
    ├── ConfigurationError            exit code 2, before any work
    ├── DependencyResolutionError     exit code 2
    ├── StateManagementError          exit code 1 (2 where another run holds the lock)
    └── StageExecutionError           exit code 1
        ├── StageMemoryError          more memory than memory_limit_mb
        └── StageCancelledError       exit code 130
"""

from __future__ import annotations

from pathlib import Path


class PipelineOrchestrationError(Exception):
    """Base of everything that the runner raises on purpose. The message is for the user to read."""

    exit_code = 1


class ConfigurationError(PipelineOrchestrationError):
    """A setting is unknown, of the wrong type, or does not fit the others."""

    exit_code = 2


class DependencyResolutionError(PipelineOrchestrationError):
    """Stages depend on each other in a circle, or on a stage that does not exist."""

    exit_code = 2


class StateManagementError(PipelineOrchestrationError):
    """The recorded state cannot be used: locked by another run, missing, or damaged."""

    def __init__(self, message: str, *, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class StageExecutionError(PipelineOrchestrationError):
    """A stage notebook did not come to its end.

    Attributes:
        stage: name of the stage.
        notebook: the executed notebook, with what had been reached.
        cell: number of the failed cell, counted from 1, or None where no cell is to blame.
        transient: whether running the stage again may help without anything being changed.
    """

    def __init__(
        self,
        stage: str,
        message: str,
        *,
        notebook: Path | None = None,
        cell: int | None = None,
        transient: bool = False,
    ) -> None:
        super().__init__(message)
        self.stage = stage
        self.notebook = notebook
        self.cell = cell
        self.transient = transient


class StageMemoryError(StageExecutionError):
    """The stage's kernel took more memory than it may, and was ended."""


class StageCancelledError(StageExecutionError):
    """The stage was ended because the run was cancelled."""

    exit_code = 130
