"""What a rerun builds on, and which settings it tries."""

from __future__ import annotations

from collections.abc import Sequence

from runner.config_manager import recorded_settings
from runner.errors import ConfigurationError
from runner.models import Checkpoint, PipelineStage
from runner.pipeline.run import Run
from runner.record.run_lookup import digest_of
from runner.settings.pipeline_config import affects_result
from runner.stages.differences import differences
from runner.stages.fingerprint import stage_fingerprint, stage_parameters
from runner.stages.notebook_parameters import notebook_parameters
from stagekit.errors import StageError

# They say what a collection holds: a stage that is told one value must not read what another one made.
_SAME = ("chunk_size", "chunk_overlap", "embedding_model", "model_revision", "hybrid_search")


def rerun_inputs(run: Run, only: Sequence[str]) -> dict[str, str]:
    """Return the executed notebook of each stage that a rerun builds on, by the stage's name.

    Where another setting was tried since, it is not the last result but the one of this configuration. The
    rerun is planned, and executes the stages ``only``.

    Raises:
        ConfigurationError: if there is none of this configuration, and what is in force was made with another
            chunking or model than an executed stage is told.
    """
    told = [stage_parameters(run.stages[name], run.config, {}, run.manager.outputs) for name in only]
    shared = [name for name in _SAME if any(name in parameters for parameters in told)]
    upstream: dict[str, str] = {}
    for name in run.resolver.order:
        needed = name not in only and {*run.resolver.downstream(name)} & {*only}
        if needed and (checkpoint := _result(run.stages[name], run, upstream, shared)):
            upstream[name] = str(run.manager.absolute(checkpoint.notebook))
    return upstream


def tried_settings(run: Run) -> list[str]:
    """Return the settings in which a configuration differs from that of the results that readers see.

    Those are settings that stages are told and that bear on results; none differs as long as nothing is seen.
    """
    served = run.manager.last_run_with(run.resolver.order[-1], run.config.project)
    if served is None:
        return []
    told = {name for stage in run.stages.values() for name in notebook_parameters(stage.notebook)}
    before, wanted = recorded_settings(served.pipeline_config), run.config.model_dump(mode="json")
    shared = [name for name in wanted if name in told and name in before and affects_result(name)]
    return [name for name in shared if wanted[name] != before[name]]


def _result(
    stage: PipelineStage, run: Run, upstream: dict[str, str], shared: Sequence[str]
) -> Checkpoint | None:
    last = run.manager.last_checkpoint(stage.name)
    if last is None:
        return None
    try:
        current = stage_fingerprint(stage, run.config, upstream)
    except StageError:  # an input is gone: whoever needs this stage's result is told so
        return last[1]
    if last[1].fingerprint == current:
        return last[1]
    # An older result of a stage that reads a source is of an older source, whatever its settings were.
    if not stage.outside and (found := run.manager.find_checkpoint(stage.name, digest_of(current))):
        return found[1]
    keys = [f"parameter:{name}" for name in shared]
    made, wanted = ({key: one[key] for key in keys if key in one} for one in (last[1].fingerprint, current))
    if made.keys() == wanted.keys() and (said := differences(made, wanted)):
        raise ConfigurationError(
            f"{stage.name} was made with another setting ({'; '.join(said)}): rerun it too, with "
            f"`nic-etl rerun {stage.name} --downstream`, or let `nic-etl run` bring all in step."
        )
    return last[1]
