"""The one package that the stage notebooks import: the contract of a stage, and each stage's logic."""

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
