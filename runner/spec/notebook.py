"""What a person's own notebook begins with: names and configuration, section headers, a progress tracker."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import runner
from runner.config_manager import load_config
from runner.models import PipelineStage
from runner.pipeline.orchestrator import PipelineOrchestrator
from runner.record.monitor import PipelineMonitor
from runner.record.notebook_progress import ProgressTracker
from runner.settings.pipeline_config import PipelineConfig
from runner.stages.chain import default_stages

if TYPE_CHECKING:
    from IPython.display import Markdown


@dataclass(frozen=True)
class NotebookEnvironment:
    """What a notebook works with.

    Attributes:
        config: the configuration.
        orchestrator: runs the pipeline with it; progress is shown below the cell.
        monitor: looks at the runs below its outputs folder.
    """

    config: PipelineConfig
    orchestrator: PipelineOrchestrator
    monitor: PipelineMonitor


def setup_notebook_environment(
    profile: str | None = None,
    settings: Mapping[str, Any] | None = None,
    *,
    namespace: MutableMapping[str, Any] | None = None,
) -> NotebookEnvironment:
    """Load the configuration, make the outputs folder, and give a notebook every public name of the runner.

    Args:
        profile: a profile's name or the path of a YAML file; None: as for the command line.
        settings: values that take the place of the profile's.
        namespace: gets the names of ``runner.__all__`` that it does not have yet; None: the notebook's own,
            or none where this is executed elsewhere.

    Raises:
        ConfigurationError: one sentence for each wrong setting, or problem of the configuration as a whole.
        StateManagementError: if the outputs folder cannot be used.
    """
    config = load_config(profile, settings).config
    orchestrator = PipelineOrchestrator(config=config)
    setup = orchestrator.setup_pipeline(config)
    if not setup.valid:
        raise runner.ConfigurationError("\n".join(setup.problems))
    names = _own_namespace() if namespace is None else namespace
    for name in runner.__all__:
        names.setdefault(name, getattr(runner, name))
    return NotebookEnvironment(config, orchestrator, PipelineMonitor(orchestrator.manager))


def create_pipeline_section_headers(stages: Iterable[PipelineStage] | None = None) -> dict[str, Markdown]:
    """Return a section header for each stage, by name: what its notebook says of itself, one level down.

    A header as the last expression of a cell is shown as text: title, what the stage reads, what it makes.

    Args:
        stages: the chain; None: the six stages.
    """
    from IPython.display import Markdown

    chosen = default_stages() if stages is None else stages
    return {stage.name: Markdown(f"#{_first_text(stage)}") for stage in chosen}


def create_progress_tracker() -> ProgressTracker:
    """Return a listener that draws a run: a bar for the pipeline and one for each stage at work.

    It is for ``PipelineOrchestrator(listener=…, jupyter_mode=False)``; in a notebook ``jupyter_mode``, which
    is on by default, does the same without it.
    """
    return ProgressTracker()


def _own_namespace() -> MutableMapping[str, Any]:
    from IPython import get_ipython

    shell: Any = get_ipython()
    return {} if shell is None else shell.user_ns


def _first_text(stage: PipelineStage) -> str:
    cells = json.loads(stage.notebook.read_text(encoding="utf-8"))["cells"]
    texts = ("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    return next(texts, f"# {stage.name}")
