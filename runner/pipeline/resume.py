"""Which run can go on, with which configuration, and how one of its kind is started anew."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from runner.config_manager import load_recorded
from runner.errors import ConfigurationError, StateManagementError
from runner.settings.pipeline_config import affects_result
from runner.settings.renamed import RenamedSettingWarning
from stagekit.contract import ExecutionStatus

if TYPE_CHECKING:
    from runner.models import PipelineState
    from runner.record.state_manager import StateManager
    from runner.settings.pipeline_config import PipelineConfig


def started_by(state: PipelineState) -> str:
    """Return the command that starts a run of this one's kind and scope."""
    if state.scope.only:
        return f"nic-etl rerun {state.scope.only[0]}{' --downstream' if state.scope.only[1:] else ''}"
    if state.trial:
        return f"nic-etl run --test {state.pipeline_config.get('document_limit', 'N')}"
    return "nic-etl run"


def require_resumable(manager: StateManager, state: PipelineState) -> None:
    """Refuse a run that has nothing left to do, or behind which another one has worked.

    Raises:
        StateManagementError: exit code 2, with what to do instead.
    """
    if state.status is ExecutionStatus.SUCCESS:
        raise StateManagementError(
            f"{state.execution_id} ended successfully; there is nothing to resume. "
            "`nic-etl run` looks for changes.",
            exit_code=2,
        )
    if newer := manager.newer_run(state):
        again = "`nic-etl run --test N`" if state.trial else "`nic-etl run`"
        raise StateManagementError(
            f"{state.execution_id} cannot be resumed, for {newer.execution_id} has run since: {again} goes "
            "on from there, and makes nothing twice that either has finished.",
            exit_code=2,
        )


def resumed_config(state: PipelineState, outputs_dir: str, changes: Mapping[str, Any]) -> PipelineConfig:
    """Return the configuration that a run is continued with: its own, but for what may change.

    Args:
        state: the run.
        outputs_dir: where the outputs folder is now; it may have been moved or restored since.
        changes: values of the command line by name.

    Raises:
        ConfigurationError: if one is wrong, or bears on what the run has made already.
    """
    recorded = dict(state.pipeline_config) | {"outputs_dir": outputs_dir}
    wanted = load_recorded(recorded, changes).config
    if not changes:
        return wanted
    with warnings.catch_warnings():  # of former names it has warned just now
        warnings.simplefilter("ignore", RenamedSettingWarning)
        own = load_recorded(recorded).config
    former, now = (one.model_dump(mode="json") for one in (own, wanted))
    if fixed := [name for name in now if now[name] != former[name] and affects_result(name)]:
        given = " ".join(f"-p {name}={changes.get(name, 'VALUE')}" for name in fixed)
        raise ConfigurationError(
            f"{' and '.join(fixed)} cannot change while {state.execution_id} is resumed, for what it has "
            f"made depends on it: start anew with `{started_by(state)} {given}`; what still holds is kept."
        )
    return wanted
