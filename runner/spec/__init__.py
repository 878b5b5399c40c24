"""Every name that the specification gives, by that name; here are those that nothing but it asks for.

Each is a thin way into the room that does the work.
"""

from typing import TYPE_CHECKING

from stagekit.base.imports.lazy import lazy_names

if TYPE_CHECKING:
    from runner.dashboard.checks import component_health_checker as component_health_checker
    from runner.dashboard.checks import pipeline_dry_run as pipeline_dry_run
    from runner.dashboard.checks import validate_configuration_widget as validate_configuration_widget
    from runner.dashboard.documents_view import create_error_analysis_widget as create_error_analysis_widget
    from runner.dashboard.panel import create_pipeline_dashboard as create_pipeline_dashboard
    from runner.dashboard.progress_view import display_execution_progress as display_execution_progress
    from runner.dashboard.settings_form import pipeline_configuration_widget as pipeline_configuration_widget
    from runner.dashboard.stage_view import stage_detail_viewer as stage_detail_viewer
    from runner.errors import ConfigurationError as ConfigurationError
    from runner.errors import DependencyResolutionError as DependencyResolutionError
    from runner.errors import PipelineOrchestrationError as PipelineOrchestrationError
    from runner.errors import StageExecutionError as StageExecutionError
    from runner.errors import StateManagementError as StateManagementError
    from runner.kernels.resource_manager import ResourceManager as ResourceManager
    from runner.models import ExecutionContext as ExecutionContext
    from runner.models import ExecutionMode as ExecutionMode
    from runner.models import PipelineStage as PipelineStage
    from runner.models import PipelineState as PipelineState
    from runner.models import ResourceRequirements as ResourceRequirements
    from runner.models import RetryConfig as RetryConfig
    from runner.models import ValidationRule as ValidationRule
    from runner.pipeline.dependency_resolver import DependencyResolver as DependencyResolver
    from runner.pipeline.orchestrator import PipelineOrchestrator as PipelineOrchestrator
    from runner.pipeline.stage_manager import StageManager as StageManager
    from runner.record.monitor import CancellationResult as CancellationResult
    from runner.record.monitor import PipelineMonitor as PipelineMonitor
    from runner.record.monitor import PipelineStatus as PipelineStatus
    from runner.record.state_manager import StateManager as StateManager
    from runner.report.notebook import display_stage_metrics as display_stage_metrics
    from runner.report.notebook import generate_execution_summary as generate_execution_summary
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
    from runner.spec.notebook import create_pipeline_section_headers as create_pipeline_section_headers
    from runner.spec.notebook import create_progress_tracker as create_progress_tracker
    from runner.spec.notebook import setup_notebook_environment as setup_notebook_environment
    from runner.spec.recovery import CleanupResult as CleanupResult
    from runner.spec.recovery import IntegrityReport as IntegrityReport
    from runner.spec.recovery import checkpoint_pipeline_state as checkpoint_pipeline_state
    from runner.spec.recovery import cleanup_failed_execution as cleanup_failed_execution
    from runner.spec.recovery import validate_pipeline_integrity as validate_pipeline_integrity
    from runner.spec.stage_executor import AdvancedOrchestration as AdvancedOrchestration
    from runner.spec.stage_executor import ExecutionSchedule as ExecutionSchedule
    from runner.spec.stage_executor import StageExecutor as StageExecutor
    from runner.spec.stage_executor import execute_stage_with_retry as execute_stage_with_retry
    from runner.stages.error_handler import RecoveryAction as RecoveryAction
    from runner.stages.error_handler import RecoveryPlan as RecoveryPlan
    from runner.stages.error_handler import handle_stage_failure as handle_stage_failure
    from runner.stages.error_handler import recover_from_partial_failure as recover_from_partial_failure
    from stagekit.contract import ExecutionStatus as ExecutionStatus
    from stagekit.contract import StageResult as StageResult

__getattr__, __dir__, __all__ = lazy_names(__name__, __file__)
