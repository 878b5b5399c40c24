"""Every name that the specification gives, by that name; here are those that nothing but it asks for.

Each is a thin way into the room that does the work.
"""

from typing import TYPE_CHECKING

from stagekit.base.imports.lazy import lazy_names

if TYPE_CHECKING:
    from runner.dashboard.checks import (
        component_health_checker,
        pipeline_dry_run,
        validate_configuration_widget,
    )
    from runner.dashboard.documents_view import create_error_analysis_widget
    from runner.dashboard.panel import create_pipeline_dashboard
    from runner.dashboard.progress_view import display_execution_progress
    from runner.dashboard.settings_form import pipeline_configuration_widget
    from runner.dashboard.stage_view import stage_detail_viewer
    from runner.errors import (
        ConfigurationError,
        DependencyResolutionError,
        PipelineOrchestrationError,
        StageExecutionError,
        StateManagementError,
    )
    from runner.kernels.resource_manager import ResourceManager
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
    from runner.pipeline.dependency_resolver import DependencyResolver
    from runner.pipeline.orchestrator import PipelineOrchestrator
    from runner.pipeline.stage_manager import StageManager
    from runner.record.monitor import CancellationResult, PipelineMonitor, PipelineStatus
    from runner.record.state_manager import StateManager
    from runner.report.notebook import display_stage_metrics, generate_execution_summary
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
    from runner.spec.notebook import (
        create_pipeline_section_headers,
        create_progress_tracker,
        setup_notebook_environment,
    )
    from runner.spec.recovery import (
        CleanupResult,
        IntegrityReport,
        checkpoint_pipeline_state,
        cleanup_failed_execution,
        validate_pipeline_integrity,
    )
    from runner.spec.stage_executor import (
        AdvancedOrchestration,
        ExecutionSchedule,
        StageExecutor,
        execute_stage_with_retry,
    )
    from runner.stages.error_handler import (
        RecoveryAction,
        RecoveryPlan,
        handle_stage_failure,
        recover_from_partial_failure,
    )

__all__ = [
    "AdvancedOrchestration",
    "CancellationResult",
    "CleanupResult",
    "ConfigurationError",
    "DependencyResolutionError",
    "DependencyResolver",
    "DependencyValidation",
    "ExecutionContext",
    "ExecutionMode",
    "ExecutionPlan",
    "ExecutionRecord",
    "ExecutionSchedule",
    "ExecutionStatus",
    "HealthCheckResult",
    "IntegrityReport",
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
    "RecoveryAction",
    "RecoveryPlan",
    "ResourceInfo",
    "ResourceManager",
    "ResourceRequirements",
    "RetryConfig",
    "SetupResult",
    "StageExecutionError",
    "StageExecutor",
    "StageManager",
    "StageResult",
    "StateManagementError",
    "StateManager",
    "ValidationResult",
    "ValidationRule",
    "checkpoint_pipeline_state",
    "cleanup_failed_execution",
    "component_health_checker",
    "create_error_analysis_widget",
    "create_pipeline_dashboard",
    "create_pipeline_section_headers",
    "create_progress_tracker",
    "display_execution_progress",
    "display_stage_metrics",
    "execute_stage_with_retry",
    "generate_execution_summary",
    "handle_stage_failure",
    "pipeline_configuration_widget",
    "pipeline_dry_run",
    "recover_from_partial_failure",
    "setup_notebook_environment",
    "stage_detail_viewer",
    "validate_configuration_widget",
    "validate_pipeline_integrity",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "runner.config_manager": ("PipelineConfig",),
        "runner.dashboard.checks": (
            "component_health_checker",
            "pipeline_dry_run",
            "validate_configuration_widget",
        ),
        "runner.dashboard.documents_view": ("create_error_analysis_widget",),
        "runner.dashboard.panel": ("create_pipeline_dashboard",),
        "runner.dashboard.progress_view": ("display_execution_progress",),
        "runner.dashboard.settings_form": ("pipeline_configuration_widget",),
        "runner.dashboard.stage_view": ("stage_detail_viewer",),
        "runner.errors": (
            "ConfigurationError",
            "DependencyResolutionError",
            "PipelineOrchestrationError",
            "StageExecutionError",
            "StateManagementError",
        ),
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
        "runner.pipeline.dependency_resolver": ("DependencyResolver",),
        "runner.stages.error_handler": (
            "RecoveryAction",
            "RecoveryPlan",
            "handle_stage_failure",
            "recover_from_partial_failure",
        ),
        "runner.pipeline.orchestrator": ("PipelineOrchestrator",),
        "runner.kernels.resource_manager": ("ResourceManager",),
        "runner.pipeline.stage_manager": ("StageManager",),
        "runner.record.monitor": ("CancellationResult", "PipelineMonitor", "PipelineStatus"),
        "runner.record.state_manager": ("StateManager",),
        "runner.report.notebook": ("display_stage_metrics", "generate_execution_summary"),
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
        "runner.spec.notebook": (
            "create_pipeline_section_headers",
            "create_progress_tracker",
            "setup_notebook_environment",
        ),
        "runner.spec.recovery": (
            "CleanupResult",
            "IntegrityReport",
            "checkpoint_pipeline_state",
            "cleanup_failed_execution",
            "validate_pipeline_integrity",
        ),
        "runner.spec.stage_executor": (
            "AdvancedOrchestration",
            "ExecutionSchedule",
            "StageExecutor",
            "execute_stage_with_retry",
        ),
    },
)
