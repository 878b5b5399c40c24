"""Widgets to run, follow and understand the pipeline, in any notebook and in ``nic-etl dashboard``.

They need the extra ``dashboard`` (ipywidgets, voila). Names are imported when they are asked for, so that the
helper processes of this package load no widgets.
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
    from runner.dashboard.runs_view import run_history_widget
    from runner.dashboard.search_view import search_widget
    from runner.dashboard.settings_form import pipeline_configuration_widget
    from runner.dashboard.stage_view import stage_detail_viewer
    from runner.dashboard.workspace import Workspace

__all__ = [
    "Workspace",
    "component_health_checker",
    "create_error_analysis_widget",
    "create_pipeline_dashboard",
    "display_execution_progress",
    "pipeline_configuration_widget",
    "pipeline_dry_run",
    "run_history_widget",
    "search_widget",
    "stage_detail_viewer",
    "validate_configuration_widget",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "runner.dashboard.checks": (
            "component_health_checker",
            "pipeline_dry_run",
            "validate_configuration_widget",
        ),
        "runner.dashboard.documents_view": ("create_error_analysis_widget",),
        "runner.dashboard.panel": ("create_pipeline_dashboard",),
        "runner.dashboard.progress_view": ("display_execution_progress",),
        "runner.dashboard.runs_view": ("run_history_widget",),
        "runner.dashboard.search_view": ("search_widget",),
        "runner.dashboard.settings_form": ("pipeline_configuration_widget",),
        "runner.dashboard.stage_view": ("stage_detail_viewer",),
        "runner.dashboard.workspace": ("Workspace",),
    },
)
