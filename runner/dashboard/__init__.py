"""Widgets to run, follow and understand the pipeline, in any notebook and in ``nic-etl dashboard``.

They need the extra ``dashboard`` (ipywidgets, voila). Names are imported when they are asked for, so that the
helper processes of this package load no widgets.
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
    from runner.dashboard.runs_view import run_history_widget as run_history_widget
    from runner.dashboard.search_view import search_widget as search_widget
    from runner.dashboard.settings_form import pipeline_configuration_widget as pipeline_configuration_widget
    from runner.dashboard.stage_view import stage_detail_viewer as stage_detail_viewer
    from runner.dashboard.workspace import Workspace as Workspace

__getattr__, __dir__, __all__ = lazy_names(__name__, __file__)
