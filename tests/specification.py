"""The names that the project's specification gives, with what it says of each: a table for the tests."""

from __future__ import annotations

METHODS: dict[str, tuple[str, ...]] = {
    "PipelineOrchestrator.__init__": ("config_path", "state_persistence", "jupyter_mode"),
    "PipelineOrchestrator.setup_pipeline": ("config",),
    "PipelineOrchestrator.execute_full_pipeline": ("config", "resume_from"),
    "PipelineOrchestrator.execute_incremental_update": ("since", "force_reprocess"),
    "PipelineOrchestrator.execute_stage": ("stage_name", "dependencies"),
    "PipelineOrchestrator.resume_from_checkpoint": ("checkpoint_id",),
    "PipelineOrchestrator.validate_pipeline_config": ("config",),
    "PipelineOrchestrator.validate_pipeline_health": (),
    "StageManager.register_stage": ("stage",),
    "StageManager.execute_stage_with_retry": ("stage_name", "context"),
    "StageManager.validate_stage_dependencies": ("stage_name",),
    "StageManager.cleanup_stage_resources": ("stage_name",),
    "StateManager.save_checkpoint": ("pipeline_state",),
    "StateManager.load_checkpoint": ("checkpoint_id",),
    "StateManager.clear_pipeline_state": (),
    "StateManager.get_execution_history": (),
    "StageExecutor.execute_gitlab_ingestion": ("context",),
    "StageExecutor.execute_document_processing": ("context",),
    "StageExecutor.execute_text_chunking": ("context",),
    "StageExecutor.execute_embedding_generation": ("context",),
    "StageExecutor.execute_metadata_enrichment": ("context",),
    "StageExecutor.execute_vector_storage": ("context",),
    "AdvancedOrchestration.parallel_stage_execution": ("independent_stages", "context"),
    "AdvancedOrchestration.conditional_stage_execution": ("condition_checks", "context"),
    "AdvancedOrchestration.resource_aware_scheduling": ("available_resources",),
    "PipelineMonitor.get_real_time_status": (),
    "PipelineMonitor.cancel_execution": ("reason",),
    "PipelineMonitor.get_performance_metrics": (),
}
"""Parameters by class and method, in order; further ones have a default."""

FUNCTIONS: dict[str, tuple[str, ...]] = {
    "create_pipeline_dashboard": (),
    "display_execution_progress": (),
    "pipeline_configuration_widget": (),
    "stage_detail_viewer": (),
    "create_progress_tracker": (),
    "display_stage_metrics": ("stage_result",),
    "create_error_analysis_widget": (),
    "setup_notebook_environment": (),
    "create_pipeline_section_headers": (),
    "generate_execution_summary": (),
    "validate_configuration_widget": (),
    "pipeline_dry_run": (),
    "component_health_checker": (),
    "execute_stage_with_retry": ("stage", "context"),
    "handle_stage_failure": ("stage_name", "error", "context"),
    "recover_from_partial_failure": ("failed_stage", "pipeline_state"),
    "checkpoint_pipeline_state": ("pipeline_state",),
    "validate_pipeline_integrity": ("pipeline_state",),
    "cleanup_failed_execution": ("execution_id",),
}

FIELDS: dict[str, tuple[str, ...]] = {
    "PipelineConfig": (
        "gitlab_url", "gitlab_token", "target_branch", "target_folder", "chunk_size", "chunk_overlap",
        "batch_size", "qdrant_url", "qdrant_api_key", "collection_name", "force_refresh", "skip_existing",
        "max_retries", "parallel_processing", "min_confidence_threshold", "enable_quality_gates",
    ),
    "PipelineState": (
        "execution_id", "start_timestamp", "current_stage", "completed_stages", "failed_stages",
        "stage_results", "pipeline_config", "checkpoint_data",
    ),
    "StageResult": (
        "stage_name", "status", "start_time", "end_time", "input_count", "output_count", "success_count",
        "failure_count", "errors", "warnings", "metrics", "artifacts",
    ),
    "ExecutionContext": (
        "pipeline_config", "pipeline_state", "stage_dependencies", "available_memory", "execution_mode",
    ),
    "PipelineStage": (
        "name", "description", "dependencies", "executor_function", "retry_config", "resource_requirements",
        "validation_rules",
    ),
    "PipelineResult": (
        "execution_id", "overall_status", "total_duration", "stage_results", "final_metrics",
        "summary_report", "artifacts",
    ),
}  # fmt: skip

OPTIONAL: dict[str, object] = {
    "chunk_size": 500,
    "chunk_overlap": 100,
    "batch_size": 32,
    "force_refresh": False,
    "skip_existing": True,
    "max_retries": 3,
    "parallel_processing": True,
    "min_confidence_threshold": 0.8,
    "enable_quality_gates": True,
}
"""Settings for which the specification gives a default."""

MEMBERS: dict[str, set[str]] = {
    "ExecutionStatus": {"pending", "running", "success", "failed", "partial", "skipped", "cancelled"},
    "ExecutionMode": {"full", "incremental", "resume", "test"},
}

TYPES = (
    "CancellationResult", "CleanupResult", "DependencyValidation", "ExecutionPlan", "ExecutionRecord",
    "ExecutionSchedule", "HealthCheckResult", "IntegrityReport", "PerformanceReport", "PipelineMetrics",
    "PipelineStatus", "RecoveryAction", "RecoveryPlan", "ResourceInfo", "ResourceRequirements", "RetryConfig",
    "SetupResult", "ValidationResult", "ValidationRule",
)  # fmt: skip
"""Types that it names without their fields."""

ERRORS = {
    "PipelineOrchestrationError": "Exception",
    "StageExecutionError": "PipelineOrchestrationError",
    "DependencyResolutionError": "PipelineOrchestrationError",
    "ConfigurationError": "PipelineOrchestrationError",
    "StateManagementError": "PipelineOrchestrationError",
}
"""Each with its base."""

MODULES = {
    "orchestrator.py": ("runner.pipeline.orchestrator", "PipelineOrchestrator"),
    "stage_manager.py": ("runner.pipeline.stage_manager", "StageManager"),
    "dependency_resolver.py": ("runner.pipeline.dependency_resolver", "DependencyResolver"),
    "state_manager.py": ("runner.record.state_manager", "StateManager"),
    "config_manager.py": ("runner.config_manager", "load_config"),
    "progress_tracker.py": ("runner.cli.progress_tracker", "make_reporter"),
    "error_handler.py": ("runner.stages.error_handler", "handle_stage_failure"),
    "resource_manager.py": ("runner.kernels.resource_manager", "ResourceManager"),
    "report_generator.py": ("runner.record.report_generator", "summarize"),
    "pipeline_config.py": ("runner.settings.pipeline_config", "PipelineConfig"),
    "setup_and_config.py": ("runner.spec.notebook", "setup_notebook_environment"),
    "monitoring_and_reporting.py": ("runner.report.notebook", "generate_execution_summary"),
    "data_ingestion.py": ("stage_notebooks", "01_gitlab_ingestion.ipynb"),
    "document_processing.py": ("stage_notebooks", "02_document_processing.ipynb"),
    "text_chunking.py": ("stage_notebooks", "03_text_chunking.ipynb"),
    "embedding_generation.py": ("stage_notebooks", "04_embedding_generation.ipynb"),
    "metadata_enrichment.py": ("stage_notebooks", "05_metadata_enrichment.ipynb"),
    "vector_storage.py": ("stage_notebooks", "06_qdrant_storage.ipynb"),
}
"""Files that it names: the module that has that task, and a name in it, or the notebook."""

BENCHMARKS = {
    "benchmark_pipeline_throughput": {"small_batch": 100, "large_batch": 500, "incremental": 1000},
    "benchmark_memory_efficiency": 4096,
    "benchmark_checkpoint_overhead": 0.10,
}
"""Its benchmarks, in ``tests/bench/specification.py``, with their targets: documents an hour, MB, a share."""

_CHAIN, _SAMPLE = "integration/test_runner_chain.py", "integration/test_sample_chain.py"
_RUN = "unit/test_runner_pipeline_run.py"
TESTS = {
    "test_pipeline_configuration_validation": (
        "unit/test_runner_config.py", "test_a_wrong_value_is_told_with_its_origin_meaning_and_default"
    ),
    "test_stage_dependency_resolution": (
        "unit/test_runner_dependencies.py", "test_the_order_of_the_six_stages_and_what_may_run_side_by_side"
    ),
    "test_state_persistence_and_recovery": (
        _RUN, "test_a_run_that_is_resumed_makes_nothing_twice_and_says_so"
    ),
    "test_error_handling_and_retry": (_CHAIN, "test_a_passing_failure_is_retried"),
    "test_incremental_processing": (
        "integration/test_incremental_changes.py",
        "test_of_one_changed_document_each_stage_processes_only_that_one",
    ),
    "test_resource_management": (
        "unit/test_runner_resources.py",
        "test_stages_run_side_by_side_if_all_their_needs_fit_with_a_reserve",
    ),
    "test_progress_tracking": (
        "unit/test_runner_progress.py", "test_at_a_terminal_bars_show_the_pipeline_and_the_document_in_work"
    ),
    "mock_pipeline_stages": ("toy_chain.py", "toy_chain"),
    "sample_pipeline_config": (_CHAIN, "make"),
    "test_complete_pipeline_execution": (_SAMPLE, "test_the_run_ends_well_and_tells_its_figures"),
    "test_pipeline_resume_functionality": (
        "integration/test_crash_recovery.py",
        "test_outputs_are_lost_and_five_kills_later_the_collection_is_as_it_was",
    ),
    "test_incremental_update_processing": (
        "integration/test_incremental_changes.py",
        "test_one_renamed_one_deleted_and_one_added_change_exactly_those",
    ),
    "test_error_recovery_scenarios": (
        "integration/test_crash_recovery.py",
        "test_killed_between_upsert_and_delete",
    ),
    "test_stage_integration": (_SAMPLE, "test_every_file_of_the_sample_is_accounted_for"),
    "test_state_management_integration": (_RUN, "test_what_was_damaged_is_noticed_and_made_again"),
    "test_large_document_set_processing": ("bench/known_corpus.py", "main"),
    "test_resource_scaling": (
        "unit/test_runner_executor.py", "test_embedding_and_enrichment_start_together_only_where_both_fit"
    ),
    "test_configuration_security": (
        "unit/test_security_secrets.py", "test_a_token_in_any_setting_is_refused_without_being_repeated"
    ),
    "test_state_persistence_security": (
        "unit/test_security_outputs.py",
        "test_folders_and_files_are_their_owners_alone_whatever_the_umask",
    ),
    "test_error_message_security": (
        "unit/test_security_secrets.py", "test_what_a_worker_says_on_its_error_channel_is_hidden"
    ),
    "test_resource_access_security": (
        _CHAIN, "test_a_kernel_sees_only_the_secrets_of_its_stage_and_notebooks_hold_none"
    ),
}  # fmt: skip
"""Its tests and fixtures: the file below ``tests/`` and the function in it that keeps the promise."""
