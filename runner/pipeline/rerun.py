"""What a rerun builds on: the results of stages that it does not execute, and the settings in force."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from runner.config_manager import PipelineConfig, recorded_settings
from runner.errors import ConfigurationError
from runner.models import Checkpoint, PipelineStage
from runner.pipeline.dependency_resolver import DependencyResolver
from runner.pipeline.differences import differences
from runner.pipeline.error_handler import CHANGEABLE
from runner.pipeline.fingerprint import stage_fingerprint, stage_parameters
from runner.pipeline.stages import notebook_parameters
from runner.record.run_lookup import digest_of
from runner.record.state_manager import StateManager
from stagekit.errors import StageError

__all__ = ["rerun_inputs", "tried_settings"]

# They say what a collection holds: a stage that is told one value must not read what another one made.
_SAME = ("chunk_size", "chunk_overlap", "embedding_model", "model_revision", "hybrid_search")


def rerun_inputs(
    stages: Mapping[str, PipelineStage],
    record: StateManager,
    resolver: DependencyResolver,
    config: PipelineConfig,
    only: Sequence[str],
) -> dict[str, str]:
    """Return the executed notebook of each stage that a rerun builds on, by the stage's name.

    Where another setting was tried since, it is not the last result but the one of this configuration.

    Args:
        stages: the chain.
        record: what is known of runs.
        resolver: the graph of the chain.
        config: of the rerun.
        only: the stages that are executed.

    Raises:
        ConfigurationError: if there is none of this configuration, and what is in force was made with another
            chunking or model than an executed stage is told.
    """
    declared = [stage_parameters(stages[name], config, {}, record.outputs) for name in only]
    shared = [name for name in _SAME if any(name in parameters for parameters in declared)]
    needed = {name for name in resolver.order if {*resolver.downstream(name)} & {*only}} - {*only}
    upstream: dict[str, str] = {}
    for name in (one for one in resolver.order if one in needed):
        if checkpoint := _result(stages[name], record, config, upstream, shared):
            upstream[name] = str(record.absolute(checkpoint.notebook))
    return upstream


def tried_settings(
    stages: Mapping[str, PipelineStage], record: StateManager, config: PipelineConfig, last: str
) -> list[str]:
    """Return the settings in which a configuration differs from that of the results in force.

    Args:
        stages: the chain.
        record: what is known of runs.
        config: of the rerun.
        last: the last stage; where the source has no result of it yet, nothing differs.

    Returns:
        names of settings that stages are told and that bear on results.
    """
    served = record.last_run_with(last, config.project)
    if served is None:
        return []
    told = {name for stage in stages.values() for name in notebook_parameters(stage.notebook)}
    before, wanted = recorded_settings(served.pipeline_config), config.model_dump(mode="json")
    shared = [name for name in wanted if name in told and name in before and name not in CHANGEABLE]
    return [name for name in shared if wanted[name] != before[name]]


def _result(
    stage: PipelineStage,
    record: StateManager,
    config: PipelineConfig,
    upstream: dict[str, str],
    shared: Sequence[str],
) -> Checkpoint | None:
    last = record.last_checkpoint(stage.name)
    if last is None:
        return None
    try:
        current = stage_fingerprint(stage, config, upstream, record.outputs)
    except StageError:  # an input is gone: whoever needs this stage's result is told so
        return last[1]
    if last[1].fingerprint == current:
        return last[1]
    # An older result of a stage that reads a source is of an older source, whatever its settings were.
    if not stage.outside and (found := record.find_checkpoint(stage.name, digest_of(current))):
        return found[1]
    keys = [f"parameter:{name}" for name in shared]
    made, wanted = ({key: one[key] for key in keys if key in one} for one in (last[1].fingerprint, current))
    if made.keys() == wanted.keys() and (said := differences(made, wanted)):
        raise ConfigurationError(
            f"{stage.name} was made with another setting ({'; '.join(said)}): rerun it too, with "
            f"`nic-etl rerun {stage.name} --downstream`, or let `nic-etl run` bring all in step."
        )
    return last[1]
