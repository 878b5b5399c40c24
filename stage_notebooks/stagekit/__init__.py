"""The one package that the stage notebooks import: the contract of a stage, and each stage's logic.

Public is what ``__all__`` names, here and in the subpackages: :func:`open_stage` to read what a stage has
made, :func:`stagekit.search.search`, :func:`stagekit.storage.connect`. ``docs/python.md`` shows them at work.
"""

from typing import TYPE_CHECKING

from stagekit.base.imports.lazy import lazy_names

if TYPE_CHECKING:
    from stagekit.contract import ArtifactRef as ArtifactRef
    from stagekit.contract import ExecutionStatus as ExecutionStatus
    from stagekit.contract import StageResult as StageResult
    from stagekit.errors import ArtifactError as ArtifactError
    from stagekit.errors import DocumentRejected as DocumentRejected
    from stagekit.errors import StageError as StageError
    from stagekit.stage.stage import DocumentOutput as DocumentOutput
    from stagekit.stage.stage import Stage as Stage
    from stagekit.stage.stage import open_stage as open_stage

__getattr__, __dir__, __all__ = lazy_names(__name__, __file__)
