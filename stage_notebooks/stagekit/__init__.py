"""The one package that the stage notebooks import: the contract of a stage, and each stage's logic.

Public is what ``__all__`` names, here and in the subpackages: :func:`open_stage` to read what a stage has
made, :func:`stagekit.search.search`, :func:`stagekit.storage.connect`. ``docs/python.md`` shows them at work.
"""

from typing import TYPE_CHECKING

from stagekit.base.imports.lazy import lazy_names

if TYPE_CHECKING:
    from stagekit.contract import ArtifactRef, ExecutionStatus, StageResult
    from stagekit.errors import ArtifactError, DocumentRejected, StageError
    from stagekit.stage.stage import DocumentOutput, Stage, open_stage

__all__ = [
    "ArtifactError",
    "ArtifactRef",
    "DocumentOutput",
    "DocumentRejected",
    "ExecutionStatus",
    "Stage",
    "StageError",
    "StageResult",
    "open_stage",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "stagekit.contract": ("ArtifactRef", "ExecutionStatus", "StageResult"),
        "stagekit.errors": ("ArtifactError", "DocumentRejected", "StageError"),
        "stagekit.stage.stage": ("DocumentOutput", "Stage", "open_stage"),
    },
)
