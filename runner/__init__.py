"""Executes the stage notebooks in dependency order and keeps each executed notebook as checkpoint and log.

Public is what ``__all__`` names; ``docs/python.md`` shows it at work. Importing this package loads nothing.
"""

from typing import TYPE_CHECKING

from stagekit.base.imports.lazy import lazy_names

if TYPE_CHECKING:
    from runner.config_manager import load_config
    from runner.errors import (
        ConfigurationError,
        DependencyResolutionError,
        PipelineOrchestrationError,
        StageCancelledError,
        StageExecutionError,
        StageMemoryError,
        StateManagementError,
    )
    from runner.events import Event, Listener
    from runner.models import (
        ExecutionContext,
        ExecutionMode,
        ExecutionStatus,
        PipelineStage,
        PipelineState,
        ResourceRequirements,
        RetryConfig,
        StageResult,
        ValidationRule,
    )
    from runner.pipeline.orchestrator import PipelineOrchestrator
    from runner.pipeline.stage_manager import StageManager
    from runner.record.follow import follow
    from runner.record.monitor import CancellationResult, PipelineMonitor, PipelineStatus
    from runner.record.state_manager import StateManager
    from runner.results import (
        DependencyValidation,
        ExecutionPlan,
        ExecutionRecord,
        HealthCheckResult,
        PerformanceReport,
        PipelineMetrics,
        PipelineResult,
        ResourceInfo,
        SetupResult,
        ValidationResult,
    )
    from runner.settings.pipeline_config import PipelineConfig
    from runner.stages.chain import default_stages

__all__ = [
    "CancellationResult",
    "ConfigurationError",
    "DependencyResolutionError",
    "DependencyValidation",
    "Event",
    "ExecutionContext",
    "ExecutionMode",
    "ExecutionPlan",
    "ExecutionRecord",
    "ExecutionStatus",
    "HealthCheckResult",
    "Listener",
    "PerformanceReport",
    "PipelineConfig",
    "PipelineMetrics",
    "PipelineMonitor",
    "PipelineOrchestrationError",
    "PipelineOrchestrator",
    "PipelineResult",
    "PipelineStage",
    "PipelineState",
    "PipelineStatus",
    "ResourceInfo",
    "ResourceRequirements",
    "RetryConfig",
    "SetupResult",
    "StageCancelledError",
    "StageExecutionError",
    "StageManager",
    "StageMemoryError",
    "StageResult",
    "StateManagementError",
    "StateManager",
    "ValidationResult",
    "ValidationRule",
    "default_stages",
    "follow",
    "load_config",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "runner.config_manager": ("PipelineConfig", "load_config"),
        "runner.errors": (
            "ConfigurationError",
            "DependencyResolutionError",
            "PipelineOrchestrationError",
            "StageCancelledError",
            "StageExecutionError",
            "StageMemoryError",
            "StateManagementError",
        ),
        "runner.events": ("Event", "Listener"),
        "runner.models": (
            "ExecutionContext",
            "ExecutionMode",
            "ExecutionStatus",
            "PipelineStage",
            "PipelineState",
            "ResourceRequirements",
            "RetryConfig",
            "StageResult",
            "ValidationRule",
        ),
        "runner.pipeline.orchestrator": ("PipelineOrchestrator",),
        "runner.pipeline.stage_manager": ("StageManager",),
        "runner.results": (
            "DependencyValidation",
            "ExecutionPlan",
            "ExecutionRecord",
            "HealthCheckResult",
            "PerformanceReport",
            "PipelineMetrics",
            "PipelineResult",
            "ResourceInfo",
            "SetupResult",
            "ValidationResult",
        ),
        "runner.stages.chain": ("default_stages",),
        "runner.record.follow": ("follow",),
        "runner.record.monitor": ("CancellationResult", "PipelineMonitor", "PipelineStatus"),
        "runner.record.state_manager": ("StateManager",),
    },
)
