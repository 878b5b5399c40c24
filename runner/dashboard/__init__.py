"""Widgets to run, follow and understand the pipeline, in any notebook and in ``nic-etl dashboard``.

They need the extra ``dashboard`` (ipywidgets, voila). Names are imported when they are asked for, so that the
helper processes of this package load no widgets.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

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

_HOMES = {
    "Workspace": "workspace",
    "component_health_checker": "checks",
    "create_error_analysis_widget": "documents_view",
    "create_pipeline_dashboard": "panel",
    "display_execution_progress": "progress_view",
    "pipeline_configuration_widget": "settings_form",
    "pipeline_dry_run": "checks",
    "run_history_widget": "runs_view",
    "search_widget": "search_view",
    "stage_detail_viewer": "stage_view",
    "validate_configuration_widget": "checks",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
