"""Executes the stage notebooks in dependency order and keeps each executed notebook as checkpoint and log.

Public is what ``__all__`` names; ``docs/python.md`` shows it at work. Importing this package loads nothing.
"""

from typing import TYPE_CHECKING

from stagekit.base.imports.lazy import lazy_names

if TYPE_CHECKING:
    from runner.config_manager import load_config as load_config
    from runner.errors import ConfigurationError as ConfigurationError
    from runner.errors import DependencyResolutionError as DependencyResolutionError
    from runner.errors import PipelineOrchestrationError as PipelineOrchestrationError
    from runner.errors import StageCancelledError as StageCancelledError
    from runner.errors import StageExecutionError as StageExecutionError
    from runner.errors import StageMemoryError as StageMemoryError
    from runner.errors import StateManagementError as StateManagementError
    from runner.events import Event as Event
    from runner.events import Listener as Listener
    from runner.models import ExecutionContext as ExecutionContext
    from runner.models import ExecutionMode as ExecutionMode
    from runner.models import PipelineStage as PipelineStage
    from runner.models import PipelineState as PipelineState
    from runner.models import ResourceRequirements as ResourceRequirements
    from runner.models import RetryConfig as RetryConfig
    from runner.models import ValidationRule as ValidationRule
    from runner.pipeline.orchestrator import PipelineOrchestrator as PipelineOrchestrator
    from runner.pipeline.stage_manager import StageManager as StageManager
    from runner.record.follow import follow as follow
    from runner.record.monitor import CancellationResult as CancellationResult
    from runner.record.monitor import PipelineMonitor as PipelineMonitor
    from runner.record.monitor import PipelineStatus as PipelineStatus
    from runner.record.state_manager import StateManager as StateManager
    from runner.results import DependencyValidation as DependencyValidation
    from runner.results import ExecutionPlan as ExecutionPlan
    from runner.results import ExecutionRecord as ExecutionRecord
    from runner.results import HealthCheckResult as HealthCheckResult
    from runner.results import PerformanceReport as PerformanceReport
    from runner.results import PipelineMetrics as PipelineMetrics
    from runner.results import PipelineResult as PipelineResult
    from runner.results import ResourceInfo as ResourceInfo
    from runner.results import SetupResult as SetupResult
    from runner.results import ValidationResult as ValidationResult
    from runner.settings.pipeline_config import PipelineConfig as PipelineConfig
    from runner.stages.chain import default_stages as default_stages
    from stagekit.contract import ExecutionStatus as ExecutionStatus
    from stagekit.contract import StageResult as StageResult

__getattr__, __dir__, __all__ = lazy_names(__name__, __file__)
